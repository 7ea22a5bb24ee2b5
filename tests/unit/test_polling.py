"""Waiting, with a time of its own."""

import time

import pytest

from karbor_trove import errors
from karbor_trove import polling
from tests.fake_trove import clock as clocks


@pytest.fixture
def clock():
    return clocks.Clock(start=0.0)


def looks(*answers):
    """Gives one answer a look, the last one for ever."""
    left = list(answers)

    def look():
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer
    return look


def wait(look, clock, seconds=10.0, interval=3.0):
    return polling.wait_for(look, polling.Deadline(seconds, clock), interval,
                            'the door is not open')


def test_the_first_look_is_immediate(clock):
    assert wait(looks('open'), clock) == 'open'
    assert clock.now() == 0


def test_it_looks_until_there_is_something(clock):
    assert wait(looks(None, None, 'open'), clock) == 'open'
    assert clock.now() == 6


@pytest.mark.parametrize('seen', [False, 0, ''])
def test_only_none_means_to_go_on(clock, seen):
    assert wait(looks(seen), clock) == seen


def test_the_last_look_is_at_the_deadline(clock):
    at = []
    with pytest.raises(errors.DeadlineExceeded,
                       match='the door is not open: given up after 10 s'):
        wait(lambda: at.append(clock.now()), clock)
    assert at == [0, 3, 6, 9, 10]


def test_no_look_begins_after_the_deadline(clock):
    at = []
    with pytest.raises(errors.DeadlineExceeded):
        wait(lambda: (at.append(clock.now()), clock.sleep(7))[1], clock)
    assert at == [0, 10]
    del at[:]
    with pytest.raises(errors.DeadlineExceeded):
        wait(lambda: (at.append(clock.now()), clock.sleep(11))[1], clock)
    assert at == [17]


def test_what_comes_at_the_deadline_counts(clock):
    assert wait(looks(None, 'open'), clock, seconds=1) == 'open'


def test_a_failure_in_passing_is_borne(clock):
    away = errors.Unreachable('away')
    assert wait(looks(away, None, away, 'open'), clock) == 'open'


def test_the_last_failure_is_told(clock):
    away = errors.Unreachable('nobody answers')
    with pytest.raises(errors.DeadlineExceeded, match='nobody answers') as raised:
        wait(looks(away), clock)
    assert raised.value.__cause__ is away


def test_an_old_failure_is_not(clock):
    with pytest.raises(errors.DeadlineExceeded) as raised:
        wait(looks(errors.Unreachable('nobody answers'), None), clock)
    assert 'nobody' not in str(raised.value)


@pytest.mark.parametrize('error', [errors.NotFound('no'), errors.Rejected('no'),
                                   errors.ResourceFailed('no'), ValueError('no')])
def test_any_other_error_ends_the_wait_at_once(clock, error):
    with pytest.raises(type(error)):
        wait(looks(None, error), clock)
    assert clock.now() == 3


def test_the_pause_that_was_asked_for_is_obeyed(clock):
    assert wait(looks(errors.Unreachable('busy', 8.0), 'open'), clock)
    assert clock.now() == 8


def test_but_not_beyond_the_deadline(clock):
    with pytest.raises(errors.DeadlineExceeded):
        wait(looks(errors.Unreachable('busy', 3600.0)), clock)
    assert clock.now() == 10


def test_a_deadline_counts_down_to_zero(clock):
    deadline = polling.Deadline(5, clock)
    clock.sleep(2)
    assert deadline.remaining == 3
    clock.sleep(9)
    assert deadline.remaining == 0


def test_the_systems_time_is_looked_up_at_each_call(monkeypatch):
    # Karbor replaces these after our import.
    slept = []
    monkeypatch.setattr(time, 'sleep', slept.append)
    monkeypatch.setattr(time, 'monotonic', lambda: 42.0)
    polling.SYSTEM_CLOCK.sleep(7)
    assert slept == [7]
    assert polling.SYSTEM_CLOCK.now() == 42


def test_no_look_begins_after_a_deadline_that_others_have_used_up(clock):
    deadline = polling.Deadline(10.0, clock)
    clock.sleep(10.0)
    with pytest.raises(errors.DeadlineExceeded, match='given up after 10 s'):
        polling.wait_for(looks('open'), deadline, 3.0, 'the door')


def test_a_silence_may_be_limited_by_itself(clock):
    with pytest.raises(errors.DeadlineExceeded, match='given up after 20 s'):
        polling.wait_for(looks(None, errors.Unreachable('no answer')),
                         polling.Deadline(100.0, clock), 3.0, 'the door', 20.0)
    assert clock.now() == 3.0 + 20.0


def test_an_answer_ends_a_silence(clock):
    silence = [errors.Unreachable('no answer')] * 3
    assert polling.wait_for(
        looks(*silence, None, *silence, 'open'),
        polling.Deadline(1000.0, clock), 3.0, 'the door', 25.0) == 'open'
