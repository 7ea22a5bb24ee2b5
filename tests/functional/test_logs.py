"""What the logs of the services have at level DEBUG, clients included."""

import json
import os
import re
import subprocess

import pytest

from tests.functional import api_tenant as tenants
from tests.functional import test_manage
from tests.sandbox import cloud
from tests.sandbox.services import cloud as catalog

#: Every token of the sandbox is a Fernet token of at least this length.
TOKEN = re.compile(r'gAAAAA[\w-]{60,}')


@pytest.fixture(scope='module')
def sandbox():
    """A sandbox whose Karbor logs everything and notifications as well."""
    with cloud.Sandbox(
            plugin={'verify_level': 'restore', 'verify_flavor_id': '1',
                    'verify_net_id': catalog.NETWORK},
            overrides={'karbor': {'options': {
                'DEFAULT': {
                    'debug': True,
                    # Otherwise oslo.log hides what the clients log.
                    'default_log_levels': ','.join(
                        '%s=DEBUG' % name for name in (
                            'keystoneauth', 'keystonemiddleware', 'requests',
                            'swiftclient', 'troveclient', 'urllib3',
                            'oslo.messaging', 'oslo_messaging', 'stevedore'))},
                'oslo_messaging_notifications': {'driver': 'log'}}}},
    ) as running:
        yield running


def manage(sandbox, *words):
    """Run karbor-trove-manage with the credentials of the tenant.

    It returns standard output and standard error together.
    """
    process = subprocess.run(
        [test_manage.COMMAND, *words, '--config-file',
         sandbox.directory / 'karbor' / 'karbor.conf'],
        env={**os.environ, **sandbox.variables('tenant')},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(process.stdout)
    return process.stdout


@pytest.fixture(scope='module')
def lines(sandbox):
    """The lines of Karbor's log after each operation has run once.

    The last restore fails, because its network does not exist.
    """
    tenant = tenants.Tenant(sandbox)
    instance = tenant.create_instance()
    tenant.create_table(instance, 100)
    checkpoint = tenant.protect(tenant.create_plan([instance]))
    sandbox.verify_output = manage(
        sandbox, 'verify', '--oldest-unverified', '1', '--debug')
    assert '| %s | ' % checkpoint in sandbox.verify_output
    tenant.restore(checkpoint)
    sandbox.healthy_lines = sandbox.services[
        'karbor'].log.read_text().splitlines()
    tenant.restore(checkpoint, {'restore_flavor_id': 'none'}, expect='fail')
    tenant.delete_checkpoint(checkpoint)
    yield sandbox.services['karbor'].log.read_text().splitlines()
    tenant.delete_everything()


def test_no_log_has_a_token_or_a_password(sandbox, lines):
    assert [line for line in lines if ' DEBUG ' in line
            and ('keystoneauth' in line or 'swiftclient' in line)]
    # Trove and Swift log the headers of the requests that they receive.
    logs = {'karbor': '\n'.join(lines), 'verify': sandbox.verify_output,
            'report': manage(sandbox, 'report', '--debug')}
    assert 'keystoneauth' in logs['report']
    known = {sandbox.session(user).auth.get_token(sandbox.session(user))
             for user in ('tenant', 'karbor', 'admin')} | {sandbox._password}
    assert all(TOKEN.match(secret) for secret in known - {sandbox._password})
    assert not [
        (name, line) for name, text in logs.items()
        for line in text.splitlines()
        if TOKEN.search(line) or any(secret in line for secret in known)]


def test_healthy_operations_log_no_error(sandbox, lines):
    assert not [line for line in sandbox.healthy_lines
                if re.search(r' (ERROR|CRITICAL) ', line)]


def test_each_operation_logs_its_start_and_its_end_once(lines):
    changes = [line.partition(' karbor_trove.operations.state_changes ')[2]
               for line in lines]
    actions = [re.sub(r'\[.*?\] | instance.*? (has \w+|failed).*', r' \1',
                      change).strip() for change in changes if change]
    assert [action for action in actions
            if action.endswith(('started', 'ended', 'failed'))] == [
        'Protecting has started', 'Protecting has ended',
        'Verifying has started', 'Verifying has ended',
        'Restoring has started', 'Restoring has ended',
        'Restoring has started', 'Restoring failed',
        'Deleting the backup of has started',
        'Deleting the backup of has ended']


def test_each_operation_notifies_its_start_and_its_end(lines):
    notifications = [json.loads(line[line.index('{"message_id"'):])
                     for line in lines
                     if 'oslo.messaging.notification.karbor_trove' in line]
    assert [notification['event_type'].partition('.')[2]
            for notification in notifications] == [
        'protect.start', 'protect.end', 'verify.start', 'verify.end',
        'restore.start', 'restore.end', 'restore.start', 'restore.error',
        'delete.start', 'delete.end']
    assert len({notification['payload']['request_id']
                for notification in notifications}) == 5
