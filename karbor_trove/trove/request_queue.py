# SPDX-License-Identifier: Apache-2.0

"""Queue that limits how many requests a flow sends at the same time."""

import collections
import contextlib
import math
import threading
from typing import Deque, Iterator

from karbor_trove import polling
from karbor_trove import timeouts


class RequestQueue:
    """A queue that limits how many requests are sent at the same time.

    A thread sends its request in the `with` block of wait_for_turn(). If too
    many threads are in such a block, wait_for_turn() waits until one of them
    leaves the block. The threads get their turns in the order in which they
    called wait_for_turn(). After remove_limit(), wait_for_turn() never waits.

    The wait in wait_for_turn() has no deadline. The wait ends because each
    request has timeouts. So do not wait without a timeout in a `with` block of
    wait_for_turn().
    """

    def __init__(self, limit: int, clock: polling.Clock) -> None:
        """Create the queue.

        :param limit: the maximum number of requests at the same time.
        :param clock: lets a thread wait for its turn.
        """
        self._clock = clock
        self._lock = threading.Lock()
        #: How many more requests may be sent now. Infinite after
        #: remove_limit().
        self._free: float = limit
        #: The waiting requests in their order. The event of a request is set
        #: when the request may be sent.
        self._tickets: Deque[threading.Event] = collections.deque()

    @contextlib.contextmanager
    def wait_for_turn(self) -> Iterator[None]:
        """Wait until the caller may send its request in the `with` block.

        When the `with` block ends, the next thread in the queue may send its
        request.
        """
        ticket = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                ticket.set()
            else:
                self._tickets.append(ticket)
        try:
            while not ticket.is_set():
                self._clock.wait_for_event(ticket,
                                           timeouts.LONGEST_POLL_INTERVAL)
            yield
        finally:
            # If the caller was cancelled while it waited, the queue still has
            # the caller's ticket.
            with self._lock:
                if not ticket.is_set():
                    self._tickets.remove(ticket)
                elif self._tickets:
                    self._tickets.popleft().set()
                else:
                    self._free += 1

    def remove_limit(self) -> None:
        """Let all waiting and all later requests be sent without a wait."""
        with self._lock:
            self._free = math.inf
            while self._tickets:
                self._tickets.popleft().set()
