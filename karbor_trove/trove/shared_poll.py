# SPDX-License-Identifier: Apache-2.0

"""A poll that several waiting resources of a flow share.

Each resource of a flow waits for one object, such as its backup. Without a
shared poll, each resource would send requests of its own. With a shared poll,
a few requests read the objects of all resources.
"""

import threading
from typing import Callable, Dict, Generic, List, Mapping, Optional, TypeVar
from typing import Union

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts

T = TypeVar('T')
Result = TypeVar('Result')

#: Reads several objects with few requests. The argument is a list of ids
#: without duplicates. The result has, by id, the object or the error of its
#: read. If no object could be read, the function raises an error. The leader
#: calls this function. errors.DeadlineExceeded ends only the leader's wait.
Read = Callable[[List[str]], Mapping[str, Union[T, errors.KarborTroveError]]]


class _Waiter(Generic[T]):
    """The state of one wait of a SharedPoll.

    A waiter belongs to the thread that called SharedPoll.wait_for().
    """

    __slots__ = ('id', 'wait', 'start', 'first_due', 'last_poll_deadline',
                 'event', 'answer', 'is_check_due')

    def __init__(self, id_: str, wait: polling.Wait, start: float,
                 first_due: float) -> None:
        self.id = id_
        self.wait = wait
        #: When the wait began, in seconds of the clock.
        self.start = start
        #: The first poll of the wait begins no later, unless there is an
        #: outage. In seconds of the clock.
        self.first_due = first_due
        #: The wait ends after a last poll of the leader. This is the deadline
        #: for that poll. None before the end of this wait.
        self.last_poll_deadline: Optional[polling.Deadline] = None
        #: Set when the waiter has to call its check or becomes the leader, and
        #: when the leader has to poll earlier.
        self.event = threading.Event()
        #: The object that the last poll read, or the error of the read. None
        #: before the first poll.
        self.answer: Union[T, Exception, None] = None
        #: Whether the check has to be called for the last answer.
        self.is_check_due = False

    def get_answer(self) -> T:
        """Return the object that the last poll read.

        :raises Exception: the last poll could not read the object. The
            exception is the error of the poll.
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
    """A poll that reads the objects of several waits together.

    Each thread that calls wait_for() waits for one object and is called a
    waiter. One of the waiters is the leader. The thread of the leader reads
    the objects of all waiters. When the wait of the leader ends, another
    waiter becomes the leader. So the poll needs no thread of its own. After
    the end of the last wait, no request is sent.

    Each waiter has its own deadline and its own check. A wait that ends or is
    cancelled has no effect on the other waits. During an outage, the leader
    retries the poll for all waiters together. A waiter that arrives during a
    poll gets no result from that poll, but from the next one.
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
        """Poll an object until a check returns a result.

        Threads that wait at the same time share the polls. One of these
        threads is the leader. The leader reads the objects of all threads.

        At the deadline, the object is polled once more. If there are other
        waits, this last poll may begin up to 1 s after the deadline. If
        another thread is the leader, the method waits for the last poll for
        30 s at most.

        :param read: reads several objects with few requests. This function is
            called only while the caller is the leader.
        :param id_: the id of the object.
        :param check: returns the result for the object that was read. To keep
            waiting, the function returns None or raises errors.Pending. If a
            poll finds the object unchanged, the method may skip the check. If
            errors.Pending has a `changes_after`, the check is called again
            after this number of seconds.
        :param deadline: when the wait ends.
        :param description: the beginning of the error message. It says what
            has not happened, for example "backup 1 is not complete".
        :param outage_timeout: the longest outage in seconds. After a longer
            outage the wait ends, even before the deadline. None means that
            only the deadline ends the wait.
        :param is_urgent: True to begin the first poll at once. False to begin
            it after the first pause, which is 1 s at most. If there are other
            waits, the first poll is then their next one, which begins within
            the poll interval. During an outage, `is_urgent` has no effect, and
            the first poll is the next retry.
        :returns: the result of the check.
        :raises errors.DeadlineExceeded: the deadline has passed without a
            result, or an outage was longer than `outage_timeout`.
        :raises Exception: an error of the read or of the check, except
            errors.Unreachable and errors.Pending. For example, errors.NotFound
            if Trove does not have the object.
        """
        now = self._clock.now()
        wait = polling.Wait(deadline, description, outage_timeout,
                            self._clock)
        waiter: _Waiter[T] = _Waiter(
            id_, wait, now, now if is_urgent else now + self._poller.interval)
        try:
            self._join(waiter)
            while True:
                self._wait_for_check(waiter, read)
                try:
                    result = wait.run_check(
                        lambda: check(waiter.get_answer()))
                    if result is not None:
                        return result
                except errors.Unreachable:
                    pass
                wait.raise_if_ended()
                # The first failure of an outage may have moved the end of the
                # wait.
                with self._lock:
                    self._poll_at_end(waiter)
        finally:
            self._leave(waiter)

    def read(self, read: Read[T], id_: str, deadline: polling.Deadline,
             description: str) -> T:
        """Read an object with a new poll, and return the object.

        A poll that began before this call is not used. Reads at the same time
        share one poll. During an outage, the poll is retried until the
        deadline.

        :param read: see wait_for().
        :param id_: the id of the object.
        :param deadline: when the retries end.
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
                self._due = min(waiter.first_due,
                                waiter.start + self._pauses.first)
            # If each new wait had its first poll after the first pause, a flow
            # would send more polls the longer its waits take to begin. During
            # an outage, the first poll is the next retry.
            elif not self._pauses.is_outage:
                self._poll_at(waiter.first_due)
            self._poll_at_end(waiter)

    def _leave(self, waiter: _Waiter[T]) -> None:
        """Remove a waiter whose wait has ended or whose thread is cancelled.

        If the waiter is the leader, another waiter becomes the leader.
        """
        with self._lock:
            self._waiters.pop(waiter, None)
            if self._leader is waiter:
                self._leader = next(iter(self._waiters), None)
                if self._leader is not None:
                    self._leader.event.set()

    def _wait_for_check(self, waiter: _Waiter[T], read: Read[T]) -> None:
        """Wait until the caller has to call the check of a waiter.

        This is the case if there is a new answer for the waiter, or if its
        deadline has passed. While the waiter is the leader, this method also
        polls for all waiters.

        :raises errors.DeadlineExceeded: 30 s after the deadline of the waiter,
            the last poll of another leader has not ended. Or the waiter is the
            leader, and the deadline for its requests has passed.
        """
        while True:
            with self._lock:
                waiter.event.clear()
                if waiter.is_check_due:
                    waiter.is_check_due = False
                    # The end of an outage moves the end of the wait.
                    waiter.last_poll_deadline = None
                    return
                pause = (self._due - self._clock.now()
                         if self._leader is waiter else None)
            if pause is None:
                if self._sleep_until_change(waiter):
                    return
            elif pause > 0:
                self._clock.sleep(pause, waiter.event)
            else:
                self._poll(read)

    def _sleep_until_change(self, waiter: _Waiter[T]) -> bool:
        """Sleep until something may have changed for a waiter.

        Only the thread of a waiter that is not the leader calls this method.
        Another thread may wake the waiter.

        :returns: True if `changes_after` of errors.Pending has passed. In that
            case the caller has to call the check again, with the last answer.
            False if the waiter may have a new answer or may be the leader now.
        :raises errors.DeadlineExceeded: the leader's last poll still runs 30 s
            after the deadline of this waiter.
        """
        seconds = waiter.wait.end.remaining
        if not seconds:
            # The leader polls at the end of each wait. Give this poll the time
            # that one request may take.
            if waiter.last_poll_deadline is None:
                waiter.last_poll_deadline = polling.Deadline(
                    timeouts.HTTP_CONNECT + timeouts.HTTP_READ, self._clock)
            seconds = waiter.last_poll_deadline.remaining
            if not seconds:
                waiter.wait.raise_if_ended()
        change = waiter.wait.next_change
        if change is not None:
            if not change.remaining:
                return True
            seconds = min(seconds, change.remaining)
        self._clock.wait_for_event(waiter.event, seconds)
        return False

    def _poll(self, read: Read[T]) -> None:
        """Read the objects of all waiters. Only the leader calls this method.

        Each waiter gets its object or the error of the read.

        :raises errors.DeadlineExceeded: the leader's client has reached its
            deadline. The other waits go on.
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
                self._store_answer(waiter, answer)
            self._schedule(outage)

    def _store_answer(self, waiter: _Waiter[T], answer: Union[T, Exception]
                      ) -> None:
        """Store the answer of a poll in a waiter.

        The method wakes the waiter if the check of the waiter has to be
        called. The check of the leader has to be called after each poll. Any
        other check has to be called if the answer has changed or the wait is
        at its end. If two answers in a row are errors of an outage, the answer
        has not changed.

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
            waiter.is_check_due = True
            waiter.event.set()

    def _schedule(self, outage: Optional[errors.Unreachable]) -> None:
        """Set the time of the next poll.

        :param outage: an error of the last poll if all its reads failed in an
            outage. Otherwise None.
        """
        now = self._clock.now()
        if outage is not None:
            self._due = now + self._pauses.after_failure(outage)
        else:
            # The oldest wait determines the pause, for the same reason as in
            # _join().
            ages = [now - waiter.start for waiter in self._waiters] or [0.0]
            self._due = now + self._pauses.after_response(max(ages), min(ages))
        for waiter in self._waiters:
            if waiter.answer is None and not self._pauses.is_outage:
                self._poll_at(waiter.first_due)
            self._poll_at_end(waiter)

    def _poll_at_end(self, waiter: _Waiter[T]) -> None:
        """Let the next poll begin no later than at the end of a wait."""
        remaining = waiter.wait.end.remaining
        if not remaining and waiter.answer is not None:
            # The last answer ends the wait.
            return
        # If there are several waiters, poll no earlier than after the first
        # pause. Otherwise waits that end one shortly after the other would
        # cause one poll each.
        shortest = self._pauses.first if len(self._waiters) > 1 else 0.0
        self._poll_at(self._clock.now() + max(remaining, shortest))

    def _poll_at(self, due: float) -> None:
        """Let the next poll begin no later than at this time of the clock."""
        if due < self._due:
            self._due = due
            # The leader may sleep until the previous time.
            if self._leader is not None:
                self._leader.event.set()
