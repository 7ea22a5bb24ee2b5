"""Races of the waits that share one poll.

The tests run greenlets with a scheduler of their own, so that every order of
their steps can be repeated. Two tests at the end use real and green threads.
"""

import gc
import subprocess
import sys
import threading

import greenlet
import hypothesis
from hypothesis import strategies as st
import pytest

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import shared_poll
from tests.unit import scheduler as schedulers

INTERVAL = 5.0


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch):
    monkeypatch.setattr(polling.random, 'uniform', lambda low, high: 1.0)


#: The maximum seconds from the deadline of a wait to its end: one interval and
#: one request.
LATE = 1.0 + 31.0


class Found:
    """The object that a poll read. Reads of an unchanged object are equal."""

    def __init__(self, is_done, began):
        self.is_done = is_done
        self.began = began

    def __eq__(self, other):
        return isinstance(other, Found) and self.is_done == other.is_done


class Service:
    """A service whose objects end at given times."""

    def __init__(self, scheduler, read_seconds=0.1):
        self.scheduler = scheduler
        self.ends = {}
        self.read_seconds = read_seconds
        #: The ids of each poll, by the time of its start.
        self.polls = []
        self.is_busy = False
        #: Returns the error of the poll with this number. None if the poll
        #: has no error.
        self.fail = lambda number: None

    def read(self, ids):
        assert not self.is_busy, 'two polls at the same time'
        self.is_busy = True
        try:
            began = self.scheduler.now()
            self.polls.append((began, ids))
            error = self.fail(len(self.polls) - 1)
            objects = {
                id_: Found(self.ends[id_] <= began, began)
                if self.ends[id_] is not None
                else errors.NotFound('%s is gone' % id_) for id_ in ids}
            self.scheduler.sleep(self.read_seconds)
            if error is not None:
                raise error
            return objects
        finally:
            self.is_busy = False


class World:
    """A service, and waits that share a poll of its objects."""

    def __init__(self, choose=lambda count: 0, read_seconds=0.1):
        self.scheduler = schedulers.Scheduler(choose, start=0.0)
        self.service = Service(self.scheduler, read_seconds)
        self.poller = polling.Poller(INTERVAL, self.scheduler)
        self.poll = shared_poll.SharedPoll(self.poller)

    def wait(self, id_, seconds, timeout=1000.0, delay=0.0,
             outage_timeout=None, is_urgent=False):
        """Start a wait for an object that ends after some seconds."""
        def run():
            self.scheduler.sleep(delay)
            task.joined = self.scheduler.now()
            self.service.ends[id_] = (
                None if seconds is None else task.joined + seconds)
            return self.poll.wait_for(
                self.service.read, id_, check,
                self.poller.deadline(timeout), '%s is not done' % id_,
                outage_timeout, is_urgent)

        def check(found):
            assert found.began >= task.joined, 'a poll of before the wait'
            if found.is_done:
                return found
            raise errors.Pending('it runs')

        task = self.scheduler.spawn(run)
        return task

    def run(self):
        self.scheduler.run()
        self.check_empty()

    def check_empty(self):
        assert not self.poll._waiters
        assert self.poll._leader is None
        assert not self.poll._lock.locked()
        assert not self.service.is_busy


def test_one_wait_reads_its_own_object_until_it_is_done():
    world = World()
    task = world.wait('a', 30.0)
    world.run()
    assert task.error is None
    assert {tuple(ids) for _, ids in world.service.polls} == {('a',)}


@pytest.mark.parametrize('count', [2, 10, 100])
def test_polls_do_not_grow_with_the_number_of_waits(count):
    world = World()
    tasks = [world.wait(str(number), 31.0) for number in range(count)]
    world.run()
    assert all(task.error is None for task in tasks)
    alone = World()
    alone.wait('a', 31.0)
    alone.run()
    assert len(world.service.polls) == len(alone.service.polls)


@pytest.mark.parametrize('count', [1, 2, 50])
@pytest.mark.parametrize('seconds, polls, late', [
    (30.0, 24, 3.0), (60.0, 32, 5.0), (8 * 3600.0, 850, 60.0)])
def test_long_tasks_need_few_polls_however_many_waits_there_are(
        monkeypatch, count, seconds, polls, late):
    monkeypatch.setattr(polling.random, 'uniform', lambda low, high: (
        low + high) / 2)
    world = World(read_seconds=0.0)
    tasks = [world.wait(str(number), seconds, timeout=2 * seconds,
                        delay=number / 1000) for number in range(count)]
    world.run()
    assert all(0 <= task.ended - task.joined - seconds <= late + 0.06
               for task in tasks)
    assert polls * 0.75 <= len(world.service.polls) <= polls


def count_polls(seconds):
    """Return the number of polls of a wait without other waits."""
    world = World()
    world.wait('a', seconds)
    world.run()
    return len(world.service.polls)


@pytest.mark.parametrize('spread', [10.0, 25.0])
def test_waits_that_begin_one_after_the_other_need_few_more_polls(spread):
    world = World()
    tasks = [world.wait(str(number), 31.0, delay=number * spread / 50)
             for number in range(50)]
    world.run()
    assert all(task.error is None for task in tasks)
    assert all(task.ended - task.joined <= 31.0 + INTERVAL + 0.1
               for task in tasks)
    # One wait that is as long as all of them needs as many polls.
    assert len(world.service.polls) <= count_polls(spread + 31.0) + 1
    if spread == 10.0:
        assert len(world.service.polls) <= 1.2 * count_polls(31.0)


def test_wait_that_begins_during_a_poll_gets_the_result_of_a_later_one():
    world = World(read_seconds=10.0)
    world.wait('a', 0.0)
    late = world.wait('b', 0.0, delay=5.0)
    world.run()
    [first, second] = world.service.polls
    assert first == (1.0, ['a'])
    assert second == (11.0, ['b'])
    assert late.result.began == 11.0


def test_urgent_reads_at_the_same_time_share_two_polls():
    world = World()
    tasks = [world.wait(str(number), 0.0, delay=number / 1000,
                        is_urgent=True) for number in range(50)]
    world.run()
    assert all(task.error is None for task in tasks)
    assert [len(ids) for _, ids in world.service.polls] == [1, 49]


@pytest.mark.parametrize('delay', [41.3, 900.0, 7200.0])
def test_first_poll_of_a_new_wait_is_within_the_poll_interval(delay):
    world = World()
    world.wait('old', 8 * 3600.0, timeout=86400.0)
    young = world.wait('young', 0.0, delay=delay)
    world.run()
    assert young.ended - young.joined <= INTERVAL + 0.2


@pytest.mark.parametrize('delay', [900.0, 2 * 3600.0])
def test_short_wait_beside_long_ones_is_polled_at_the_poll_interval(delay):
    world = World()
    world.wait('long', 8 * 3600.0, timeout=86400.0)
    short = world.wait('short', 30.0, delay=delay)
    world.run()
    assert 30.0 <= short.ended - short.joined <= 30.0 + INTERVAL + 0.2
    # Ten minutes later the pauses are long again.
    assert len(world.service.polls) <= 850 + 600 / INTERVAL


def test_result_of_one_wait_does_not_wake_the_others():
    world = World()
    short = world.wait('short', 10.0)
    long = [world.wait(str(number), 40.0) for number in range(3)]
    world.run()
    assert short.error is None
    # Their starts, the takeover of one of them, and their ends.
    assert sorted(task.pauses for task in long)[:2] == [3, 3]


def test_deadline_of_one_wait_ends_only_this_wait():
    world = World()
    short = world.wait('short', 100.0, timeout=20.0)
    others = [world.wait(str(number), 30.0) for number in range(3)]
    world.run()
    assert str(short.error) == (
        'short is not done: given up after 20 s (it runs)')
    assert isinstance(short.error, errors.DeadlineExceeded)
    assert 20.0 <= short.ended <= 21.5
    assert all(task.error is None for task in others)


def test_follower_leaves_at_its_deadline_although_the_leader_hangs():
    world = World(read_seconds=10000.0)
    leader = world.wait('a', 5.0, timeout=20000.0)
    follower = world.wait('b', 5.0, timeout=50.0, delay=0.5)
    world.run()
    assert isinstance(follower.error, errors.DeadlineExceeded)
    assert 50.0 <= follower.ended <= 50.5 + LATE
    assert leader.error is None


def test_object_that_is_gone_ends_only_its_own_wait():
    world = World()
    gone = world.wait('gone', None)
    others = [world.wait(str(number), 30.0) for number in range(3)]
    world.run()
    assert isinstance(gone.error, errors.NotFound)
    assert gone.ended < 2.0
    assert all(task.error is None for task in others)


def test_failed_poll_is_retried_once_for_all_with_growing_pauses():
    world = World(read_seconds=0.0)
    tasks = [world.wait(str(number), 3.0) for number in range(20)]
    world.wait('late', 3.0, delay=7.0)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if number < 4 else None)
    world.run()
    assert [began for began, _ in world.service.polls] == [
        1.0, 6.0, 16.0, 36.0, 76.0]
    assert all(task.error is None for task in tasks)


def test_retry_after_of_one_response_counts_for_all():
    world = World(read_seconds=0.0)
    for number in range(3):
        world.wait(str(number), 3.0)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 429', 90.0) if number < 1 else None)
    world.run()
    assert [began for began, _ in world.service.polls] == [1.0, 91.0]


def test_outage_timeout_ends_only_the_waits_that_have_one():
    world = World()
    short = world.wait('short', 500.0, outage_timeout=60.0)
    long = world.wait('long', 500.0)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if world.scheduler.now() < 400
        else None)
    world.run()
    assert 'given up after 60 s (the last check failed: HTTP 503)' in str(
        short.error)
    assert 60.0 <= short.ended <= 63.0
    assert long.error is None


@pytest.mark.parametrize('others', [0, 1, 20])
def test_outage_timeout_ends_a_wait_before_a_long_retry_after(others):
    world = World(read_seconds=0.0)
    for number in range(others):
        world.wait(str(number), 500.0)
    short = world.wait('short', 30.0, outage_timeout=60.0)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 429', 300.0) if number < 1 else None)
    world.run()
    assert short.error is None
    assert short.ended == 61.0
    assert [began for began, _ in world.service.polls][:2] == [1.0, 61.0]


@pytest.mark.parametrize('is_urgent', [False, True])
def test_wait_that_begins_during_an_outage_is_polled_at_its_deadline(
        is_urgent):
    world = World(read_seconds=0.0)
    world.wait('old', 500.0)
    # The next retry would be at 76 s.
    new = world.wait('new', 0.0, delay=38.0, timeout=10.0,
                     is_urgent=is_urgent)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if world.scheduler.now() < 45
        else None)
    world.run()
    assert new.error is None
    assert new.ended == 48.0


def test_wait_that_ended_during_an_outage_causes_no_further_retry():
    world = World(read_seconds=0.0)
    world.wait('long', 500.0)
    world.wait('short', 500.0, outage_timeout=20.0)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if world.scheduler.now() < 60
        else None)
    world.run()
    # At 21 s, the wait with an outage timeout ends.
    assert [began for began, _ in world.service.polls][:5] == [
        1.0, 6.0, 16.0, 21.0, 61.0]


def test_outage_is_logged_once_for_all_waits(caplog):
    world = World()
    for number in range(20):
        world.wait(str(number), 3.0)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if number < 4 else None)
    world.run()
    assert caplog.text.count('No response, retrying: HTTP 503') == 1


def test_log_is_written_without_the_lock(monkeypatch):
    world = World()
    world.wait('a', 3.0)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if number < 4 else None)
    are_locked = []
    monkeypatch.setattr(polling.LOG, 'warning', lambda *_: are_locked.append(
        world.poll._lock.locked()))
    world.run()
    assert are_locked == [False]


def test_object_that_cannot_be_read_does_not_slow_down_the_others():
    world = World(read_seconds=0.0)
    bad = world.wait('bad', 10.0, timeout=100.0)
    good = world.wait('good', 10.0)
    read = world.service.read
    world.service.read = lambda ids: dict(
        read(ids), bad=errors.Unreachable('HTTP 500'))
    world.run()
    assert good.ended <= 10.0 + INTERVAL
    assert isinstance(bad.error, errors.DeadlineExceeded)
    assert 'HTTP 500' in str(bad.error)


def test_deadline_of_the_leaders_client_ends_only_the_wait_of_the_leader():
    world = World()
    tasks = [world.wait(str(number), 10.0) for number in range(3)]
    world.service.fail = lambda number: None if number else (
        errors.DeadlineExceeded('given up'))
    world.run()
    assert str(tasks[0].error) == 'given up'
    assert [task.error for task in tasks[1:]] == [None, None]


@pytest.mark.parametrize('error', [
    errors.Rejected('403'), ValueError('bug')])
def test_any_other_error_of_a_poll_ends_all_waits_of_the_poll(error):
    world = World()
    tasks = [world.wait(str(number), 10.0) for number in range(3)]
    late = world.wait('late', 10.0, delay=1.05)
    world.service.fail = lambda number: None if number else error
    world.run()
    assert [(type(task.error), str(task.error)) for task in tasks] == [
        (type(error), str(error))] * 3
    assert late.error is None


def test_check_that_changes_by_itself_runs_again_with_the_same_object():
    world = World()
    deadline = world.poller.deadline(40.0)
    ended = []

    def check(found):
        if deadline.remaining:
            raise errors.Pending('it may be deleted', deadline.remaining)
        ended.append(world.scheduler.now())
        return found

    def run():
        world.poll.wait_for(lambda ids: dict.fromkeys(ids, 'same'), 'b',
                            check, world.poller.deadline(1000.0), 'b')

    # The first wait is the leader. Equal objects do not wake the second wait.
    world.scheduler.spawn(run)
    world.scheduler.spawn(run)
    world.scheduler.run()
    assert ended and all(40.0 <= time <= 41.0 + INTERVAL for time in ended)


def test_check_that_changes_by_itself_does_not_spin_during_an_outage():
    world = World()
    deadline = world.poller.deadline(40.0)

    def check(found):
        if deadline.remaining:
            raise errors.Pending('it may be deleted', deadline.remaining)
        return found

    def read(ids):
        if 20 < world.scheduler.now() < 400:
            raise errors.Unreachable('HTTP 503')
        return dict.fromkeys(ids, 'same')

    def run():
        return world.poll.wait_for(read, 'b', check,
                                   world.poller.deadline(1000.0), 'b')

    tasks = [world.scheduler.spawn(run) for _ in range(3)]
    world.run()
    assert [task.error for task in tasks] == [None] * 3
    assert all(400 <= task.ended <= 400 + 76 for task in tasks)


def test_object_that_is_gone_after_an_outage_ends_its_wait():
    world = World(read_seconds=0.0)
    leader = world.wait('leader', 500.0)
    gone = world.wait('gone', None)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if number < 2 else None)
    world.run()
    assert isinstance(gone.error, errors.NotFound)
    assert gone.ended == world.service.polls[2][0]
    assert leader.error is None


def test_last_poll_is_at_the_deadline_although_an_outage_ended_before():
    # The second wait runs before the leader.
    world = World(lambda count: count - 1, read_seconds=0.0)
    world.wait('leader', 900.0)
    task = world.wait('b', 299.9, timeout=300.0, delay=0.01,
                      outage_timeout=5.0)
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if number < 1 else None)
    world.run()
    assert task.error is None


CANCELLATIONS = [greenlet.GreenletExit, KeyboardInterrupt, SystemExit]


@pytest.mark.parametrize('error', CANCELLATIONS + [
    ValueError, errors.Unreachable, errors.Rejected])
@pytest.mark.parametrize('victim', range(3))
def test_wait_that_is_cancelled_at_any_point_harms_no_other(error, victim):
    for point in range(1, 40):
        world = World()
        tasks = [world.wait(str(number), 20.0 + number, delay=number * 0.05)
                 for number in range(3)]

        is_poll_failed = None

        def cancel(step):
            nonlocal is_poll_failed
            task = tasks[victim]
            if task.pauses >= point and is_poll_failed is None:
                # If the leader is in a request, the error is that of the
                # request and not a cancellation.
                is_poll_failed = issubclass(error, Exception) and (
                    world.poll._leader is not None
                    and world.poll._leader.id == str(victim)
                    and world.service.is_busy)
                world.scheduler.cancel(task, error('cancelled'))

        world.scheduler.before_step = cancel
        world.run()
        others = tasks[:victim] + tasks[victim + 1:]
        if is_poll_failed:
            assert {type(task.error) for task in others} <= {
                type(None), error} - {errors.Unreachable}
            continue
        assert all(task.error is None for task in others)
        assert all(task.ended - task.joined <= 22.0 + INTERVAL + 1
                   for task in others)
        if tasks[victim].pauses < point:
            break
    else:
        raise AssertionError('the wait has more points')


def test_every_wait_can_be_cancelled_in_one_poll():
    world = World(read_seconds=10.0)
    tasks = [world.wait(str(number), 100.0) for number in range(10)]
    world.scheduler.run(seconds=5.0)
    for task in tasks:
        world.scheduler.cancel(task)
    world.check_empty()
    assert len(world.service.polls) == 1


WAITS = st.lists(st.fixed_dictionaries({
    'seconds': st.one_of(st.none(), st.floats(0, 60)),
    'timeout': st.floats(0.1, 90),
    'delay': st.floats(0, 40),
    'outage_timeout': st.one_of(st.none(), st.floats(5, 50)),
    'is_urgent': st.booleans()}), min_size=1, max_size=6)


@hypothesis.given(waits=WAITS, read_seconds=st.sampled_from([0.0, 0.1, 7.0]),
                  failing=st.sets(st.integers(0, 12), max_size=6),
                  cancelled=st.dictionaries(
                      st.integers(0, 60), st.tuples(
                          st.integers(0, 5), st.sampled_from(CANCELLATIONS)),
                      max_size=3),
                  choices=st.lists(st.integers(0, 5), max_size=60))
@hypothesis.settings(max_examples=150)
def test_waits_join_fail_and_leave_in_any_order(
        waits, read_seconds, failing, cancelled, choices):
    remaining = list(choices)
    world = World(lambda count: (remaining.pop() if remaining else 0) % count,
                  read_seconds)
    tasks = [world.wait(str(number), **wait)
             for number, wait in enumerate(waits)]
    world.service.fail = lambda number: (
        errors.Unreachable('HTTP 503') if number in failing else None)
    victims = set()

    def cancel(step):
        number, error = cancelled.get(step, (0, None))
        if error is not None and number < len(tasks):
            task = tasks[number]
            if not task.dead and hasattr(task, 'joined'):
                victims.add(task)
                world.scheduler.cancel(task, error)

    world.scheduler.before_step = cancel
    world.run()
    for task, wait in zip(tasks, waits):
        if task in victims or not hasattr(task, 'joined'):
            continue
        end = task.joined + wait['timeout']
        assert task.ended <= end + LATE + read_seconds
        if task.error is None:
            assert task.result.is_done
        elif isinstance(task.error, errors.NotFound):
            assert wait['seconds'] is None
        else:
            assert isinstance(task.error, errors.DeadlineExceeded)
            # No wait reaches its deadline after a poll has read its object as
            # done.
            assert failing or cancelled or wait['seconds'] is None or (
                task.joined + wait['seconds'] > end - 2 * read_seconds - 1)
    times = [began for began, _ in world.service.polls]
    assert times == sorted(times)


def count_objects(*types_):
    gc.collect()
    return [sum(isinstance(found, type_) for found in gc.get_objects())
            for type_ in types_]


def test_nothing_is_left_after_1000_waits(caplog):
    # Log records would keep references to the exceptions.
    caplog.set_level('CRITICAL', 'karbor_trove')
    kinds = (schedulers.Task, shared_poll._Waiter, polling.Wait,
             polling.Deadline, type(threading.Event()),
             errors.KarborTroveError)
    world = World()
    before = count_objects(*kinds)
    threads = threading.active_count()
    for round_ in range(10):
        for number in range(100):
            world.wait('%d-%d' % (round_, number),
                       (5.0, 40.0, None)[number % 3],
                       timeout=(20.0, 1000.0)[number % 2],
                       delay=number / 10)
        world.service.fail = lambda number: (
            errors.Unreachable('HTTP 503') if number % 5 == 1 else None)
        victims = world.scheduler.tasks[::7]
        world.scheduler.run(seconds=9.0)
        for task in victims:
            if not task.dead:
                world.scheduler.cancel(task)
        world.run()
        del world.scheduler.tasks[:], victims
        del task
        world.service.ends.clear()
        del world.service.polls[:]
    world.service.fail = None
    assert count_objects(*kinds) == before
    assert threading.active_count() == threads


def test_real_threads_share_the_polls():
    polls = []
    clock = polling.Clock()
    poll = shared_poll.SharedPoll(polling.Poller(0.02, clock))
    start = threading.Barrier(16)

    def read(ids):
        polls.append(ids)
        return {id_: len(polls) for id_ in ids}

    def run(number):
        start.wait(10)
        results.append(poll.wait_for(
            read, str(number), lambda found: found if found > 10 else None,
            polling.Deadline(30.0, clock), 'it is not done'))

    results = []
    threads = [threading.Thread(target=run, args=(number,), daemon=True)
               for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 16
    assert len(polls) <= 10 + 4
    assert not poll._waiters and poll._leader is None


GREEN = '''
import eventlet
eventlet.monkey_patch()
from karbor_trove import polling
from karbor_trove.trove import shared_poll

clock = polling.Clock()
poll = shared_poll.SharedPoll(polling.Poller(0.02, clock))
polls = []

def read(ids):
    polls.append(ids)
    eventlet.sleep(0.01)
    return {id_: len(polls) for id_ in ids}

def run(number):
    return poll.wait_for(read, str(number),
                         lambda found: found if found > 10 else None,
                         polling.Deadline(30.0, clock), 'it is not done')

threads = [eventlet.spawn(run, number) for number in range(100)]
eventlet.sleep(0.05)
# The first thread is the leader. It is in a poll or between two polls.
threads[0].kill()
eventlet.sleep(0)
threads[1].kill()
assert all(thread.wait() for thread in threads[2:])
assert len(polls) <= 16, len(polls)
assert not poll._waiters and poll._leader is None
print('ended')
'''


def test_green_threads_share_the_polls():
    result = subprocess.run([sys.executable, '-c', GREEN], timeout=300,
                            capture_output=True, text=True)
    assert result.stdout == 'ended\n', result.stderr
