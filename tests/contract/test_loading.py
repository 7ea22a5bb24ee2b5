"""Karbor finds the plugins through their entry points, in any order."""

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
    """A registry of Karbor, empty; its in-tree class comes back after it."""
    monkeypatch.setattr(database, 'DatabaseInstanceProtectablePlugin',
                        database.DatabaseInstanceProtectablePlugin)
    return protectable_registry.ProtectableRegistry()


@pytest.mark.parametrize('order', itertools.permutations(
    ['database', 'trove-instance']), ids=' then '.join)
def test_ours_is_in_force_whatever_the_order(registry, order):
    for name in order:
        make = stevedore.DriverManager('karbor.protectables', name).driver
        registry.register_plugin(make())
    in_force = registry.get_protectable_resource_plugin(TYPE)
    assert type(in_force) is protectable.TroveInstanceProtectable
    assert type(in_force.instance('context', 'conf')) is (
        protectable.TroveInstanceProtectable)


def test_ours_is_in_force_in_karbors_own_registry(
        registry, fake_trove, context):
    registry.load_plugins()
    id_ = fake_trove.add_instance(name='orders', status='REBOOT')
    assert [found.id for found in registry.list_resources(context, TYPE)] == [
        id_]
    assert registry.show_resource(context, TYPE, id_).name == 'orders'


def test_importing_replaces_nothing():
    # In an interpreter in which nobody has called the entry point.
    subprocess.run([sys.executable, '-c', """
from karbor.services.protection.protectable_plugins import database
theirs = database.DatabaseInstanceProtectablePlugin
import karbor_trove.protectable
import karbor_trove.protection
assert database.DatabaseInstanceProtectablePlugin is theirs
assert theirs.__module__ == database.__name__
"""], check=True, cwd=pathlib.Path(__file__).parents[2])


def test_the_protection_plugin_is_found_by_its_name():
    manager = stevedore.DriverManager('karbor.protections',
                                      'karbor-trove-protection-plugin')
    assert manager.driver is protection.TroveProtectionPlugin


def test_a_provider_file_chooses_it(provider):
    assert provider.plugins == {TYPE: protection.TroveProtectionPlugin}
    assert type(provider.load_plugins()[TYPE]) is (
        protection.TroveProtectionPlugin)


@pytest.mark.parametrize('plugins', itertools.permutations(
    ['karbor-database-protection-plugin', 'karbor-trove-protection-plugin']),
    ids=' then '.join)
def test_the_last_line_of_a_provider_file_counts(load_providers, plugins):
    provider = load_providers(plugins).show_provider(conftest.PROVIDER_ID)
    ours = provider.plugins[TYPE] is protection.TroveProtectionPlugin
    assert ours == (plugins[-1] == 'karbor-trove-protection-plugin')


def test_the_options_of_a_provider_file_hold(load_providers):
    provider = load_providers(
        options='poll_interval = 0.25').show_provider(conftest.PROVIDER_ID)
    settings = options.register(provider._config)
    assert settings.poll_interval == 0.25
    assert settings.backup_timeout == 86400


@pytest.mark.parametrize('option', ['poll_interval', 'ready_timeout',
                                    'backup_timeout', 'restore_timeout',
                                    'delete_timeout'])
@pytest.mark.parametrize('value, told', [
    ('0', 'greater than or equal to 0.1'),
    ('-1', 'greater than or equal to 0.1'), ('soon', 'soon')])
def test_a_bad_option_is_named_and_leaves_nothing_stuck(
        load_providers, fake_trove, checkpoint, resource, context, restore,
        verify, option, value, told):
    plugin = load_providers(options='%s = %s' % (option, value)).show_provider(
        conftest.PROVIDER_ID).load_plugins()[TYPE]
    arguments = checkpoint, resource, context, {}
    for operation, kwargs, raised in (
            (plugin.get_protect_operation, {},
             exception.CreateResourceFailed),
            (plugin.get_verify_operation, {'verify': verify},
             exception.VerifyResourceFailed),
            (plugin.get_restore_operation,
             {'restore': restore, 'new_resources': {}},
             exception.RestoreResourceFailed)):
        with pytest.raises(raised, match=told) as refusal:
            operation(resource).on_main(*arguments, **kwargs)
        assert option in str(refusal.value)
    assert not fake_trove.requests
    plugin.get_delete_operation(resource).on_main(*arguments)
    section = checkpoint.get_resource_bank_section(resource.id)
    assert section.get_object('status') == 'deleted'


def test_a_sample_file_can_be_generated(capsys):
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
