# SPDX-License-Identifier: Apache-2.0

"""Interrupts of a command: Ctrl-C and the signal SIGTERM."""

import contextlib
import signal
from typing import Iterator, List


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
