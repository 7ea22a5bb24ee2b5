"""Checkpoints that leave out databases, on real services."""

import pytest

from tests.functional import test_manage
from tests.sandbox import cloud
from tests.sandbox import fixture

operator = test_manage.operator


@pytest.fixture(scope='module')
def sandbox(request):
    with fixture.running(request, debug=True, providers=[
            {'name': 'Databases', 'id': cloud.PROVIDER_ID,
             'plugins': cloud.PLUGINS,
             'options': {'poll_interval': 0.2,
                         'unprotectable_databases': 'skip'}}]) as running:
        yield running


def get_results(record):
    """Return the status and the reason of each instance of a record."""
    return {key.rpartition('#')[2]: (status, record['resources_reason'].get(
        key, '')) for key, status in record['resources_status'].items()}


def list_protected(tenant):
    return {backup['instance_id']
            for backup in tenant.list_backups().values()}


def test_last_backup_of_a_deleted_database_stays_until_it_is_released(
        tenant, operator):
    gone, healthy = tenant.create_instances(['gone', 'healthy'])
    tenant.create_table(gone, 100)
    plan = tenant.create_plan([gone, healthy])
    checkpoint = tenant.protect(plan)
    tenant.delete_instances(gone)
    later = tenant.protect(plan)
    tenant.delete_checkpoint(checkpoint)
    assert list_protected(tenant) == {gone, healthy}
    [row], _ = operator.manage('deferred', 'list')
    assert row['instance'] == gone
    assert '--backup %s ' % row['backup'] in row['why']
    restored = tenant.create_instance(
        'restored', restorePoint={'backupRef': row['backup']})
    assert tenant.count_rows(restored) == 100

    operator.table('deferred', 'release', row['backup'])
    assert gone in list_protected(tenant)
    operator.table('deferred', 'release', row['backup'], '--yes')
    assert list_protected(tenant) == {healthy}
    tenant.delete_checkpoint(later)
    assert not tenant.list_backups() and not tenant.list_objects()


def test_failed_checkpoint_is_accepted_without_a_database(tenant, operator):
    orders, failing = tenant.create_instances(['orders', 'fail-backup'])
    tenant.create_table(orders, 100)
    checkpoint = tenant.protect(tenant.create_plan([orders, failing]),
                                expect='error')
    _, message = operator.manage('checkpoint', 'accept', checkpoint, expect=1)
    assert 'instance %s: backup ' % failing in message
    operator.table('checkpoint', 'accept', checkpoint, '--without', failing)
    restored = get_results(tenant.restore(checkpoint))
    assert restored.pop(failing)[0] == 'error'
    [id_] = restored
    assert tenant.count_rows(id_) == 100
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups()
