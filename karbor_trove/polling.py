# SPDX-License-Identifier: Apache-2.0

"""Polling: clocks, deadlines and waits that survive an outage."""

import contextlib
import datetime
import random
import threading
import time
from typing import Callable, Iterator, Optional, TypeVar

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import timeouts

LOG = logging.getLogger(__name__)

T = TypeVar('T')


class Clock:
    """The time of this machine. Tests replace this class by a simulated clock.

    When Karbor starts to use green threads, it replaces time.sleep() by a
    function that lets other green threads run. So the methods look up the
    functions of the time module at each call.
    """

    def now(self) -> float:
        """Return the seconds of the monotonic clock of this machine."""
        return time.monotonic()

    def sleep(self, seconds: float,
              wake: Optional[threading.Event] = None) -> None:
        """Wait for some seconds. Other green threads run during the wait.

        :param wake: another thread can set this event to end the wait early.
            None if only the seconds end the wait.
        """
        if wake is None:
            time.sleep(seconds)
        else:
            wake.wait(seconds)

    def wait_for_event(self, event: threading.Event, seconds: float) -> None:
        """Wait until another thread sets an event, for some seconds at most.

        Call this method instead of sleep() if another thread sleeps or sends
        requests during the wait. The difference matters only in tests with a
        simulated clock: sleep() advances the simulated clock, and
        wait_for_event() does not.
        """
        event.wait(seconds)

    def utc(self) -> datetime.datetime:
        """Return the current date and time in UTC, in whole seconds.

        The result has no time zone (tzinfo).
        """
        return datetime.datetime.now(datetime.timezone.utc).replace(
            microsecond=0, tzinfo=None)


SYSTEM_CLOCK = Clock()


class PausableClock(Clock):
    """A clock that can be paused.

    For example, the clock is paused during requests to the bank. A deadline of
    this clock then limits only the time that Trove takes.
    """

    def __init__(self, clock: Clock) -> None:
        """Create the clock.

        :param clock: the underlying clock, which is never paused.
        """
        self._clock = clock
        self._paused = 0.0

    def now(self) -> float:
        """Return the seconds of the underlying clock minus all pauses."""
        return self._clock.now() - self._paused

    def sleep(self, seconds: float,
              wake: Optional[threading.Event] = None) -> None:
        """Wait for some seconds of the underlying clock. See Clock.sleep()."""
        self._clock.sleep(seconds, wake)

    def wait_for_event(self, event: threading.Event, seconds: float) -> None:
        """Wait until another thread sets an event.

        See Clock.wait_for_event().
        """
        self._clock.wait_for_event(event, seconds)

    def utc(self) -> datetime.datetime:
        """Return the current date and time of the underlying clock, in UTC."""
        return self._clock.utc()

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Pause this clock while a `with` block runs.

        After the block, this clock continues from the time at which the block
        began. Such a block must not be inside another one.
        """
        start = self._clock.now()
        try:
            yield
        finally:
            self._paused += self._clock.now() - start


class Deadline:
    """A point in time at which a wait ends."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        """Create a deadline that is some seconds from now.

        :param seconds: the timeout of the wait. A wait polls for the last time
            at its deadline.
        :param clock: the clock that measures the seconds.
        """
        self.seconds = seconds
        self._clock = clock
        self._end = clock.now() + seconds

    @property
    def remaining(self) -> float:
        """Return the seconds from now to the deadline.

        The result is 0 if the deadline has passed.
        """
        return max(0.0, self._end - self._clock.now())


class Pauses:
    """Computes the pauses between the polls of one wait.

    If several waits share their polls, the waits share one object of this
    class.
    """

    def __init__(self, interval: float) -> None:
        """Create the object for a new wait.

        :param interval: the longest pause in seconds in the first ten minutes
            of a wait.
        """
        self._interval = interval
        #: The shortest pause in seconds. It is the first pause of a wait.
        self.first = min(interval, timeouts.FIRST_POLL_PAUSE)
        #: Whether the last poll had no response.
        self.is_outage = False
        self._backoff = 0.0

    def after_response(self, oldest: float, youngest: float) -> float:
        """Return the seconds from a poll with a response to the next poll.

        The pauses grow with the duration of the wait. So a wait for a short
        task ends soon after the task, and a wait for a long task needs few
        polls. If several waits share the polls, the wait that began first
        determines the pauses. But no pause is longer than the poll interval
        in the first ten minutes of any wait.

        :param oldest: the seconds since the start of the wait that began
            first.
        :param youngest: the seconds since the start of the wait that began
            last. It is the same number if there is one wait.
        """
        self.is_outage = False
        if youngest < timeouts.FREQUENT_POLLS:
            pause = min(max(self.first, oldest / 10), self._interval)
        else:
            pause = max(self._interval, oldest / 120)
        # Many flows poll the same Trove. The jitter keeps the flows from
        # polling at the same moment.
        return (min(pause, timeouts.LONGEST_POLL_INTERVAL)
                * random.uniform(0.9, 1.0))

    def log_failure(self, error: errors.Unreachable) -> None:
        """Log a failed poll if it is the first one of an outage.

        Call this method before after_failure(). Hold no lock during the call.
        Karbor can cancel a green thread while it writes to the log, and then
        the lock might stay held.

        :param error: the failure of the poll.
        """
        if not self.is_outage:
            LOG.warning('No response, retrying: %s', error)

    def after_failure(self, error: errors.Unreachable) -> float:
        """Return the seconds from a failed poll to the next poll.

        During an outage the seconds double from poll to poll. They begin with
        the poll interval and grow to 60 s. Up to a quarter is added at random.
        If the response has a Retry-After header with more seconds, the result
        is that number.

        :param error: the failure of the poll.
        """
        if not self.is_outage:
            self.is_outage = True
            self._backoff = self._interval
        self._backoff = min(self._backoff, timeouts.LONGEST_POLL_INTERVAL)
        # Many waits poll the same Trove. The jitter keeps the waits from
        # retrying at the same moment.
        pause = max(self._backoff * random.uniform(1.0, 1.25),
                    error.retry_after or 0.0)
        self._backoff *= 2
        return pause


class Wait:
    """The state of one wait: its end, and the outcome of its last check.

    This class calls the check of the wait, but does not sleep between the
    checks.
    """

    def __init__(self, deadline: Deadline, description: str,
                 outage_timeout: Optional[float], clock: Clock) -> None:
        """Create the wait. Poller.wait_for() describes the parameters.

        :raises errors.DeadlineExceeded: the deadline has already passed.
        """
        self._deadline = deadline
        self._description = description
        self._outage_timeout = outage_timeout
        self._clock = clock
        self._state: Optional[str] = None
        self._failure: Optional[errors.Unreachable] = None
        self._outage: Optional[Deadline] = None
        #: When the check may have another result although the object has not
        #: changed. None if only a change of the object changes the result, or
        #: if the last check had no response.
        self.next_change: Optional[Deadline] = None
        if not deadline.remaining:
            raise errors.DeadlineExceeded('%s: given up after %g s'
                                          % (description, deadline.seconds))

    @property
    def end(self) -> Deadline:
        """Return the deadline at which the wait ends.

        Without an outage, this is the deadline of the wait. During an outage,
        the wait may end earlier: `outage_timeout` seconds after the first
        check without a response.
        """
        # Read the attribute once, because another thread may set it to None.
        outage = self._outage
        if outage is not None and (
                outage.remaining < self._deadline.remaining):
            return outage
        return self._deadline

    def run_check(self, check: Callable[[], Optional[T]]) -> Optional[T]:
        """Call the check of the wait, and return the result of the check.

        :param check: see Poller.wait_for().
        :returns: the result. None if there is no result yet. In that case the
            wait goes on.
        :raises errors.Unreachable: the check had no response. The wait goes on
            if raise_if_ended() raises no error.
        :raises Exception: any other error of the check. This error ends the
            wait.
        """
        result: Optional[T] = None
        # Without a response, only a later response changes the result.
        self.next_change = None
        try:
            result = check()
        except errors.Pending as pending:
            self._state = str(pending)
            if pending.changes_after is not None:
                self.next_change = Deadline(pending.changes_after, self._clock)
        except errors.Unreachable as error:
            self._failure = error
            if self._outage is None and self._outage_timeout is not None:
                self._outage = Deadline(self._outage_timeout, self._clock)
            raise
        self._failure, self._outage = None, None
        return result

    def raise_if_ended(self) -> None:
        """Raise an error if the wait has reached its end.

        :raises errors.DeadlineExceeded: the wait has reached its end. The
            message has the last state of the object. If the last check had no
            response, the message also has the failure of this check.
        """
        end = self.end
        if end.remaining:
            return
        details = [self._state] if self._state else []
        if self._failure:
            details.append('the last check failed: %s' % self._failure)
        raise errors.DeadlineExceeded('%s: given up after %g s%s' % (
            self._description, end.seconds,
            ' (%s)' % ', and '.join(details) if details else ''
        )) from self._failure


class Poller:
    """Polls until a check has a result, with growing pauses."""

    def __init__(self, interval: float, clock: Clock = SYSTEM_CLOCK) -> None:
        """Create a poller.

        :param interval: the longest pause in seconds in the first ten minutes
            of a wait.
        :param clock: measures all waits and pauses of this poller.
        """
        self.interval = interval
        self.clock = clock

    def deadline(self, seconds: float) -> Deadline:
        """Return a deadline that is some seconds from now."""
        return Deadline(seconds, self.clock)

    def wait_for(self, check: Callable[[], Optional[T]], deadline: Deadline,
                 description: str, outage_timeout: Optional[float] = None
                 ) -> T:
        """Call a check repeatedly until the check returns a result.

        The first call is immediate. If there is no result, the last call is at
        the deadline. So even a short timeout allows two calls. No call begins
        after the deadline.

        If the check raises errors.Unreachable, the check is retried with
        exponential backoff and jitter. If the response has a Retry-After that
        is longer than the next pause, the pause is extended to the
        Retry-After. Any other error except errors.Pending ends the wait.

        :param check: returns the result. If there is no result yet, `check`
            returns None, or raises errors.Pending with the current state of
            the checked object.
        :param description: the beginning of the error message. It says what
            has not happened, for example "backup 1 is not complete".
        :param outage_timeout: the longest outage in seconds. If an outage
            lasts longer, the wait ends before the deadline. None if only the
            deadline ends the wait.
        :returns: the result of the check.
        :raises errors.DeadlineExceeded: the check has no result at the
            deadline, or an outage has lasted `outage_timeout`.
        :raises Exception: the check raised this error.
        """
        wait = Wait(deadline, description, outage_timeout, self.clock)
        pauses = Pauses(self.interval)
        start = self.clock.now()
        while True:
            try:
                result = wait.run_check(check)
                if result is not None:
                    return result
                waited = self.clock.now() - start
                pause = pauses.after_response(waited, waited)
            except errors.Unreachable as error:
                pauses.log_failure(error)
                pause = pauses.after_failure(error)
            wait.raise_if_ended()
            self.clock.sleep(min(pause, wait.end.remaining))
