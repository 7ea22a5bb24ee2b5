"""Child processes of the benchmark, which always end with it."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
from typing import Any, Iterator

from tests.sandbox import environments
from tests.sandbox import process

_SHOWN_LINES = 20


class Failure(Exception):
    """A child process failed. The text has the end of its output."""


@contextlib.contextmanager
def _start(module: str, *arguments: object, **kwargs: Any
           ) -> 'Iterator[subprocess.Popen[bytes]]':
    """Run a module in a process group of its own, and kill it at the end."""
    child = subprocess.Popen(
        [sys.executable, '-m', module, *map(str, arguments)],
        stdin=subprocess.DEVNULL, cwd=environments.ROOT, process_group=0,
        preexec_fn=process.end_with_parent, **kwargs)
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@contextlib.contextmanager
def trove_server(directory: pathlib.Path, settings: 'dict[str, Any]'
                 ) -> 'Iterator[str]':
    """Run a fake Trove on a free port, and yield its URL."""
    path = directory / 'trove.json'
    path.write_text(json.dumps(settings))
    with _start('tests.benchmark.trove_server', path,
                stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = child.stdout.readline().decode().strip()
        if not port:
            raise Failure('the fake Trove did not start')
        yield 'http://127.0.0.1:%s' % port


def measure(directory: pathlib.Path, settings: 'dict[str, Any]'
            ) -> 'dict[str, Any]':
    """Run one measurement and return its result.

    :raises Failure: it failed.
    """
    paths = [directory / name for name in ('settings.json', 'result.json')]
    paths[0].write_text(json.dumps(settings))
    log = directory / 'output.log'
    with log.open('wb') as output, _start(
            'tests.benchmark.karbor_process', *paths, stdout=output,
            stderr=output,
            env={**os.environ,
                 # troveclient writes the ids that it reads to a file.
                 'TROVECLIENT_UUID_CACHE_DIR': str(directory / 'ids')}
            ) as child:
        code = child.wait()
    if code:
        lines = log.read_text(errors='replace').splitlines()
        raise Failure('\n'.join(lines[-_SHOWN_LINES:]))
    return dict(json.loads(paths[1].read_text()))
