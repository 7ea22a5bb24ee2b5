"""A program: threads that share one client of an HTTP server.

Its argument is "green" for eventlet's threads, or "real". It prints the number
of connections. It also prints "ended" if all requests had their own results
and timeouts, and all sockets are closed at the end.
"""

import sys

if sys.argv[1] == 'green':
    import eventlet
    eventlet.monkey_patch()

import gc  # noqa: E402
from http import server  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

from keystoneauth1 import session  # noqa: E402
from keystoneauth1 import token_endpoint  # noqa: E402
from troveclient import client as api_client  # noqa: E402

from karbor_trove import errors  # noqa: E402
from karbor_trove import polling  # noqa: E402
from karbor_trove.trove import client as trove_client  # noqa: E402

THREADS, REQUESTS = 8, 25
connections = set()


class Token(token_endpoint.Token):
    """An auth plugin that gets a new token for each request.

    It requests the token through the session of the client. Other threads run
    before and after this request. Trove rejects this token, and the client
    then sends its request again with the token of `user_auth`.
    """

    def __init__(self, url):
        super().__init__(url, 'rejected')
        self.user_auth = token_endpoint.Token(url, 'token')

    def get_token(self, http_session):
        time.sleep(0.0001)
        # The name of the thread begins with its number.
        http_session.get('%s/tokens/%s' % (
            self.endpoint, threading.current_thread().name),
            authenticated=False)
        time.sleep(0.0001)
        return super().get_token(http_session)


class Trove(server.BaseHTTPRequestHandler):
    """A handler that returns the instance of each path."""

    protocol_version = 'HTTP/1.1'

    def setup(self):
        connections.add(self.client_address)
        super().setup()

    def do_GET(self):
        is_rejected = self.headers['X-Auth-Token'] == 'rejected'
        body = json.dumps({'instance': {
            'id': self.path.rpartition('/')[2]}}).encode()
        self.send_response(401 if is_rejected else 200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def count_sockets():
    gc.collect()
    count = 0
    for name in os.listdir('/proc/self/fd'):
        try:
            count += os.readlink('/proc/self/fd/' + name).startswith('socket:')
        except FileNotFoundError:
            pass
    return count


def run(http):
    url = 'http://127.0.0.1:%d' % http.server_address[1]
    keystone_session = session.Session(auth=Token(url))
    sent = []
    request = keystone_session.session.request

    def record(method, url, **kwargs):
        sent.append((url.rpartition('/')[2], kwargs['timeout']))
        return request(method, url, **kwargs)

    keystone_session.session.request = record
    client = trove_client.TroveClient(
        lambda: api_client.Client('1.0', session=keystone_session))
    clock = polling.Clock()
    failures = []

    def work(number):
        own = client.with_deadline(
            polling.Deadline(1000.0, clock) if number % 2 else None)
        expired = client.with_deadline(polling.Deadline(0.0, clock))
        for count in range(REQUESTS):
            id_ = '%d-%d' % (number, count)
            try:
                if own.get_instance(id_).id != id_:
                    failures.append('%s got another response' % id_)
                expired.get_instance(id_)
                failures.append('%s was sent after its deadline' % id_)
            except errors.DeadlineExceeded:
                pass

    threads = [threading.Thread(target=work, args=(number,),
                                name='%d-token' % number)
               for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures, failures
    # One request for the token, and two for the instance.
    assert len(sent) == THREADS * REQUESTS * 3
    wrong = [(id_, timeout) for id_, timeout in sent if timeout != (
        (5.0, 10.0) if int(id_.partition('-')[0]) % 2 else (5.0, 25.0))]
    assert not wrong, '%d of %d timeouts: %s' % (
        len(wrong), len(sent), wrong[:8])


def main():
    before = count_sockets()
    http = server.ThreadingHTTPServer(('127.0.0.1', 0), Trove)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    run(http)
    http.shutdown()
    http.server_close()
    gc.collect()
    print(len(connections))
    for _ in range(100):
        if count_sockets() == before:
            break
        polling.Clock().sleep(0.05)
    assert count_sockets() == before, (count_sockets(), before)
    print('ended')


main()
