"""A plan with many real databases. Only with --long, as it takes minutes."""

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox import fixture

#: Each database is a PostgreSQL server of its own, and so is each restored
#: one.
_COUNT = 60


@pytest.fixture(scope='module')
def sandbox(request):
    with fixture.running(request, debug=True, overrides={'trove': {'quotas': {
            'instances': 2 * _COUNT}}}) as running:
        yield running


@pytest.mark.long
def test_all_databases_of_a_large_plan_are_protected_and_restored(
        sandbox, tenant, monkeypatch):
    monkeypatch.setattr(tenants, 'TIMEOUT', 600.0)
    ids = tenant.create_instances(
        ['db-%d' % number for number in range(_COUNT)])
    for rows, id_ in enumerate(ids, 1):
        tenant.create_table(id_, rows)

    checkpoint = tenant.protect(tenant.create_plan(ids))
    backups = tenant.list_backups().values()
    assert sorted(backup['instance_id'] for backup in backups) == sorted(ids)
    assert {backup['status'] for backup in backups} == {'COMPLETED'}

    record = tenant.restore(checkpoint)
    restored = tenant.list_instance_ids() - set(ids)
    assert {key.rpartition('#')[2]
            for key in record['resources_status']} == restored
    assert sorted(map(tenant.count_rows, restored)) == list(
        range(1, _COUNT + 1))
    assert tenants.count_create_requests(sandbox, 'backups') == _COUNT
    assert tenants.count_create_requests(sandbox, 'instances') == 2 * _COUNT
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups() and not tenant.list_objects()
