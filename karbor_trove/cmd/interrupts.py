# SPDX-License-Identifier: Apache-2.0

"""Interrupts of a command: Ctrl-C and the signal SIGTERM."""

import contextlib
import signal
from typing import Iterator, List


@contextlib.contextmanager
def defer() -> Iterator[None]:
    """Complete a `with` block before an interrupt has its effect.

    Use this function for a few writes to the bank that belong together. The
    bank would be in a worse state after some of them than after none of them.
    The block must not wait for Trove.
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
