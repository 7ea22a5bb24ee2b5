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
    """The time of this machine. Tests pass a clock of their own.

    The functions of the time module are looked up at each call. Karbor's
    green threads replace these functions, so that sleep() lets other threads
    run.
    """

    def now(self) -> float:
        """Return the seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float,
              wake: Optional[threading.Event] = None) -> None:
        """Wait for some seconds. Other green threads run during the wait.

        :param wake: the event that ends the wait early when another thread
            sets it. None if no event ends the wait.
        """
        if wake is None:
            time.sleep(seconds)
        else:
            wake.wait(seconds)

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Wait until another thread sets an event, for some seconds at most.

        A test has a simulated clock. This method does not advance that clock,
        but sleep() does. The other thread advances that clock while it sleeps
        or sends requests.
        """
        event.wait(seconds)

    def utc(self) -> datetime.datetime:
        """Return the time of day in UTC, without a zone, in whole seconds."""
        return datetime.datetime.now(datetime.timezone.utc).replace(
            microsecond=0, tzinfo=None)


SYSTEM_CLOCK = Clock()


class PausableClock(Clock):
    """A clock that can be paused.

    The clock is paused while the bank is used. So a deadline of this clock
    limits only the time that Trove takes.
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
        """Wait for some seconds of the underlying clock."""
        self._clock.sleep(seconds, wake)

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Wait for an event, at most for some seconds."""
        self._clock.wait(event, seconds)

    def utc(self) -> datetime.datetime:
        """Return the current date and time of the underlying clock, in UTC."""
        return self._clock.utc()

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Stop this clock in a `with` block. Pauses cannot be nested."""
        start = self._clock.now()
        try:
            yield
        finally:
            self._paused += self._clock.now() - start


class Deadline:
    """A point in time at which a wait ends."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        """Create a deadline `seconds` from now.

        :param seconds: the timeout. A wait polls once more at its deadline.
        :param clock: the clock that the deadline is compared with.
        """
        self.seconds = seconds
        self._clock = clock
        self._end = clock.now() + seconds

    @property
    def remaining(self) -> float:
        """Return the seconds that remain, never less than zero."""
        return max(0.0, self._end - self._clock.now())


class Pauses:
    """The lengths of the pauses between polls.

    Waits that share their polls share one object of this class.
    """

    def __init__(self, interval: float) -> None:
        """Create the pauses.

        :param interval: the longest pause in seconds in the first ten minutes
            of a wait.
        """
        self._interval = interval
        #: The shortest pause in seconds. It is the first pause of a wait.
        self.first = min(interval, timeouts.FIRST_POLL_PAUSE)
        #: Whether the last poll had no response.
        self.is_outage = False
        self._backoff = 0.0

    def after_response(self, waited: float) -> float:
        """Return the seconds from a response to the next poll.

        The pauses grow with the duration of the wait. So the end of a short
        task is found soon, and a long task needs few polls.

        :param waited: the seconds since the start of the wait. If several
            waits share the polls, the seconds since the start of the youngest
            wait.
        """
        self.is_outage = False
        if waited < timeouts.FREQUENT_POLLS:
            pause = min(max(self.first, waited / 10), self._interval)
        else:
            pause = max(self._interval, waited / 120)
        # Many flows poll the same Trove. The jitter keeps the flows from
        # polling at the same moment.
        return (min(pause, timeouts.LONGEST_POLL_INTERVAL)
                * random.uniform(0.9, 1.0))

    def log_failure(self, error: errors.Unreachable) -> None:
        """Log a failed poll if it is the first one of an outage.

        Call this method before after_failure(). Hold no lock during the call,
        because a green thread can be cancelled while it writes to the log.
        """
        if not self.is_outage:
            LOG.warning('No response, retrying: %s', error)

    def after_failure(self, error: errors.Unreachable) -> float:
        """Return the seconds from a failed poll to the next poll.

        The pauses grow exponentially. If the Retry-After of the response is
        longer, the pause has the length of the Retry-After.

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
    """The end of one wait, and the last state for the error message."""

    def __init__(self, deadline: Deadline, description: str,
                 outage_timeout: Optional[float], clock: Clock) -> None:
        """Create the wait. Poller.wait_for() describes the parameters.

        :raises errors.DeadlineExceeded: the deadline has passed.
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
        """Return when the wait ends.

        This is the deadline of the wait. During an outage, it is the end of
        `outage_timeout` if that end is earlier.
        """
        # Read the attribute once, because another thread may set it to None.
        outage = self._outage
        if outage is not None and (
                outage.remaining < self._deadline.remaining):
            return outage
        return self._deadline

    def run_check(self, check: Callable[[], Optional[T]]) -> Optional[T]:
        """Return the result of a check. None if the wait goes on.

        :raises errors.Unreachable: the check had no response. The wait goes on
            if check_end() raises no error.
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

    def check_end(self) -> None:
        """Check that the wait is not at its end.

        :raises errors.DeadlineExceeded: the wait is at its end. The message
            has the last state and the last failure.
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
    """Polls with growing pauses, and measures all waits with one clock."""

    def __init__(self, interval: float, clock: Clock = SYSTEM_CLOCK) -> None:
        """Create a poller.

        :param interval: the longest pause in seconds in the first ten minutes
            of a wait.
        :param clock: measures all waits and pauses.
        """
        self.interval = interval
        self.clock = clock

    def deadline(self, seconds: float) -> Deadline:
        """Return a deadline `seconds` from now."""
        return Deadline(seconds, self.clock)

    def wait_for(self, check: Callable[[], Optional[T]], deadline: Deadline,
                 description: str, outage_timeout: Optional[float] = None
                 ) -> T:
        """Poll until the check returns a result.

        The first check is immediate and the last one is at the deadline, so a
        short deadline still allows two checks. No check begins after the
        deadline. If Trove is unreachable or responds that it is unavailable,
        the check is retried with exponential backoff and jitter. If the
        response has a Retry-After that is longer than the backoff, the retry
        waits for the time of the Retry-After. Any other error ends the wait.

        :param check: returns the result. To keep waiting, the function returns
            None, or raises errors.Pending with the current state of the
            checked object.
        :param description: the beginning of the error message. It says what
            has not happened, for example "backup 1 is not complete".
        :param outage_timeout: the longest outage in seconds. The wait ends
            when an outage has lasted this long, even before the deadline. None
            means that only the deadline ends the wait.
        :raises errors.DeadlineExceeded: the check has no result at the
            deadline, or after `outage_timeout`.
        """
        wait = Wait(deadline, description, outage_timeout, self.clock)
        pauses = Pauses(self.interval)
        start = self.clock.now()
        while True:
            try:
                result = wait.run_check(check)
                if result is not None:
                    return result
                pause = pauses.after_response(self.clock.now() - start)
            except errors.Unreachable as error:
                pauses.log_failure(error)
                pause = pauses.after_failure(error)
            wait.check_end()
            self.clock.sleep(min(pause, wait.end.remaining))
