"""Fake Trove that responds to the HTTP requests of this process."""

import dataclasses
import email.utils
import json
import re
import typing
from urllib import parse

import requests_mock

from tests.fake_trove import accounts
from tests.fake_trove import backups
from tests.fake_trove import catalog
from tests.fake_trove import clock as clocks
from tests.fake_trove import cloud as clouds
from tests.fake_trove import configurations
from tests.fake_trove import errors
from tests.fake_trove import faults
from tests.fake_trove import instances
from tests.fake_trove import keystone
from tests.fake_trove import serialization
from tests.fake_trove import swift

#: The HTTP code and the body of a response. None for an empty body.
Result = typing.Tuple[int, typing.Optional[clouds.State]]


@dataclasses.dataclass(frozen=True)
class Request:
    """A request of a client.

    The path begins after the project id, for example '/backups'.
    """

    method: str
    path: str
    query: typing.Dict[str, str]
    body: typing.Any
    project_id: str
    #: When the request arrived, in seconds of the clock.
    at: float
    headers: typing.Dict[str, str]
    #: The timeout that the client passed to the library requests: seconds, or
    #: a pair of seconds for connecting and reading.
    timeout: typing.Any


def _keystone_path(sent: typing.Any) -> str:
    """Return the path by which FakeTrove.fail() names a Keystone request."""
    return '/keystone' + str(sent.path)


class FakeTrove(clouds.Cloud):
    """A fake of Trove's API v1.0 with state, a clock and injected faults.

    The parameters are those of Cloud.
    """

    #: The URL of the API, without a project.
    url = serialization.URL

    def __init__(self, clock: typing.Optional[clocks.Clock] = None,
                 release: typing.Union[str, int, float] = 26.0) -> None:
        super().__init__(clock, release)
        #: All received requests in their order.
        self.requests: typing.List[Request] = []
        #: The difference between the Date header and the times in the bodies,
        #: in seconds. Positive if the header is ahead.
        self.date_offset = 0.0
        self._faults = faults.Faults()
        # Separate, so that a fault of all paths is no fault of Keystone.
        self._keystone_faults = faults.Faults()
        self._on_instances = instances.Instances(self)
        self._on_accounts = accounts.Accounts(self)
        self._on_backups = backups.Backups(self)
        self._on_configurations = configurations.Configurations(self)
        self._catalog = catalog.Catalog(self)
        self.objects = swift.Objects(self, self._faults.next)

    def attach(self, mocker: requests_mock.Mocker) -> None:
        """Let this object respond to all requests to Trove and Swift.

        It also responds to requests to Keystone that have a fault. Call
        keystone.attach() before, for all other requests to Keystone.
        """
        self.mocker = mocker
        mocker.register_uri(
            requests_mock.ANY, re.compile('^' + re.escape(self.url) + '/'),
            text=self._serve)
        self.objects.attach(mocker)
        mocker.register_uri(
            requests_mock.ANY, re.compile('^' + re.escape(keystone.URL)),
            additional_matcher=lambda sent: bool(
                self._keystone_faults.find(sent.method, _keystone_path(sent))),
            text=self._serve_keystone_fault)

    def fail(self, method: str, path: str, result: faults.Result = 503,
             times: typing.Optional[int] = 1, after: bool = False,
             takes: float = 0.0) -> None:
        """Let the next requests with a method and a path fail.

        :param method: the HTTP method. '*' stands for all methods.
        :param path: the path after the project, for example '/backups/*'. It
            may have the wildcards of a shell. The paths of Swift begin with
            '/swift/', and the paths of Keystone begin with '/keystone/'.
        :param result: what the client gets. A Response, an exception, or the
            HTTP code of an error response of the service. 'refused', 'reset',
            'timeout' and 'connect-timeout' are errors of the connection.
            'broken' is a response with broken JSON. 'foreign-404' and
            'foreign-200' are responses of a load balancer with HTML.
            'foreign-404-text' is such a response with plain text.
        :param times: how many requests fail. None if all fail from now on.
        :param after: True if the request takes effect and only its response is
            lost.
        :param takes: the seconds of the clock until the client gets the
            result.
        """
        owner = (self._keystone_faults if path.startswith('/keystone/')
                 else self._faults)
        owner.add(faults.Fault(method, path, result, times, after, takes))

    def refuse_tokens(self, times: typing.Optional[int] = None) -> None:
        """Let Trove and Swift reject the tokens of the next requests.

        keystoneauth repeats a rejected request once, with a new service token.

        :param times: how many requests fail. None if all fail from now on.
        """
        self.fail('*', '*', faults.UNAUTHORIZED, times)

    def forbid(self, times: typing.Optional[int] = None) -> None:
        """Let Trove and Swift respond to the next requests with HTTP 403.

        :param times: how many requests fail. None if all fail from now on.
        """
        self.fail('*', '*', 403, times)

    def heal(self) -> None:
        """Remove all faults."""
        self._faults.clear()
        self._keystone_faults.clear()

    def find_requests(self, method: str = '*', path: str = '*'
                      ) -> typing.List[Request]:
        """Return the received requests with a method and a path, in order.

        :param method: see fail().
        :param path: see fail().
        """
        pattern = faults.Fault(method, path, 0, None, False, 0.0)
        return [request for request in self.requests
                if pattern.matches(request.method, request.path)]

    def _serve(self, sent: typing.Any, context: typing.Any) -> str:
        """Return the body of the response. requests_mock calls this method.

        :param sent: the request of the client.
        :param context: the attributes of the response that this method sets.
        """
        request = self._parse(sent)
        context.headers['Content-Type'] = 'application/json'
        with self.lock:
            self.requests.append(request)
            fault = self._faults.next(request.method, request.path)
            if fault is None:
                response = self._process(request)
            else:
                if fault.after:
                    self._process(request)
                response = fault.apply(self.clock)
        context.status_code = response.code
        context.headers['Date'] = email.utils.formatdate(
            self.clock.now() + self.date_offset, usegmt=True)
        context.headers.update(response.headers)
        return response.text

    def _serve_keystone_fault(self, sent: typing.Any, context: typing.Any
                              ) -> str:
        with self.lock:
            fault = self._keystone_faults.next(
                sent.method, _keystone_path(sent))
            assert fault is not None
            response = fault.apply(self.clock, keystone.build_error)
        context.status_code = response.code
        context.headers.update(response.headers)
        return response.text

    def _process(self, request: Request) -> faults.Response:
        """Execute a request, and return the response."""
        try:
            code, body = self._route(request)
        except errors.ErrorResponse as error:
            return faults.from_error(error)
        return faults.Response(code, '' if body is None else json.dumps(body))

    def _parse(self, sent: typing.Any) -> Request:
        project_id, _, path = sent.path[len('/v1.0/'):].partition('/')
        query = dict(parse.parse_qsl(parse.urlsplit(sent.url).query))
        return Request(sent.method, '/' + path, query,
                       json.loads(sent.text) if sent.text else None,
                       project_id, self.clock.now(), dict(sent.headers),
                       sent.timeout)

    def _route(self, request: Request) -> Result:
        kind, *rest = request.path.strip('/').split('/')
        project, body = request.project_id, request.body
        route = (request.method, kind, len(rest))
        if route == ('GET', 'instances', 0):
            return self._page(request, self._on_instances.index(
                project, request.query))
        if route == ('GET', 'instances', 1) and rest == ['detail']:
            return self._page(request, self._on_instances.index(
                project, request.query, detail=True))
        if route == ('GET', 'instances', 1):
            return 200, self._on_instances.show(project, *rest)
        if route == ('POST', 'instances', 0):
            return 200, self._on_instances.create(project, body)
        if route == ('POST', 'instances', 2) and rest[1] == 'action':
            return 202, self._on_instances.act(project, rest[0], body)
        if kind == 'instances' and rest[1:] and rest[1] in accounts.KINDS:
            instance = self._on_instances.get(project, rest[0])
            if request.method == 'GET':
                return self._page(request, self._on_accounts.index(
                    instance, rest[1], request.query))
            return 202, self._on_accounts.create(instance, rest[1], body)
        if route == ('DELETE', 'instances', 1):
            return 202, self._on_instances.delete(project, *rest)
        if route == ('GET', 'instances', 2) and rest[1] == 'backups':
            self._on_instances.get(project, rest[0])
            return self._page(request, self._on_backups.index(
                project, dict(request.query, instance_id=rest[0])))
        if route == ('GET', 'backups', 0):
            return self._page(request, self._on_backups.index(
                project, request.query))
        if route == ('GET', 'backups', 1):
            return 200, self._on_backups.show(project, *rest)
        if route == ('POST', 'backups', 0):
            return 202, self._on_backups.create(project, body)
        if route == ('DELETE', 'backups', 1):
            return 202, self._on_backups.delete(project, *rest)
        if route == ('GET', 'configurations', 0):
            return self._page(request, self._on_configurations.index(
                project, request.query))
        if route == ('GET', 'configurations', 1):
            return 200, self._on_configurations.show(project, *rest)
        if route == ('POST', 'configurations', 0):
            return 200, self._on_configurations.create(project, body)
        if route == ('DELETE', 'configurations', 1):
            return 202, self._on_configurations.delete(project, *rest)
        item = self._catalog.get(
            project, [kind, *rest],
            request.headers.get('X-Auth-Token') == keystone.ADMIN_TOKEN
        ) if request.method == 'GET' else None
        if item is not None:
            return 200, item
        raise errors.ErrorResponse(404, 'The resource could not be found.')

    def _page(self, request: Request, page: typing.Tuple[
            clouds.State, typing.Optional[str]]) -> Result:
        """Return the response with a page of a list.

        :param page: the body, and the marker of the next page or None. With a
            marker, the body gets a link to the next page.
        """
        body, marker = page
        if marker is not None:
            query = parse.urlencode(dict(request.query, marker=marker))
            body['links'] = [{'rel': 'next', 'href': '%s/%s%s?%s' % (
                self.url, request.project_id, request.path, query)}]
        return 200, body
