"""One service of the sandbox as a child process."""

import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import Any

from tests.sandbox import environments

_SHOWN_LINES = 20
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failure(Exception):
    """A service did not come up; the text has its log's last lines."""


def _end_with_parent() -> None:
    # In the child, between fork and exec: whatever kills the parent, Linux
    # tells the child, which then ends as if it had been stopped.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Service:
    """Started, stopped and killed as often as wanted.

    It is in a process group of its own: what it starts ends with it, and
    Ctrl-C in a terminal does not reach it. Start it in the main thread: for
    Linux it is the thread that started it whose end is the parent's.

    :param name: of its module in tests.sandbox.services.
    :param settings: what the module's docstring names; written at each start,
        so that a change takes effect with a restart.
    :param logs: the directory for its log.
    """

    def __init__(self, name: str, python: pathlib.Path,
                 settings: dict[str, Any], logs: pathlib.Path) -> None:
        self.name = name
        self.settings = settings
        self.log = logs / f'{name}.log'
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it without waiting for it."""
        directory = pathlib.Path(self.settings['directory'])
        directory.mkdir(exist_ok=True)
        file = directory.with_suffix('.json')
        file.write_text(json.dumps(self.settings, indent=2))
        with self.log.open('ab') as log:
            self._process = subprocess.Popen(
                [self._python, '-m', f'tests.sandbox.services.{self.name}',
                 file],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=environments.ROOT, process_group=0,
                env=environments.environ(self._python),
                preexec_fn=_end_with_parent)

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until it accepts connections.

        :raises Failure: it ended, or does not listen after that time.
        """
        deadline = time.monotonic() + seconds
        while not self._listens():
            if self._ended():
                raise Failure(self._why('ended'))
            if time.monotonic() > deadline:
                raise Failure(self._why(f'did not listen in {seconds:.0f} s'))
            time.sleep(0.05)

    def start(self) -> None:
        """Start it and wait until it accepts connections.

        :raises Failure: see wait().
        """
        self.launch()
        self.wait()

    def tell_to_stop(self) -> None:
        """Ask it to end; stop() waits for that."""
        if self._process:
            os.kill(self._process.pid, signal.SIGTERM)

    def stop(self, seconds: float = 5.0) -> None:
        """End it, in that time by itself, and all that it left running."""
        self.tell_to_stop()
        deadline = time.monotonic() + seconds
        while not self._ended() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.kill()

    def kill(self) -> None:
        """End it at once, and all that it started."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop it and start it with what its settings are now."""
        self.stop()
        self.start()

    def _listens(self) -> bool:
        where = self.settings['host'], self.settings['port']
        try:
            with socket.create_connection(where, timeout=1.0):
                return True
        except OSError:
            return False

    def _ended(self) -> bool:
        # It stays a zombie, so that its number still means its group.
        return not self._process or os.waitid(
            os.P_PID, self._process.pid,
            os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _why(self, what: str) -> str:
        lines = self.log.read_text(errors='replace').splitlines()
        return '\n'.join([
            f'{self.name} {what}. The last lines of its log:', '',
            *(f'    {line}' for line in lines[-_SHOWN_LINES:]), '',
            f'The whole log is {self.log}; its settings are '
            f'{self.settings["directory"]}.json.'])
