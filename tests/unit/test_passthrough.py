"""The plugin for resource types that stay unprotected."""

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import provider
from oslo_config import cfg
import pytest

from karbor_trove import options
from karbor_trove import passthrough

SERVER = 'OS::Nova::Server'
VOLUME = 'OS::Cinder::Volume'
#: Karbor also takes the path of a class as the name of a plugin.
NAME = 'karbor_trove.passthrough.PassthroughPlugin'
OPERATIONS = ('protect', 'restore', 'verify', 'copy', 'delete')
HOOKS = ('on_prepare_begin', 'on_prepare_finish', 'on_main', 'on_complete')


class VolumePlugin:
    """A plugin that protects volumes."""

    @classmethod
    def get_supported_resources_types(cls):
        return [VOLUME]


VOLUME_NAME = '%s.%s' % (__name__, VolumePlugin.__name__)


@pytest.fixture
def load(tmp_path):
    """Return a function that loads a provider file and creates the plugin."""
    def load(*names, types=None):
        path = tmp_path / 'provider.conf'
        path.write_text('[provider]\n%s[trove_passthrough_plugin]\n%s' % (
            ''.join('plugin = %s\n' % name for name in names or [NAME]),
            '' if types is None else 'types = %s\n' % types))
        config = cfg.ConfigOpts()
        config(['--config-file', str(path)], default_config_dirs=[])
        config.register_opts(provider.provider_opts, 'provider')
        return passthrough.PassthroughPlugin(config)
    return load


@pytest.fixture
def run(checkpoint, context):
    """Return a function that runs all hooks of an operation."""
    def run(plugin, operation='protect', type_=SERVER):
        value = karbor_resource.Resource(type_, '1', 'name')
        hooks = getattr(plugin, 'get_%s_operation' % operation)(value)
        for hook in HOOKS:
            getattr(hooks, hook)(
                checkpoint=checkpoint, resource=value, context=context,
                parameters={}, operation_log=None)
    return run


@pytest.fixture
def refuse(run):
    """Return a function that runs protect and returns the reason."""
    def refuse(plugin, type_=SERVER):
        with pytest.raises(exception.CreateResourceFailed) as raised:
            run(plugin, type_=type_)
        return str(raised.value)
    return refuse


@pytest.mark.parametrize('operation', OPERATIONS)
@pytest.mark.parametrize('type_', options.PASSTHROUGH_TYPES)
def test_operation_does_nothing(load, run, checkpoint, type_, operation):
    keys = checkpoint.checkpoint_section.list_objects()
    run(load(), operation, type_)
    assert checkpoint.checkpoint_section.list_objects() == keys


@pytest.mark.parametrize('kind', ['options', 'restore', 'verify',
                                  'saved_info'])
@pytest.mark.parametrize('type_', options.PASSTHROUGH_TYPES)
def test_schema_is_complete_and_says_not_protected(kind, type_):
    schema = getattr(passthrough.PassthroughPlugin,
                     'get_%s_schema' % kind)(type_)
    assert schema == {'title': type_ + ' itself is NOT protected',
                      'type': 'object', 'properties': {}}


def test_type_of_the_option_stays_unprotected(load, run):
    run(load(types='OS::Keystone::Project, OS::Nova::Server'))


@pytest.mark.parametrize('types, shown', [
    ('OS::Keystone::Project', 'OS::Keystone::Project'),
    ('OS::Keystone::Project,OS::Cinder::Volume',
     'OS::Keystone::Project, OS::Cinder::Volume'),
    ('', 'no type')])
def test_type_that_is_not_in_the_option_is_refused(
        load, refuse, checkpoint, tmp_path, caplog, types, shown):
    reason = refuse(load(types=types))
    for text in reason, caplog.text:
        assert str(tmp_path / 'provider.conf') in text
        assert 'no plugin that protects OS::Nova::Server' in text
        assert 'which now has: ' + shown in text
    assert checkpoint.id in caplog.text


@pytest.mark.parametrize('value', [
    'OS::Nova::Servers', 'OS::Trove::Instance', 'os::nova::server',
    'OS::Nova::Server;OS::Cinder::Volume', 'OS::Neutron::Port'])
def test_unknown_type_is_named_with_the_allowed_ones(load, refuse, value):
    reason = refuse(load(types='OS::Nova::Server,' + value))
    assert "types 'OS::Nova::Server,%s' is not allowed: " % value in reason
    assert ', '.join(options.PASSTHROUGH_TYPES) in reason


@pytest.mark.parametrize('operation', ['restore', 'verify', 'copy', 'delete'])
@pytest.mark.parametrize('types', ['OS::Keystone::Project', 'OS::Nova'])
def test_existing_checkpoint_is_restored_and_deleted_with_other_types(
        load, run, types, operation):
    run(load(types=types), operation)


def test_plugin_in_a_later_line_replaces_this_one(load, run):
    run(load(NAME, VOLUME_NAME))


def test_type_of_an_earlier_plugin_is_refused(load, run, refuse):
    plugin = load(VOLUME_NAME, NAME)
    reason = refuse(plugin, VOLUME)
    assert 'names %s for OS::Cinder::Volume' % VOLUME_NAME in reason
    assert '"plugin = karbor-trove-passthrough-plugin" before' in reason
    run(plugin)
    run(plugin, 'delete', VOLUME)


def test_type_of_a_plugin_between_two_passthrough_plugins_is_refused(
        load, run, refuse):
    plugin = load(NAME, VOLUME_NAME, NAME)
    assert 'names %s for OS::Cinder::Volume' % VOLUME_NAME in refuse(
        plugin, VOLUME)
    run(plugin)
