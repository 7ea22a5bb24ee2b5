"""A chain of incremental backups on real services, taken apart."""

from concurrent import futures
import random

from tests.functional import api_tenant as tenants

TYPE = tenants.TYPE
LENGTH = 6
#: As many rows more in each.
ROWS = 100


def check(tenant, checkpoints):
    """Restore every one of them at once, and count the rows of each."""
    with futures.ThreadPoolExecutor(LENGTH) as pool:
        told = list(pool.map(tenant.restore, checkpoints.values()))
    made = [tenants.restored_instance_id(one) for one in told]
    assert [tenant.count_rows(id_) for id_ in made] == list(checkpoints)
    tenant.delete_instances(*made)


def test_a_chain_is_deleted_in_any_order_and_each_survivor_restored(tenant):
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
    # No two have one parent, so they are one line.
    assert len({of['parent_id']
                for of in tenant.list_backups().values()}) == LENGTH

    order = list(checkpoints)
    random.Random(seed).shuffle(order)
    for rows in order:
        tenant.delete_checkpoint(checkpoints.pop(rows))
        # Who is needed by a survivor is there, and nobody else.
        assert len(tenant.list_backups()) == max(
            checkpoints, default=0) // ROWS
        # Every other time, for the sake of the time that it takes.
        if len(checkpoints) % 2:
            check(tenant, checkpoints)
    assert not tenant.list_backups()
    assert not tenant.list_objects()
