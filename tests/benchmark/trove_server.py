"""Server of the fake Trove, Keystone and Swift in a process of its own.

    python -m tests.benchmark.trove_server SETTINGS

The settings are a JSON object:

"clock"             the file of the shared clock
"instances"         number of instances
"backup_seconds"    how long a backup takes from its request on
"build_seconds"     optional: how long an instance takes
"delete_seconds"    optional: how long the deletion of a backup takes

It prints its port. The paths under /control/ are for the benchmark: POST
/control/reset forgets all requests, GET /control/report returns what happened
since then.
"""

import asyncio
import collections
import email.utils
import json
import pathlib
import sys
import time
import types
from typing import Any

from tests.benchmark import recording
from tests.benchmark import shared_clock
from tests.fake_trove import clock as clocks
from tests.fake_trove import keystone
from tests.fake_trove import serialization
from tests.fake_trove import server

#: The defaults of the settings.
BUILD_SECONDS = 20.0
DELETE_SECONDS = 5.0
#: The beginnings of the URLs in responses of the fakes.
FAKE_URLS = (keystone.URL, serialization.URL.rpartition('/')[0],
             serialization.SWIFT_URL)
#: How long a backup stays NEW, at the most.
_START_SECONDS = 1.0
_TROVE, _SWIFT = '/v1.0/', '/v1/'
_PHRASES = {200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content'}


class _Clock(clocks.Clock):
    """The shared clock for the fake Trove."""

    def __init__(self, clock: shared_clock.SharedClock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> float:
        return self._clock.time()


class Server:
    """Serves one fake Trove, and counts what it is asked for."""

    def __init__(self, settings: 'dict[str, Any]') -> None:
        trove = server.FakeTrove(_Clock(shared_clock.SharedClock(
            pathlib.Path(settings['clock']))))
        trove.build_seconds = settings.get('build_seconds', BUILD_SECONDS)
        trove.healthy_seconds = 0.0
        trove.delete_seconds = settings.get('delete_seconds', DELETE_SECONDS)
        trove.start_seconds = min(_START_SECONDS,
                                  settings['backup_seconds'] / 2)
        trove.backup_seconds = (settings['backup_seconds']
                                - trove.start_seconds)
        # The in-tree plugin restores with the default datastore.
        trove.datastores = {'postgresql': ['18']}
        self._original_ids = [
            trove.add_instance(name='orders-%d' % number)
            for number in range(settings['instances'])]
        self._trove = trove
        self.url = ''
        self._reset()

    def _reset(self) -> None:
        #: Number of requests by service, method and path. The further pages
        #: of a list have a name of their own.
        self._counts: 'collections.Counter[str]' = collections.Counter()
        #: The end of the deletion of a backup, by instance.
        self._deletion_ends: 'dict[str, float]' = {}
        self._seconds = 0.0

    def serve(self, method: str, target: str, body: str
              ) -> 'tuple[int, dict[str, str], str]':
        """Return the status, the headers and the text of a response."""
        start = time.monotonic()
        path, _, query = target.partition('?')
        if path == '/control/report':
            return 200, {}, json.dumps(self._report())
        if path == '/control/reset':
            self._reset()
            return 200, {}, '{}'
        service, respond = (
            ('Trove', self._serve_trove) if path.startswith(_TROVE) else
            ('Swift', self._serve_swift) if path.startswith(_SWIFT) else
            ('Keystone', self._serve_keystone))
        self._counts[recording.name_request(service, method, target)] += 1
        status, headers, text = respond(method, path, query, body)
        for fake in FAKE_URLS:
            text = text.replace(fake, self.url)
        self._seconds += time.monotonic() - start
        return status, headers, text

    def _serve_trove(self, method: str, path: str, query: str, body: str
                     ) -> 'tuple[int, dict[str, str], str]':
        if method == 'DELETE' and '/backups/' in path:
            backup = self._trove.backups.get(path.rpartition('/')[2])
            if backup is not None:
                self._deletion_ends[backup['instance_id']] = (
                    self._trove.clock.now() + self._trove.delete_seconds)
        context = types.SimpleNamespace(status_code=200, headers={})
        text = self._trove._serve(types.SimpleNamespace(
            method=method, path=path, url=path + '?' + query, text=body,
            headers={}, timeout=None), context)
        # The list would grow with each poll.
        self._trove.requests.clear()
        return context.status_code, context.headers, text

    def _serve_swift(self, method: str, path: str, query: str, body: str
                     ) -> 'tuple[int, dict[str, str], str]':
        context = types.SimpleNamespace(status_code=200, headers={})
        url = serialization.SWIFT_URL + path + ('?' + query if query else '')
        text = self._trove.objects._serve(types.SimpleNamespace(
            method=method, path=path, url=url, text=body, headers={}),
            context)
        return context.status_code, context.headers, text

    def _serve_keystone(self, method: str, path: str, query: str, body: str
                        ) -> 'tuple[int, dict[str, str], str]':
        headers = {'Content-Type': 'application/json'}
        if method == 'POST':
            headers['X-Subject-Token'] = keystone.SERVICE_TOKEN
            return 201, headers, json.dumps(
                keystone.build_token(keystone.SERVICE_PROJECT))
        if path.rstrip('/') == '/v3':
            return 200, headers, json.dumps({'version': keystone.VERSION})
        return 300, headers, json.dumps(
            {'versions': {'values': [keystone.VERSION]}})

    def _report(self) -> 'dict[str, Any]':
        trove = self._trove
        return {
            'requests': dict(self._counts),
            'seconds': self._seconds,
            'instances': self._original_ids,
            'backups': {
                id_: {key: backup[key]
                      for key in ('instance_id', 'parent_id', 'status')}
                for id_, backup in trove.backups.items()},
            'backup_ends': {
                backup['instance_id']: backup['updated']
                for backup in trove.backups.values()
                if backup['status'] == 'COMPLETED'},
            'restore_ends': {
                id_: instance['updated']
                for id_, instance in trove.instances.items()
                if id_ not in self._original_ids},
            'deletion_ends': self._deletion_ends}

    async def handle(self, reader: asyncio.StreamReader,
                     writer: asyncio.StreamWriter) -> None:
        """Serve the requests of one connection."""
        try:
            while True:
                head = await reader.readuntil(b'\r\n\r\n')
                line, *lines = head.decode('latin-1').split('\r\n')
                method, target, _ = line.split(' ')
                length = 0
                for header in lines:
                    name, _, value = header.partition(':')
                    if name.lower() == 'content-length':
                        length = int(value)
                body = (await reader.readexactly(length)).decode()
                writer.write(self._build(method, *self.serve(
                    method, target, body)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _build(self, method: str, status: int, headers: 'dict[str, str]',
               text: str) -> bytes:
        body = text.encode()
        headers = {'Date': email.utils.formatdate(
            self._trove.clock.now(), usegmt=True), **headers}
        if method != 'HEAD':
            headers['Content-Length'] = str(len(body))
        lines = ['HTTP/1.1 %d %s' % (status, _PHRASES.get(status, 'Error')),
                 *('%s: %s' % item for item in headers.items()), '', '']
        return '\r\n'.join(lines).encode('latin-1') + (
            b'' if method == 'HEAD' else body)


async def _run(settings: 'dict[str, Any]') -> None:
    served = Server(settings)
    listening = await asyncio.start_server(
        served.handle, '127.0.0.1', 0, backlog=4096)
    port = listening.sockets[0].getsockname()[1]
    served.url = 'http://127.0.0.1:%d' % port
    print(port, flush=True)
    await listening.serve_forever()


def main() -> None:
    asyncio.run(_run(json.loads(pathlib.Path(sys.argv[1]).read_text())))


if __name__ == '__main__':
    main()
