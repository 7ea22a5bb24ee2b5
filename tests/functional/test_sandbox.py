"""The sandbox leaves nothing behind, and says why it does not come up."""

import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from troveclient import client as trove_client

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import identity
from tests.sandbox import process
from tests.sandbox.services import cloud as catalog

ENDING_SECONDS = 15


def _family(directory):
    """All processes that were started for the sandbox of a directory."""
    found = set()
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(directory in word for word in one.cmdline()):
                found |= {one, *one.children(recursive=True)}
    return found


def _listening(family):
    """Where they accept connections: a set of (address, port)."""
    found = set()
    for one in family:
        with contextlib.suppress(psutil.Error):
            found |= {tuple(at.laddr) for at in one.net_connections('tcp')
                      if at.status == psutil.CONN_LISTEN}
    return found


def _accepts(where):
    with contextlib.suppress(OSError), socket.create_connection(where):
        return True
    return False


def _until_none(found):
    """Look for something until there is none of it; give what is left."""
    deadline = time.monotonic() + ENDING_SECONDS
    while found() and time.monotonic() < deadline:
        time.sleep(0.1)
    return found()


def _until_gone(directory):
    return _until_none(lambda: _family(directory))


@contextlib.contextmanager
def _command():
    """`python -m tests.sandbox`, once it says that it is ready."""
    with subprocess.Popen(
            [sys.executable, '-m', 'tests.sandbox'], text=True,
            cwd=environments.ROOT, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT) as running:
        said = ''
        while 'Ctrl-C to end the sandbox' not in said:
            line = running.stdout.readline()
            assert line, said
            said += line
        try:
            yield running, said.split('logs: ')[1].split('/logs')[0]
        finally:
            running.kill()


def _start_a_database(directory):
    told = dict(
        line.removeprefix('export OS_').split('=', 1) for line
        in pathlib.Path(directory, 'openrc-tenant').read_text().splitlines())
    trove = trove_client.Client('1.0', session=identity.session(
        told['AUTH_URL'], told['USERNAME'], told['PASSWORD']))
    instance = trove.instances.create(
        'any', '1', {'size': 1}, datastore=catalog.DATASTORE,
        datastore_version=catalog.VERSION)
    while trove.instances.get(instance.id).status == 'BUILD':
        time.sleep(0.2)


@pytest.mark.parametrize('number', (signal.SIGINT, signal.SIGTERM,
                                    signal.SIGKILL))
def test_whatever_ends_the_sandbox_nothing_runs_on(number):
    with _command() as (running, directory):
        _start_a_database(directory)
        family = _family(directory)
        assert 'postgres' in {one.name() for one in family}
        ports = _listening(family)
        assert len(ports) >= 5
        running.send_signal(number)
        running.wait(ENDING_SECONDS)
        assert _until_gone(directory) == set()
        # A process that is being killed has no name before it has no ports.
        assert _until_none(lambda: list(filter(_accepts, ports))) == []
    if number == signal.SIGKILL:
        # Nobody was left who could have done it.
        shutil.rmtree(directory)
    else:
        assert running.returncode == 0
        assert not pathlib.Path(directory).exists()


def test_a_service_that_does_not_come_up_shows_its_last_words():
    told = []
    with contextlib.ExitStack() as taken:
        other = taken.enter_context(socket.socket())
        other.bind(('', 0))
        port = other.getsockname()[1]
        with pytest.raises(process.Failure) as failure, cloud.Sandbox(
                overrides={'trove': {'guest': {'port': port}}},
                say=told.append):
            pytest.fail('it started')
    directory = told[-1].removeprefix('not removed: ')
    said = str(failure.value)
    assert 'trove ended' in said
    assert f'port {port} is in use on all addresses' in said
    assert f'The whole log: {directory}/logs/trove.log' in said
    assert 'Traceback' not in said
    assert _until_gone(directory) == set()
    shutil.rmtree(directory)
