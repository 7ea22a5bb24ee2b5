"""The part of Swift that holds Trove's backups."""

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
    """The objects of complete backups, and leftover objects."""

    def __init__(self, cloud: clouds.Cloud,
                 next_fault: typing.Callable[
                     [str, str], typing.Optional[faults.Fault]]) -> None:
        self._cloud = cloud
        self._next_fault = next_fault
        #: Number of segments of a backup's object. 0 if the bytes are in the
        #: object itself.
        self.segment_count = 0
        #: New content by URL of objects that were changed after Trove wrote
        #: them. None if the object was deleted.
        self.changed: typing.Dict[str, typing.Optional[bytes]] = {}

    def attach(self, mocker: requests_mock.Mocker) -> None:
        mocker.register_uri(
            requests_mock.ANY,
            re.compile('^' + re.escape(serialization.SWIFT_URL)),
            text=self._serve)

    def list_urls(self) -> typing.Set[str]:
        """Return the URLs of the objects of all backups, without segments."""
        return {str(serialization.location(backup))
                for backup in self._cloud.backups.values()
                if serialization.location(backup)
                } | self._cloud.leftover_objects

    def segment_urls(self, url: str) -> typing.List[str]:
        """Return the URLs of the segments of a backup's object."""
        return ['%s_%08d' % (url[:-len('.tar.gz')], number)
                for number in range(self.segment_count)]

    def read(self, url: str) -> typing.Optional[bytes]:
        """Return the content of an object or of a segment.

        None if it does not exist.
        """
        if url in self.changed:
            return self.changed[url]
        urls = self.list_urls()
        if url in urls:
            return b''.join(map(self._original, self.segment_urls(url))) or (
                self._original(url))
        if any(url in self.segment_urls(object_url) for object_url in urls):
            return self._original(url)
        return None

    def _original(self, url: str) -> bytes:
        return ('what Trove wrote into %s' % url).encode()

    def _headers(self, url: str, content: bytes) -> typing.Dict[str, str]:
        headers = {'Content-Length': str(len(content)),
                   'Etag': _etag(content)}
        segments = self.segment_urls(url) if (
            url in self.list_urls() and url not in self.changed) else []
        if segments:
            headers['X-Static-Large-Object'] = 'True'
            headers['Etag'] = '"%s"' % _etag(''.join(
                _etag(self._original(segment))
                for segment in segments).encode())
        return headers

    def _manifest(self, url: str) -> str:
        """Return the manifest as Trove wrote it.

        As in Swift, it does not show later changes of segments.
        """
        account = len(serialization.SWIFT_URL) + len('/v1/AUTH_') + 32
        return json.dumps([
            {'name': segment[account:],
             'hash': _etag(self._original(segment)),
             'bytes': len(self._original(segment))}
            for segment in self.segment_urls(url)])

    def _serve(self, sent: typing.Any, context: typing.Any) -> str:
        with self._cloud.lock:
            parts = parse.urlsplit(sent.url)
            url = parse.urlunsplit(parts._replace(query=''))
            fault = self._next_fault(sent.method, '/swift' + parts.path)
            content = self.read(url)
            if fault is None or fault.after:
                self._change(sent, url)
            if fault is not None:
                response = fault.apply(self._cloud.clock)
                context.status_code = response.code
                return response.text
            context.status_code = 404 if content is None and (
                sent.method != 'PUT') else 200
            if content is None or sent.method not in ('GET', 'HEAD'):
                return ''
            context.headers.update(self._headers(url, content))
            return self._manifest(url) if (
                'multipart-manifest=get' in parts.query) else ''

    def _change(self, sent: typing.Any, url: str) -> None:
        if sent.method == 'DELETE':
            self._cloud.leftover_objects.discard(url)
            if url not in self.list_urls():
                self.changed[url] = None
        elif sent.method == 'PUT':
            self.changed[url] = sent.text.encode()
