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


_NGINX_404 = (
    '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n'
    '<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>'
    '\r\n</body>\r\n</html>\r\n')
_LOGIN_PAGE = (
    '<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n'
    '<body><form action="/login" method="post"></form></body></html>\n')

#: Responses of a load balancer or proxy. The service behind it does not see
#: the request.
FOREIGN: typing.Dict[str, Response] = {
    'foreign-404': Response(404, _NGINX_404, {'Content-Type': 'text/html'}),
    'foreign-404-text': Response(
        404, 'default backend - 404', {'Content-Type': 'text/plain'}),
    'foreign-200': Response(200, _LOGIN_PAGE, {'Content-Type': 'text/html'}),
}


def from_error(error: errors.ErrorResponse) -> Response:
    return Response(error.code, json.dumps(error.body()))


def build_error(code: int) -> Response:
    """Return Trove's own error response for an HTTP code."""
    return from_error(errors.ErrorResponse(
        code, 'A fault that the test injected.'))


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

    def apply(self, clock: clocks.Clock,
              build_error: typing.Callable[[int], Response] = build_error
              ) -> Response:
        """Return the response that the client gets instead of the service's.

        :param build_error: returns the service's own error for an HTTP code.
        :raises Exception: the client gets no response.
        """
        clock.sleep(self.takes)
        if isinstance(self.result, Response):
            return self.result
        if isinstance(self.result, Exception):
            raise self.result
        if self.result == 'broken':
            return Response(200, '{"instances": [{"id": "3f')
        if isinstance(self.result, str) and self.result in FOREIGN:
            return FOREIGN[self.result]
        if isinstance(self.result, str):
            raise CONNECTION_ERRORS[self.result]()
        return build_error(self.result)


class Faults:
    """The faults that a test added."""

    def __init__(self) -> None:
        self._faults: typing.List[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def find(self, method: str, path: str) -> typing.Optional[Fault]:
        """Return the first fault of a request. None if it succeeds."""
        return next((fault for fault in self._faults
                     if fault.matches(method, path)), None)

    def next(self, method: str, path: str) -> typing.Optional[Fault]:
        """Return the first fault of a request, and count it as used.

        None if the request succeeds.
        """
        fault = self.find(method, path)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault
