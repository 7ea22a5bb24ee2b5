"""Time of the benchmark: idle time is skipped, all other time passes.

Karbor's process and Trove's server share one clock. While all green threads
of Karbor sleep and no response is awaited, nothing can happen. The hub then
moves the clock to the end of the shortest sleep. So a backup of eight hours
takes seconds, and each request and each computation takes its real time.
"""

import mmap
import pathlib
import time

_time, _monotonic = time.time, time.monotonic


class SharedClock:
    """The machine's time plus the time that was skipped.

    :param path: an existing file of SIZE bytes. All processes that use the
        same file share the time. Only one of them may skip.
    """

    #: Bytes of the file: one floating-point number.
    SIZE = 8

    def __init__(self, path: pathlib.Path) -> None:
        with path.open('r+b') as file:
            self._skipped = memoryview(
                mmap.mmap(file.fileno(), self.SIZE)).cast('d')

    @classmethod
    def create(cls, path: pathlib.Path) -> 'SharedClock':
        """Create the file, and return a clock that skipped nothing yet."""
        path.write_bytes(bytes(cls.SIZE))
        return cls(path)

    @property
    def skipped(self) -> float:
        """Return the seconds that were skipped since the clock was created."""
        return self._skipped[0]

    def skip(self, seconds: float) -> None:
        self._skipped[0] += seconds

    def time(self) -> float:
        """Return the seconds since 1970."""
        return _time() + self._skipped[0]

    def monotonic(self) -> float:
        """Return the seconds of the monotonic clock."""
        return _monotonic() + self._skipped[0]


def install(clock: SharedClock, is_skipping: bool) -> None:
    """Let this process use the clock and green threads.

    Other modules copy the functions of the time module. So call this before
    they are imported.

    :param is_skipping: whether idle time is skipped.
    """
    time.time, time.monotonic = clock.time, clock.monotonic
    import eventlet
    from eventlet.hubs import epolls

    class Hub(epolls.Hub):
        """Skips the time in which all green threads sleep."""

        def __init__(self) -> None:
            super().__init__(clock.monotonic)

        @staticmethod
        def is_available() -> bool:
            return True

        def wait(self, seconds: float) -> None:
            # A green thread that waits for a response has a listener.
            is_idle = self.timers and not any(self.listeners.values())
            if is_skipping and seconds and is_idle:
                clock.skip(seconds)
                seconds = 0
            super().wait(seconds)

    eventlet.hubs.use_hub(Hub)
    eventlet.monkey_patch()
