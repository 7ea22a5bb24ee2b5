"""The queue that limits how many requests are sent at the same time."""

import math
import threading

import greenlet
import hypothesis
from hypothesis import strategies as st
import pytest

from karbor_trove import polling
from karbor_trove.trove import request_queue
from tests.unit import scheduler as schedulers


class World:
    """A queue, and requests of one second each."""

    def __init__(self, limit=2, choose=lambda count: 0):
        self.scheduler = schedulers.Scheduler(choose, start=0.0)
        self.queue = request_queue.RequestQueue(limit, self.scheduler)
        self.limit = limit
        self.sent = []
        self.active = 0

    def request(self, number, error=None):
        def run():
            with self.queue.wait_for_turn():
                self.sent.append(number)
                self.active += 1
                assert self.active <= self.limit
                try:
                    self.scheduler.sleep(1.0)
                finally:
                    self.active -= 1
                if error is not None:
                    raise error

        return self.scheduler.spawn(run)

    def run(self):
        self.scheduler.run()
        assert self.queue._free == self.limit
        assert not self.queue._tickets


def test_requests_are_sent_in_their_order_and_not_more_than_the_limit():
    world = World(8)
    tasks = [world.request(number) for number in range(100)]
    world.run()
    assert world.sent == list(range(100))
    assert [task.ended for task in tasks] == [
        1.0 + number // 8 for number in range(100)]


@pytest.mark.parametrize('error', [
    ValueError, greenlet.GreenletExit, KeyboardInterrupt])
@pytest.mark.parametrize('victim', range(4))
@pytest.mark.parametrize('pauses', [1, 2])
def test_request_that_is_cancelled_leaves_its_turn_to_the_next(
        error, victim, pauses):
    world = World()
    tasks = [world.request(number) for number in range(8)]

    def cancel(step):
        if tasks[victim].pauses == pauses and not tasks[victim].dead:
            world.scheduler.cancel(tasks[victim], error)

    world.scheduler.before_step = cancel
    world.run()
    assert set(range(8)) - {victim} <= set(world.sent)
    assert max(task.ended for task in tasks) <= 4.0


def test_request_that_fails_leaves_its_turn_to_the_next():
    world = World(1)
    for number in range(5):
        world.request(number, OSError('no response'))
    world.run()
    assert world.sent == [0, 1, 2, 3, 4]


@hypothesis.given(
    limit=st.integers(1, 4), count=st.integers(1, 9),
    removal=st.integers(0, 60),
    cancelled=st.dictionaries(st.integers(0, 30), st.integers(0, 8),
                              max_size=5),
    choices=st.lists(st.integers(0, 8), max_size=40))
@hypothesis.settings(max_examples=100)
def test_requests_come_and_are_cancelled_in_any_order(
        limit, count, removal, cancelled, choices):
    remaining = list(choices)
    world = World(limit, lambda ready: (
        remaining.pop() if remaining else 0) % ready)
    tasks = [world.request(number) for number in range(count)]

    def cancel(step):
        if step == removal:
            world.limit = math.inf
            world.queue.remove_limit()
        victim = cancelled.get(step)
        if victim is not None and victim < count and (
                tasks[victim].pauses and not tasks[victim].dead):
            world.scheduler.cancel(tasks[victim])

    world.scheduler.before_step = cancel
    world.run()
    assert len(world.sent) >= count - len(cancelled)


def test_all_waiting_requests_are_sent_when_the_limit_is_removed():
    world = World(1)
    tasks = [world.request(number) for number in range(5)]

    def remove_limit():
        world.scheduler.sleep(1.5)
        world.limit = 5
        world.queue.remove_limit()

    world.scheduler.spawn(remove_limit)
    world.scheduler.run(1.6)
    tasks.append(world.request(5))
    world.scheduler.run()
    # The second request was already sent, and the last one comes later.
    assert [task.ended for task in tasks] == [1.0, 2.0, 2.5, 2.5, 2.5, 2.6]


def test_real_threads_keep_the_limit():
    queue = request_queue.RequestQueue(2, polling.Clock())
    active, most = [], []
    start = threading.Barrier(8)

    def run():
        start.wait(10)
        for _ in range(50):
            with queue.wait_for_turn():
                active.append(None)
                most.append(len(active))
                active.pop()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(most) == 400
    assert max(most) <= 2
    assert queue._free == 2
