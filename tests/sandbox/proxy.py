"""Proxies between a client and the sandbox's services, with network faults.

Each service has its own proxy. A proxy does the following with each request:

1. It records the request.
2. It calls the injector of the test with the request.
3. If the injector returns None, it forwards the request. If the injector
   returns a fault, it calls the fault instead.

A fault is a function. Its argument is an Exchange: the request and the
connection to the client.

In JSON responses, a proxy replaces the URLs of the services by the URLs of the
proxies. So a client cannot bypass the proxies.
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

#: Headers that are not forwarded.
_HOP_BY_HOP = ('connection', 'keep-alive', 'transfer-encoding')


class Request(NamedTuple):
    """A request to a service. The path includes the query."""

    service: str
    method: str
    path: str


class Response(NamedTuple):
    """A response of a service. The status is the HTTP code."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Exchange(http.server.BaseHTTPRequestHandler):
    """One request of a client, and its connection.

    A fault calls methods of the exchange, such as forward() and reset().
    """

    server: '_Server'
    # In HTTP/1.0, each request has its own connection. So a fault of the
    # connection has no effect on other requests.
    protocol_version = 'HTTP/1.0'

    def _take(self) -> None:
        """Handle the request. http.server calls this method."""
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
        """Send the request to the service, and return the response.

        The client gets no response until a fault calls reply().
        """
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
        """Send a response to the client."""
        self.send_response_only(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b'' if self.command == 'HEAD' else response.body)

    def pass_through(self) -> None:
        """Forward the request, and send the response to the client."""
        self.reply(self.forward())

    def reset(self) -> None:
        """Let the connection to the client end with a TCP reset."""
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    def refuse_all(self) -> None:
        """Reset the connection, and refuse new ones until Proxies.heal()."""
        self.server.proxy.close()
        self.reset()

    def wait_for_disconnect(self, seconds: float) -> None:
        """Wait until the client disconnects.

        :param seconds: the timeout. No error is raised after it.
        """
        select.select([self.connection], [], [], seconds)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    proxy: 'Proxy'

    def shutdown_request(self, request: Any) -> None:
        # The base class also shuts the connection down. Then the client would
        # get a TCP FIN instead of a reset.
        self.close_request(request)


class Proxy:
    """The proxy of one service.

    :param cloud: the proxies of all services.
    :param service: the name of the service.
    :param target: the address and the port of the service.
    """

    def __init__(self, cloud: 'Proxies', service: str, target: str) -> None:
        self.cloud = cloud
        self.service = service
        self.target = target
        self._where = target.partition(':')[0], 0
        self._server: _Server | None = None
        self.open()
        self.netloc = '%s:%d' % self._where

    def open(self) -> None:
        """Accept connections. The port is the same as before a close()."""
        if self._server is None:
            self._server = server = _Server(self._where, Exchange)
            server.proxy = self
            self._where = server.server_address[:2]
            threading.Thread(target=server.serve_forever, args=(0.02,),
                             daemon=True).start()

    def close(self) -> None:
        """Refuse connections until open()."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


Fault = Callable[[Exchange], None]
Injector = Callable[[Request], 'Fault | None']


class Proxies:
    """The proxies of several services.

    As a context manager, this object closes the proxies at the end. The
    attribute `urls` has the URL of each proxy, by the name of the service. The
    attribute `injector` is set by a test. None injects no faults.

    :param urls: service name -> URL of the service. The URL of the proxy has
        the same path.
    """

    def __init__(self, urls: dict[str, str]) -> None:
        self.injector: Injector | None = None
        #: The requests since the last heal(), in the order of their arrival.
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
        """Return a text in which URLs lead to the proxies.

        In each URL of a service, the address and the port of the proxy replace
        those of the service.
        """
        for proxy in self._proxies.values():
            text = text.replace(f'//{proxy.target}'.encode(),
                                f'//{proxy.netloc}'.encode())
        return text

    @contextlib.contextmanager
    def record(self, request: Request) -> Iterator['Fault | None']:
        """Record a request, and ask the injector for a fault of it.

        The request counts as active during the `with` block. The value of the
        block is the fault, or None if the request has no fault.
        """
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
        """End all faults, and forget the recorded requests.

        The method removes the injector, and waits until no request is active.
        Then all proxies accept connections, and `requests` is empty.

        :param seconds: the timeout.
        :raises TimeoutError: requests are still active after the timeout.
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
