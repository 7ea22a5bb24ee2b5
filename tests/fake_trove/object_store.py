"""Fake of a Swift account, for banks.

It is the account of Karbor's service user, with containers and objects.
"""

import json
import re
import typing
from urllib import parse

import requests_mock

from tests.fake_trove import clock as clocks
from tests.fake_trove import faults
from tests.fake_trove import keystone
from tests.fake_trove import serialization

#: Swift adds this header to each of its own responses.
OWN_HEADERS = {'X-Trans-Id': 'tx-1'}
NOT_FOUND = ('<html><h1>Not Found</h1><p>The resource could not be found.'
             '</p></html>')


class Request(typing.NamedTuple):
    """A request of a client. Its path begins with the container."""

    method: str
    path: str
    #: The timeout that the client passed to the library requests: seconds, or
    #: a pair of seconds for connecting and reading.
    timeout: typing.Any


class Object(typing.NamedTuple):
    """An object as a client wrote it, with some of the request's headers."""

    content: bytes
    headers: typing.Dict[str, str]


def _decode(text: typing.Union[str, bytes]) -> str:
    # The names and values of metadata headers are bytes [python-swiftclient
    # 3.10.1].
    return text.decode() if isinstance(text, bytes) else text


class ObjectStore:
    """A fake Swift account with state and injected faults."""

    #: The URL of the account.
    url = '%s/v1/AUTH_%s' % (serialization.SWIFT_URL,
                             keystone.SERVICE_PROJECT)

    def __init__(self, clock: clocks.Clock) -> None:
        self._clock = clock
        self._faults = faults.Faults()
        #: The objects of each container, by name.
        self.containers: typing.Dict[str, typing.Dict[str, Object]] = {}
        #: All received requests in their order.
        self.requests: typing.List[Request] = []
        #: The largest number of objects in one page of a list.
        self.page_size = 10000

    def attach(self, mocker: requests_mock.Mocker) -> None:
        """Let this object respond to all requests to the account."""
        mocker.register_uri(
            requests_mock.ANY,
            re.compile('^' + re.escape(self.url) + '(/|$)'),
            content=self._serve)

    def fail(self, method: str, path: str, result: faults.Result = 503,
             times: typing.Optional[int] = 1, after: bool = False) -> None:
        """Let the next requests with a method and a path fail.

        :param method: the HTTP method. '*' stands for all methods.
        :param path: the container and the object, for example 'karbor/*'. It
            may have the wildcards of a shell.
        :param result: an HTTP code with which Swift itself responds, or
            another result that FakeTrove.fail() accepts.
        :param times: how many requests fail. None if all fail from now on.
        :param after: True if the request takes effect and only its response is
            lost.
        """
        self._faults.add(faults.Fault(method, path, result, times, after, 0))

    def heal(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def _serve(self, sent: typing.Any, context: typing.Any) -> bytes:
        parts = parse.urlsplit(sent.url)
        path = parse.unquote(parts.path[len(parse.urlsplit(self.url).path):])
        self.requests.append(Request(sent.method, path[1:], sent.timeout))
        fault = self._faults.next(sent.method, path[1:])
        if fault is None or fault.after:
            response = self._process(
                sent, path[1:], dict(parse.parse_qsl(parts.query)))
        if fault is not None:
            response = fault.apply(self._clock)
        context.status_code = response.code
        content = response.text.encode()
        context.headers['Content-Length'] = str(len(content))
        context.headers.update(response.headers)
        if fault is None or isinstance(fault.result, int):
            context.headers.update(OWN_HEADERS)
        return content

    def _process(self, sent: typing.Any, path: str,
                 query: typing.Dict[str, str]) -> faults.Response:
        name, slash, key = path.partition('/')
        if not slash and sent.method == 'PUT':
            self.containers.setdefault(name, {})
            return faults.Response(201)
        objects = self.containers.get(name)
        if objects is None or slash and sent.method != 'PUT' and (
                key not in objects):
            return faults.Response(404, NOT_FOUND)
        if not slash:
            return faults.Response(200, json.dumps([
                {'name': key} for key in self._page(objects, query)]))
        if sent.method == 'PUT':
            body = sent.body or b''
            headers = {_decode(name): _decode(value)
                       for name, value in sent.headers.items()}
            objects[key] = Object(
                body.encode() if isinstance(body, str) else body,
                {name: value for name, value in headers.items()
                 if name.lower().startswith(('x-object-meta-', 'x-delete-'))})
            return faults.Response(201)
        if sent.method == 'DELETE':
            del objects[key]
            return faults.Response(204)
        if sent.method == 'POST':
            return faults.Response(202)
        return faults.Response(200, objects[key].content.decode('latin-1'),
                               objects[key].headers)

    def _page(self, objects: typing.Iterable[str],
              query: typing.Dict[str, str]) -> typing.List[str]:
        """Return the names of the objects on a page of a list.

        :param query: the query of the URL.
        """
        keys = sorted(
            key for key in objects if key.startswith(query.get('prefix', ''))
            and key > query.get('marker', '')
            and (key < query['end_marker'] if 'end_marker' in query else True))
        limit = min(self.page_size, int(query.get('limit', self.page_size)))
        return keys[:limit]
