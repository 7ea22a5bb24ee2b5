"""Fixtures that run karbor-trove-manage against the fake Trove."""

import functools
import json
import logging
import textwrap
import warnings

from keystoneauth1 import loading
from oslo_config import cfg
import pytest

from karbor_trove.cmd import manage as command
from karbor_trove import polling
from tests.fake_trove import fixtures
from tests.fake_trove import keystone

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
    """Return a function that writes a provider file."""
    folder = tmp_path / 'providers.d'
    folder.mkdir()

    def add(name, bank, enabled=True):
        (folder / (name + '.conf')).write_text(PROVIDER.format(
            name=name, bank=bank, enabled=enabled))
        return folder
    return add


@pytest.fixture
def config_file(fake_trove, add_provider, tmp_path, new_checkpoint):
    """Return a karbor.conf. Its provider uses the bank of the fixture bank."""
    folder = add_provider('databases', tmp_path / 'bank')
    # The commands do not accept an empty bank.
    new_checkpoint().delete()
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
def run_application(capsys, monkeypatch, clock):
    """Return a function that runs an application with these arguments.

    It returns the exit code, standard output and standard error. The
    application has the clock of the fake Trove.
    """
    def run(main, *words):
        with warnings.catch_warnings():
            try:
                code = main([str(word) for word in words])
            except SystemExit as error:
                code = error.code or 0
        return (code, *capsys.readouterr())

    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield run
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture
def run(run_application):
    """Return a function that runs karbor-trove-manage."""
    return functools.partial(run_application, command.main)


@pytest.fixture
def manage(run, config_file):
    """Return a function that runs the command and returns its rows.

    Without rows it returns the message on standard error. That is also in its
    attribute `err`.
    """
    def manage(*words, expect=0):
        code, out, err = run(*words, '--config-file', config_file,
                             '--format', 'json')
        assert code == expect, err
        assert len(err.splitlines()) == code and 'Traceback' not in err
        manage.err = err
        return json.loads(out) if out else err
    return manage
