"""Troubles between a client and Trove, ordered by a test."""

import dataclasses
import fnmatch
import json
import typing

import requests
from urllib3 import exceptions as urllib3_exceptions

from tests.fake_trove import clock as clocks
from tests.fake_trove import errors


def _reset() -> Exception:
    return requests.exceptions.ConnectionError(
        urllib3_exceptions.ProtocolError(
            'Connection aborted.',
            ConnectionResetError(104, 'Connection reset by peer')))


#: How requests reports what may happen to a connection.
TROUBLES: typing.Dict[str, typing.Callable[[], Exception]] = {
    'refused': lambda: requests.exceptions.ConnectionError(
        'Failed to establish a new connection: Connection refused'),
    'reset': _reset,
    'timeout': lambda: requests.exceptions.ReadTimeout('Read timed out.'),
    'connect-timeout': lambda: requests.exceptions.ConnectTimeout(
        'Connection timed out.'),
}


@dataclasses.dataclass
class Answer:
    """An HTTP answer instead of Trove's own."""

    code: int
    text: str = ''
    headers: typing.Dict[str, str] = dataclasses.field(default_factory=dict)


#: Keystone's middleware says this in Trove's place.
NO_TOKEN = Answer(401, json.dumps({'error': {
    'code': 401, 'title': 'Unauthorized',
    'message': 'The request you have made requires authentication.'}}))


def of_refusal(refused: errors.Refused) -> Answer:
    return Answer(refused.code, json.dumps(refused.body()))


With = typing.Union[int, str, Exception, Answer]


@dataclasses.dataclass
class Fault:
    """One trouble: for which requests, how often, before or after."""

    method: str
    path: str
    with_: With
    times: typing.Optional[int]
    after: bool
    takes: float

    def meets(self, method: str, path: str) -> bool:
        return (self.times != 0 and self.method in ('*', method)
                and fnmatch.fnmatchcase(path, self.path))

    def strike(self, clock: clocks.Clock) -> Answer:
        """What the client gets instead of Trove's answer.

        :raises Exception: where there is no answer at all
        """
        clock.sleep(self.takes)
        if isinstance(self.with_, Answer):
            return self.with_
        if isinstance(self.with_, Exception):
            raise self.with_
        if self.with_ == 'broken':
            return Answer(200, '{"instances": [{"id": "3f')
        if isinstance(self.with_, str):
            raise TROUBLES[self.with_]()
        return of_refusal(errors.Refused(
            self.with_, 'The test wants this answer.'))


class Faults:
    """Those that a test ordered and that were not used up."""

    def __init__(self) -> None:
        self._ordered: typing.List[Fault] = []

    def order(self, fault: Fault) -> None:
        self._ordered.append(fault)

    def clear(self) -> None:
        self._ordered.clear()

    def next(self, method: str, path: str) -> typing.Optional[Fault]:
        """The first fault for that request, counted as used; or None."""
        for fault in self._ordered:
            if fault.meets(method, path):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
