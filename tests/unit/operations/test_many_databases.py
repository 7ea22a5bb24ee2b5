"""Operations on many databases, which share their requests to Trove.

Each database is a greenlet on a simulated clock, as a green thread of Karbor.
"""

import collections
import datetime
import gc
import re
import threading

import greenlet
from karbor import exception
from karbor.services.protection import client_factory
from karbor.services.protection import graph
from keystoneauth1 import session as keystone_session
import pytest
import requests

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import verification_journal
from karbor_trove import errors
from karbor_trove.operations import base
from karbor_trove.operations import flow
from karbor_trove import polling
from karbor_trove import protection
from karbor_trove.trove import backup_polls
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import shared_poll
from tests.fake_trove import keystone
from tests.unit.operations import capacity
from tests.unit.operations import growth
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
    def run(kind, ids, options=(), spread=0.0, record=None, parameters=(),
            checkpoint=checkpoint):
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
        for poll in (state.backups._statuses, state.backups._lists,
                     state.backups._groups, state.instances, state.versions,
                     state._connections):
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


@pytest.fixture
def slow_responses(fake_trove, clock):
    """Let requests take 0.1 s, in which other tasks run.

    The result has the largest numbers of requests at the same time.
    """
    most = collections.Counter()
    active = collections.Counter()

    def delay(kind, serve):
        def serve_later(sent, context):
            name = '%s %s' % (kind, sent.method)
            active[name] += 1
            most[name] = max(most[name], active[name])
            clock.sleep(0.1)
            active[name] -= 1
            return serve(sent, context)
        return serve_later

    fake_trove._serve = delay('trove', fake_trove._serve)
    fake_trove.objects._serve = delay('swift', fake_trove.objects._serve)
    fake_trove.attach(fake_trove.mocker)
    return most


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


@pytest.mark.parametrize('count', [1, 25, 100])
def test_requests_are_those_of_the_page_about_capacity(
        run_flow, fake_trove, clock, slow_responses, checkpoint,
        new_checkpoint, restore, verify, count):
    formulas = dict(capacity.read_rows('operation'))
    fake_trove.backup_seconds = 300.0
    fake_trove.build_seconds = 100.0
    ids = add_instances(fake_trove, count)
    checkpoints = [checkpoint, *(new_checkpoint() for _ in range(3))]
    for name, number, record in (
            ('protect', 0, None), ('protect, incremental', 1, None),
            ('protect, incremental', 2, None), ('restore', 0, restore),
            ('verify', 2, verify), ('protect', 3, None), ('delete', 2, None)):
        kind, _, choice = name.partition(', ')
        start, backups = clock.now(), len(fake_trove.backups)
        tasks = run_flow(kind, ids, record=record,
                         parameters={choice: 'True'} if choice else (),
                         checkpoint=checkpoints[number])
        assert [task.error for task in tasks] == [None] * count
        polls = capacity.count_polls(max(1.0, clock.now() - start))
        expected = 2 if kind == 'verify' else capacity.compute(
            formulas[name], N=count, P=polls, C=number + 1,
            I=len(fake_trove.instances), B=backups)
        actual = sum(count_requests(fake_trove).values())
        assert expected / 1.5 - 2 < actual < expected * 1.5 + 2, name
    # The deleted backups had these backups as their parents.
    assert len([backup for backup in fake_trove.backups.values()
                if backup['parent_id']]) == count


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


@pytest.mark.parametrize('count', [2, 40])
def test_polls_of_a_restore_do_not_grow_with_the_databases(
        run_flow, fake_trove, restore, count):
    fake_trove.build_seconds = 100.0
    ids = add_instances(fake_trove, count)
    run_flow('protect', ids)
    add_instances(fake_trove, 50)
    count_requests(fake_trove)
    tasks = run_flow('restore', ids, record=restore)
    assert [task.error for task in tasks] == [None] * count
    assert set(restore.resources_status.values()) == {'available'}
    counts = count_requests(fake_trove)
    assert counts['POST instances'] == count
    # 7 pages, or 2 single reads, for each of about 40 polls.
    polls = counts['GET instances'] + counts['GET instances/*']
    assert polls <= 45 * min(count, 7) + 10


def test_deletions_of_many_temporary_instances_share_the_polls(
        run_flow, fake_trove, verify):
    ids = add_instances(fake_trove, 40)
    run_flow('protect', ids)
    count_requests(fake_trove)
    fake_trove.delete_seconds = 60.0
    tasks = run_flow('verify', ids, {'verify_level': 'restore'}, record=verify)
    assert [task.error for task in tasks] == [None] * 40
    assert set(fake_trove.instances) == set(ids)
    counts = count_requests(fake_trove)
    assert counts['DELETE instances/*'] == 40
    # Of each instance: the databases, the users, and a GET before and after
    # the deletion. A poll reads four pages.
    polls = capacity.count_polls(12.0) + capacity.count_polls(60.0)
    reads = counts['GET instances'] + counts['GET instances/*']
    assert reads <= 4 * 40 + 4 * (polls + 4)


def test_temporary_instances_that_are_not_built_share_the_polls(
        run_flow, fake_trove, verify):
    ids = add_instances(fake_trove, 40)
    run_flow('protect', ids)
    count_requests(fake_trove)
    for _ in ids:
        fake_trove.next_instance('ACTIVE', seconds=320.0)
    tasks = run_flow('verify', ids, {'verify_level': 'restore',
                                     'restore_timeout': 20}, record=verify)
    assert all('is not up: given up after 20 s' in str(task.error)
               for task in tasks)
    assert set(fake_trove.instances) == set(ids)
    counts = count_requests(fake_trove)
    # Trove refuses the requests after 0, 10, 30, 70 and 150 s.
    assert counts['DELETE instances/*'] == 40 * 6
    polls = sum(capacity.count_polls(seconds)
                for seconds in (20.0, 10.0, 20.0, 40.0, 80.0, 150.0, 2.0))
    reads = counts['GET instances'] + counts['GET instances/*']
    assert reads <= 40 * 6 + 40 + 4 * (polls + 10)


def test_failed_restores_of_many_databases_are_deleted_together(
        run_flow, fake_trove, restore):
    ids = add_instances(fake_trove, 40)
    run_flow('protect', ids)
    count_requests(fake_trove)
    fake_trove.delete_seconds = 60.0
    for _ in ids:
        fake_trove.next_instance('ERROR')
    tasks = run_flow('restore', ids, {'keep_failed_restores': False},
                     record=restore)
    assert all('was deleted' in str(task.error) for task in tasks)
    assert set(fake_trove.instances) == set(ids)
    counts = count_requests(fake_trove)
    assert counts['DELETE instances/*'] == 40
    reads = counts['GET instances'] + counts['GET instances/*']
    assert reads <= 2 * 40 + 4 * (capacity.count_polls(60.0) + 10)


def test_backups_that_are_complete_cause_no_further_pages(
        run_flow, fake_trove):
    ids = add_instances(fake_trove, 120)
    for number in range(len(ids)):
        # Those that are complete precede the others in Trove's list.
        fake_trove.next_backup('COMPLETED', seconds=30.0 if number < 80
                               else 60.0)
    tasks = run_flow('protect', ids)
    assert [task.error for task in tasks] == [None] * len(ids)
    counts = count_requests(fake_trove)
    assert counts['GET backups'] <= capacity.count_polls(60.0) + 1
    assert counts['GET backups/*'] == 0


def test_instances_of_a_protect_are_read_once(run_flow, fake_trove):
    tasks = run_flow('protect', add_instances(fake_trove, 45))
    assert [task.error for task in tasks] == [None] * 45
    counts = count_requests(fake_trove)
    assert counts['GET instances'] == 3
    assert counts['GET instances/*'] == 0


def test_instances_are_read_together_again_after_30_s(run_flow, fake_trove):
    tasks = run_flow('protect', add_instances(fake_trove, 45), spread=1.0)
    assert [task.error for task in tasks] == [None] * 45
    counts = count_requests(fake_trove)
    # The second read is of 15 instances, which are in three pages or less.
    assert counts['GET instances'] <= 3 + 3
    assert counts['GET instances/*'] <= 3


@pytest.mark.parametrize('code', [404, 403])
def test_trove_without_a_list_of_details_is_asked_for_each_instance(
        run_flow, fake_trove, code):
    fake_trove.fail('GET', '/instances/detail', code, times=None)
    ids = add_instances(fake_trove, 5)
    fake_trove.instances[ids[0]]['locality'] = 'affinity'
    tasks = run_flow('protect', ids)
    assert [task.error for task in tasks] == [None] * 5
    assert len([request for request in fake_trove.requests
                if request.path == '/instances/detail']) == 1
    assert len(fake_trove.find_requests('GET', '/instances')) == 1
    assert {request.path for request in fake_trove.requests
            if request.path.startswith('/instances/')} == {
                '/instances/detail', *map('/instances/{}'.format, ids)}


def test_few_instances_of_a_large_project_are_read_one_by_one(
        run_flow, fake_trove):
    add_instances(fake_trove, 400)
    ids = add_instances(fake_trove, 3)
    tasks = run_flow('protect', ids)
    assert [task.error for task in tasks] == [None] * 3
    counts = count_requests(fake_trove)
    assert counts['GET instances'] + counts['GET instances/*'] <= 2 * 3


def test_instance_that_becomes_busy_after_the_preflight_is_polled_again(
        run_flow, fake_trove, clock):
    ids = add_instances(fake_trove, 3)
    create = fake_trove._on_backups.create

    def restart_and_create(project_id, body):
        fake_trove._on_backups.create = create
        fake_trove._on_instances.act(project_id, ids[0], {'restart': {}})
        return create(project_id, body)

    fake_trove._on_backups.create = restart_and_create
    tasks = run_flow('protect', ids)
    assert [task.error for task in tasks] == [None] * 3
    counts = count_requests(fake_trove)
    assert counts['POST backups'] == 4
    assert counts['GET instances/*'] >= 1


@pytest.fixture(params=['left out', 'left out later', 'failed'])
def end_without_backup(request, fake_trove):
    """Return a function that keeps databases from being backed up.

    Its argument is a list of the ids of the databases. It returns the options
    of the provider file.
    """
    def end(ids):
        create = fake_trove._on_backups.create

        def delete_others_and_create(project_id, body):
            for id_ in ids:
                fake_trove.instances.pop(id_, None)
            return create(project_id, body)

        for id_ in ids:
            if request.param == 'left out':
                del fake_trove.instances[id_]
            else:
                # The protect operation waits for these instances.
                fake_trove.instances[id_]['status'] = 'REBOOT'
        if request.param != 'left out':
            fake_trove._on_backups.create = delete_others_and_create
        return {'unprotectable_databases':
                'refuse' if request.param == 'failed' else 'skip'}
    return end


def test_database_without_a_backup_is_not_read_with_a_busy_one(
        run_flow, fake_trove, clock, end_without_backup):
    ids = add_instances(fake_trove, 30)
    busy, others = ids[-1], ids[10:18]
    fake_trove.instances[busy]['status'] = 'REBOOT'
    fake_trove.timeline.after(300.0, lambda at: fake_trove.instances[
        busy].update(status='ACTIVE'))
    tasks = run_flow('protect', ids, end_without_backup(others))
    assert tasks[-1].error is None
    # The first 30 s are those of the preflight and of the first polls.
    later = [request.path for request in fake_trove.requests
             if request.path.startswith('/instances')
             and request.at > tasks[-1].started + 30.0]
    assert len(later) > 40
    assert set(later) == {'/instances/' + busy}


def test_100_databases_cost_at_most_1_3_requests_each(run_flow, fake_trove):
    fake_trove.backup_seconds = 30.0
    ids = add_instances(fake_trove, 100)
    tasks = run_flow('protect', ids)
    assert [task.error for task in tasks] == [None] * 100
    assert len(fake_trove.requests) <= 130


def list_whole_lists(fake_trove):
    """Return the requests for a list of all backups, not for a poll."""
    return [request for request in fake_trove.find_requests('GET', '/backups')
            if request.query['limit'] == '100000']


@pytest.mark.parametrize('chain_length', [2, 7])
def test_100_incremental_backups_share_a_list_and_the_reads_of_their_chains(
        run_flow, fake_trove, clock, bank, slow_responses, chain_length):
    ids = add_instances(fake_trove, 100)
    for id_ in ids:
        growth.add_checkpoints(bank, fake_trove, clock, id_, chain_length - 1)
    fake_trove.backup_seconds = None

    def complete(at):
        for backup in fake_trove.backups.values():
            if backup['status'] == 'BUILDING':
                backup.update(status='COMPLETED', updated=at)

    fake_trove.timeline.after(60.0, complete)
    start = clock.now()
    tasks = run_flow('protect', ids, {'full_backup_every': 7},
                     parameters={'incremental': True})
    assert [task.error for task in tasks] == [None] * 100
    assert len(list_whole_lists(fake_trove)) == 1
    counts = count_requests(fake_trove)
    assert counts['POST backups'] == 100
    assert len([backup for backup in fake_trove.backups.values()
                if backup['parent_id']]) == 100 * (chain_length - 1)
    # The first resource reads its chain with GETs. The others read theirs in
    # two pages.
    assert counts['GET backups/*'] == chain_length - 1
    polls = capacity.count_polls(clock.now() - start)
    assert counts['GET backups'] <= 1 + polls + 2
    # The preflight reads five pages of instances, and the quotas.
    assert sum(counts.values()) <= 100 + 5 + 1 + polls + 1 + chain_length + 1


def test_chains_that_end_one_by_one_are_read_with_gets(
        run_flow, fake_trove, clock, bank, slow_responses):
    ids = add_instances(fake_trove, 10)
    for id_ in ids:
        growth.add_checkpoints(bank, fake_trove, clock, id_, 3)
    for number in range(10):
        fake_trove.next_backup('COMPLETED', 100.0 + 60.0 * number)
    tasks = run_flow('protect', ids, parameters={'incremental': True})
    assert [task.error for task in tasks] == [None] * 10
    ancestors = [id_ for id_, backup in fake_trove.backups.items()
                 if backup['created'] < tasks[0].started]
    assert len(ancestors) == 30
    for id_ in ancestors:
        assert len(fake_trove.find_requests('GET', '/backups/' + id_)) == 1


@pytest.mark.parametrize('limit', [1, 8])
def test_backups_are_requested_in_turns(
        run_flow, fake_trove, slow_responses, limit):
    tasks = run_flow('protect', add_instances(fake_trove, 30),
                     {'max_concurrent_requests': limit})
    assert [task.error for task in tasks] == [None] * 30
    assert slow_responses['trove POST'] == limit


@pytest.fixture
def slow_requests_for_instances(fake_trove, clock):
    """Let each request for an instance take 20 s before Trove executes it."""
    serve = fake_trove._serve

    def serve_later(sent, context):
        if sent.method == 'POST' and sent.path.endswith('/instances'):
            clock.sleep(20.0)
        return serve(sent, context)

    fake_trove._serve = serve_later
    fake_trove.attach(fake_trove.mocker)


@pytest.mark.parametrize('kind', ['restore', 'verify'])
def test_recovery_time_does_not_include_the_turns_of_others(
        run_flow, fake_trove, slow_requests_for_instances, restore, verify,
        kind):
    ids = add_instances(fake_trove, 5)
    run_flow('protect', ids)
    record = {'restore': restore, 'verify': verify}[kind]
    tasks = run_flow(kind, ids, {'verify_level': 'restore',
                                 'max_concurrent_requests': 1}, record=record)
    assert [task.error for task in tasks] == [None] * 5
    seconds = [float(re.search('up (?:after )?([0-9.]+) s', reason)[1])
               for reason in record.resources_reason.values()]
    # 20 s for the request, 12 s for the start, and the pause between two
    # polls.
    assert len(seconds) == 5
    assert all(32 <= value < 40 for value in seconds), seconds


def test_entries_of_temporary_instances_end_some_time_after_their_turns(
        run_flow, fake_trove, slow_requests_for_instances, verify, bank, clock,
        monkeypatch):
    ids = add_instances(fake_trove, 5)
    run_flow('protect', ids)
    remaining = []
    create = fake_trove._on_instances.create

    def read_entry_and_create(project_id, body):
        [entry] = verification_journal.VerificationJournal(
            bank, body['instance']['name'][-36:]).list_entries()
        remaining.append(datetime.datetime.fromisoformat(entry.ends_by)
                         - clock.utc())
        return create(project_id, body)

    monkeypatch.setattr(fake_trove._on_instances, 'create',
                        read_entry_and_create)
    run_flow('verify', ids, {
        'verify_level': 'restore', 'max_concurrent_requests': 1,
        'restore_timeout': 1000, 'delete_timeout': 200}, record=verify)
    # The request takes 20 s, and 600 s are for the requests.
    assert remaining == [
        datetime.timedelta(seconds=1000 + 200 + 600 - 20)] * 5


def test_chains_of_many_databases_are_verified_with_one_list(
        run_flow, fake_trove, slow_responses, verify):
    ids = add_instances(fake_trove, 20)
    for _ in range(2):
        run_flow('protect', ids, parameters={'incremental': True})
    count_requests(fake_trove)
    tasks = run_flow('verify', ids, record=verify)
    assert [task.error for task in tasks] == [None] * 20
    counts = count_requests(fake_trove)
    assert counts['GET backups'] == 1
    assert counts['GET backups/*'] == 0
    assert counts['GET datastores/*'] == 1


def test_verified_backup_that_the_list_lacks_is_read(
        run_flow, fake_trove, verify):
    ids = add_instances(fake_trove, 3)
    run_flow('protect', ids)
    count_requests(fake_trove)
    index = fake_trove._on_backups.index
    fake_trove._on_backups.index = lambda *args: (
        {'backups': index(*args)[0]['backups'][1:]}, None)
    tasks = run_flow('verify', ids, record=verify)
    assert [task.error for task in tasks] == [None] * 3
    assert count_requests(fake_trove)['GET backups/*'] == 1


def test_backups_can_be_verified_by_a_user_who_may_not_list_them(
        run_flow, fake_trove, verify):
    ids = add_instances(fake_trove, 3)
    run_flow('protect', ids)
    fake_trove.fail('GET', '/backups', 403, times=None)
    tasks = run_flow('verify', ids, record=verify)
    assert [task.error for task in tasks] == [None] * 3


def test_objects_of_many_databases_are_verified_with_8_requests_at_once(
        run_flow, fake_trove, slow_responses, verify):
    ids = add_instances(fake_trove, 30)
    run_flow('protect', ids, {'verify_level': 'data'})
    slow_responses.clear()
    tasks = run_flow('verify', ids, {'verify_level': 'data'}, record=verify)
    assert [task.error for task in tasks] == [None] * 30
    assert slow_responses['swift HEAD'] == 8


def test_deletions_of_many_databases_share_the_lists(
        run_flow, fake_trove, slow_responses):
    ids = add_instances(fake_trove, 30)
    run_flow('protect', ids)
    count_requests(fake_trove)
    tasks = run_flow('delete', ids)
    assert [task.error for task in tasks] == [None] * 30
    assert not fake_trove.backups
    # The first deletion requests a list, and all others share the next one.
    assert len(list_whole_lists(fake_trove)) == 2
    counts = count_requests(fake_trove)
    assert counts['DELETE backups/*'] == 30
    # Each deleted backup is read alone, because a list proves nothing.
    assert counts['GET backups/*'] == 30
    # Two of them are polls.
    assert counts['GET backups'] == 4


class WalkedList(backup_polls.BackupList):
    """A list of backups that counts how often it is read as a whole."""

    walks = 0

    def __iter__(self):
        type(self).walks += 1
        return super().__iter__()

    def keys(self):
        type(self).walks += 1
        return super().keys()

    def values(self):
        type(self).walks += 1
        return super().values()

    def pop(self, *args):
        raise AssertionError('other deletions use this list too')


def test_deletions_of_many_databases_read_each_list_as_a_whole_only_once(
        run_flow, fake_trove, slow_responses, monkeypatch):
    ids = add_instances(fake_trove, 30)
    run_flow('protect', ids)
    count_requests(fake_trove)
    monkeypatch.setattr(backup_polls, 'BackupList', WalkedList)
    monkeypatch.setattr(WalkedList, 'walks', 0)
    tasks = run_flow('delete', ids)
    assert [task.error for task in tasks] == [None] * 30
    assert not fake_trove.backups
    assert 1 <= WalkedList.walks <= len(list_whole_lists(fake_trove))


def test_outage_does_not_count_once_for_each_turn_in_the_queue(
        run_flow, fake_trove, clock):
    fake_trove.fail('GET', '/backups', 503, times=None)
    start = clock.now()
    tasks = run_flow('protect', add_instances(fake_trove, 40),
                     {'ready_timeout': 1800},
                     parameters={'incremental': 'True'})
    assert all('backups could not be listed' in str(task.error)
               for task in tasks)
    # Each of the 5 turns may take another minute.
    assert clock.now() - start <= 1800 + 5 * 65


class SlowKeystone:
    """The responses of Keystone to requests for its versions."""

    def __init__(self, clock):
        self._clock = clock
        #: The duration of each response in seconds.
        self.seconds = 0.1
        #: The requests in their order.
        self.requests = []
        #: Called after the duration of a response.
        self.before_response = lambda: None

    def respond(self, request, response):
        self.requests.append(request)
        self._clock.sleep(self.seconds)
        self.before_response()
        return {'versions': {'values': [keystone.VERSION]}}


@pytest.fixture
def restart_karbor(fake_trove, clock, monkeypatch):
    """Return a function that restarts Karbor, with a slow Keystone.

    It returns the Keystone.
    """
    def restart():
        monkeypatch.setattr(client_factory.ClientFactory, '_keystone_plugin',
                            None)
        slow_keystone = SlowKeystone(clock)
        fake_trove.mocker.get(keystone.URL + '/', status_code=300,
                              json=slow_keystone.respond)
        return slow_keystone
    return restart


@pytest.fixture
def clients(monkeypatch):
    """The clients of Trove that Karbor has created."""
    clients = []
    create = client_factory.ClientFactory.create_client
    monkeypatch.setattr(
        client_factory.ClientFactory, 'create_client',
        lambda *args: clients.append(create(*args)) or clients[-1])
    return clients


@pytest.mark.parametrize('kind', ['protect', 'restore', 'verify', 'delete'])
def test_databases_share_one_client_after_a_restart_of_karbor(
        run_flow, fake_trove, restart_karbor, clients, restore, verify, kind):
    ids = add_instances(fake_trove, 30)
    run_flow('protect', ids)
    slow_keystone = restart_karbor()
    clients.clear()
    tasks = run_flow(kind, ids, record={
        'restore': restore, 'verify': verify}.get(kind))
    assert [task.error for task in tasks] == [None] * 30
    assert len(clients) == 1
    # Keystone is found to respond, and its versions are read.
    assert len(slow_keystone.requests) == 2


def test_cancelled_database_leaves_the_connection_to_the_others(
        run_flow, fake_trove, restart_karbor, clients, clock):
    ids = add_instances(fake_trove, 30)
    run_flow('protect', ids)
    slow_keystone = restart_karbor()
    clients.clear()

    def cancel(step):
        if len(slow_keystone.requests) == 1:
            clock.before_step = lambda step: None
            # The first database waits for Keystone.
            clock.cancel(clock.tasks[-30])

    clock.before_step = cancel
    tasks = run_flow('delete', ids)
    assert isinstance(tasks[0].error, greenlet.GreenletExit)
    assert [task.error for task in tasks[1:]] == [None] * 29
    assert len(clients) == 1


def test_timeouts_of_keystone_do_not_add_up(
        run_flow, fake_trove, restart_karbor, clock, verify):
    ids = add_instances(fake_trove, 40)
    run_flow('protect', ids)
    slow_keystone = restart_karbor()
    slow_keystone.seconds = 25.0

    def fail():
        raise requests.exceptions.ReadTimeout

    slow_keystone.before_response = fail
    start = clock.now()
    tasks = run_flow('verify', ids, record=verify)
    assert all('Trove could not be found: given up after 60 s' in str(
        task.error) for task in tasks)
    # A wait for 60 s ends after at most two more requests.
    assert clock.now() - start <= 60 + 2 * 25
    assert len(slow_keystone.requests) <= 5


def count_objects():
    """Return how many objects of an operation exist, by their class."""
    gc.collect()
    counts = collections.Counter(type(found) for found in gc.get_objects())
    return {kind.__name__: sum(
        count for type_, count in counts.items() if issubclass(type_, kind))
        for kind in (
            schedulers.Task, base.Operation, flow.FlowState,
            shared_poll.SharedPoll, shared_poll._Waiter, polling.Poller,
            polling.Wait, polling.Deadline, type(threading.Event()),
            deferred_deletion.BackupDeletion, trove_client.TroveClient,
            keystone_session.Session, requests.Session,
            errors.KarborTroveError)}


def test_nothing_is_left_after_1000_operations(
        run_flow, fake_trove, clock, verify, caplog):
    # Log records would keep references to the exceptions.
    caplog.set_level('CRITICAL', 'karbor_trove')
    all_ids = add_instances(fake_trove, 100)

    def run(kinds, ids):
        for kind in kinds:
            fake_trove.fail('GET', '/backups*', 503, times=2)
            tasks = run_flow(kind, ids,
                             record=verify if kind == 'verify' else None)
            assert [task.error for task in tasks] == [None] * len(ids)
            del tasks, clock.tasks[:]
            fake_trove.heal()
            fake_trove.requests.clear()
            fake_trove.mocker.reset()

    # Karbor keeps one Keystone plugin for all operations.
    run(['protect', 'verify', 'delete'], all_ids[:2])
    before = count_objects()
    threads = threading.active_count()
    run(['protect', 'verify', 'delete'] * 3 + ['protect'], all_ids)
    assert count_objects() == before
    assert threading.active_count() == threads
