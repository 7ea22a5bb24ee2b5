"""Forty nights of a project with a broken database. Only with --long."""

import re
import shlex
import time
import uuid

from karborclient.v1 import client as karbor_client
import pytest

from tests.contract import test_retention as contract
from tests.functional import api_tenant as tenants
from tests.functional import test_manage
from tests.functional import test_projects
from tests.functional import test_skipped_databases
from tests.sandbox import cloud
from tests.sandbox import fixture
from tests.sandbox.services import cloud as catalog
from tests.sandbox import shell_tenant

operator = test_manage.operator

NIGHTS = 40
MAX_BACKUPS = 3
#: What a user writes instead of the capitals of the command in the reason.
CHOICES = {'NAME': 'rescued', 'FLAVOR': '1', 'GB': '1',
           'DATASTORE': catalog.DATASTORE, 'VERSION': catalog.VERSION,
           'NETWORK': catalog.NETWORK}


@pytest.fixture(scope='module')
def sandbox(request):
    """A sandbox with the bank plugin that users need for retention."""
    with fixture.running(request, debug=True, providers=[
            {'name': 'Databases', 'id': cloud.PROVIDER_ID,
             'plugins': cloud.PLUGINS,
             'bank_plugin': 'karbor-trove-swift-bank-plugin',
             'options': {'poll_interval': 0.2,
                         'unprotectable_databases': 'skip'}}]) as running:
        yield running


class Nights:
    """Nights of Karbor's scheduled operation retention_protect.

    Each night calls Karbor's operation, which uses Karbor's API. Karbor's own
    schedule would take at least ten seconds for a night. A night ends when its
    checkpoint is available and the surplus checkpoint is deleted.
    """

    def __init__(self, sandbox, tenant, plan):
        self._tenant = tenant
        self._plan = plan
        # Karbor's API refuses null.
        self._schedule = str(uuid.uuid4())
        self._operation = contract.Operation(karbor_client.Client(
            '%s/%s' % (sandbox.urls['karbor'], tenant.project_id),
            session=tenant.session).checkpoints)
        #: The ids of the checkpoints of all nights, the oldest first.
        self.checkpoints = []

    def run(self):
        """Run the operation of the next night, return its checkpoint's id."""
        begin = time.time()
        self._operation._run(
            {'provider_id': cloud.PROVIDER_ID, 'plan_id': self._plan,
             'max_backups': MAX_BACKUPS},
            {'project_id': self._tenant.project_id,
             'trigger_id': self._schedule,
             'scheduled_operation_id': self._schedule}, log_ref=None)
        [checkpoint] = self._list().keys() - set(self.checkpoints)
        self.checkpoints.append(checkpoint)
        tenants.wait_for(self._is_over)
        # The bank sorts checkpoints by whole seconds.
        tenants.wait_for(lambda: int(time.time()) > int(begin))
        return checkpoint

    def _is_over(self):
        statuses = self._list()
        assert not {'error', 'error-deleting'} & set(statuses.values()), (
            statuses)
        return statuses == dict.fromkeys(
            self.checkpoints[-MAX_BACKUPS - 1:], 'available')

    def _list(self):
        """Return the statuses of the checkpoints, by id."""
        return {checkpoint['id']: checkpoint['status'] for checkpoint
                in self._tenant.send('GET', '%s?plan_id=%s' % (
                    self._tenant.checkpoints_path(), self._plan))[
                        'checkpoints']}


def list_backup_ids(tenant, instance_id):
    return {id_ for id_, backup in tenant.list_backups().items()
            if backup['instance_id'] == instance_id}


def check_checkpoint(tenant, operator, checkpoint, rows, broken):
    """Verify a checkpoint, restore one of its databases, and show it.

    :param rows: the number of rows by the id of each protected database.
    :param broken: the id of the database that the checkpoint left out.
    """
    results = test_skipped_databases.get_results(tenant.verify(checkpoint))
    status, reason = results.pop(broken)
    assert status == 'error'
    assert reason.startswith('not verified: instance %s has the status ERROR'
                             % broken)
    assert results.keys() == set(rows)
    assert {status for status, _ in results.values()} == {'available'}

    chosen, *others = rows
    results = test_skipped_databases.get_results(tenant.restore(
        checkpoint, each={id_: {'restore_skip': 'True'} for id_ in others}))
    status, reason = results.pop(broken)
    assert status == 'error'
    assert reason.startswith('not restored: instance %s has the status ERROR'
                             % broken)
    assert {results.pop(id_)[0] for id_ in others} == {'undefined'}
    [(restored, (status, _))] = results.items()
    assert status == 'available'
    assert tenant.count_rows(restored) == rows[chosen]
    tenant.delete_instances(restored)

    shown, _ = operator.manage('checkpoint', 'show', checkpoint)
    notes = {row['resource']: row['note'] for row in shown}
    assert notes[broken].startswith('left out')
    report, _ = operator.manage('report', '--project', tenant.project_id)
    assert {row['instance']: row['left_out'] for row in report
            if row['left_out']} == {broken: 1}


def restore_as_the_reason_says(sandbox, tenant, command):
    """Run the command of a reason, and return the id of the new instance."""
    before = tenant.list_instance_ids()
    user = shell_tenant.Tenant({**sandbox.variables(),
                                'HOME': str(sandbox.directory)})
    user.type(*shlex.split(re.sub(
        r'\b[A-Z]+\b', lambda match: CHOICES[match[0]], command)))
    [id_] = tenant.list_instance_ids() - before
    tenants.wait_for(lambda: tenant.is_up(id_))
    return id_


@pytest.mark.long
def test_last_backup_of_a_broken_database_is_kept_in_all_later_nights(
        sandbox, tenant, operator):
    ids = tenant.create_instances(['orders', 'stock', 'users', 'broken',
                                   'deleted-after-the-plan'])
    orders, stock, users, broken, deleted = ids
    nights = Nights(sandbox, tenant,
                    test_projects.create_project_plan(tenant))
    rows = {}
    for count, id_ in enumerate(ids, 100):
        tenant.create_table(id_, count)
        rows[id_] = count
    nights.run()
    earlier = list_backup_ids(tenant, broken)
    tenant.sql(broken, 'INSERT INTO orders VALUES (0)')
    nights.run()
    [last] = list_backup_ids(tenant, broken) - earlier
    assert all(len(list_backup_ids(tenant, id_)) == 2 for id_ in ids)

    sandbox.break_servers(broken)
    tenant.delete_instances(deleted)
    del rows[deleted]
    rows_of_broken = rows.pop(broken) + 1
    late = tenant.create_instance('made-after-the-plan')
    tenant.create_table(late, 200)
    rows[late] = 200
    check_checkpoint(tenant, operator, nights.run(), rows, broken)
    assert list_backup_ids(tenant, broken) == {*earlier, last}

    # The other nights have only one healthy database, since more backups would
    # take minutes.
    tenant.delete_instances(stock, users, late)
    while len(nights.checkpoints) < NIGHTS:
        nights.run()
        assert last in tenant.list_backups()
    assert list_backup_ids(tenant, broken) == {last}
    assert len(tenant.list_backups()) == 1 + MAX_BACKUPS + 1
    [row], _ = operator.manage('deferred', 'list')
    assert (row['instance'], row['backup']) == (broken, last)
    assert row['why'].startswith('it is the last complete backup')
    release, restore = re.findall(r'"([^"]+)"', row['why'])
    rescued = restore_as_the_reason_says(sandbox, tenant, restore)
    assert tenant.count_rows(rescued) == rows_of_broken

    program, *arguments = shlex.split(release)
    assert program == test_manage.COMMAND.name
    operator.table(*arguments)
    assert not list_backup_ids(tenant, broken)
    for checkpoint in nights.checkpoints[-MAX_BACKUPS - 1:]:
        tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups() and not tenant.list_objects()
