# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Waiting for a remote resource; knows nothing of Trove's API or Karbor."""

import datetime
import random
import time
from typing import Callable, Optional, Protocol, TypeVar

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import timeouts

LOG = logging.getLogger(__name__)

T = TypeVar('T')


class Clock(Protocol):
    """What waiting needs of time, so that a test can bring its own."""

    def now(self) -> float:
        """Give a point in time, in seconds; it never goes back."""

    def sleep(self, seconds: float) -> None:
        """Return when that many seconds have passed."""

    def utc(self) -> datetime.datetime:
        """Give the time of day: UTC without a zone, whole seconds."""


class SystemClock:
    """The real time.

    The functions are looked up at each call: Karbor's green threads replace
    them in the time module, and its sleep lets the others run.
    """

    def now(self) -> float:
        """Give the monotonic time, in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass; other green threads run meanwhile."""
        time.sleep(seconds)

    def utc(self) -> datetime.datetime:
        """Give this machine's time of day."""
        return datetime.datetime.now(datetime.timezone.utc).replace(
            microsecond=0, tzinfo=None)


SYSTEM_CLOCK = SystemClock()


class Deadline:
    """A point in time after which something is given up."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        """Start counting.

        :param seconds: how long from now.
        :param clock: whose time it is.
        """
        self.seconds = seconds
        self.clock = clock
        self._end = clock.now() + seconds

    @property
    def remaining(self) -> float:
        """Tell how many seconds are left; never below zero."""
        return max(0.0, self._end - self.clock.now())


def wait_for(look: Callable[[], Optional[T]], deadline: Deadline,
             interval: float, what: str, away: Optional[float] = None) -> T:
    """Look until there is something to see.

    A look that gets no usable answer is borne and repeated, ever less often:
    the deadline, not one lost connection, decides. The first look is
    immediate, and the last one is at the deadline, so that a short deadline
    still looks twice; but none begins after it, nor the first.

    :param look: gives None while the wait has to go on; any error of it but
        errors.Unreachable ends the wait at once.
    :param interval: seconds between two looks; a longer pause that Trove
        asked for is obeyed.
    :param what: what is waited for, for the message of a missed deadline.
    :param away: seconds without any usable answer after which it is given up
        before the deadline; None: only the deadline counts.
    :returns: what the look gave.
    :raises errors.TookTooLong: nothing to see when the deadline came.
    """
    missed: Optional[errors.Unreachable] = None
    misses = 0
    silent: Optional[Deadline] = None
    if not deadline.remaining:
        raise errors.DeadlineExceeded('%s: given up after %g s'
                                      % (what, deadline.seconds))
    while True:
        pause = interval
        try:
            seen = look()
        except errors.Unreachable as error:
            if not misses:
                LOG.warning('No answer, going on: %s', error)
            missed = error
            if silent is None and away is not None:
                silent = Deadline(away, deadline.clock)
            # Many wait for the same Trove: they should not come back at once.
            backed_off = min(
                interval * 2 ** misses,
                timeouts.LONGEST_POLL_INTERVAL)
            pause = max(backed_off * random.uniform(1.0, 1.25),
                        error.retry_after or 0.0)
            misses += 1
        else:
            if seen is not None:
                return seen
            missed, misses, silent = None, 0, None
        ends = min((one for one in (deadline, silent) if one),
                   key=lambda one: one.remaining)
        if not ends.remaining:
            raise errors.DeadlineExceeded(
                '%s: given up after %g s%s'
                % (what, ends.seconds,
                   ' (the last look failed: %s)' % missed if missed else '')
            ) from missed
        deadline.clock.sleep(min(pause, ends.remaining))
