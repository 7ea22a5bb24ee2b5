"""Time that passes only when somebody sleeps."""

import datetime
import heapq
import itertools
import threading
import time
import typing

#: 2026-01-01T00:00:00Z: the first moment of every test.
EPOCH = 1767225600.0


class Clock:
    """Counts virtual seconds; any number of threads may sleep on it.

    Sleeping advances the one time that all share, so two threads that sleep
    five seconds each make it ten.
    """

    def __init__(self, start: float = EPOCH) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        with self._lock:
            return self._now

    def utc(self) -> datetime.datetime:
        """The time of day: UTC without a zone, whole seconds."""
        return datetime.datetime.fromtimestamp(
            self.now(), datetime.timezone.utc).replace(
                microsecond=0, tzinfo=None)

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass at once."""
        with self._lock:
            self._now += max(0.0, seconds)
        # Another thread may be waiting for its turn, green or real.
        time.sleep(0)


class Timeline:
    """What will happen when; nothing does before somebody looks."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._order = itertools.count()
        self._due: typing.List[typing.Tuple[
            float, int, typing.Callable[[float], None]]] = []

    def after(self, seconds: typing.Optional[float],
              happen: typing.Callable[[float], None],
              since: typing.Optional[float] = None) -> None:
        """Call happen(at) in so many seconds.

        :param seconds: None: never
        :param since: counted from then; None: from now
        """
        if seconds is not None:
            start = self.clock.now() if since is None else since
            heapq.heappush(
                self._due, (start + seconds, next(self._order), happen))

    def catch_up(self) -> None:
        """Let happen what is due, in its order and at its own time."""
        while self._due and self._due[0][0] <= self.clock.now():
            at, _, happen = heapq.heappop(self._due)
            happen(at)


def iso(at: float) -> str:
    """That moment as Trove writes it: UTC without a zone."""
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    return moment.strftime('%Y-%m-%dT%H:%M:%S')
