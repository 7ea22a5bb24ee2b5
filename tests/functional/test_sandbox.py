"""Tests of how the sandbox ends, and of its error messages."""

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

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import fixture
from tests.sandbox import identity
from tests.sandbox import process
from tests.sandbox.services import cloud as catalog

#: Text that the sandbox prints when it is ready.
READY = 'Press Ctrl-C to end the sandbox'
#: Timeout of the start of the sandbox, in seconds. The first start installs
#: the services.
START_TIMEOUT = 900
#: Timeout of the end of the sandbox, in seconds.
END_TIMEOUT = 15


def _list_processes(directory):
    """Return all processes of the sandbox of a directory."""
    processes = set()
    for candidate in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(directory in argument for argument in candidate.cmdline()):
                processes |= {candidate,
                              *candidate.children(recursive=True)}
    return processes


def _list_listeners(processes):
    """Return (address, port) of all sockets that accept connections."""
    listeners = set()
    for listener in processes:
        with contextlib.suppress(psutil.Error):
            listeners |= {tuple(connection.laddr) for connection
                          in listener.net_connections('tcp')
                          if connection.status == psutil.CONN_LISTEN}
    return listeners


def _accepts_connections(address):
    with contextlib.suppress(OSError), socket.create_connection(address):
        return True
    return False


def _wait_until_empty(list_items):
    """Poll until the list is empty, and return the last result."""
    deadline = time.monotonic() + END_TIMEOUT
    while list_items() and time.monotonic() < deadline:
        time.sleep(0.1)
    return list_items()


def _wait_for_end(directory):
    return _wait_until_empty(lambda: _list_processes(directory))


def _wait_until_ready(running, output):
    """Wait until the sandbox prints READY.

    :param running: the process of the sandbox.
    :param output: the file that contains what it has printed.
    :raises AssertionError: the process ended before, or START_TIMEOUT is
        over. The text has the output.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while READY not in output.read_text():
        assert running.poll() is None, (
            f'the sandbox ended before it printed "{READY}". Its output:\n'
            f'{output.read_text()}')
        assert time.monotonic() < deadline, (
            f'the sandbox did not print "{READY}" within {START_TIMEOUT} s. '
            f'Its output:\n{output.read_text()}')
        time.sleep(0.1)


@contextlib.contextmanager
def _run_command(output):
    """Run `python -m tests.sandbox` and wait until it is ready.

    :param output: the path of a file for what the command prints. A read
        from a pipe would have no time limit.
    """
    with output.open('w') as file, subprocess.Popen(
            [sys.executable, '-m', 'tests.sandbox'], cwd=environments.ROOT,
            stdout=file, stderr=subprocess.STDOUT) as running:
        try:
            _wait_until_ready(running, output)
            yield running, output.read_text().split(
                'Its logs are in ')[1].split('/logs')[0]
        finally:
            running.kill()


def _create_instance(directory):
    variables = dict(
        line.removeprefix('export OS_').split('=', 1) for line
        in pathlib.Path(directory, 'openrc-tenant').read_text().splitlines())
    trove = trove_client.Client('1.0', session=identity.session(
        variables['AUTH_URL'], variables['USERNAME'],
        variables['PASSWORD']))
    instance = trove.instances.create(
        'any', '1', {'size': 1}, datastore=catalog.DATASTORE,
        datastore_version=catalog.VERSION)
    tenants.wait_for(
        lambda: trove.instances.get(instance.id).status != 'BUILD')


@pytest.mark.parametrize('number', (signal.SIGINT, signal.SIGTERM,
                                    signal.SIGKILL))
def test_no_process_runs_after_the_sandbox_was_ended_by_a_signal(
        number, tmp_path):
    with _run_command(tmp_path / 'output') as (running, directory):
        _create_instance(directory)
        processes = _list_processes(directory)
        assert 'postgres' in {member.name() for member in processes}
        addresses = _list_listeners(processes)
        assert len(addresses) >= 5
        running.send_signal(number)
        running.wait(END_TIMEOUT)
        assert _wait_for_end(directory) == set()
        # A process that is being killed loses its command line before its
        # sockets.
        assert _wait_until_empty(lambda: list(filter(
            _accepts_connections, addresses))) == []
    if number == signal.SIGKILL:
        # A killed sandbox cannot delete its directory.
        shutil.rmtree(directory)
    else:
        assert running.returncode == 0
        assert not pathlib.Path(directory).exists()


def test_failed_start_of_a_service_shows_the_end_of_its_log():
    messages = []
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(socket.socket())
        other.bind(('', 0))
        port = other.getsockname()[1]
        with pytest.raises(process.StartFailure) as failure, cloud.Sandbox(
                overrides={'trove': {'guest': {'port': port}}},
                say=messages.append):
            pytest.fail('it started')
    directory = messages[-1].removeprefix('not removed: ')
    error = str(failure.value)
    assert 'trove ended' in error
    assert f'port {port} is in use on all addresses' in error
    assert f'The whole log: {directory}/logs/trove.log' in error
    assert 'Traceback' not in error
    assert _wait_for_end(directory) == set()
    shutil.rmtree(directory)


def test_an_error_in_the_block_of_the_fixture_ends_the_sandbox(request):
    with pytest.raises(LookupError), fixture.running(request) as sandbox:
        raise LookupError
    directory = str(sandbox.directory)
    assert _wait_for_end(directory) == set()
    assert sandbox.logs.is_dir()
    shutil.rmtree(directory)


def test_a_secret_in_the_log_of_karbor_is_an_error_after_the_block(request):
    secrets = ['gAAAAA' + 80 * 'x']
    with pytest.raises(pytest.fail.Exception) as failure, fixture.running(
            request) as sandbox:
        secrets.append(sandbox.variables()['OS_PASSWORD'])
        with sandbox.services['karbor'].log.open('a') as log:
            log.writelines(f'the secret {secret} is it\n'
                           for secret in secrets)
    message = str(failure.value)
    assert message.splitlines()[1:] == 2 * ['the secret *** is it']
    assert not any(secret in message for secret in secrets)
    directory = str(sandbox.directory)
    assert _wait_for_end(directory) == set()
    assert sandbox.logs.is_dir()
    shutil.rmtree(directory)
