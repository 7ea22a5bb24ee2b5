"""The Python environments of the sandbox: "karbor", "services", "trove18".

    python -m tests.sandbox.environments run karbor -- -m pytest tests/unit
    python -m tests.sandbox.environments lock

The command "run" runs the Python of an environment. If the environment does
not exist, the command creates it. The command "lock" updates the pinned lists
of all environments. Only this command needs uv.

The sandbox needs "trove18" only if the variable SANDBOX_TROVE is "trove18".
Then Trove runs in this environment instead of in "services".
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
#: The oldest Python for which the pinned lists are valid.
OLDEST_PYTHON = (3, 11)
#: The environment of Trove.
TROVE = os.environ.get('SANDBOX_TROVE', 'services')
_FOLDER = ROOT / '.sandbox'
_CACHE = _FOLDER / 'cache'


class InstallFailure(Exception):
    """Error: an environment cannot be created. The message says why."""


def _digest(*parts: bytes | str) -> str:
    """Return a short hash of all parts."""
    whole = b'\0'.join(part.encode() if isinstance(part, str) else part
                       for part in parts)
    return hashlib.sha256(whole).hexdigest()[:12]


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    """Hold the lock of an environment during the `with` block.

    The lock is for all processes, so that only one process creates the
    environment.
    """
    _FOLDER.mkdir(exist_ok=True)
    with (_FOLDER / f'{name}.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(log: pathlib.Path, *command: object, **environ: str) -> None:
    """Run a command and append its output to a log.

    :param environ: further environment variables.
    :raises InstallFailure: the command failed.
    """
    with log.open('a') as output:
        done = subprocess.run([str(part) for part in command], cwd=ROOT,
                              stdout=output, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL,
                              env={**os.environ, **environ})
    if done.returncode:
        last = log.read_text(errors='replace').splitlines()[-20:]
        raise InstallFailure('\n'.join([
            *last, '', f'The command failed: {" ".join(map(str, command))}',
            f'Its output: {log}']))


@contextlib.contextmanager
def _progress(step: str) -> Iterator[None]:
    """Print the start and the duration of the `with` block."""
    print(f'{step} (once) ...', file=sys.stderr, flush=True)
    begin = time.monotonic()
    yield
    print(f'{step}: {time.monotonic() - begin:.0f} s', file=sys.stderr,
          flush=True)


def _mark_used(folder: pathlib.Path) -> None:
    """Keep other processes from removing an environment.

    A shared lock of the folder does this until this process ends. The open
    file is inherited through os.exec. So the lock stays when this process
    becomes the Python of the environment.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def _remove_unless_used(folder: pathlib.Path) -> None:
    """Remove an environment that no process uses, see _mark_used()."""
    descriptor = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    os.close(descriptor)


def _install(name: str, folder: pathlib.Path, log: pathlib.Path) -> None:
    """Create an environment with the packages of its pinned list.

    A complete environment is not changed. The file "whole" shows that an
    environment is complete, because it is written last. A virtual environment
    contains its own path, so it cannot be created under another name and then
    be renamed.

    Before an environment is created, older environments of the same name are
    removed. Environments that a process uses stay.

    :param name: one of lockfiles.NAMES.
    :param folder: the path of the environment.
    :param log: the file for the output of pip.
    :raises InstallFailure: pip failed.
    """
    complete = folder / 'whole'
    if complete.exists():
        return
    for old in _FOLDER.glob(f'{name}-*'):
        _remove_unless_used(old)
    log.write_text('')
    count = lockfiles.pinned(name).count('==')
    with _progress(f'environment {name}: installing {count} packages'):
        _run(log, sys.executable, '-m', 'venv', folder)
        _run(log, folder / 'bin/python', '-m', 'pip', 'install', '--no-deps',
             '--disable-pip-version-check', '-r', lockfiles.path(name))
    complete.touch()


def _install_project(folder: pathlib.Path, log: pathlib.Path) -> None:
    """Install the entry points of the project if they have changed.

    :param folder: the path of the environment.
    :param log: the file for the output of pip.
    :raises InstallFailure: pip failed.
    """
    mark = folder / 'project'
    digest = _digest((ROOT / 'setup.cfg').read_bytes(), str(ROOT))
    if mark.exists() and mark.read_text() == digest:
        return
    # This file disables the cache of stevedore. The cache could still have
    # the old entry points.
    (_CACHE / 'python-entrypoints').mkdir(parents=True, exist_ok=True)
    (_CACHE / 'python-entrypoints/.disable').touch()
    # With PBR_VERSION, pbr does not read the version from git. So the
    # installation also works outside of a git repository.
    _run(log, folder / 'bin/python', '-m', 'pip', 'install', '--no-deps',
         '--disable-pip-version-check', '--no-build-isolation', '-e', '.',
         PBR_VERSION='0.0.0')
    mark.write_text(digest)


def make(name: str) -> pathlib.Path:
    """Return the path of an environment's Python.

    If the environment does not exist, it is created. This takes minutes. No
    other process removes the environment until this process ends.

    :param name: one of lockfiles.NAMES.
    :raises InstallFailure: the environment cannot be created.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise InstallFailure(
            'this is Python %d.%d, but the sandbox needs %d.%d or newer'
            % (*sys.version_info[:2], *OLDEST_PYTHON))
    key = _digest(lockfiles.pinned(name), sys.version, sys.base_prefix)
    folder = _FOLDER / f'{name}-{key}'
    log = _FOLDER / f'{name}.log'
    with _locked(name):
        _install(name, folder, log)
        if name == 'karbor':
            _install_project(folder, log)
        _mark_used(folder)
    return folder / 'bin/python'


def environ(python: pathlib.Path) -> dict[str, str]:
    """Return the environment variables for the programs of an environment.

    :param python: the path of the environment's Python.
    """
    variables = {name: value for name, value in os.environ.items()
                 if name not in ('PYTHONHOME', 'VIRTUAL_ENV')}
    path = variables.get('PATH', '')
    variables['PATH'] = f'{python.parent}{os.pathsep}{path}'
    variables['PYTHONPATH'] = str(ROOT)
    # stevedore uses the cache in XDG_CACHE_HOME. pip keeps its usual cache.
    caches = os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache'))
    variables.setdefault('PIP_CACHE_DIR', os.path.join(caches, 'pip'))
    variables['XDG_CACHE_HOME'] = str(_CACHE)
    return variables


def main() -> None:
    parser = argparse.ArgumentParser(prog='tests.sandbox.environments')
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser('run', help='run Python in an environment')
    run.add_argument('name', choices=lockfiles.NAMES)
    run.add_argument('arguments', nargs='*',
                     help='arguments of Python, after --')
    commands.add_parser('lock', help='update the pinned lists')
    options = parser.parse_args()
    try:
        if options.command == 'lock':
            return lockfiles.renew()
        python = make(options.name)
    except InstallFailure as e:
        raise SystemExit(str(e))
    except KeyboardInterrupt:
        # The environment may be incomplete. The next run creates it anew.
        raise SystemExit(130)
    os.chdir(ROOT)
    os.execve(python, [str(python), *options.arguments], environ(python))


if __name__ == '__main__':
    main()
