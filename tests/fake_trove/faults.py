"""Faults between a client and the fake Trove, set by a test."""

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


#: The exceptions that requests raises for a failed connection.
CONNECTION_ERRORS: typing.Dict[str, typing.Callable[[], Exception]] = {
    'refused': lambda: requests.exceptions.ConnectionError(
        'Failed to establish a new connection: Connection refused'),
    'reset': _reset,
    'timeout': lambda: requests.exceptions.ReadTimeout('Read timed out.'),
    'connect-timeout': lambda: requests.exceptions.ConnectTimeout(
        'Connection timed out.'),
}


@dataclasses.dataclass
class Response:
    """An HTTP response."""

    code: int
    text: str = ''
    headers: typing.Dict[str, str] = dataclasses.field(default_factory=dict)


#: Keystone's middleware sends this response before Trove sees the request.
UNAUTHORIZED = Response(401, json.dumps({'error': {
    'code': 401, 'title': 'Unauthorized',
    'message': 'The request you have made requires authentication.'}}))


def from_error(error: errors.ErrorResponse) -> Response:
    return Response(error.code, json.dumps(error.body()))


Result = typing.Union[int, str, Exception, Response]


@dataclasses.dataclass
class Fault:
    """A fault of matching requests. See FakeTrove.fail()."""

    method: str
    path: str
    result: Result
    times: typing.Optional[int]
    after: bool
    takes: float

    def matches(self, method: str, path: str) -> bool:
        return (self.times != 0 and self.method in ('*', method)
                and fnmatch.fnmatchcase(path, self.path))

    def apply(self, clock: clocks.Clock) -> Response:
        """Return the response that the client gets instead of Trove's.

        :raises Exception: the client gets no response.
        """
        clock.sleep(self.takes)
        if isinstance(self.result, Response):
            return self.result
        if isinstance(self.result, Exception):
            raise self.result
        if self.result == 'broken':
            return Response(200, '{"instances": [{"id": "3f')
        if isinstance(self.result, str):
            raise CONNECTION_ERRORS[self.result]()
        return from_error(errors.ErrorResponse(
            self.result, 'A fault that the test injected.'))


class Faults:
    """The faults that a test added."""

    def __init__(self) -> None:
        self._faults: typing.List[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def next(self, method: str, path: str) -> typing.Optional[Fault]:
        """Return the first fault of a request, and count it as used.

        None if the request succeeds.
        """
        for fault in self._faults:
            if fault.matches(method, path):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
