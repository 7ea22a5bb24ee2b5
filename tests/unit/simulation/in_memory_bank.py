"""A bank and a way to the fake Trove without files, sockets or mocks.

Everything between them and the plugin is the real thing: Karbor's bank and
its sections, python-troveclient and our own gateway. Before each effect on
the outside they call `world.pause`.
"""

import json
import types
from urllib import parse

from karbor import exception
from karbor.services.protection import bank_plugin
from keystoneauth1 import exceptions as keystone_exceptions
import requests
from troveclient import client as trove_client

from tests.fake_trove import clock as clocks
from tests.fake_trove import cloud
from tests.fake_trove import serialization
from tests.unit.simulation import interleaving


class Clock(clocks.Clock):
    """Lets what is due happen at its own time, however long one sleeps."""

    timeline = None

    def sleep(self, seconds):
        end = self._now + max(0.0, seconds)
        while self.timeline._due and self.timeline._due[0][0] <= end:
            self._now = max(self._now, self.timeline._due[0][0])
            self.timeline.catch_up()
        self._now = end


class BankPlugin(bank_plugin.BankPlugin):
    """Keeps objects as the text that they would be in a file."""

    def __init__(self, pause):
        super().__init__()
        self.kept = {}
        #: Whether the next write fails; when it is repeated it never does.
        self.failing = False
        self._failed = set()
        self._pause = pause

    def update_object(self, key, value, context=None):
        text = value if isinstance(value, str) else json.dumps(value)
        try:
            self._pause()
        except interleaving.Killed as killed:
            if killed.torn:
                self.kept[key] = text[:len(text) // 2]
            raise
        if self.failing and key not in self._failed:
            self.failing = False
            self._failed.add(key)
            raise exception.BankUpdateObjectFailed(
                reason='the directory has gone', key=key)
        self._failed.discard(key)
        self.kept[key] = text

    def get_object(self, key, context=None):
        if key not in self.kept:
            raise exception.BankGetObjectFailed(
                reason='Object is not a file', key=key)
        try:
            return json.loads(self.kept[key])
        except ValueError:
            return self.kept[key]

    def list_objects(self, prefix=None, limit=None, marker=None,
                     sort_dir=None, context=None):
        return [key for key in self.kept if key.startswith(prefix)]

    def delete_object(self, key, context=None):
        self._pause()
        if self.kept.pop(key, None) is None:
            raise exception.BankDeleteObjectFailed(reason='no file', key=key)

    def get_owner_id(self, context=None):
        return 'karbor'


class Session:
    """As much of a session of keystoneauth as our gateway uses."""

    auth = None
    timeout = None

    def __init__(self, fake, pause):
        self._fake = fake
        self._pause = pause
        #: Seconds after which the next POST lands, whose answer is lost now.
        self.late = None

    def client(self):
        return trove_client.Client('1.0', session=self)

    def get_endpoint(self, auth=None, service_type='database', **kwargs):
        return ('%s/v1/AUTH_%s' % (serialization.SWIFT_URL, cloud.PROJECT)
                if service_type == 'object-store' else
                '%s/%s' % (serialization.URL, cloud.PROJECT))

    def request(self, url, method, json=None, **kwargs):
        self._pause()
        sent = types.SimpleNamespace(
            method=method, url=self.get_endpoint() + url, headers={},
            timeout=self.timeout, text=_dumped(json))
        sent.path = parse.urlsplit(sent.url).path
        if self.late is not None and method == 'POST':
            self._post_late(sent)
            raise keystone_exceptions.ConnectFailure('no answer')
        return self._answered(self._fake._serve, sent)

    def _post_late(self, sent):
        seconds, self.late = self.late, None
        request = self._fake._parse(sent)
        owner = self._fake.world.process
        self._fake.timeline.after(
            seconds, lambda at: self._fake.world.of(
                owner, lambda: self._fake._process(request)))

    def head(self, url, **kwargs):
        return self._swift('HEAD', url)

    def get(self, url, params=None, **kwargs):
        return self._swift('GET', url + '?' + parse.urlencode(params))

    def delete(self, url, **kwargs):
        return self._swift('DELETE', url)

    def _swift(self, method, path):
        self._pause()
        url = self.get_endpoint(service_type='object-store') + path
        answer = self._answered(
            self._fake.objects._serve,
            types.SimpleNamespace(method=method, url=url))
        if answer.status_code >= 400:
            raise keystone_exceptions.http.from_response(answer, method, url)
        return answer

    def _answered(self, answer, sent):
        made = requests.Response()
        context = types.SimpleNamespace(headers=made.headers, status_code=200)
        try:
            text = answer(sent, context)
        except requests.exceptions.RequestException as error:
            raise keystone_exceptions.ConnectFailure(str(error)) from error
        made.status_code = context.status_code
        made._content = text.encode()
        return made


def _dumped(body):
    return None if body is None else json.dumps(body)
