"""Fixtures: the bank plugins of this package and those of Karbor."""

from karbor.services.protection import bank_plugin
from karbor.services.protection.bank_plugins import file_system_bank_plugin
from karbor.services.protection.bank_plugins import swift_bank_plugin
from karbor.services.protection import client_factory
from oslo_config import cfg
import pytest
import requests_mock

from karbor_trove.bank_plugins import file_system
from karbor_trove.bank_plugins import swift
from tests.fake_trove import keystone
from tests.fake_trove import object_store

PLUGINS = {
    'swift': swift.SwiftBankPlugin,
    'file-system': file_system.FileSystemBankPlugin,
    'swift-of-karbor': swift_bank_plugin.SwiftBankPlugin,
    'file-system-of-karbor': file_system_bank_plugin.FileSystemBankPlugin,
}

PROVIDER = '''
[swift_client]
swift_auth_url = {keystone}/v3
swift_user = karbor
swift_key = password
swift_tenant_name = service
swift_retry_attempts = {retries}
swift_retry_backoff = 0
[swift_bank_plugin]
bank_swift_object_container = karbor
[file_system_bank_plugin]
file_system_bank_path = {folder}
'''


@pytest.fixture
def store(karbor_conf, clock):
    """Karbor's account in a fake Swift."""
    store = object_store.ObjectStore(clock)
    with requests_mock.Mocker(case_sensitive=True) as mocker:
        keystone.attach(mocker)
        store.attach(mocker)
        store.mocker = mocker
        yield store


@pytest.fixture
def make_plugin(tmp_path, store):
    """Return a function that creates a plugin with one provider file."""
    assert client_factory.ClientFactory.get_client_module('swift')

    def make(kind, retries=0):
        path = tmp_path / 'provider.conf'
        path.write_text(PROVIDER.format(
            keystone=keystone.URL, folder=tmp_path / 'bank', retries=retries))
        config = cfg.ConfigOpts()
        config(['--config-file', str(path)], default_config_dirs=[])
        return PLUGINS[kind](config)
    return make


@pytest.fixture
def make_bank(make_plugin):
    """Return a function that creates a bank with a plugin."""
    return lambda kind, **arguments: bank_plugin.Bank(
        make_plugin(kind, **arguments))


@pytest.fixture
def folder(tmp_path):
    """The directory of a bank in a file system."""
    return tmp_path / 'bank/karbor'
