"""Tests of the preflight of protect, and of failed restores."""

import pytest

from tests.functional import api_tenant as tenants
from tests.functional import test_manage as manage


@pytest.fixture
def options(sandbox):
    """Return a function that restarts Karbor with changed options.

    After the test Karbor runs with the original options again.
    """
    karbor = sandbox.services['karbor']
    [provider] = karbor.settings['providers']
    before = dict(provider['options'])

    def apply(**options):
        provider['options'] = dict(before, **options)
        karbor.restart()

    yield apply
    apply()


def create_failed_instance(tenant):
    """Create an instance in ERROR and return its id."""
    id_ = tenant.trove.instances.create(
        'fail-create', flavor_id='1', volume={'size': 1},
        datastore=tenants.catalog.DATASTORE,
        datastore_version=tenants.catalog.VERSION,
        nics=[{'net-id': tenants.catalog.NETWORK}]).id
    tenants.wait_for(lambda: tenant.trove.instances.get(id_).status == 'ERROR')
    return id_


def test_protect_creates_no_backup_if_one_instance_is_in_error(
        sandbox, tenant):
    operator = manage.Operator(sandbox, tenant)
    ids = tenant.create_instances(['orders', 'customers'])
    failed = create_failed_instance(tenant)
    checkpoint = tenant.protect(
        tenant.create_plan([*ids, failed]), expect='error')
    assert not tenant.list_backups()
    operator.table('checkpoint', 'show', checkpoint)
    rows, _ = operator.manage('checkpoint', 'show', checkpoint)
    reasons = {row['resource']: row['reason'] for row in rows}
    assert {row['resource_status'] for row in rows} == {'error'}
    fault = tenant.trove.instances.get(failed).fault['message']
    assert reasons.pop(failed) == (
        'instance %s has the status ERROR: %s' % (failed, fault))
    assert reasons == {id_: (
        'not started, because another database of this checkpoint cannot be '
        'backed up: ' + failed) for id_ in ids}
    tenant.delete_checkpoint(checkpoint)
    rows, _ = operator.manage('checkpoint', 'show', checkpoint)
    assert {row['reason'] for row in rows} == {None}


@pytest.mark.parametrize('keep', [True, False])
def test_failed_restored_instance_is_deleted_unless_keep_failed_restores(
        tenant, options, keep):
    options(keep_failed_restores=keep)
    original = tenant.create_instance()
    checkpoint = tenant.protect(tenant.create_plan([original]))
    restore = tenant.restore(checkpoint, {'restore_name': 'fail-restore'},
                             expect='fail')
    new_id = tenants.restored_instance_id(restore)
    problem, consequence = restore['resources_reason'][
        '%s#%s' % (tenants.TYPE, new_id)].split(';\n')
    print(problem, consequence, sep='\n')
    assert problem.startswith('instance %s has the status ERROR: ' % new_id)
    assert consequence == (
        'instance %s is kept for inspection until you delete it' % new_id
        if keep else 'instance %s was deleted' % new_id)
    assert tenant.list_instance_ids() == (
        {original, new_id} if keep else {original})
    tenant.delete_checkpoint(checkpoint)
