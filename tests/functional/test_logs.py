"""What the logs of the services have at level DEBUG, clients included."""

import json
import os
import re
import subprocess

import pytest

from tests.functional import api_tenant as tenants
from tests.functional import test_manage
from tests.functional import test_status
from tests.sandbox import fixture
from tests.sandbox import leaks
from tests.sandbox.services import cloud as catalog

operator = test_manage.operator


@pytest.fixture(scope='module')
def sandbox(request):
    """A sandbox whose Karbor logs everything and notifications as well."""
    with fixture.running(
            request, debug=True,
            plugin={'verify_level': 'restore', 'verify_flavor_id': '1',
                    'verify_net_id': catalog.NETWORK},
            overrides={'karbor': {'options': {
                'oslo_messaging_notifications': {'driver': 'log'}}}},
    ) as running:
        yield running


def run_with_debug(sandbox, command, *words):
    """Run a command with --debug and the credentials of the tenant.

    It returns standard output and standard error together.
    """
    process = subprocess.run(
        [command, *words, '--debug', '--config-file',
         sandbox.directory / 'karbor' / 'karbor.conf'],
        env={**os.environ, **sandbox.variables('tenant')},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert 'keystoneauth' in process.stdout
    assert 'Traceback' not in process.stdout, process.stdout
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
    sandbox.verify_output = run_with_debug(
        sandbox, test_manage.COMMAND, 'verify', '--oldest-unverified', '1')
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
    tokens = [sandbox.session(user).auth.get_token(sandbox.session(user))
              for user in ('tenant', 'karbor', 'admin')]
    assert all(map(leaks.TOKEN.match, tokens))
    # Trove and Swift log the headers of the requests that they receive.
    assert not sandbox.list_leaks('\n'.join(lines))
    assert not sandbox.list_leaks(sandbox.verify_output)


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


def test_no_command_with_debug_shows_a_token_or_a_password(
        sandbox, tenant, operator):
    instance = tenant.create_instance()
    checkpoint = tenant.protect(tenant.create_plan([instance]))
    [backup] = tenant.list_backups()
    child = test_manage.create_backup(tenant, instance, 'by hand',
                                      parent_id=backup, incremental=1)
    outputs = [
        run_with_debug(sandbox, test_status.COMMAND, 'upgrade', 'check'),
        run_with_debug(sandbox, test_manage.COMMAND, 'report')]
    tenant.delete_checkpoint(checkpoint)
    tenant.trove.backups.delete(child)
    tenants.wait_for(lambda: child not in tenant.list_backups())
    outputs.append(run_with_debug(
        sandbox, test_manage.COMMAND, 'deferred', 'sweep'))
    assert not tenant.list_backups()
    assert not sandbox.list_leaks('\n'.join(outputs))
