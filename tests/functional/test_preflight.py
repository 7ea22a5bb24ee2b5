"""What is refused before it begins, and what a restore in vain leaves."""

import pytest

from tests.functional import api_tenant as tenants
from tests.functional import test_manage as manage


@pytest.fixture
def options(sandbox):
    """Karbor's options of the provider; changed ones hold after apply()."""
    karbor = sandbox.services['karbor']
    [provider] = karbor.settings['providers']
    before = dict(provider['options'])

    def apply(**options):
        provider['options'] = dict(before, **options)
        karbor.restart()

    yield apply
    apply()


def broken(tenant):
    """A database in ERROR."""
    id_ = tenant.trove.instances.create(
        'fail-create', flavor_id='1', volume={'size': 1},
        datastore=tenants.catalog.DATASTORE,
        datastore_version=tenants.catalog.VERSION,
        nics=[{'net-id': tenants.catalog.NETWORK}]).id
    tenants.wait_for(lambda: tenant.trove.instances.get(id_).status == 'ERROR')
    return id_


def test_one_broken_database_leaves_no_backup_of_any(sandbox, tenant):
    operator = manage.Operator(sandbox, tenant)
    ids = tenant.create_instances(['orders', 'customers'])
    bad = broken(tenant)
    checkpoint = tenant.protect(
        tenant.create_plan([*ids, bad]), expect='error')
    assert not tenant.list_backups()
    operator.table('checkpoint', 'show', checkpoint)
    rows, _ = operator.manage('checkpoint', 'show', checkpoint)
    reasons = {row['resource']: row['reason'] for row in rows}
    assert {row['resource_status'] for row in rows} == {'error'}
    fault = tenant.trove.instances.get(bad).fault['message']
    assert reasons.pop(bad) == (
        'instance %s has the status ERROR: %s' % (bad, fault))
    assert reasons == {id_: (
        'not started, because another database of this checkpoint cannot be '
        'backed up: ' + bad) for id_ in ids}
    tenant.delete_checkpoint(checkpoint)
    rows, _ = operator.manage('checkpoint', 'show', checkpoint)
    assert {row['reason'] for row in rows} == {None}


@pytest.mark.parametrize('keep', [True, False])
def test_a_restored_database_that_is_broken_stays_or_goes(
        tenant, options, keep):
    options(keep_failed_restores=keep)
    original = tenant.create_instance()
    checkpoint = tenant.protect(tenant.create_plan([original]))
    told = tenant.restore(checkpoint, {'restore_name': 'fail-restore'},
                          expect='fail')
    new_id = tenants.restored_instance_id(told)
    why, left = told['resources_reason'][
        '%s#%s' % (tenants.TYPE, new_id)].splitlines()
    print(why, left, sep='\n')
    assert why.startswith('instance %s has the status ERROR: ' % new_id)
    assert left == (
        'instance %s is kept for inspection until you delete it' % new_id
        if keep else 'instance %s was deleted' % new_id)
    assert tenant.list_instance_ids() == (
        {original, new_id} if keep else {original})
    tenant.delete_checkpoint(checkpoint)
