# SPDX-License-Identifier: Apache-2.0

"""One poll that the resources of a flow share.

The resources of a flow wait for one object each. Without a shared poll each of
them would send requests of its own for as long as it waits.
"""

import threading
from typing import Callable, Dict, Generic, List, Mapping, Optional, TypeVar
from typing import Union

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts

T = TypeVar('T')
Result = TypeVar('Result')

#: Reads objects with few requests. It gets the ids of the objects, each once.
#: It returns for each id the object, or why this object could not be read. It
#: raises an error if no object could be read. errors.DeadlineExceeded concerns
#: only the wait that reads.
Read = Callable[[List[str]], Mapping[str, Union[T, errors.KarborTroveError]]]


class _Waiter(Generic[T]):
    """One wait of a shared poll."""

    __slots__ = ('id', 'wait', 'start', 'first_due', 'patience', 'event',
                 'answer', 'has_news')

    def __init__(self, id_: str, wait: polling.Wait, start: float,
                 first_due: float) -> None:
        self.id = id_
        self.wait = wait
        #: The time on the clock.
        self.start = start
        #: When its first poll is due.
        self.first_due = first_due
        #: How long it waits for a poll that is under way at its end.
        self.patience: Optional[polling.Deadline] = None
        #: Set when the waiter has to look at its own state.
        self.event = threading.Event()
        #: What the last poll read. None before the first poll.
        self.answer: Union[T, Exception, None] = None
        self.has_news = False

    def get_answer(self) -> T:
        """Return what the last poll read.

        :raises Exception: why it could not be read.
        """
        answer = self.answer
        if isinstance(answer, errors.KarborTroveError):
            # Each waiter raises an exception of its own, because raising
            # changes the traceback.
            raise type(answer)(str(answer)) from answer
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer


class SharedPoll(Generic[T]):
    """Reads the objects of all waiters with one poll.

    There is no thread for it. One of the waiters is the leader and polls for
    all. When its wait ends, for whatever reason, another waiter becomes the
    leader. So neither a thread nor a request outlives the last waiter.

    The deadline, the check and the cancellation of a wait concern this wait
    only. A poll without a response is a failure for all waiters, and is
    retried once for all. A waiter never gets the result of a poll that began
    before its wait.
    """

    def __init__(self, poller: polling.Poller) -> None:
        """Create the poll. Nothing waits for it yet.

        :param poller: its interval and its clock.
        """
        self._poller = poller
        self._clock = poller.clock
        # It is never held during a request or a sleep.
        self._lock = threading.Lock()
        # In the order of their waits. A waiter whose object could not be read
        # moves to the end.
        self._waiters: Dict[_Waiter[T], None] = {}
        #: One of the waiters. None if nothing waits.
        self._leader: Optional[_Waiter[T]] = None
        #: When the next poll is due.
        self._due = 0.0
        self._pauses = polling.Pauses(poller.interval)

    def wait_for(self, read: Read[T], id_: str,
                 check: Callable[[T], Optional[Result]],
                 deadline: polling.Deadline, description: str,
                 outage_timeout: Optional[float] = None,
                 is_urgent: bool = False) -> Result:
        """Poll an object until the check returns a result.

        The last poll is at the deadline, or at most one interval later. A wait
        may end later by the time that one request takes.

        :param read: used while this wait is the leader.
        :param check: returns the result for the object that was read, or
            None, or raises errors.Pending, to keep waiting. It is called
            again only if the object has changed.
        :param description: what is waited for, for the error message.
        :param outage_timeout: seconds without a response after which the wait
            ends, even before the deadline. None means that only the deadline
            counts.
        :param is_urgent: whether the first poll is due at once and not after
            an interval.
        :raises errors.DeadlineExceeded: the check has no result at the
            deadline.
        :raises Exception: what the check raised, or why the object could not
            be read.
        """
        now = self._clock.now()
        wait = polling.Wait(deadline, description, outage_timeout,
                            self._clock)
        waiter: _Waiter[T] = _Waiter(
            id_, wait, now, now if is_urgent else now + self._pauses.first)
        try:
            self._join(waiter)
            while True:
                self._wait_for_news(waiter, read)
                try:
                    result = wait.run_check(
                        lambda: check(waiter.get_answer()))
                    if result is not None:
                        return result
                except errors.Unreachable:
                    pass
                wait.check_end()
        finally:
            self._leave(waiter)

    def read(self, read: Read[T], id_: str, deadline: polling.Deadline,
             description: str) -> T:
        """Return an object as it is now.

        Reads at the same time share one poll. An outage is borne until the
        deadline.

        :param description: what failed, for the error message.
        :raises errors.KarborTroveError: the object could not be read.
        """
        [result] = self.wait_for(read, id_, lambda answer: [answer], deadline,
                                 description, is_urgent=True)
        return result

    def _join(self, waiter: _Waiter[T]) -> None:
        with self._lock:
            self._waiters[waiter] = None
            if self._leader is None:
                self._leader = waiter
                self._pauses = polling.Pauses(self._poller.interval)
                self._due = waiter.first_due
            # During an outage a new wait does not cause an earlier poll.
            elif waiter.first_due < self._due and not self._pauses.is_outage:
                self._due = waiter.first_due
                self._leader.event.set()

    def _leave(self, waiter: _Waiter[T]) -> None:
        """End a wait. This also happens if its thread is cancelled."""
        with self._lock:
            self._waiters.pop(waiter, None)
            if self._leader is waiter:
                self._leader = next(iter(self._waiters), None)
                if self._leader is not None:
                    self._leader.event.set()

    def _wait_for_news(self, waiter: _Waiter[T], read: Read[T]) -> None:
        """Wait until the check of a waiter may have another result."""
        while True:
            with self._lock:
                waiter.event.clear()
                if waiter.has_news:
                    waiter.has_news = False
                    return
                pause = (self._due - self._clock.now()
                         if self._leader is waiter else None)
            if pause is None:
                if self._follow(waiter):
                    return
            elif pause > 0:
                self._clock.sleep(pause, waiter.event)
            else:
                self._poll(read)

    def _follow(self, waiter: _Waiter[T]) -> bool:
        """Wait until the event of a waiter is set.

        :returns: True if the waiter has to run its check now, even with the
            same answer.
        """
        seconds = waiter.wait.end.remaining
        if not seconds:
            # The leader polls at the end of each wait.
            if waiter.patience is None:
                waiter.patience = polling.Deadline(
                    timeouts.HTTP_CONNECT + timeouts.HTTP_READ, self._clock)
            seconds = waiter.patience.remaining
            if not seconds:
                waiter.wait.check_end()
        change = waiter.wait.next_change
        if change is not None:
            if not change.remaining:
                return True
            seconds = min(seconds, change.remaining)
        self._clock.wait(waiter.event, seconds)
        return False

    def _poll(self, read: Read[T]) -> None:
        """Read the objects of all waiters. Only the leader calls this."""
        with self._lock:
            waiters = list(self._waiters)
        answers: List[Union[T, Exception]]
        try:
            objects = read(list(dict.fromkeys(
                waiter.id for waiter in waiters)))
            answers = [objects[waiter.id] for waiter in waiters]
        except errors.DeadlineExceeded:
            # The client of the leader has a deadline of its own.
            raise
        except Exception as error:  # It ends all waits or is an outage.
            answers = [error] * len(waiters)
        with self._lock:
            for waiter, answer in zip(waiters, answers):
                self._deliver(waiter, answer)
            self._schedule(answers)

    def _deliver(self, waiter: _Waiter[T], answer: Union[T, Exception]
                 ) -> None:
        """Store what a poll read. Wake the waiter if that may matter to it."""
        if waiter not in self._waiters:
            return
        is_failure = isinstance(answer, Exception)
        if is_failure:
            # One object that always fails does not keep others from being
            # read.
            del self._waiters[waiter]
            self._waiters[waiter] = None
        before, waiter.answer = waiter.answer, answer
        if (waiter is self._leader or not waiter.wait.end.remaining
                or is_failure != isinstance(before, Exception)
                or not is_failure and before != answer):
            waiter.has_news = True
            waiter.event.set()

    def _schedule(self, answers: List[Union[T, Exception]]) -> None:
        """Set when the next poll is due.

        :param answers: what the poll that has just ended has read.
        """
        failures = [answer for answer in answers
                    if isinstance(answer, errors.Unreachable)]
        now = self._clock.now()
        if len(failures) == len(answers):
            self._due = now + self._pauses.after_failure(failures[0])
        else:
            # An object of the youngest wait may change first.
            self._due = now + self._pauses.after_response(now - max(
                (waiter.start for waiter in self._waiters
                 if waiter.answer is not None), default=now))
        # The last poll of a wait is at its end, or a moment later if others
        # wait. Otherwise many ends would cause many polls.
        shortest = self._pauses.first if len(self._waiters) > 1 else 0.0
        for waiter in self._waiters:
            self._due = min(self._due, now + max(
                waiter.wait.end.remaining, shortest))
            if waiter.answer is None and not self._pauses.is_outage:
                self._due = min(self._due, waiter.first_due)
