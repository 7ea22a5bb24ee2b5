# SPDX-License-Identifier: Apache-2.0

"""Polling: clocks, deadlines and waits that survive an outage."""

import contextlib
import datetime
import random
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

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds. Other green threads run meanwhile."""
        time.sleep(seconds)

    def utc(self) -> datetime.datetime:
        """Return the time of day in UTC, without a zone, in whole seconds."""
        return datetime.datetime.now(datetime.timezone.utc).replace(
            microsecond=0, tzinfo=None)


SYSTEM_CLOCK = Clock()


class PausableClock(Clock):
    """A clock that can be paused.

    A deadline of this clock limits the time that Trove takes. The clock is
    paused while the bank is used.
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

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds of the underlying clock."""
        self._clock.sleep(seconds)

    def utc(self) -> datetime.datetime:
        """Return the time of day of the underlying clock."""
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


class Poller:
    """Waits with one interval and one clock."""

    def __init__(self, interval: float, clock: Clock = SYSTEM_CLOCK) -> None:
        """Create a poller that polls once in `interval` seconds."""
        self.interval = interval
        self.clock = clock

    def deadline(self, seconds: float) -> Deadline:
        """Return a deadline `seconds` from now."""
        return Deadline(seconds, self.clock)

    def wait_for(self, check: Callable[[], Optional[T]], deadline: Deadline,
                 description: str, outage_timeout: Optional[float] = None
                 ) -> T:
        """Poll until the check returns a result.

        The first check is immediate and the last one is at the deadline, so
        a short deadline still allows two checks. No check begins after the
        deadline. If Trove is unreachable or responds that it is
        unavailable, the check is retried with exponential backoff and jitter.
        If such a response has a Retry-After that is longer than the backoff,
        the retry waits for the time of the Retry-After. Any other error ends
        the wait.

        :param check: returns the result. To keep waiting, it returns None, or
            raises errors.Pending with the current state of what it checks.
        :param description: the beginning of the error message: it says what
            has not happened, for example "backup 1 is not complete".
        :param outage_timeout: after so many seconds without a response, the
            wait ends, even before the deadline. None means that only the
            deadline ends the wait.
        :raises errors.DeadlineExceeded: the check has no result at the
            deadline.
        """
        if not deadline.remaining:
            raise errors.DeadlineExceeded('%s: given up after %g s'
                                          % (description, deadline.seconds))
        failure: Optional[errors.Unreachable] = None
        state: Optional[str] = None
        outage: Optional[Deadline] = None
        first_pause = min(self.interval, timeouts.LONGEST_POLL_INTERVAL)
        backoff = first_pause
        while True:
            pause = self.interval
            try:
                try:
                    result = check()
                except errors.Pending as pending:
                    state, result = str(pending), None
            except errors.Unreachable as error:
                if failure is None:
                    LOG.warning('No response, retrying: %s', error)
                failure = error
                if outage is None and outage_timeout is not None:
                    outage = self.deadline(outage_timeout)
                # Many waits poll the same Trove. The jitter keeps them from
                # retrying at the same moment.
                pause = max(backoff * random.uniform(1.0, 1.25),
                            error.retry_after or 0.0)
                backoff = min(2 * backoff, timeouts.LONGEST_POLL_INTERVAL)
            else:
                if result is not None:
                    return result
                failure, outage, backoff = None, None, first_pause
            end = deadline
            if outage is not None and outage.remaining < deadline.remaining:
                end = outage
            if not end.remaining:
                details = [state] if state else []
                if failure:
                    details.append('the last check failed: %s' % failure)
                raise errors.DeadlineExceeded('%s: given up after %g s%s' % (
                    description, end.seconds,
                    ' (%s)' % ', and '.join(details)
                    if details else '')) from failure
            self.clock.sleep(min(pause, end.remaining))
