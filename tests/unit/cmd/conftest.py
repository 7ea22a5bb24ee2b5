"""Fixtures that run karbor-trove-manage against the fake Trove."""

import functools
import json
import logging
import os
import signal
import textwrap
import uuid
import warnings

from karbor import resource as karbor_resource
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph
from keystoneauth1 import loading
from oslo_config import cfg
import pytest

from karbor_trove.bank import record
from karbor_trove.bank import storage
from karbor_trove.bank import verification_results
from karbor_trove.cmd import manage as command
from karbor_trove import polling
from karbor_trove.trove import models
from tests.fake_trove import cloud as clouds
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
def status(checkpoint):
    """Return a function that reads the status of the checkpoint."""
    def status():
        checkpoint.reload_meta_data()
        return checkpoint.status
    return status


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


class RestorePoint:
    """A checkpoint of one instance, its backup and its section."""

    def __init__(self, checkpoint, instance_id, backup):
        self.id = checkpoint.id
        self.checkpoint = checkpoint
        self.backup = backup
        self.section = checkpoint.get_resource_bank_section(instance_id)

    def set_status(self, status):
        self.checkpoint.status = status
        self.checkpoint.commit()

    def add_verification(self, level, minute, passed=True, reason='',
                         seconds=None):
        verification_results.write(
            self.section, verification_results.VerificationResult(
                level, '2026-02-01T00:%02d:00' % minute, passed, reason,
                seconds))


@pytest.fixture
def add_point(bank, fake_trove, clock, resource):
    """Return a function that adds a restore point.

    Each backup is a minute newer than the one before.
    """
    def add_point(instance_id=resource.id, project_id=clouds.PROJECT,
                  status='available', name='orders',
                  type_=fixtures.RESOURCE_TYPE, **backup):
        clock.sleep(60)
        plan = {'id': str(uuid.uuid4()), 'name': 'plan', 'resources': [],
                'provider_id': str(uuid.uuid4()), 'project_id': project_id}
        checkpoint = karbor_checkpoint.CheckpointCollection(bank).create(
            plan, context=fixtures.request_context(project_id))
        checkpoint._md_cache['timestamp'] = int(clock.now())
        checkpoint.resource_graph = [graph.GraphNode(
            value=karbor_resource.Resource(type_, instance_id, name),
            child_nodes=())]
        point = RestorePoint(
            checkpoint, instance_id, fake_trove.add_backup(
                instance_id, project_id=project_id, **backup))
        record.write(point.section, record.BackupRecord(
            models.Instance(instance_id, name), backup_id=point.backup))
        point.set_status(status)
        return point
    return add_point


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


@pytest.fixture
def run_interrupted(run, config_file, monkeypatch):
    """Return a function that runs the command and sends it a signal.

    The signal arrives before a write to the bank. The function returns how
    often the command wrote to the bank.
    """
    def run_interrupted(number, writes_before, *words):
        written = []

        def write_and_interrupt(section, key, value):
            if len(written) == writes_before:
                os.kill(os.getpid(), number)
            written.append(key)
            write(section, key, value)

        def end(number, frame):
            raise KeyboardInterrupt

        write = storage.write
        monkeypatch.setattr(storage, 'write', write_and_interrupt)
        handler = signal.signal(number, end)
        try:
            code, out, _ = run(*words, '--config-file', config_file)
        finally:
            assert signal.signal(number, handler) is end
        assert (code, out) == (128 + number, '')
        return len(written)
    return run_interrupted
