"""Fixtures: the fake Trove, and the objects that Karbor passes to a plugin.

The fixtures need no network, no database and no message broker.
"""

import contextlib
import pathlib
import typing
import uuid

from karbor import context as karbor_context
from karbor import resource as karbor_resource
from karbor.services.protection import bank_plugin
from karbor.services.protection.bank_plugins import file_system_bank_plugin
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import client_factory
from oslo_config import cfg
import pytest
import requests_mock

from tests.fake_trove import clock as clocks
from tests.fake_trove import cloud as clouds
from tests.fake_trove import karbor_records
from tests.fake_trove import keystone
from tests.fake_trove import server

RESOURCE_TYPE = 'OS::Trove::Instance'

KARBOR_CONF = '''
[trustee]
auth_type = password
auth_url = {keystone}/v3
username = karbor
password = password
user_domain_id = default
[clients_keystone]
auth_uri = {keystone}
[trove_client]
trove_endpoint = {trove}
'''.format(keystone=keystone.URL, trove=server.FakeTrove.url)


@pytest.fixture
def clock() -> clocks.Clock:
    """Virtual time, for the fake and for the code under test."""
    return clocks.Clock()


@pytest.fixture
def karbor_conf(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
                ) -> typing.Iterator[cfg.ConfigOpts]:
    """The global configuration of oslo.config, with a karbor.conf loaded."""
    # python-troveclient writes all ids that it reads to a file.
    monkeypatch.setenv('TROVECLIENT_UUID_CACHE_DIR', str(tmp_path / 'ids'))
    # Karbor's ClientFactory caches one Keystone plugin per process.
    factory = client_factory.ClientFactory
    monkeypatch.setattr(factory, '_keystone_plugin', None)
    # These calls register the options of trove_client and swift_client.
    assert factory.get_client_module('trove')
    factory.get_client_module('swift').register_opts(cfg.CONF)
    path = tmp_path / 'karbor.conf'
    path.write_text(KARBOR_CONF)
    cfg.CONF(['--config-file', str(path)], project='karbor',
             default_config_dirs=[])
    yield cfg.CONF
    cfg.CONF.reset()
    # reset() does not remove the values that a test has set. Karbor registers
    # auth_url only when it needs this option.
    with contextlib.suppress(cfg.NoSuchOptError):
        cfg.CONF.clear_override('auth_url', 'trustee')
    for group in 'trove_client', 'swift_client':
        for name in cfg.CONF[group]:
            cfg.CONF.clear_override(name, group)
            # Without this line, oslo.config would still report that the
            # option is set.
            cfg.CONF._groups[group]._opts[name].pop('location', None)


@pytest.fixture
def release() -> typing.Union[str, int, float]:
    """The release of the fake Trove. A test module or class may override it.

    It is the name or the version of the release.
    """
    return 26.0


@pytest.fixture
def fake_trove(clock: clocks.Clock, karbor_conf: cfg.ConfigOpts,
               release: typing.Union[str, int, float]
               ) -> typing.Iterator[server.FakeTrove]:
    """A fake Trove, to which the clients of Karbor's ClientFactory connect."""
    fake = server.FakeTrove(clock, release)
    with requests_mock.Mocker(case_sensitive=True) as mocker:
        keystone.attach(mocker)
        fake.attach(mocker)
        yield fake


@pytest.fixture
def context() -> karbor_context.RequestContext:
    """The context of a request with a token for the fake Trove's project."""
    return request_context(clouds.PROJECT)


def request_context(project_id: str) -> karbor_context.RequestContext:
    """Return the context of a request by a user of this project."""
    return karbor_context.RequestContext(
        user_id=uuid.uuid4().hex, project_id=project_id, is_admin=False,
        roles=['member'], auth_token=keystone.TOKEN,
        auth_token_info=keystone.build_token(project_id), overwrite=False)


@pytest.fixture
def bank(tmp_path: pathlib.Path) -> bank_plugin.Bank:
    """Karbor's file-system bank in a temporary directory."""
    config = cfg.ConfigOpts()
    config([], default_config_files=[], default_config_dirs=[])
    group = 'file_system_bank_plugin'
    config.register_opts(
        file_system_bank_plugin.file_system_bank_plugin_opts, group)
    config.set_override(
        'file_system_bank_path', str(tmp_path / 'bank'), group)
    return bank_plugin.Bank(
        file_system_bank_plugin.FileSystemBankPlugin(config))


@pytest.fixture
def new_checkpoint(bank: bank_plugin.Bank,
                   context: karbor_context.RequestContext
                   ) -> typing.Callable[[], karbor_checkpoint.Checkpoint]:
    """A function that creates checkpoints, all of one plan and in one bank."""
    plan = {'id': str(uuid.uuid4()), 'name': 'plan',
            'provider_id': str(uuid.uuid4()),
            'project_id': context.project_id, 'resources': []}
    collection = karbor_checkpoint.CheckpointCollection(bank)
    return lambda: collection.create(plan, context=context)


@pytest.fixture
def checkpoint(new_checkpoint: typing.Callable[
        [], karbor_checkpoint.Checkpoint]) -> karbor_checkpoint.Checkpoint:
    """A checkpoint that is being created."""
    return new_checkpoint()


@pytest.fixture
def resource(fake_trove: server.FakeTrove) -> karbor_resource.Resource:
    """An instance of the fake Trove, as Karbor passes it to a plugin."""
    return karbor_resource.Resource(
        RESOURCE_TYPE, fake_trove.add_instance(name='orders'), 'orders')


@pytest.fixture
def restore(context: karbor_context.RequestContext,
            checkpoint: karbor_checkpoint.Checkpoint
            ) -> karbor_records.Restore:
    """Karbor's record of a restore of the checkpoint."""
    return karbor_records.new(karbor_records.Restore, context, checkpoint.id)


@pytest.fixture
def verify(context: karbor_context.RequestContext,
           checkpoint: karbor_checkpoint.Checkpoint
           ) -> karbor_records.Verification:
    """Karbor's record of a verification of the checkpoint."""
    return karbor_records.new(karbor_records.Verification, context,
                              checkpoint.id)
