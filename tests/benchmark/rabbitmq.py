"""RabbitMQ, started as an ordinary user on free ports."""

import contextlib
import os
import pathlib
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any, Iterator

import amqp

from tests.benchmark import children

#: Where Debian's package has the programs that any user may run. Those in
#: /usr/sbin insist on the user rabbitmq.
_FOLDERS = ('/usr/lib/rabbitmq/bin', '/usr/sbin')
_SERVER = 'rabbitmq-server'
#: Seconds until the server accepts connections.
_START_SECONDS = 300.0


class Missing(Exception):
    """There is no RabbitMQ. The text says what was searched for."""


class Failure(Exception):
    """RabbitMQ did not start. The text has the end of its output."""


def find_server() -> pathlib.Path:
    """Return the program.

    :raises Missing: it is not installed.
    """
    path = os.pathsep.join([*_FOLDERS, os.environ.get('PATH', '')])
    found = shutil.which(_SERVER, path=path)
    if found is None:
        raise Missing('%s is neither in %s nor on PATH. On Debian it is in '
                      'the package rabbitmq-server' % (
                          _SERVER, ' nor in '.join(_FOLDERS)))
    return pathlib.Path(found)


def find_free_port() -> int:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def run() -> 'Iterator[str]':
    """Run a server, and yield its URL for oslo.messaging.

    It runs as the user nobody if this process runs as root.

    :raises Missing: it is not installed.
    :raises Failure: it did not start.
    """
    program = find_server()
    port, distribution_port, epmd_port = (
        find_free_port(), find_free_port(), find_free_port())
    with tempfile.TemporaryDirectory(prefix='benchmark-rabbitmq-') as folder:
        directory = pathlib.Path(folder)
        identity = _give(directory)
        plugins = directory / 'enabled_plugins'
        plugins.write_text('[].\n')
        environ = {
            'PATH': os.environ['PATH'], 'HOME': folder, 'LANG': 'C.UTF-8',
            'ERL_EPMD_ADDRESS': '127.0.0.1', 'ERL_EPMD_PORT': str(epmd_port),
            'RABBITMQ_NODENAME': 'benchmark-%s@localhost'
            % secrets.token_hex(4),
            'RABBITMQ_NODE_IP_ADDRESS': '127.0.0.1',
            'RABBITMQ_NODE_PORT': str(port),
            'RABBITMQ_DIST_PORT': str(distribution_port),
            'RABBITMQ_MNESIA_BASE': str(directory / 'data'),
            'RABBITMQ_LOG_BASE': str(directory / 'log'),
            'RABBITMQ_LOGS': '-',
            'RABBITMQ_PID_FILE': str(directory / 'pid'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(plugins),
            # A file that does not exist, instead of the machine's.
            'RABBITMQ_CONF_ENV_FILE': str(directory / 'no-env.conf'),
            'RABBITMQ_CONFIG_FILE': str(directory / 'no-config'),
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
                '-kernel inet_dist_use_interface {127,0,0,1}'}
        log = directory / 'output.log'
        with log.open('wb') as output, contextlib.ExitStack() as stack:
            def start(*command: object) -> 'subprocess.Popen[bytes]':
                return stack.enter_context(children.start(
                    command, env=environ, cwd=folder, stdout=output,
                    stderr=output, **identity))
            # Otherwise the server starts a daemon, which outlives it.
            start('epmd', '-address', '127.0.0.1', '-port', epmd_port)
            server = start(program)
            _wait(server, port, log)
            yield 'rabbit://guest:guest@127.0.0.1:%d//' % port


def read_version(port: 'int | None') -> str:
    """Return the version that a server tells its clients.

    :param port: where the server accepts connections.
    """
    with amqp.Connection('127.0.0.1:%d' % port) as connection:
        return str(connection.server_properties['version'])


def _give(directory: pathlib.Path) -> 'dict[str, Any]':
    """Return the arguments of subprocess for an ordinary user.

    The user becomes the owner of the directory.
    """
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam('nobody')
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {'user': nobody.pw_uid, 'group': nobody.pw_gid,
            'extra_groups': []}


def _wait(server: 'subprocess.Popen[bytes]', port: int, log: pathlib.Path
          ) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with socket.create_connection(('127.0.0.1', port), 1.0) as client:
                # A request of another version. The server answers with its
                # own, as soon as it serves clients.
                client.sendall(b'AMQP\0\0\0\0')
                if client.recv(4) == b'AMQP':
                    return
        except OSError:
            pass
        if server.poll() is not None or time.monotonic() > deadline:
            raise Failure('RabbitMQ did not start:\n%s' % '\n'.join(
                log.read_text(errors='replace').splitlines()[-20:]))
        time.sleep(0.2)
