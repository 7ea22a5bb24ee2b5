"""Child processes of the benchmark."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import pytest

# The sandbox, which the module uses, needs it too.
pytestmark = pytest.mark.skipif(sys.version_info < (3, 11),
                                reason='the sandbox needs Python 3.11')
if sys.version_info >= (3, 11):
    from tests.benchmark import children
    from tests.benchmark import rabbitmq

ROOT = pathlib.Path(__file__).parents[3]

#: Starts a program with a child of its own, prints both ids and waits.
PARENT = textwrap.dedent('''
    import signal, subprocess
    from tests.benchmark import children
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with children.start(
            ["sh", "-c", "trap '' TERM; sleep 3600 & echo $!; wait"],
            stdout=subprocess.PIPE) as child:
        print(child.pid, int(child.stdout.readline()), flush=True)
        children._END_SECONDS = 0.1
        child.wait()
''')


def is_alive(pid):
    try:
        status = pathlib.Path('/proc/%d/stat' % pid).read_text()
    except FileNotFoundError:
        return False
    # A zombie that nothing has waited for has ended as well.
    return status.rpartition(')')[2].split()[0] != 'Z'


def wait_until_ended(pids):
    deadline = time.monotonic() + 60.0
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_interrupted_benchmark_leaves_no_process():
    parent = subprocess.Popen([sys.executable, '-c', PARENT], cwd=ROOT,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2 and all(map(is_alive, pids))
    os.kill(parent.pid, signal.SIGINT)
    parent.communicate()
    wait_until_ended(pids)


def test_failed_measurement_shows_the_end_of_its_output(tmp_path):
    with pytest.raises(children.Failure, match='KeyError'):
        children.measure(tmp_path, {})


def test_missing_rabbitmq_is_a_reason(monkeypatch):
    monkeypatch.setenv('PATH', '/nonexistent')
    monkeypatch.setattr(rabbitmq, '_FOLDERS', ('/also/missing',))
    with pytest.raises(rabbitmq.Missing, match=(
            'rabbitmq-server is neither in /also/missing nor on PATH')):
        rabbitmq.find_server()
