"""Stands between a client and the sandbox's services, and may interfere.

One proxy for each service. What passes is recorded, and a judge says of each
request what is done with it: nothing, so that it is forwarded, or a deed,
which is given the exchange. URLs of the services in their JSON become those of
the proxies: who comes in through one finds no way around the others.
"""

import contextlib
import http.client
import http.server
import select
import socket
import struct
import threading
import time
from typing import Any, Callable, Iterator, NamedTuple
from urllib import parse

_OF_ONE_HOP = ('connection', 'keep-alive', 'transfer-encoding')


class Request(NamedTuple):
    """What is asked of a service; the path has the query."""

    service: str
    method: str
    path: str


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Exchange(http.server.BaseHTTPRequestHandler):
    """One request: a deed forwards it, answers it, or lets it down."""

    server: '_Server'
    # Without keep-alive: each request has its own connection to fail.
    protocol_version = 'HTTP/1.0'

    def _take(self) -> None:
        proxy = self.server.proxy
        self._body = self.rfile.read(
            int(self.headers.get('Content-Length') or 0))
        request = Request(proxy.service, self.command, self.path)
        with proxy.cloud.recording(request) as deed:
            # Who does not want the answer any more has closed the door.
            with contextlib.suppress(ConnectionError):
                (deed or Exchange.pass_on)(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _take

    def forward(self) -> Answer:
        """Ask the service."""
        proxy = self.server.proxy
        there = http.client.HTTPConnection(proxy.target, timeout=60.0)
        with contextlib.closing(there):
            there.request(self.command, self.path, self._body or None, {
                name: value for name, value in self.headers.items()
                if name.lower() not in _OF_ONE_HOP})
            told = there.getresponse()
            body = told.read()
            headers = [(name, value) for name, value in told.getheaders()
                       if name.lower() not in _OF_ONE_HOP]
        if 'json' in told.getheader('Content-Type', ''):
            body = proxy.cloud.redirected(body)
            headers = [pair for pair in headers
                       if pair[0].lower() != 'content-length']
            headers.append(('Content-Length', str(len(body))))
        return Answer(told.status, headers, body)

    def reply(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b'' if self.command == 'HEAD' else answer.body)

    def pass_on(self) -> None:
        self.reply(self.forward())

    def reset(self) -> None:
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    def refuse_all(self) -> None:
        """End it, and listen no more until the cloud is healed."""
        self.server.proxy.close()
        self.reset()

    def wait_until_left(self, seconds: float) -> None:
        """Return when the client is gone, or after that time."""
        select.select([self.connection], [], [], seconds)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    proxy: 'Proxy'

    def shutdown_request(self, request: Any) -> None:
        # Without a farewell, which would come before the reset.
        self.close_request(request)


class Proxy:
    def __init__(self, cloud: 'Cloud', service: str, target: str) -> None:
        self.cloud = cloud
        self.service = service
        self.target = target
        self._where = target.partition(':')[0], 0
        self._server: _Server | None = None
        self.open()
        self.netloc = '%s:%d' % self._where

    def open(self) -> None:
        """Listen, at the same port as before."""
        if self._server is None:
            self._server = server = _Server(self._where, Exchange)
            server.proxy = self
            self._where = server.server_address[:2]
            threading.Thread(target=server.serve_forever, args=(0.02,),
                             daemon=True).start()

    def close(self) -> None:
        """Let connections be refused."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


Deed = Callable[[Exchange], None]
Judge = Callable[[Request], 'Deed | None']


class Cloud:
    """All proxies together; used by `with`.

    :param urls: service -> its URL, of which the path does not count.
    """

    def __init__(self, urls: dict[str, str]) -> None:
        self.judge: Judge | None = None
        #: What was asked since the last heal().
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._under_way = 0
        self._proxies = {name: Proxy(self, name, parse.urlsplit(url).netloc)
                         for name, url in urls.items()}
        self.urls = {name: self.redirected(url.encode()).decode()
                     for name, url in urls.items()}

    def __enter__(self) -> 'Cloud':
        return self

    def __exit__(self, *_: object) -> None:
        for proxy in self._proxies.values():
            proxy.close()

    def redirected(self, text: bytes) -> bytes:
        """Put the proxies' addresses in the place of the services'."""
        for proxy in self._proxies.values():
            text = text.replace(f'//{proxy.target}'.encode(),
                                f'//{proxy.netloc}'.encode())
        return text

    @contextlib.contextmanager
    def recording(self, request: Request) -> Iterator['Deed | None']:
        """Note a request while it is dealt with; gives what is done to it."""
        with self._lock:
            self._under_way += 1
            self.requests.append(request)
            deed = self.judge(request) if self.judge else None
        try:
            yield deed
        finally:
            with self._lock:
                self._under_way -= 1

    def heal(self, seconds: float = 30.0) -> None:
        """Interfere no more; wait until nothing is under way, and forget.

        :raises TimeoutError: something still is, after that time.
        """
        self.judge = None
        end = time.monotonic() + seconds
        while self._under_way:
            if time.monotonic() > end:
                raise TimeoutError('requests are still under way')
            time.sleep(0.02)
        for proxy in self._proxies.values():
            proxy.open()
        self.requests = []
