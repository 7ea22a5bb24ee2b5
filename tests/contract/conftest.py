"""Fixtures: Karbor's providers with the plugins and the fake Trove."""

import textwrap

from karbor.services.protection.flows import workflow
from karbor.services.protection import provider as providers
from karbor.services.protection import resource_flow
from oslo_config import cfg
import pytest

from tests.fake_trove import keystone
from tests.fake_trove import object_store
from tests.unit.conftest import *  # noqa: F401,F403

PROVIDER_ID = 'cf56bd3e-97a7-4078-b6d5-f36246333fd9'


@pytest.fixture(autouse=True)
def no_waiting_time(fake_trove):
    """Let Trove finish at once, because Karbor passes the real clock."""
    fake_trove.build_seconds = fake_trove.healthy_seconds = 0
    fake_trove.start_seconds = fake_trove.backup_seconds = 0
    fake_trove.delete_seconds = 0


@pytest.fixture
def load_providers(karbor_conf, tmp_path):
    """Return a function that loads the provider files of a folder."""
    def load(plugins=('karbor-trove-protection-plugin',), options='',
             bank='karbor-fs-bank-plugin'):
        folder = tmp_path / 'providers.d'
        folder.mkdir(exist_ok=True)
        (folder / 'trove.conf').write_text(textwrap.dedent('''\
            [provider]
            name = databases
            id = %s
            description = Databases of Trove
            bank = %s
            enabled = True
            %s
            [file_system_bank_plugin]
            file_system_bank_path = %s
            [swift_client]
            swift_auth_url = %s/v3
            swift_user = karbor
            swift_key = password
            swift_tenant_name = service
            [trove_protection_plugin]
            %s
            ''') % (PROVIDER_ID, bank,
                    '\n'.join('plugin = ' + name for name in plugins),
                    tmp_path / 'bank', keystone.URL, options))
        cfg.CONF.set_override('provider_config_dir', str(folder))
        return providers.ProviderRegistry()
    yield load
    cfg.CONF.clear_override('provider_config_dir')


@pytest.fixture
def provider(load_providers):
    """The provider of a file that names the plugin."""
    return load_providers(options='poll_interval = 0.1').show_provider(
        PROVIDER_ID)


@pytest.fixture
def run_flow(provider, context):
    """Return a function that runs an operation on all resources."""
    def run(operation, checkpoint, parameters=None, provider=provider,
            **store):
        engine = workflow.TaskFlowEngine()
        flow = resource_flow.build_resource_flow(
            operation, context, engine, provider.load_plugins(),
            checkpoint.resource_graph, parameters)
        engine.run_engine(engine.get_engine(flow, store=dict(
            store, context=context, checkpoint=checkpoint,
            operation_log=None)))
    return run


@pytest.fixture
def store(fake_trove, clock):
    """The account of Karbor's user in a fake Swift."""
    store = object_store.ObjectStore(clock)
    store.attach(fake_trove.mocker)
    return store
