"""Clock of virtual time, and events at times of this clock."""

import datetime
import heapq
import itertools
import threading
import time
import typing

#: The start time of every test: 2026-01-01T00:00:00Z.
EPOCH = 1767225600.0


class Clock:
    """A clock whose time passes only when a thread calls sleep().

    sleep() returns at once. All threads share one time: if two threads sleep
    five seconds each, ten seconds pass.

    :param start: the time at the start, in seconds since 1970, UTC.
    """

    def __init__(self, start: float = EPOCH) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the seconds since 1970, UTC."""
        with self._lock:
            return self._now

    def utc(self) -> datetime.datetime:
        """Return the time in UTC, without a time zone and in whole seconds."""
        return datetime.datetime.fromtimestamp(
            self.now(), datetime.timezone.utc).replace(
                microsecond=0, tzinfo=None)

    def sleep(self, seconds: float,
              wake: typing.Optional[threading.Event] = None) -> None:
        """Advance the time at once.

        :param seconds: how far the time advances.
        :param wake: an event. If it is already set, the time does not advance.
        """
        if wake is None or not wake.is_set():
            with self._lock:
                self._now += max(0.0, seconds)
        # Let another thread run. The thread may be green or real.
        time.sleep(0)

    def wait_for_event(self, event: threading.Event, seconds: float) -> None:
        """Wait until another thread sets an event, without virtual time.

        :param seconds: the timeout in real seconds, at most 60.
        """
        event.wait(min(seconds, 60.0))


class Timeline:
    """Scheduled calls of functions, at times of a clock.

    catch_up() makes the calls that are due.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._order = itertools.count()
        self._due: typing.List[typing.Tuple[
            float, int, typing.Callable[[float], None]]] = []

    def after(self, seconds: typing.Optional[float],
              callback: typing.Callable[[float], None],
              since: typing.Optional[float] = None) -> None:
        """Schedule a call.

        :param seconds: the delay. None if the call never happens.
        :param callback: the function. Its argument is the time for which the
            call was scheduled.
        :param since: the start of the delay. By default the current time.
        """
        if seconds is not None:
            start = self.clock.now() if since is None else since
            heapq.heappush(
                self._due, (start + seconds, next(self._order), callback))

    def catch_up(self) -> None:
        """Make the calls that are due, in the order of their times."""
        while self._due and self._due[0][0] <= self.clock.now():
            at, _, callback = heapq.heappop(self._due)
            callback(at)


def format_time(seconds: float) -> str:
    """Return a time as Trove writes it: in UTC, without a time zone.

    :param seconds: the time in seconds since 1970.
    """
    time_ = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return time_.strftime('%Y-%m-%dT%H:%M:%S')
