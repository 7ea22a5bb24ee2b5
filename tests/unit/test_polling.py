"""Waits with a simulated clock."""

import random
import time

import pytest

from karbor_trove import errors
from karbor_trove import polling
from tests.fake_trove import clock as clocks


@pytest.fixture
def clock():
    return clocks.Clock(start=0.0)


def build_check(*results):
    """Return a check with these results, the last one for ever.

    It raises the results that are exceptions.
    """
    remaining = list(results)

    def check():
        result = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(result, Exception):
            raise result
        return result
    return check


def wait_for(check, clock, seconds=10.0, outage_timeout=None):
    poller = polling.Poller(3.0, clock)
    return poller.wait_for(check, poller.deadline(seconds),
                           'the backup is not complete', outage_timeout)


def test_first_check_is_immediate(clock):
    assert wait_for(build_check('complete'), clock) == 'complete'
    assert clock.now() == 0


def test_wait_ends_with_the_first_result(clock):
    assert wait_for(build_check(None, None, 'complete'), clock) == 'complete'
    assert clock.now() == 2


@pytest.mark.parametrize('result', [False, 0, ''])
def test_false_results_end_the_wait(clock, result):
    assert wait_for(build_check(result), clock) == result


def test_last_check_is_at_the_deadline(clock):
    times = []
    with pytest.raises(errors.DeadlineExceeded,
                       match='backup is not complete: given up after 10 s'):
        wait_for(lambda: times.append(clock.now()), clock)
    assert times == list(range(11))


def test_no_slow_check_starts_after_the_deadline(clock):
    times = []
    with pytest.raises(errors.DeadlineExceeded):
        wait_for(lambda: (times.append(clock.now()), clock.sleep(7))[1], clock)
    assert times == [0, 8]
    del times[:]
    with pytest.raises(errors.DeadlineExceeded):
        wait_for(lambda: (times.append(clock.now()), clock.sleep(11))[1],
                 clock)
    assert times == [15]


def test_result_at_the_deadline_is_returned(clock):
    check = build_check(None, 'complete')
    assert wait_for(check, clock, seconds=1) == 'complete'


def poll_until(clock, seconds, interval=5.0):
    """Poll for a task of some seconds. Return the times of the polls."""
    times = []

    def check():
        times.append(clock.now())
        return clock.now() >= seconds or None

    poller = polling.Poller(interval, clock)
    poller.wait_for(check, poller.deadline(10 * seconds), 'it is not done')
    return times


@pytest.mark.parametrize('seconds, interval, polls, late', [
    (2.0, 5.0, 4, 1.0), (30.0, 5.0, 24, 3.0), (60.0, 5.0, 32, 5.0),
    (600.0, 5.0, 150, 5.0), (600.0, 1.0, 670, 1.0), (3600.0, 5.0, 380, 30.0),
    (8 * 3600.0, 5.0, 850, 60.0), (8 * 3600.0, 1.0, 1400, 60.0)])
@pytest.mark.parametrize('jitter', [0.0, 0.3, 0.5])
def test_pauses_grow_with_the_time_waited(
        clock, monkeypatch, seconds, interval, polls, late, jitter):
    monkeypatch.setattr(random, 'uniform', lambda low, high: (
        high - jitter * (high - low)))
    times = poll_until(clock, seconds, interval)
    assert 0 <= times[-1] - seconds <= late
    assert polls * 0.75 <= len(times) <= polls


def test_pauses_between_polls_have_a_jitter_of_10_percent(
        clock, monkeypatch):
    ranges = []
    monkeypatch.setattr(random, 'uniform', lambda low, high: (
        ranges.append((low, high)), low)[1])
    times = poll_until(clock, 3.0)
    assert times[:3] == [0.0, 0.9, 1.8]
    assert set(ranges) == {(0.9, 1.0)}


@pytest.mark.parametrize('interval, first', [
    (0.1, 0.1), (1.0, 1.0), (5.0, 1.0), (7000.0, 1.0)])
def test_no_pause_is_longer_than_a_minute(clock, interval, first):
    times = poll_until(clock, 4 * 3600.0, interval)
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    assert pauses[0] == pytest.approx(first)
    assert max(pauses) <= 60.001


def test_unreachable_is_retried(clock):
    error = errors.Unreachable('timeout')
    check = build_check(error, None, error, 'complete')
    assert wait_for(check, clock) == 'complete'


def test_deadline_error_has_the_last_failure(clock):
    error = errors.Unreachable('connection refused')
    with pytest.raises(errors.DeadlineExceeded,
                       match='connection refused') as raised:
        wait_for(build_check(error), clock)
    assert raised.value.__cause__ is error


def test_deadline_error_omits_a_failure_before_the_last_check(clock):
    with pytest.raises(errors.DeadlineExceeded) as raised:
        wait_for(build_check(errors.Unreachable('connection refused'), None),
                 clock)
    assert 'refused' not in str(raised.value)


@pytest.mark.parametrize('error', [
    errors.NotFound('no'), errors.Rejected('no'), errors.ResourceFailed('no'),
    ValueError('no')])
def test_any_other_error_ends_the_wait(clock, error):
    with pytest.raises(type(error)):
        wait_for(build_check(None, error), clock)
    assert clock.now() == 1


@pytest.mark.parametrize('jitter', [1.0, 1.25])
def test_pauses_of_an_outage_double_up_to_a_minute_and_have_a_jitter(
        clock, monkeypatch, jitter):
    ranges = []
    monkeypatch.setattr(random, 'uniform', lambda low, high: (
        ranges.append((low, high)), jitter)[1])
    times = []

    def check():
        times.append(clock.now())
        raise errors.Unreachable('timeout')

    with pytest.raises(errors.DeadlineExceeded):
        wait_for(check, clock, seconds=1000.0)
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    assert pauses[:7] == [
        pause * jitter for pause in [3, 6, 12, 24, 48, 60, 60]]
    assert set(ranges) == {(1.0, 1.25)}


def test_first_pause_of_each_outage_is_the_interval(clock):
    outage = [errors.Unreachable('timeout')] * 2
    wait_for(build_check(*outage, None, *outage, 'complete'), clock, 100.0)
    assert clock.now() == 3 + 6 + 1 + 3 + 6


def test_retry_after_is_respected(clock):
    assert wait_for(
        build_check(errors.Unreachable('busy', 8.0), 'complete'), clock)
    assert clock.now() == 8


def test_retry_after_does_not_extend_the_deadline(clock):
    with pytest.raises(errors.DeadlineExceeded):
        wait_for(build_check(errors.Unreachable('busy', 3600.0)), clock)
    assert clock.now() == 10


def test_deadline_remaining_is_never_negative(clock):
    deadline = polling.Deadline(5, clock)
    clock.sleep(2)
    assert deadline.remaining == 3
    clock.sleep(9)
    assert deadline.remaining == 0


def test_system_clock_uses_patched_time_functions(monkeypatch):
    # Karbor patches these functions after it has imported this package.
    sleeps = []
    monkeypatch.setattr(time, 'sleep', sleeps.append)
    monkeypatch.setattr(time, 'monotonic', lambda: 42.0)
    polling.SYSTEM_CLOCK.sleep(7)
    assert sleeps == [7]
    assert polling.SYSTEM_CLOCK.now() == 42


def test_no_first_check_starts_after_the_deadline(clock):
    poller = polling.Poller(3.0, clock)
    deadline = poller.deadline(10.0)
    clock.sleep(10.0)
    with pytest.raises(errors.DeadlineExceeded, match='given up after 10 s'):
        poller.wait_for(build_check('complete'), deadline, 'the backup')


def test_outage_timeout_ends_the_wait_before_the_deadline(clock):
    with pytest.raises(errors.DeadlineExceeded, match='given up after 20 s'):
        wait_for(build_check(None, errors.Unreachable('timeout')), clock,
                 seconds=100.0, outage_timeout=20.0)
    assert clock.now() == 1.0 + 20.0


def test_response_resets_the_outage_timeout(clock):
    outage = [errors.Unreachable('timeout')] * 3
    assert wait_for(build_check(*outage, None, *outage, 'complete'), clock,
                    seconds=1000.0, outage_timeout=25.0) == 'complete'


def test_outage_of_a_day_ends_at_the_deadline_with_the_last_failure(clock):
    with pytest.raises(errors.DeadlineExceeded, match='HTTP 503'):
        wait_for(build_check(errors.Unreachable('HTTP 503')), clock, 86400.0)
    assert clock.now() == 86400


def test_deadline_error_has_the_last_state_and_the_last_failure(clock):
    def check():
        if clock.now() - start < 5:
            raise errors.Pending('the last status is BACKUP')
        raise errors.Unreachable('no response')

    start = clock.now()
    poller = polling.Poller(1, clock)
    with pytest.raises(errors.DeadlineExceeded) as raised:
        poller.wait_for(check, poller.deadline(10), 'backup 1 is not complete')
    assert str(raised.value) == (
        'backup 1 is not complete: given up after 10 s (the last status is '
        'BACKUP, and the last check failed: no response)')
