# SPDX-License-Identifier: Apache-2.0

"""Queue of the requests of a flow that create something."""

import collections
import contextlib
import threading
from typing import Deque, Iterator

from karbor_trove import polling
from karbor_trove import timeouts


class RequestQueue:
    """Limits how many requests are sent at the same time.

    They are sent in the order in which they came. There is no deadline: each
    request ends, so each one that waits is sent.
    """

    def __init__(self, limit: int, clock: polling.Clock) -> None:
        """Create the queue.

        :param limit: how many requests are sent at the same time.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._free = limit
        self._tickets: Deque[threading.Event] = collections.deque()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a request may be sent, and send it in the context."""
        ticket = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                ticket.set()
            else:
                self._tickets.append(ticket)
        try:
            while not ticket.is_set():
                self._clock.wait(ticket, timeouts.LONGEST_POLL_INTERVAL)
            yield
        finally:
            # The thread may have been cancelled while it waited.
            with self._lock:
                if not ticket.is_set():
                    self._tickets.remove(ticket)
                elif self._tickets:
                    self._tickets.popleft().set()
                else:
                    self._free += 1
