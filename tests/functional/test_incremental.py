"""Test of deletions from a chain of incremental backups."""

from concurrent import futures
import random

from tests.functional import api_tenant as tenants

TYPE = tenants.TYPE
LENGTH = 6
#: Number of rows that each backup adds.
ROWS = 100


def check_restores(tenant, checkpoints):
    """Restore all checkpoints at the same time and count their rows.

    :param checkpoints: the ids by the expected number of rows.
    """
    with futures.ThreadPoolExecutor(LENGTH) as pool:
        restores = list(pool.map(tenant.restore, checkpoints.values()))
    ids = [tenants.restored_instance_id(restore) for restore in restores]
    assert [tenant.count_rows(id_) for id_ in ids] == list(checkpoints)
    tenant.delete_instances(*ids)


def test_remaining_checkpoints_are_restored_after_deletions_in_any_order(
        tenant):
    seed = random.randrange(10 ** 6)
    print('seed %d' % seed)
    original = tenant.create_instance()
    tenant.create_table(original, 0)
    plan = tenant.create_plan([original], {TYPE: {
        'backup_name': 'nightly', 'description': 'of the night',
        'incremental': True}})
    checkpoints = {}
    for number in range(1, LENGTH + 1):
        tenant.sql(original, 'INSERT INTO orders '
                             'SELECT generate_series(1, %d)' % ROWS)
        checkpoints[number * ROWS] = tenant.protect(plan)
    # No two backups have the same parent, so they form one chain.
    assert len({backup['parent_id']
                for backup in tenant.list_backups().values()}) == LENGTH

    order = list(checkpoints)
    random.Random(seed).shuffle(order)
    for rows in order:
        tenant.delete_checkpoint(checkpoints.pop(rows))
        # Only the chain of the newest remaining checkpoint exists.
        assert len(tenant.list_backups()) == max(
            checkpoints, default=0) // ROWS
        # Restores take long, so check after every second deletion.
        if len(checkpoints) % 2:
            check_restores(tenant, checkpoints)
    assert not tenant.list_backups()
    assert not tenant.list_objects()
