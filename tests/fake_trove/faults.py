"""Faults of requests to the fake services, set by a test."""

import dataclasses
import fnmatch
import json
import typing

import requests
from urllib3 import exceptions as urllib3_exceptions

from tests.fake_trove import clock as clocks
from tests.fake_trove import errors


def _reset() -> Exception:
    """Return the exception of a connection that the server has reset."""
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

#: Responses of a load balancer or a proxy in front of the service. The service
#: does not see the request.
FOREIGN: typing.Dict[str, Response] = {
    'foreign-404': Response(404, _NGINX_404, {'Content-Type': 'text/html'}),
    'foreign-404-text': Response(
        404, 'default backend - 404', {'Content-Type': 'text/plain'}),
    'foreign-200': Response(200, _LOGIN_PAGE, {'Content-Type': 'text/html'}),
}


def from_error(error: errors.ErrorResponse) -> Response:
    """Return the HTTP response with an error."""
    return Response(error.code, json.dumps(error.body()))


def build_error(code: int) -> Response:
    """Return Trove's own error response for an HTTP code."""
    return from_error(errors.ErrorResponse(
        code, 'A fault that the test injected.'))


#: What happens to a request with a fault, see FakeTrove.fail().
Result = typing.Union[int, str, Exception, Response]


@dataclasses.dataclass
class Fault:
    """A fault of the requests with a method and a path.

    FakeTrove.fail() describes the fields.
    """

    method: str
    path: str
    result: Result
    times: typing.Optional[int]
    after: bool
    takes: float

    def matches(self, method: str, path: str) -> bool:
        """Return True if a request has this fault."""
        return (self.times != 0 and self.method in ('*', method)
                and fnmatch.fnmatchcase(path, self.path))

    def apply(self, clock: clocks.Clock,
              build_error: typing.Callable[[int], Response] = build_error
              ) -> Response:
        """Return the response to a request with this fault.

        :param clock: the clock, which advances by `takes`.
        :param build_error: a function that returns the error response of the
            service for an HTTP code.
        :raises Exception: the client gets this exception instead of a
            response.
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
    """The faults that a test has added. The first one that matches counts."""

    def __init__(self) -> None:
        self._faults: typing.List[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def find(self, method: str, path: str) -> typing.Optional[Fault]:
        """Return the fault of a request. None if it has no fault."""
        return next((fault for fault in self._faults
                     if fault.matches(method, path)), None)

    def next(self, method: str, path: str) -> typing.Optional[Fault]:
        """Return the fault of a request, and count the request.

        None if the request has no fault. A fault for a limited number of
        requests ends after this number.
        """
        fault = self.find(method, path)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault
