"""The two environments of the sandbox, made once and kept.

    python -m tests.sandbox.environments run karbor -- -m pytest tests/unit
    python -m tests.sandbox.environments lock

"run" runs Python of an environment, which is made first where it is missing;
"lock" renews the pinned lists, with uv. Needs nothing but Python itself.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
from typing import Iterator

from tests.sandbox import lockfiles

ROOT = pathlib.Path(__file__).parents[2]
#: What makes them: their pinned lists are valid from here on.
OLDEST_PYTHON = (3, 11)
_PLACE = ROOT / '.sandbox'
_CACHE = _PLACE / 'cache'


class Failure(Exception):
    """An environment cannot be made; the text says why and what to do."""


def _digest(*parts: bytes | str) -> str:
    whole = b'\0'.join(part.encode() if isinstance(part, str) else part
                       for part in parts)
    return hashlib.sha256(whole).hexdigest()[:12]


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Keep other makers of the environment out, also of other processes."""
    _PLACE.mkdir(exist_ok=True)
    with (_PLACE / f'{name}.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(log: pathlib.Path, *command: object, **environ: str) -> None:
    with log.open('a') as output:
        done = subprocess.run([str(part) for part in command], cwd=ROOT,
                              stdout=output, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL,
                              env={**os.environ, **environ})
    if done.returncode:
        last = log.read_text(errors='replace').splitlines()[-20:]
        raise Failure('\n'.join([
            *last, '', f'The command failed: {" ".join(map(str, command))}',
            f'Its whole output: {log}']))


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    print(f'{what} (once) ...', file=sys.stderr, flush=True)
    begin = time.monotonic()
    yield
    print(f'{what}: {time.monotonic() - begin:.0f} s', file=sys.stderr,
          flush=True)


def _hold(place: pathlib.Path) -> None:
    """Keep it from being removed while this process lives, whatever it runs.

    The lock is the open file's, which os.exec leaves open.
    """
    held = os.open(place, os.O_RDONLY)
    os.set_inheritable(held, True)
    fcntl.flock(held, fcntl.LOCK_SH)


def _remove_unless_held(place: pathlib.Path) -> None:
    held = os.open(place, os.O_RDONLY)
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(place)
    os.close(held)


def _install(name: str, place: pathlib.Path, log: pathlib.Path) -> None:
    """Install what is pinned.

    A virtual environment has its own path in it and cannot be moved: that it
    is whole is said by a file which is written last.
    """
    whole = place / 'whole'
    if whole.exists():
        return
    for old in _PLACE.glob(f'{name}-*'):
        _remove_unless_held(old)
    log.write_text('')
    count = lockfiles.pinned(name).count('==')
    with _told(f'environment {name}: installing {count} packages'):
        _run(log, sys.executable, '-m', 'venv', place)
        _run(log, place / 'bin/python', '-m', 'pip', 'install', '--no-deps',
             '--disable-pip-version-check', '-r', lockfiles.path(name))
    whole.touch()


def _install_project(place: pathlib.Path, log: pathlib.Path) -> None:
    """Make the project's entry points known, whenever they change."""
    mark = place / 'project'
    now = _digest((ROOT / 'setup.cfg').read_bytes(), str(ROOT))
    if mark.exists() and mark.read_text() == now:
        return
    # Stevedore would remember for minutes which entry points there were.
    (_CACHE / 'python-entrypoints').mkdir(parents=True, exist_ok=True)
    (_CACHE / 'python-entrypoints/.disable').touch()
    # With a version given pbr needs no git, nor a checkout that is our own.
    _run(log, place / 'bin/python', '-m', 'pip', 'install', '--no-deps',
         '--disable-pip-version-check', '--no-build-isolation', '-e', '.',
         PBR_VERSION='0.0.0')
    mark.write_text(now)


def make(name: str) -> pathlib.Path:
    """Make an environment unless it is there; return its Python.

    No other process removes it as long as this one lives.

    :param name: 'karbor' or 'services'.
    :raises Failure: with what went wrong and where the whole of it is.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise Failure('this is Python %d.%d; the sandbox needs %d.%d or newer'
                      % (*sys.version_info[:2], *OLDEST_PYTHON))
    key = _digest(lockfiles.pinned(name), sys.version, sys.base_prefix)
    place = _PLACE / f'{name}-{key}'
    log = _PLACE / f'{name}.log'
    with _alone(name):
        _install(name, place, log)
        if name == 'karbor':
            _install_project(place, log)
        _hold(place)
    return place / 'bin/python'


def environ(python: pathlib.Path) -> dict[str, str]:
    """Return the variables for programs of that Python's environment."""
    mine = {name: value for name, value in os.environ.items()
            if name not in ('PYTHONHOME', 'VIRTUAL_ENV')}
    mine['PATH'] = f'{python.parent}{os.pathsep}{mine.get("PATH", "")}'
    mine['PYTHONPATH'] = str(ROOT)
    # Stevedore's cache is here, pip's stays where it was.
    caches = os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache'))
    mine.setdefault('PIP_CACHE_DIR', os.path.join(caches, 'pip'))
    mine['XDG_CACHE_HOME'] = str(_CACHE)
    return mine


def main() -> None:
    parser = argparse.ArgumentParser(prog='tests.sandbox.environments')
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser('run', help='run Python in an environment')
    run.add_argument('name', choices=lockfiles.NAMES)
    run.add_argument('arguments', nargs='*', help='after --: for Python')
    commands.add_parser('lock', help='renew the pinned lists')
    given = parser.parse_args()
    try:
        if given.command == 'lock':
            return lockfiles.renew()
        python = make(given.name)
    except Failure as e:
        raise SystemExit(str(e))
    except KeyboardInterrupt:
        # What is half made is made anew next time.
        raise SystemExit(130)
    os.chdir(ROOT)
    os.execve(python, [str(python), *given.arguments], environ(python))


if __name__ == '__main__':
    main()
