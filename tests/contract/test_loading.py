"""Loading of the plugins by Karbor, through their entry points."""

import itertools
import pathlib
import subprocess
import sys

from karbor import exception
from karbor.services.protection.protectable_plugins import database
from karbor.services.protection import protectable_registry
from oslo_config import cfg
from oslo_config import generator
import pytest
import stevedore

from karbor_trove import options
from karbor_trove import protectable
from karbor_trove import protection
from tests.contract import conftest

TYPE = 'OS::Trove::Instance'


@pytest.fixture
def registry(monkeypatch):
    """An empty registry of Karbor. The test does not replace the class."""
    monkeypatch.setattr(database, 'DatabaseInstanceProtectablePlugin',
                        database.DatabaseInstanceProtectablePlugin)
    return protectable_registry.ProtectableRegistry()


@pytest.mark.parametrize('order', itertools.permutations(
    ['database', 'trove-instance']), ids=' then '.join)
def test_plugin_replaces_the_in_tree_protectable_in_any_order(registry, order):
    for name in order:
        make = stevedore.DriverManager('karbor.protectables', name).driver
        registry.register_plugin(make())
    plugin = registry.get_protectable_resource_plugin(TYPE)
    assert type(plugin) is protectable.TroveInstanceProtectable
    assert type(plugin.instance('context', 'conf')) is (
        protectable.TroveInstanceProtectable)


def test_plugin_is_used_by_karbors_registry(registry, fake_trove, context):
    registry.load_plugins()
    id_ = fake_trove.add_instance(name='orders', status='REBOOT')
    assert [resource.id for resource
            in registry.list_resources(context, TYPE)] == [id_]
    assert registry.show_resource(context, TYPE, id_).name == 'orders'


def test_import_does_not_replace_the_in_tree_protectable():
    # A new interpreter, in which no test has called the entry point.
    subprocess.run([sys.executable, '-c', """
from karbor.services.protection.protectable_plugins import database
in_tree = database.DatabaseInstanceProtectablePlugin
import karbor_trove.protectable
import karbor_trove.protection
assert database.DatabaseInstanceProtectablePlugin is in_tree
assert in_tree.__module__ == database.__name__
"""], check=True, cwd=pathlib.Path(__file__).parents[2])


def test_protection_plugin_is_found_by_its_entry_point():
    manager = stevedore.DriverManager('karbor.protections',
                                      'karbor-trove-protection-plugin')
    assert manager.driver is protection.TroveProtectionPlugin


def test_provider_file_selects_the_plugin(provider):
    assert provider.plugins == {TYPE: protection.TroveProtectionPlugin}
    assert type(provider.load_plugins()[TYPE]) is (
        protection.TroveProtectionPlugin)


@pytest.mark.parametrize('plugins', itertools.permutations(
    ['karbor-database-protection-plugin', 'karbor-trove-protection-plugin']),
    ids=' then '.join)
def test_last_plugin_line_of_a_provider_file_wins(load_providers, plugins):
    provider = load_providers(plugins).show_provider(conftest.PROVIDER_ID)
    is_selected = provider.plugins[TYPE] is protection.TroveProtectionPlugin
    assert is_selected == (plugins[-1] == 'karbor-trove-protection-plugin')


def test_options_are_read_from_the_provider_file(load_providers):
    provider = load_providers(
        options='poll_interval = 0.25').show_provider(conftest.PROVIDER_ID)
    settings = options.register(provider._config)
    assert settings.poll_interval == 0.25
    assert settings.backup_timeout == 86400


@pytest.mark.parametrize('option', ['poll_interval', 'ready_timeout',
                                    'backup_timeout', 'restore_timeout',
                                    'delete_timeout'])
@pytest.mark.parametrize('value, message', [
    ('0', 'greater than or equal to 0.1'),
    ('-1', 'greater than or equal to 0.1'), ('soon', 'soon')])
def test_bad_option_is_named_and_delete_still_succeeds(
        load_providers, fake_trove, checkpoint, resource, context, restore,
        verify, option, value, message):
    plugin = load_providers(options='%s = %s' % (option, value)).show_provider(
        conftest.PROVIDER_ID).load_plugins()[TYPE]
    arguments = checkpoint, resource, context, {}
    for get_operation, kwargs, failure_class in (
            (plugin.get_protect_operation, {},
             exception.CreateResourceFailed),
            (plugin.get_verify_operation, {'verify': verify},
             exception.VerifyResourceFailed),
            (plugin.get_restore_operation,
             {'restore': restore, 'new_resources': {}},
             exception.RestoreResourceFailed)):
        with pytest.raises(failure_class, match=message) as raised:
            get_operation(resource).on_main(*arguments, **kwargs)
        assert option in str(raised.value)
    assert not fake_trove.requests
    plugin.get_delete_operation(resource).on_main(*arguments)
    section = checkpoint.get_resource_bank_section(resource.id)
    assert section.get_object('status') == 'deleted'


def test_sample_file_has_every_option(capsys):
    conf = cfg.ConfigOpts()
    generator.register_cli_opts(conf)
    conf(['--namespace', 'karbor_trove'], default_config_dirs=[])
    generator.generate(conf)
    sample = capsys.readouterr().out
    assert '[trove_protection_plugin]' in sample
    for default in ('poll_interval = 5.0', 'ready_timeout = 3600.0',
                    'backup_timeout = 86400.0', 'restore_timeout = 86400.0',
                    'delete_timeout = 3600.0', 'full_backup_every = 7',
                    'keep_failed_restores = true'):
        assert '#%s\n' % default in sample
    assert '# Minimum value: 0.1' in sample
    assert '[trove_passthrough_plugin]' in sample
    assert '#types = OS::Keystone::Project,OS::Nova::Server,' in sample
