"""Operations on many databases, which share what they ask of Trove.

Each database is a greenlet on a simulated clock, as a green thread of Karbor.
"""

import collections

from karbor import exception
from karbor.services.protection import graph
import pytest

from karbor_trove import protection
from tests.unit import scheduler as schedulers


@pytest.fixture
def clock():
    """The clock of the fake Trove and of the operations."""
    return schedulers.Scheduler()


@pytest.fixture
def run_flow(clock, provider_conf, checkpoint, context, build_resource):
    """Return a function that runs an operation on several instances.

    It returns the tasks, which have the errors and the times.
    """
    def run(kind, ids, options=(), spread=0.0, record=None, parameters=()):
        plugin = protection.TroveProtectionPlugin(
            provider_conf(**dict(options)), clock)
        resources = [build_resource(id_) for id_ in ids]
        checkpoint.resource_graph = graph.build_graph(
            resources, lambda node: [])
        arguments = dict(checkpoint=checkpoint, context=context,
                         parameters=dict(parameters), operation_log=None)
        if record is not None:
            arguments.update({kind: record, 'new_resources': {}})

        def spawn(number, resource):
            operation = getattr(plugin, 'get_%s_operation' % kind)(resource)

            def work():
                clock.sleep(number * spread)
                for name in 'on_prepare_begin', 'on_main':
                    hook = getattr(operation, name, None)
                    if hook is not None:
                        hook(resource=resource, **arguments)

            return clock.spawn(work)

        tasks = [spawn(*item) for item in enumerate(resources)]
        clock.run()
        state = plugin._operation_arguments[-1]
        for poll in state.backups, state.instances:
            assert not poll._waiters and poll._leader is None
        return tasks
    return run


def count_requests(fake_trove):
    """Return how many requests Trove got, by method and kind of object."""
    counts = collections.Counter()
    for request in fake_trove.requests:
        kind, _, id_ = request.path.strip('/').partition('/')
        if id_ and id_ != 'detail':
            kind += '/*'
        counts['%s %s' % (request.method, kind)] += 1
    del fake_trove.requests[:]
    return counts


def add_instances(fake_trove, count):
    return [fake_trove.add_instance('db-%d' % number)
            for number in range(count)]


@pytest.mark.parametrize('count', [10, 100])
def test_polls_of_a_protect_do_not_grow_with_the_databases(
        run_flow, fake_trove, count):
    fake_trove.backup_seconds = 30.0
    [alone] = run_flow('protect', add_instances(fake_trove, 1))
    assert alone.error is None
    polls = count_requests(fake_trove)['GET backups/*']
    tasks = run_flow('protect', add_instances(fake_trove, count))
    assert [task.error for task in tasks] == [None] * count
    counts = count_requests(fake_trove)
    assert counts['POST backups'] == count
    assert counts['GET backups'] + counts['GET backups/*'] <= polls + 1


def test_backup_that_the_list_lacks_is_read_before_it_counts_as_deleted(
        run_flow, fake_trove):
    ids = add_instances(fake_trove, 3)
    index = fake_trove._on_backups.index

    def hide(project_id, query):
        body, marker = index(project_id, query)
        return {'backups': [item for item in body['backups']
                            if item['instance_id'] != ids[0]]}, marker

    fake_trove._on_backups.index = hide
    tasks = run_flow('protect', ids)
    assert [task.error for task in tasks] == [None] * 3


def test_backup_that_is_deleted_ends_only_its_own_protect(
        run_flow, fake_trove, clock):
    ids = add_instances(fake_trove, 3)

    def delete(at):
        [backup] = [backup for backup in fake_trove.backups.values()
                    if backup['instance_id'] == ids[1]]
        del fake_trove.backups[backup['id']]

    fake_trove.timeline.after(4.0, delete)
    tasks = run_flow('protect', ids)
    assert isinstance(tasks[1].error, exception.CreateResourceFailed)
    assert 'cannot be found' in str(tasks[1].error)
    assert [tasks[0].error, tasks[2].error] == [None, None]


def test_user_who_may_not_list_backups_can_protect_databases(
        run_flow, fake_trove):
    fake_trove.fail('GET', '/backups', 403, times=None)
    tasks = run_flow('protect', add_instances(fake_trove, 3))
    assert [task.error for task in tasks] == [None] * 3
