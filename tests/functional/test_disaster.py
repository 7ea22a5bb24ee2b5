"""All databases of a tenant are lost, and come back at once."""

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox.services import cloud as catalog

TYPE = tenants.TYPE
#: What the tables of that name hold.
ROWS = {'customers': 3000, 'invoices': 1, 'nothing': 0, 'orders': 200,
        'stock': 77}
#: In a second database of the same instance, beside a user of its own.
ARCHIVE = 'archive'
ARCHIVED = 5000


@pytest.fixture(scope='module')
def tenant(sandbox):
    return tenants.Tenant(sandbox)


@pytest.fixture(scope='module')
def originals(tenant):
    """The ids of the databases by their names; they are full of rows."""
    ids = dict(zip(ROWS, tenant.create_instances(list(ROWS))))
    for name, id_ in ids.items():
        tenant.create_table(id_, ROWS[name])
    tenant.trove.databases.create(ids['orders'], [{'name': ARCHIVE}])
    tenant.trove.users.create(ids['orders'], [{
        'name': 'auditor', 'password': 'a long secret',
        'databases': [{'name': ARCHIVE}]}])
    tenant.create_table(ids['orders'], ARCHIVED, database=ARCHIVE)
    return ids


@pytest.fixture(scope='module')
def checkpoint(tenant, originals):
    """One of all of them, after which they are lost."""
    id_ = tenant.protect(tenant.create_plan(
        [{'id': id_, 'type': TYPE, 'name': name}
         for name, id_ in originals.items()]))
    tenant.delete_instances(*originals.values())
    assert not tenant.list_instance_ids()
    yield id_
    tenant.delete_checkpoint(id_)
    tenant.delete_instances(*tenant.list_instance_ids())


def test_restore_creates_nothing_if_one_instance_cannot_be_restored(
        sandbox, tenant, originals, checkpoint):
    asked = tenants.count_create_requests(sandbox, 'instances')
    told = tenant.restore(checkpoint, expect='fail', each={
        originals['stock']: {'restore_flavor_id': '99'},
        originals['orders']: {'restore_volume_size': '100000'}})
    assert tenants.count_create_requests(sandbox, 'instances') == asked
    assert not tenant.list_instance_ids()
    keys = {name: '%s#%s' % (TYPE, id_) for name, id_ in originals.items()}
    assert told['resources_status'] == dict.fromkeys(keys.values(), 'error')
    reasons = {name: told['resources_reason'][key].splitlines()
               for name, key in keys.items()}
    quota = [line for line in reasons['orders']
             if line.startswith('quota of volumes: this restore needs 100004')]
    # The quota is shared, so each instance names the problem.
    assert reasons == dict(dict.fromkeys(ROWS, quota), stock=[
        'flavor 99 was not found or is not available for this version: pass '
        'restore_flavor_id, one of ' + ', '.join(sorted(catalog.FLAVORS)),
        *quota])
    assert quota


def test_other_instances_name_the_instance_that_cannot_be_restored(
        tenant, originals, checkpoint):
    told = tenant.restore(checkpoint, expect='fail', each={
        originals['stock']: {'restore_flavor_id': '99'}})
    for name, id_ in originals.items():
        [line] = told['resources_reason'][
            '%s#%s' % (TYPE, id_)].splitlines()
        assert line.startswith(
            'flavor 99 was not found' if name == 'stock' else
            'not started, because another database')
        assert (originals['stock'] in line) == (name != 'stock')
    assert not tenant.list_instance_ids()


def test_restore_brings_back_every_row_of_each_instance(tenant, checkpoint):
    told = tenant.restore(checkpoint)
    new = {key.rpartition('#')[2] for key in told['resources_status']}
    assert new == tenant.list_instance_ids()
    assert set(told['resources_status'].values()) == {'available'}
    names = {tenant.trove.instances.get(id_).name: id_ for id_ in new}
    assert {name: tenant.count_rows(id_)
            for name, id_ in names.items()} == ROWS
    orders = names['orders']
    assert tenant.count_rows(orders, database=ARCHIVE) == ARCHIVED
    assert ARCHIVE in [
        one.name for one in tenant.trove.databases.list(orders)]
    [auditor] = [one for one in tenant.trove.users.list(orders)
                 if one.name == 'auditor']
    assert auditor.databases == [{'name': ARCHIVE}]
    for id_ in set(new) - {orders}:
        assert ARCHIVE not in [
            one.name for one in tenant.trove.databases.list(id_)]
