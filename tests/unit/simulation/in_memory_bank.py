"""A bank and a session for the fake Trove, without files and sockets.

All code between them and the plugin is real: Karbor's bank and its sections,
python-troveclient and our own client. Before each external effect they call
`pause`.
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
    """A clock that runs each due event at its own time during a sleep."""

    timeline = None

    def sleep(self, seconds, wake=None):
        if wake is not None and wake.is_set():
            return
        end = self._now + max(0.0, seconds)
        while self.timeline._due and self.timeline._due[0][0] <= end:
            self._now = max(self._now, self.timeline._due[0][0])
            self.timeline.catch_up()
        self._now = end


class BankPlugin(bank_plugin.BankPlugin):
    """Stores each object as the text that a file would have."""

    def __init__(self, pause):
        super().__init__()
        self.objects = {}
        #: Whether the next write fails. A repeated write always succeeds.
        self.failing = False
        self._failed = set()
        self._pause = pause

    def update_object(self, key, value, context=None):
        text = value if isinstance(value, str) else json.dumps(value)
        try:
            self._pause()
        except interleaving.Killed as killed:
            if killed.torn:
                self.objects[key] = text[:len(text) // 2]
            raise
        if self.failing and key not in self._failed:
            self.failing = False
            self._failed.add(key)
            raise exception.BankUpdateObjectFailed(
                reason='the directory has gone', key=key)
        self._failed.discard(key)
        self.objects[key] = text

    def get_object(self, key, context=None):
        if key not in self.objects:
            raise exception.BankGetObjectFailed(
                reason='Object is not a file', key=key)
        try:
            return json.loads(self.objects[key])
        except ValueError:
            return self.objects[key]

    def list_objects(self, prefix=None, limit=None, marker=None,
                     sort_dir=None, context=None):
        return [key for key in self.objects if key.startswith(prefix)]

    def delete_object(self, key, context=None):
        self._pause()
        if self.objects.pop(key, None) is None:
            raise exception.BankDeleteObjectFailed(reason='no file', key=key)

    def get_owner_id(self, context=None):
        return 'karbor'


class Session:
    """The part of a keystoneauth session that our client uses."""

    auth = None

    def __init__(self, fake, pause):
        self._fake = fake
        self._pause = pause
        #: Seconds until the next POST has its effect. Its response is lost.
        self.late = None

    def client(self):
        # Our client replaces the method `request` of its session.
        return trove_client.Client('1.0', session=types.SimpleNamespace(
            auth=None, get_endpoint=self.get_endpoint, request=self.request))

    def get_endpoint(self, auth=None, service_type='database', **kwargs):
        return ('%s/v1/AUTH_%s' % (serialization.SWIFT_URL, cloud.PROJECT)
                if service_type == 'object-store' else
                '%s/%s' % (serialization.URL, cloud.PROJECT))

    def request(self, url, method, json=None, timeout=None, **kwargs):
        self._pause()
        if url.startswith(serialization.SWIFT_URL):
            return self._request_swift(url, method, **kwargs)
        sent = types.SimpleNamespace(
            method=method, url=self.get_endpoint() + url, headers={},
            timeout=timeout, text=_dump(json))
        sent.path = parse.urlsplit(sent.url).path
        if self.late is not None and method == 'POST':
            self._post_late(sent)
            raise keystone_exceptions.ConnectFailure('no response')
        return self._get_response(self._fake._serve, sent)

    def _post_late(self, sent):
        seconds, self.late = self.late, None
        request = self._fake._parse(sent)
        owner = self._fake.world.process
        self._fake.timeline.after(
            seconds, lambda at: self._fake.world.of(
                owner, lambda: self._fake._process(request)))

    def _request_swift(self, url, method, params=None, headers=None):
        if params:
            url += '?' + parse.urlencode(params)
        response = self._get_response(
            self._fake.objects._serve, types.SimpleNamespace(
                method=method, url=url, headers=headers or {}))
        if response.status_code >= 400:
            raise keystone_exceptions.http.from_response(
                response, method, url)
        return response

    def _get_response(self, serve, sent):
        response = requests.Response()
        context = types.SimpleNamespace(
            headers=response.headers, status_code=200)
        try:
            text = serve(sent, context)
        except requests.exceptions.RequestException as error:
            raise keystone_exceptions.ConnectFailure(str(error)) from error
        response.status_code = context.status_code
        response._content = text.encode()
        return response


def _dump(body):
    return None if body is None else json.dumps(body)
