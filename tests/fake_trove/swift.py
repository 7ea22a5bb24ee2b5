"""The tenant's Swift, as far as Trove's backups are in it."""

import hashlib
import json
import re
import typing
from urllib import parse

import requests_mock

from tests.fake_trove import cloud as clouds
from tests.fake_trove import faults
from tests.fake_trove import serialization


def _etag(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


class Objects:
    """Answers for the objects of complete backups, and for what was left."""

    def __init__(self, cloud: clouds.Cloud,
                 fault: typing.Callable[[str, str],
                                        typing.Optional[faults.Fault]]
                 ) -> None:
        self._cloud = cloud
        self._fault = fault
        #: How many segments the object of a backup has; 0: its bytes are in
        #: the object itself.
        self.segments = 0
        #: What was put in the place of what Trove stored, by URL; None: it
        #: was removed.
        self.changed: typing.Dict[str, typing.Optional[bytes]] = {}

    def attach(self, mocker: requests_mock.Mocker) -> None:
        mocker.register_uri(
            requests_mock.ANY,
            re.compile(
                '^' +
                re.escape(
                    serialization.SWIFT_URL)),
            text=self._answer)

    def stored(self) -> typing.Set[str]:
        """The URLs of the objects of all backups, without segments."""
        return {str(serialization.location(of))
                for of in self._cloud.backups.values()
                if serialization.location(of)} | self._cloud.left_objects

    def segments_of(self, url: str) -> typing.List[str]:
        """The URLs of the segments of a backup's object."""
        return ['%s_%08d' % (url[:-len('.tar.gz')], number)
                for number in range(self.segments)]

    def content(self, url: str) -> typing.Optional[bytes]:
        """The bytes of an object or of a segment; None: it is not there."""
        if url in self.changed:
            return self.changed[url]
        stored = self.stored()
        if url in stored:
            return b''.join(map(self._made, self.segments_of(url))) or (
                self._made(url))
        if any(url in self.segments_of(whole) for whole in stored):
            return self._made(url)
        return None

    def _made(self, url: str) -> bytes:
        return ('what Trove wrote into %s' % url).encode()

    def _headers(self, url: str, content: bytes) -> typing.Dict[str, str]:
        headers = {'Content-Length': str(len(content)),
                   'Etag': _etag(content)}
        segments = self.segments_of(url) if (
            url in self.stored() and url not in self.changed) else []
        if segments:
            headers['X-Static-Large-Object'] = 'True'
            headers['Etag'] = '"%s"' % _etag(''.join(
                _etag(self._made(one)) for one in segments).encode())
        return headers

    def _manifest(self, url: str) -> str:
        """As it was written: a change of a segment does not show."""
        account = len(serialization.SWIFT_URL) + len('/v1/AUTH_') + 32
        return json.dumps([
            {'name': one[account:], 'hash': _etag(self._made(one)),
             'bytes': len(self._made(one))} for one in self.segments_of(url)])

    def _answer(self, sent: typing.Any, context: typing.Any) -> str:
        with self._cloud.lock:
            parts = parse.urlsplit(sent.url)
            url = parse.urlunsplit(parts._replace(query=''))
            fault = self._fault(sent.method, '/swift' + parts.path)
            content = self.content(url)
            if fault is None or fault.after:
                self._change(sent, url)
            if fault is not None:
                answer = fault.strike(self._cloud.clock)
                context.status_code = answer.code
                return answer.text
            context.status_code = 404 if content is None and (
                sent.method != 'PUT') else 200
            if content is None or sent.method not in ('GET', 'HEAD'):
                return ''
            context.headers.update(self._headers(url, content))
            return self._manifest(url) if (
                'multipart-manifest=get' in parts.query) else ''

    def _change(self, sent: typing.Any, url: str) -> None:
        if sent.method == 'DELETE':
            self._cloud.left_objects.discard(url)
            if url not in self.stored():
                self.changed[url] = None
        elif sent.method == 'PUT':
            self.changed[url] = sent.text.encode()
