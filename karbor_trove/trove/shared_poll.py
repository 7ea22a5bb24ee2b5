# SPDX-License-Identifier: Apache-2.0

"""A poll that the resources of a flow share.

Each resource of a flow waits for one object. Without a shared poll, each
resource would send its own requests until its wait ends.
"""

import threading
from typing import Callable, Dict, Generic, List, Mapping, Optional, TypeVar
from typing import Union

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts

T = TypeVar('T')
Result = TypeVar('Result')

#: Reads several objects with few requests. The argument has each id once. The
#: result has, by id, the object or the error of its read. The function raises
#: an error if no object could be read. errors.DeadlineExceeded ends only the
#: wait of the leader, which calls the function.
Read = Callable[[List[str]], Mapping[str, Union[T, errors.KarborTroveError]]]


class _Waiter(Generic[T]):
    """The state of one wait in a shared poll."""

    __slots__ = ('id', 'wait', 'start', 'first_due', 'patience', 'event',
                 'answer', 'has_news')

    def __init__(self, id_: str, wait: polling.Wait, start: float,
                 first_due: float) -> None:
        self.id = id_
        self.wait = wait
        #: When the wait began, in seconds of the clock.
        self.start = start
        #: When the first poll of the wait is due, in seconds of the clock.
        self.first_due = first_due
        #: The deadline for a poll of the leader that is not finished at the
        #: end of this wait. None before the end of this wait.
        self.patience: Optional[polling.Deadline] = None
        #: Set when the waiter has to call its check or becomes the leader, and
        #: when the leader has to poll earlier.
        self.event = threading.Event()
        #: The object that the last poll read, or the error of the read. None
        #: before the first poll.
        self.answer: Union[T, Exception, None] = None
        #: Whether the check has to be called for the last answer.
        self.has_news = False

    def get_answer(self) -> T:
        """Return the object that the last poll read.

        :raises Exception: the last poll could not read the object.
        """
        answer = self.answer
        if isinstance(answer, errors.KarborTroveError):
            # Several waiters may have the same error. Each waiter raises its
            # own copy, because raising an exception changes its traceback.
            raise type(answer)(str(answer)) from answer
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer


class SharedPoll(Generic[T]):
    """A poll of the objects that several resources wait for.

    The poll has no thread of its own. One waiter is the leader and reads the
    objects of all waiters. When the wait of the leader ends, for whatever
    reason, another waiter becomes the leader. So no thread runs and no request
    is sent after the end of the last wait.

    Each wait has a deadline and a check of its own. These have no effect on
    other waits. If a wait is cancelled, the other waits continue. A poll
    without a response is a failure for all waiters. The leader retries the
    poll for all waiters together. A waiter never gets the result of a poll
    that began before its wait.
    """

    def __init__(self, poller: polling.Poller) -> None:
        """Create the poll. It has no waiters yet.

        :param poller: has the poll interval and the clock of all waits.
        """
        self._poller = poller
        self._clock = poller.clock
        # No thread holds the lock during a request or a sleep.
        self._lock = threading.Lock()
        # The keys are the waiters, in the order in which their waits began. A
        # waiter whose object could not be read moves to the end.
        self._waiters: Dict[_Waiter[T], None] = {}
        #: The waiter that polls for all waiters. None if there is no waiter.
        self._leader: Optional[_Waiter[T]] = None
        #: When the next poll is due, in seconds of the clock.
        self._due = 0.0
        self._pauses = polling.Pauses(poller.interval)

    def wait_for(self, read: Read[T], id_: str,
                 check: Callable[[T], Optional[Result]],
                 deadline: polling.Deadline, description: str,
                 outage_timeout: Optional[float] = None,
                 is_urgent: bool = False) -> Result:
        """Poll an object until the check returns a result.

        The last poll begins at the deadline. If there are other waits, the
        last poll may begin up to 1 s later. The wait ends after this poll. So
        the wait may end later than the deadline.

        :param read: reads the objects of all waits while this wait is the
            leader.
        :param id_: the id of the object.
        :param check: returns the result for the object that was read. To keep
            waiting, the function returns None or raises errors.Pending. The
            check need not be called after a poll that finds the object
            unchanged. The check is always called when `changes_after` of
            errors.Pending has passed.
        :param description: the beginning of the error message. It says what
            has not happened, for example "backup 1 is not complete".
        :param outage_timeout: after so many seconds without a response, the
            wait ends, even before the deadline. None means that only the
            deadline ends the wait.
        :param is_urgent: True if the first poll is due at once. Otherwise the
            first poll is due after the first pause.
        :raises errors.DeadlineExceeded: the check has no result at the
            deadline, or after `outage_timeout`.
        :raises Exception: any other error of the check, or the error of the
            read.
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
        """Return an object from a poll that begins after this call.

        Reads at the same time share one poll. During an outage, the poll is
        retried until the deadline.

        :param read: see wait_for().
        :param description: the beginning of the error message. It says what
            failed.
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
            # During an outage, a new wait does not cause an earlier poll.
            elif waiter.first_due < self._due and not self._pauses.is_outage:
                self._due = waiter.first_due
                self._leader.event.set()

    def _leave(self, waiter: _Waiter[T]) -> None:
        """Remove a waiter. If the waiter is the leader, choose another leader.

        This method is also called if the thread of the waiter is cancelled.
        """
        with self._lock:
            self._waiters.pop(waiter, None)
            if self._leader is waiter:
                self._leader = next(iter(self._waiters), None)
                if self._leader is not None:
                    self._leader.event.set()

    def _wait_for_news(self, waiter: _Waiter[T], read: Read[T]) -> None:
        """Wait until the check of a waiter has to be called.

        The leader polls during this wait.
        """
        while True:
            with self._lock:
                waiter.event.clear()
                if waiter.has_news:
                    waiter.has_news = False
                    # The end of an outage moves the end of the wait.
                    waiter.patience = None
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
        """Wait until the state of a waiter may have changed.

        Only a waiter that is not the leader calls this method.

        :returns: True if the check has to be called although there is no new
            answer, because `changes_after` of errors.Pending has passed.
        :raises errors.DeadlineExceeded: the poll of the leader took too long
            after the end of the wait.
        """
        seconds = waiter.wait.end.remaining
        if not seconds:
            # The leader polls at the end of each wait. Give this poll the time
            # that one request may take.
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
        """Read the objects of all waiters. Only the leader calls this method.

        :raises errors.DeadlineExceeded: the client of the leader has reached
            its deadline.
        """
        with self._lock:
            waiters = list(self._waiters)
        answers: List[Union[T, Exception]]
        try:
            objects = read(list(dict.fromkeys(
                waiter.id for waiter in waiters)))
            answers = [objects[waiter.id] for waiter in waiters]
        except errors.DeadlineExceeded:
            # This deadline is that of the leader's client. So the error ends
            # the wait of the leader and no other wait.
            raise
        except Exception as error:  # Each waiter gets the error.
            answers = [error] * len(waiters)
        failures = [answer for answer in answers
                    if isinstance(answer, errors.Unreachable)]
        outage = failures[0] if len(failures) == len(answers) else None
        if outage is not None:
            self._pauses.log_failure(outage)
        with self._lock:
            for waiter, answer in zip(waiters, answers):
                self._deliver(waiter, answer)
            self._schedule(outage)

    def _deliver(self, waiter: _Waiter[T], answer: Union[T, Exception]
                 ) -> None:
        """Store an answer. Set the event if the check has to be called.

        :param answer: the object that the poll read, or the error of the read.
        """
        if waiter not in self._waiters:
            return
        if isinstance(answer, Exception):
            # The objects are read in the order of the waiters, and an outage
            # ends the read. So an object that always fails is moved to the
            # end. There it does not keep other objects from being read.
            del self._waiters[waiter]
            self._waiters[waiter] = None
        before, waiter.answer = waiter.answer, answer
        is_same_outage = (isinstance(before, errors.Unreachable)
                          and isinstance(answer, errors.Unreachable))
        if (waiter is self._leader or not waiter.wait.end.remaining
                or not is_same_outage and before != answer):
            waiter.has_news = True
            waiter.event.set()

    def _schedule(self, outage: Optional[errors.Unreachable]) -> None:
        """Set when the next poll is due.

        :param outage: why the last poll read no object. None if the poll had a
            response.
        """
        now = self._clock.now()
        if outage is not None:
            self._due = now + self._pauses.after_failure(outage)
        else:
            # Of all waits with an answer, the youngest one needs the shortest
            # pause.
            self._due = now + self._pauses.after_response(now - max(
                (waiter.start for waiter in self._waiters
                 if waiter.answer is not None), default=now))
        # Poll at the end of each wait. If there are several waiters, poll no
        # earlier than after the first pause. Otherwise waits that end one
        # shortly after the other would cause one poll each.
        shortest = self._pauses.first if len(self._waiters) > 1 else 0.0
        for waiter in self._waiters:
            self._due = min(self._due, now + max(
                waiter.wait.end.remaining, shortest))
            if waiter.answer is None and not self._pauses.is_outage:
                self._due = min(self._due, waiter.first_due)
