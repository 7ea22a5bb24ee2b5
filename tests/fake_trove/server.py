"""The fake Trove behind every requests session of this process."""

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
from tests.fake_trove import errors
from tests.fake_trove import faults
from tests.fake_trove import instances
from tests.fake_trove import serialization
from tests.fake_trove import swift

Reply = typing.Tuple[int, typing.Optional[clouds.State]]


@dataclasses.dataclass(frozen=True)
class Request:
    """What a client asked; the path starts behind the project."""

    method: str
    path: str
    query: typing.Dict[str, str]
    body: typing.Any
    project_id: str
    at: float
    headers: typing.Dict[str, str]
    #: As requests took it: seconds, or those to connect and to read.
    timeout: typing.Any


class FakeTrove(clouds.Cloud):
    """Trove's v1.0 API with a memory, a clock and faults on order."""

    url = serialization.URL

    def __init__(self, clock: typing.Optional[clocks.Clock] = None,
                 release: typing.Union[str, int, float] = 26.0) -> None:
        super().__init__(clock, release)
        self.requests: typing.List[Request] = []
        self._faults = faults.Faults()
        self._on_instances = instances.Instances(self)
        self._on_accounts = accounts.Accounts(self)
        self._on_backups = backups.Backups(self)
        self._offers = catalog.Offers(self)
        self.objects = swift.Objects(self, self._faults.next)

    def attach(self, mocker: requests_mock.Mocker) -> None:
        """Answer whatever this process sends to our address."""
        self.mocker = mocker
        mocker.register_uri(
            requests_mock.ANY, re.compile('^' + re.escape(self.url) + '/'),
            text=self._answer)
        self.objects.attach(mocker)

    def fail(self, method: str, path: str, with_: faults.With = 503,
             times: typing.Optional[int] = 1, after: bool = False,
             takes: float = 0.0) -> None:
        """Let requests go wrong.

        :param method: '*': any
        :param path: as '/backups/*', with the shell's wildcards; what is in
            Swift begins with '/swift/'
        :param with_: an HTTP code, 'refused', 'reset', 'timeout',
            'connect-timeout', 'broken' (JSON), an Answer or an exception
        :param times: None: for ever
        :param after: the request has its effect, only the answer is lost
        :param takes: seconds that pass before the client notices
        """
        self._faults.order(faults.Fault(
            method, path, with_, times, after, takes))

    def refuse_tokens(self, times: typing.Optional[int] = None) -> None:
        """Every token is over.

        :param times: requests, and keystoneauth sends each once more with a
            new service token; None: for ever
        """
        self.fail('*', '*', faults.NO_TOKEN, times)

    def forbid(self, times: typing.Optional[int] = None) -> None:
        """The policy allows nothing."""
        self.fail('*', '*', 403, times)

    def heal(self) -> None:
        """Forget the faults that were ordered."""
        self._faults.clear()

    def asked(self, method: str = '*', path: str = '*'
              ) -> typing.List[Request]:
        """The requests of that kind so far, in their order."""
        wanted = faults.Fault(method, path, 0, None, False, 0.0)
        return [request for request in self.requests
                if wanted.meets(request.method, request.path)]

    def _answer(self, sent: typing.Any, context: typing.Any) -> str:
        request = self._read(sent)
        context.headers['Content-Type'] = 'application/json'
        with self.lock:
            self.requests.append(request)
            fault = self._faults.next(request.method, request.path)
            if fault is None:
                answer = self._outcome(request)
            else:
                if fault.after:
                    self._outcome(request)
                answer = fault.strike(self.clock)
        context.status_code = answer.code
        context.headers['Date'] = email.utils.formatdate(
            self.clock.now(), usegmt=True)
        context.headers.update(answer.headers)
        return answer.text

    def _outcome(self, request: Request) -> faults.Answer:
        try:
            code, body = self._route(request)
        except errors.Refused as refused:
            return faults.of_refusal(refused)
        return faults.Answer(code, '' if body is None else json.dumps(body))

    def _read(self, sent: typing.Any) -> Request:
        project_id, _, path = sent.path[len('/v1.0/'):].partition('/')
        query = dict(parse.parse_qsl(parse.urlsplit(sent.url).query))
        return Request(sent.method, '/' + path, query,
                       json.loads(sent.text) if sent.text else None,
                       project_id, self.clock.now(), dict(sent.headers),
                       sent.timeout)

    def _route(self, request: Request) -> Reply:
        kind, *rest = request.path.strip('/').split('/')
        project, body = request.project_id, request.body
        asked = (request.method, kind, len(rest))
        if asked == ('GET', 'instances', 0):
            return self._page(request, self._on_instances.index(
                project, request.query))
        if asked == ('GET', 'instances', 1) and rest == ['detail']:
            return self._page(request, self._on_instances.index(
                project, request.query, detail=True))
        if asked == ('GET', 'instances', 1):
            return 200, self._on_instances.show(project, *rest)
        if asked == ('POST', 'instances', 0):
            return 200, self._on_instances.create(project, body)
        if asked == ('POST', 'instances', 2) and rest[1] == 'action':
            return 202, self._on_instances.act(project, rest[0], body)
        if kind == 'instances' and rest[1:] and rest[1] in accounts.KINDS:
            instance = self._on_instances.get(project, rest[0])
            if request.method == 'GET':
                return self._page(request, self._on_accounts.index(
                    instance, rest[1], request.query))
            return 202, self._on_accounts.create(instance, rest[1], body)
        if asked == ('DELETE', 'instances', 1):
            return 202, self._on_instances.delete(project, *rest)
        if asked == ('GET', 'instances', 2) and rest[1] == 'backups':
            self._on_instances.get(project, rest[0])
            return self._page(request, self._on_backups.index(
                project, dict(request.query, instance_id=rest[0])))
        if asked == ('GET', 'backups', 0):
            return self._page(request, self._on_backups.index(
                project, request.query))
        if asked == ('GET', 'backups', 1):
            return 200, self._on_backups.show(project, *rest)
        if asked == ('POST', 'backups', 0):
            return 202, self._on_backups.create(project, body)
        if asked == ('DELETE', 'backups', 1):
            return 202, self._on_backups.delete(project, *rest)
        offered = self._offers.answer(project, [kind, *rest]) if (
            request.method == 'GET') else None
        if offered is not None:
            return 200, offered
        raise errors.Refused(404, 'The resource could not be found.')

    def _page(self, request: Request, found: typing.Tuple[
            clouds.State, typing.Optional[str]]) -> Reply:
        body, marker = found
        if marker is not None:
            query = parse.urlencode(dict(request.query, marker=marker))
            body['links'] = [{'rel': 'next', 'href': '%s/%s%s?%s' % (
                self.url, request.project_id, request.path, query)}]
        return 200, body
