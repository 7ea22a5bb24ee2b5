# SPDX-License-Identifier: Apache-2.0

"""Interrupts of a command: Ctrl-C and the signal SIGTERM."""

import contextlib
import signal
import sys
from types import FrameType
from typing import Iterator, List, Optional

# The exit status that a shell reports for the signal SIGTERM.
_TERMINATED = 143


@contextlib.contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Raise SystemExit on SIGTERM until the end of a `with` block.

    systemd sends SIGTERM to a service that exceeds its time limit. By default
    SIGTERM ends the process at once, and the process cannot delete its
    temporary files.

    :raises SystemExit: the process has received SIGTERM. The exit status in
        the exception is 143.
    """
    def exit_process(number: int, frame: Optional[FrameType]) -> None:
        sys.exit(_TERMINATED)

    handler = signal.signal(signal.SIGTERM, exit_process)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def defer() -> Iterator[None]:
    """Defer Ctrl-C and SIGTERM until the end of a `with` block.

    Use this function for a few writes to the bank that belong together. If
    only some of these writes were done, the bank would be in a bad state. The
    block must not wait for Trove, because the operator could not interrupt
    this wait.
    """
    received: List[int] = []
    handlers = {number: signal.signal(
        number, lambda number, frame: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])
