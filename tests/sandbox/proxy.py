"""Proxies between a client and the sandbox's services, with network faults.

There is one proxy for each service. It records each request and calls the
injector with it. The injector returns a fault, which is called with the
exchange, or None, and then the request is forwarded. In JSON responses the
URLs of the services are replaced by those of the proxies, so that a client
cannot bypass a proxy.
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

_HOP_BY_HOP = ('connection', 'keep-alive', 'transfer-encoding')


class Request(NamedTuple):
    """A request to a service. The path includes the query."""

    service: str
    method: str
    path: str


class Response(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Exchange(http.server.BaseHTTPRequestHandler):
    """One request and its connection, for a fault to act on."""

    server: '_Server'
    # Without keep-alive: each request has its own connection to fail.
    protocol_version = 'HTTP/1.0'

    def _take(self) -> None:
        proxy = self.server.proxy
        self._body = self.rfile.read(
            int(self.headers.get('Content-Length') or 0))
        request = Request(proxy.service, self.command, self.path)
        with proxy.cloud.record(request) as fault:
            # The client may have closed the connection.
            with contextlib.suppress(ConnectionError):
                (fault or Exchange.pass_through)(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _take

    def forward(self) -> Response:
        """Send the request to the service and return its response."""
        proxy = self.server.proxy
        connection = http.client.HTTPConnection(proxy.target, timeout=60.0)
        with contextlib.closing(connection):
            connection.request(self.command, self.path, self._body or None, {
                name: value for name, value in self.headers.items()
                if name.lower() not in _HOP_BY_HOP})
            response = connection.getresponse()
            body = response.read()
            headers = [(name, value) for name, value in response.getheaders()
                       if name.lower() not in _HOP_BY_HOP]
        if 'json' in response.getheader('Content-Type', ''):
            body = proxy.cloud.redirect_urls(body)
            headers = [pair for pair in headers
                       if pair[0].lower() != 'content-length']
            headers.append(('Content-Length', str(len(body))))
        return Response(response.status, headers, body)

    def reply(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b'' if self.command == 'HEAD' else response.body)

    def pass_through(self) -> None:
        self.reply(self.forward())

    def reset(self) -> None:
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    def refuse_all(self) -> None:
        """Reset the connection and stop listening until heal()."""
        self.server.proxy.close()
        self.reset()

    def wait_for_disconnect(self, seconds: float) -> None:
        """Wait until the client disconnects, at most so many seconds."""
        select.select([self.connection], [], [], seconds)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    proxy: 'Proxy'

    def shutdown_request(self, request: Any) -> None:
        # The base class shuts the connection down, which would send a FIN
        # before the reset.
        self.close_request(request)


class Proxy:
    def __init__(self, cloud: 'Proxies', service: str, target: str) -> None:
        self.cloud = cloud
        self.service = service
        self.target = target
        self._where = target.partition(':')[0], 0
        self._server: _Server | None = None
        self.open()
        self.netloc = '%s:%d' % self._where

    def open(self) -> None:
        """Listen on the same port as before."""
        if self._server is None:
            self._server = server = _Server(self._where, Exchange)
            server.proxy = self
            self._where = server.server_address[:2]
            threading.Thread(target=server.serve_forever, args=(0.02,),
                             daemon=True).start()

    def close(self) -> None:
        """Stop listening, so that connections are refused."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


Fault = Callable[[Exchange], None]
Injector = Callable[[Request], 'Fault | None']


class Proxies:
    """The proxies of all services. A context manager.

    :param urls: service -> its URL. The path is ignored.
    """

    def __init__(self, urls: dict[str, str]) -> None:
        self.injector: Injector | None = None
        #: The requests since the last heal().
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._active = 0
        self._proxies = {name: Proxy(self, name, parse.urlsplit(url).netloc)
                         for name, url in urls.items()}
        self.urls = {name: self.redirect_urls(url.encode()).decode()
                     for name, url in urls.items()}

    def __enter__(self) -> 'Proxies':
        return self

    def __exit__(self, *_: object) -> None:
        for proxy in self._proxies.values():
            proxy.close()

    def redirect_urls(self, text: bytes) -> bytes:
        """Replace the addresses of the services by those of the proxies."""
        for proxy in self._proxies.values():
            text = text.replace(f'//{proxy.target}'.encode(),
                                f'//{proxy.netloc}'.encode())
        return text

    @contextlib.contextmanager
    def record(self, request: Request) -> Iterator['Fault | None']:
        """Record a request while it is handled and yield its fault."""
        with self._lock:
            self._active += 1
            self.requests.append(request)
            fault = self.injector(request) if self.injector else None
        try:
            yield fault
        finally:
            with self._lock:
                self._active -= 1

    def heal(self, seconds: float = 30.0) -> None:
        """Stop all faults, wait for active requests and clear the record.

        :raises TimeoutError: requests are still active after that time.
        """
        self.injector = None
        end = time.monotonic() + seconds
        while self._active:
            if time.monotonic() > end:
                raise TimeoutError(
                    f'requests are still active after {seconds:.0f} s')
            time.sleep(0.02)
        for proxy in self._proxies.values():
            proxy.open()
        self.requests = []
