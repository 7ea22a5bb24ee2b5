"""Virtual time that passes only when a caller sleeps."""

import datetime
import heapq
import itertools
import threading
import time
import typing

#: The start time of every test: 2026-01-01T00:00:00Z.
EPOCH = 1767225600.0


class Clock:
    """A clock of virtual seconds. Any number of threads may sleep on it.

    All threads share one time. If two threads sleep five seconds each, ten
    seconds pass.
    """

    def __init__(self, start: float = EPOCH) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the seconds since 1970, UTC."""
        with self._lock:
            return self._now

    def utc(self) -> datetime.datetime:
        """Return the time in UTC, without a zone, in whole seconds."""
        return datetime.datetime.fromtimestamp(
            self.now(), datetime.timezone.utc).replace(
                microsecond=0, tzinfo=None)

    def sleep(self, seconds: float,
              wake: typing.Optional[threading.Event] = None) -> None:
        """Advance the time by this many seconds at once.

        :param wake: an event. If the event is set, the time does not advance.
        """
        if wake is None or not wake.is_set():
            with self._lock:
                self._now += max(0.0, seconds)
        # Let another thread, green or real, run.
        time.sleep(0)

    def wait_for_event(self, event: threading.Event, seconds: float) -> None:
        """Wait until another thread sets an event. No virtual time passes."""
        event.wait(min(seconds, 60.0))


class Timeline:
    """Scheduled events. They run when catch_up() is called."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._order = itertools.count()
        self._due: typing.List[typing.Tuple[
            float, int, typing.Callable[[float], None]]] = []

    def after(self, seconds: typing.Optional[float],
              callback: typing.Callable[[float], None],
              since: typing.Optional[float] = None) -> None:
        """Schedule a call of callback(time).

        :param seconds: the delay. None if the call never happens.
        :param since: start of the delay, by default the current time.
        """
        if seconds is not None:
            start = self.clock.now() if since is None else since
            heapq.heappush(
                self._due, (start + seconds, next(self._order), callback))

    def catch_up(self) -> None:
        """Run the events that are due, each with its own time, in order."""
        while self._due and self._due[0][0] <= self.clock.now():
            at, _, callback = heapq.heappop(self._due)
            callback(at)


def format_time(seconds: float) -> str:
    """Return a time as Trove writes it: UTC without a zone."""
    time_ = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return time_.strftime('%Y-%m-%dT%H:%M:%S')
