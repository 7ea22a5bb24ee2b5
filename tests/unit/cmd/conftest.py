"""The command with a karbor.conf and provider files, over the fake Trove."""

import json
import logging
import textwrap
import warnings

from keystoneauth1 import loading
from oslo_config import cfg
import pytest

from tests.fake_trove import fixtures
from tests.fake_trove import keystone
from tests.unit import plugin_fixtures as flows

delete = flows.delete
journal = flows.journal
make_plugin = flows.make_plugin
plugin = flows.plugin
protect = flows.protect
provider_conf = flows.provider_conf

PROVIDER = '''\
[provider]
name = {name}
id = {name}
bank = karbor-fs-bank-plugin
plugin = karbor-trove-protection-plugin
enabled = {enabled}
[file_system_bank_plugin]
file_system_bank_path = {bank}
[trove_protection_plugin]
poll_interval = 0.1
delete_timeout = 2
'''


@pytest.fixture
def add_provider(tmp_path):
    """Writes a provider file."""
    folder = tmp_path / 'providers.d'
    folder.mkdir()

    def add(name, bank, enabled=True):
        (folder / (name + '.conf')).write_text(PROVIDER.format(
            name=name, bank=bank, enabled=enabled))
        return folder
    return add


@pytest.fixture
def config_file(fake_trove, add_provider, tmp_path):
    """A karbor.conf; its one provider has the bank of the fixture `bank`."""
    folder = add_provider('databases', tmp_path / 'bank')
    path = tmp_path / 'manage.conf'
    keystone_authtoken = textwrap.dedent('''\
        [DEFAULT]
        provider_config_dir = {folder}
        [keystone_authtoken]
        auth_type = password
        auth_url = {keystone}/v3
        username = karbor
        password = password
        user_domain_name = Default
        project_name = service
        project_domain_name = Default
        ''').format(folder=folder, keystone=keystone.URL)
    path.write_text(keystone_authtoken + fixtures.KARBOR_CONF)
    yield path
    cfg.CONF.reset()
    cfg.CONF.unregister_opts(
        loading.get_auth_plugin_conf_options('password'),
        'keystone_authtoken')


@pytest.fixture
def manage(config_file, capsys):
    """Runs the command; gives its exit code, its rows and its complaint."""
    from karbor_trove.cmd import manage as command

    def run(*words, expect=0):
        with warnings.catch_warnings():
            code = command.main([*words, '--config-file', str(config_file),
                                 '--format', 'json'])
        logging.disable(logging.NOTSET)
        out, err = capsys.readouterr()
        assert code == expect, err
        assert len(err.splitlines()) == code and 'Traceback' not in err
        run.err = err
        return json.loads(out) if out else err
    return run
