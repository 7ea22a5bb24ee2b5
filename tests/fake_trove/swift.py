"""Fake of the Swift accounts in which Trove stores backups."""

import hashlib
import html
import http
import json
import re
import typing
from urllib import parse

import requests_mock

from tests.fake_trove import cloud as clouds
from tests.fake_trove import faults
from tests.fake_trove import serialization


#: Swift's middleware adds this header to every response of its own
#: [catch_errors.py, 2.38].
TRANSACTION = 'X-Trans-Id'


def build_error(code: int) -> faults.Response:
    """Return Swift's own error response for an HTTP code. Its body is HTML."""
    phrase = http.HTTPStatus(code).phrase
    return faults.Response(
        code, '<html><h1>%s</h1><p>%s</p></html>' % (
            html.escape(phrase), 'A text for people.'),
        {'Content-Type': 'text/html; charset=UTF-8', **_transaction()})


def _transaction() -> typing.Dict[str, str]:
    """Return the headers that every response of Swift has."""
    id_ = 'tx00000000000000000000000000000001'
    return {TRANSACTION: id_, 'X-Openstack-Request-Id': id_}


def _etag(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


class Objects:
    """The objects of complete backups, and objects of deleted backups.

    :param next_fault: a function that returns the fault of a request with a
        method and a path. None if the request has no fault.
    """

    def __init__(self, cloud: clouds.Cloud,
                 next_fault: typing.Callable[
                     [str, str], typing.Optional[faults.Fault]]) -> None:
        self._cloud = cloud
        self._next_fault = next_fault
        #: The number of segments that the object of a backup has. 0 if the
        #: object holds the bytes itself.
        self.segment_count = 0
        #: Objects that were changed after Trove had written them, as
        #: {URL: new content}. The content is None if an object was deleted.
        self.changed: typing.Dict[str, typing.Optional[bytes]] = {}

    def attach(self, mocker: requests_mock.Mocker) -> None:
        """Let this object respond to all requests to Swift."""
        mocker.register_uri(
            requests_mock.ANY,
            re.compile('^' + re.escape(serialization.SWIFT_URL)),
            text=self._serve)

    def list_urls(self) -> typing.Set[str]:
        """Return the URLs of the existing objects of all backups.

        The URLs of segments are not among them.
        """
        return {url for url in self._list_written_urls()
                if self.changed.get(url, b'') is not None}

    def _list_written_urls(self) -> typing.Set[str]:
        """Return the URLs of all objects that Trove has not deleted."""
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

        None if the object or the segment does not exist.
        """
        if url in self.changed:
            return self.changed[url]
        urls = self._list_written_urls()
        if url in urls:
            return b''.join(map(self._original, self.segment_urls(url))) or (
                self._original(url))
        if any(url in self.segment_urls(object_url) for object_url in urls):
            return self._original(url)
        return None

    def _original(self, url: str) -> bytes:
        """Return the bytes that Trove wrote into an object or a segment."""
        return ('what Trove wrote into %s' % url).encode()

    def _headers(self, url: str, content: bytes) -> typing.Dict[str, str]:
        """Return the headers of the response with an object."""
        headers = {'Content-Length': str(len(content)),
                   'Content-Type': 'application/octet-stream',
                   'Etag': _etag(content), **_transaction()}
        segments = self._list_segments(url)
        if segments:
            headers['X-Static-Large-Object'] = 'True'
            headers['Etag'] = '"%s"' % _etag(''.join(
                _etag(self._original(segment))
                for segment in segments).encode())
        return headers

    def _list_segments(self, url: str) -> typing.List[str]:
        """Return the URLs of the segments in the manifest of an object.

        Empty if the object has no manifest.
        """
        return self.segment_urls(url) if (
            url in self.list_urls() and url not in self.changed) else []

    def _manifest(self, url: str) -> str:
        """Return the manifest of an object, as Trove wrote it.

        As in Swift, the manifest stays the same if a segment is changed.
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
            if fault is None:
                response = self._process(sent, url, parts.query)
            else:
                if fault.after:
                    self._process(sent, url, parts.query)
                response = fault.apply(self._cloud.clock, build_error)
        context.status_code = response.code
        context.headers.update(response.headers)
        return '' if sent.method == 'HEAD' else response.text

    def _process(self, sent: typing.Any, url: str, query: str
                 ) -> faults.Response:
        content = self.read(url)
        if sent.method == 'PUT':
            self.changed[url] = sent.text.encode()
            return faults.Response(201, headers=_transaction())
        if sent.method == 'DELETE' and 'multipart-manifest=delete' in query:
            return self._delete_manifest(sent, url)
        if content is None:
            return build_error(404)
        if sent.method == 'DELETE':
            self._delete(url)
            return faults.Response(204, headers=_transaction())
        text = self._manifest(url) if (
            'multipart-manifest=get' in query) else ''
        return faults.Response(200, text, self._headers(url, content))

    def _delete(self, url: str) -> None:
        self._cloud.leftover_objects.discard(url)
        self.changed[url] = None

    def _delete_manifest(self, sent: typing.Any, url: str) -> faults.Response:
        """Delete an object and its segments.

        :returns: a response with HTTP 200, also after an error. Its body has
            the outcome, as JSON if the client accepts JSON, or else as plain
            text [slo.py and bulk.py, 2.38].
        """
        segments = self._list_segments(url)
        outcome: typing.Dict[str, typing.Any] = {
            'Number Deleted': 0, 'Number Not Found': 0, 'Response Body': '',
            'Response Status': '200 OK'}
        problems = []
        if self.read(url) is None:
            outcome['Number Not Found'] = 1
        elif not segments:
            name = '/' + '/'.join(url.split('/')[-2:])
            problems = [[name, 'Not an SLO manifest']]
            outcome['Response Status'] = '400 Bad Request'
        else:
            for deleted in (*segments, url):
                self._delete(deleted)
            outcome['Number Deleted'] = 1 + len(segments)
        if 'application/json' in sent.headers.get('Accept', ''):
            type_ = 'application/json'
            text = json.dumps(dict(outcome, Errors=problems))
        else:
            type_ = 'text/plain'
            text = ''.join([
                *('%s: %s\n' % item for item in sorted(outcome.items())),
                'Errors:\n',
                *('%s, %s\n' % tuple(problem) for problem in problems)])
        return faults.Response(
            200, text, {'Content-Type': type_, **_transaction()})
