"""Child processes of the benchmark, which always end with it."""

import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
from typing import Any, Iterator, Sequence

from tests.sandbox import environments
from tests.sandbox import process

_SHOWN_LINES = 20
#: How long a child process may take to end.
_END_SECONDS = 5.0


class Failure(Exception):
    """A child process failed. The text has the end of its output."""


@contextlib.contextmanager
def start(command: 'Sequence[object]', end_seconds: float = 0.0,
          **kwargs: Any) -> 'Iterator[subprocess.Popen[bytes]]':
    """Run a program in a process group of its own, and end it.

    It gets SIGTERM. All processes of its group are killed after that.

    :param end_seconds: how long it may take to end, if that is longer than
        usual.
    """
    child = subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL,
        process_group=0, preexec_fn=_prepare, **kwargs)
    try:
        yield child
    finally:
        _end(child, max(end_seconds, _END_SECONDS))


def _prepare() -> None:
    # Runs in the child, between fork and exec. The in-tree plugin keeps a
    # connection open for each database.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    process.end_with_parent()


def _end(child: 'subprocess.Popen[bytes]', seconds: float) -> None:
    if child.returncode is not None:
        return
    # Another thread may wait for the child as well.
    with contextlib.suppress(ChildProcessError, ProcessLookupError):
        os.kill(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        # WNOWAIT leaves a zombie, so that its id remains that of the group.
        while time.monotonic() < deadline and os.waitid(
                os.P_PID, child.pid,
                os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def start_module(module: str, *arguments: object, **kwargs: Any
                 ) -> 'contextlib.AbstractContextManager[Any]':
    """Run a module of the tests with this Python. See start()."""
    return start([sys.executable, '-m', module, *arguments],
                 cwd=environments.ROOT, **kwargs)


@contextlib.contextmanager
def trove_server(directory: pathlib.Path, settings: 'dict[str, Any]'
                 ) -> 'Iterator[str]':
    """Run a fake Trove on a free port, and yield its URL."""
    path = directory / 'trove.json'
    path.write_text(json.dumps(settings))
    with start_module('tests.benchmark.trove_server', path,
                      stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = child.stdout.readline().decode().strip()
        if not port:
            raise Failure('the fake Trove did not start')
        yield 'http://127.0.0.1:%s' % port


def measure(directory: pathlib.Path, settings: 'dict[str, Any]',
            module: str = 'tests.benchmark.karbor_process'
            ) -> 'dict[str, Any]':
    """Run one measurement and return its result.

    :param module: gets the paths of the settings and of the result.
    :raises Failure: it failed.
    """
    paths = [directory / name for name in ('settings.json', 'result.json')]
    paths[0].write_text(json.dumps(settings))
    log = directory / 'output.log'
    with log.open('wb') as output, start_module(
            module, *paths, stdout=output, stderr=output,
            env={**os.environ,
                 # troveclient writes the ids that it reads to a file.
                 'TROVECLIENT_UUID_CACHE_DIR': str(directory / 'ids')}
            ) as child:
        code = child.wait()
    if code:
        lines = log.read_text(errors='replace').splitlines()
        raise Failure('\n'.join(lines[-_SHOWN_LINES:]))
    return dict(json.loads(paths[1].read_text()))
