"""Tests of a restore of all instances of a project at once."""

import pytest

from tests.functional import api_tenant as tenants
from tests.functional import trove_release
from tests.sandbox.services import cloud as catalog

TYPE = tenants.TYPE
#: Number of rows by instance name.
ROWS = {'customers': 3000, 'invoices': 1, 'nothing': 0, 'orders': 200,
        'stock': 77}
#: A second database of the instance orders, with its own user, and the
#: number of its rows.
ARCHIVE = 'archive'
ARCHIVE_ROWS = 5000


@pytest.fixture(scope='module')
def tenant(sandbox):
    return tenants.Tenant(sandbox)


@pytest.fixture(scope='module')
def originals(tenant):
    """Return the ids of the original instances, by name."""
    ids = dict(zip(ROWS, tenant.create_instances(list(ROWS))))
    for name, id_ in ids.items():
        tenant.create_table(id_, ROWS[name])
    create_archive(tenant, ids['orders'])
    tenant.create_table(ids['orders'], ARCHIVE_ROWS, database=ARCHIVE)
    return ids


def create_archive(tenant, id_):
    """Create the second database and its user."""
    if trove_release.HAS_ACCOUNTS:
        tenant.trove.databases.create(id_, [{'name': ARCHIVE}])
        tenant.trove.users.create(id_, [{
            'name': 'auditor', 'password': 'a long secret',
            'databases': [{'name': ARCHIVE}]}])
    else:
        for statement in ('CREATE DATABASE %s' % ARCHIVE,
                          'CREATE USER auditor',
                          'GRANT ALL ON DATABASE %s TO auditor' % ARCHIVE):
            tenant.sql(id_, statement)


def list_databases(tenant, id_):
    """Return the names of the databases of an instance."""
    if trove_release.HAS_ACCOUNTS:
        return [database.name for database in tenant.trove.databases.list(id_)]
    return [name for [name] in tenant.sql(
        id_, 'SELECT datname FROM pg_database')]


def list_databases_of_auditor(tenant, id_):
    """Return the names of the databases that the user has access to."""
    if trove_release.HAS_ACCOUNTS:
        [auditor] = [user for user in tenant.trove.users.list(id_)
                     if user.name == 'auditor']
        return [database['name'] for database in auditor.databases]
    return [name for [name] in tenant.sql(
        id_, 'SELECT datname FROM pg_database '
             "WHERE has_database_privilege('auditor', datname, 'CREATE')")]


@pytest.fixture(scope='module')
def checkpoint(tenant, originals):
    """A checkpoint of all instances. They are deleted afterwards."""
    id_ = tenant.protect(tenant.create_plan(
        [{'id': id_, 'type': TYPE, 'name': name}
         for name, id_ in originals.items()]))
    tenant.delete_instances(*originals.values())
    assert not tenant.list_instance_ids()
    yield id_
    tenant.delete_checkpoint(id_)
    tenant.delete_instances(*tenant.list_instance_ids())


def test_restore_creates_no_instance_if_one_cannot_be_restored(
        sandbox, tenant, originals, checkpoint):
    requests = tenants.count_create_requests(sandbox, 'instances')
    restore = tenant.restore(checkpoint, expect='fail', each={
        originals['stock']: {'restore_flavor_id': '99'},
        originals['orders']: {'restore_volume_size': '100000'}})
    assert tenants.count_create_requests(sandbox, 'instances') == requests
    assert not tenant.list_instance_ids()
    keys = {name: '%s#%s' % (TYPE, id_) for name, id_ in originals.items()}
    assert restore['resources_status'] == dict.fromkeys(
        keys.values(), 'error')
    reasons = {name: restore['resources_reason'][key].split(';\n')
               for name, key in keys.items()}
    quota = [line for line in reasons['orders']
             if line.startswith('quota of volumes: this restore needs 100004')]
    # The quota applies to the sum. Each instance reports the problem.
    assert reasons == dict(dict.fromkeys(ROWS, quota), stock=[
        'flavor 99 was not found or is not available for this version: pass '
        'restore_flavor_id, one of ' + ', '.join(sorted(catalog.FLAVORS)),
        *quota])
    assert quota


def test_reasons_of_the_others_name_the_instance_that_cannot_be_restored(
        tenant, originals, checkpoint):
    restore = tenant.restore(checkpoint, expect='fail', each={
        originals['stock']: {'restore_flavor_id': '99'}})
    for name, id_ in originals.items():
        [line] = restore['resources_reason'][
            '%s#%s' % (TYPE, id_)].split(';\n')
        assert line.startswith(
            'flavor 99 was not found' if name == 'stock' else
            'not started, because another database')
        assert (originals['stock'] in line) == (name != 'stock')
    assert not tenant.list_instance_ids()


def test_restore_creates_all_instances_with_rows_databases_and_users(
        tenant, checkpoint):
    restore = tenant.restore(checkpoint)
    new = {key.rpartition('#')[2] for key in restore['resources_status']}
    assert new == tenant.list_instance_ids()
    assert set(restore['resources_status'].values()) == {'available'}
    names = {tenant.trove.instances.get(id_).name: id_ for id_ in new}
    assert {name: tenant.count_rows(id_)
            for name, id_ in names.items()} == ROWS
    orders = names['orders']
    assert tenant.count_rows(orders, database=ARCHIVE) == ARCHIVE_ROWS
    assert ARCHIVE in list_databases(tenant, orders)
    assert list_databases_of_auditor(tenant, orders) == [ARCHIVE]
    for id_ in set(new) - {orders}:
        assert ARCHIVE not in list_databases(tenant, id_)
