"""A service of the sandbox as a child process."""

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


class StartFailure(Exception):
    """Error: a service did not start. The message has the end of the log."""


def end_with_parent() -> None:
    """Let Linux end this process when its parent ends for any reason.

    A child process calls this function between fork and exec. Linux then sends
    SIGTERM to the child.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Service:
    """A service that can be started, stopped and killed several times.

    The service has its own process group. So a kill of the service also kills
    its child processes, and Ctrl-C in a terminal does not end the service.

    Start the service in the main thread. If another thread starts the service
    and ends, Linux ends the service too, see end_with_parent().

    :param name: the name of the service's module in tests.sandbox.services.
    :param python: the path of the Python that runs the module.
    :param settings: the settings that the docstring of the module lists. Each
        start writes them to a file. So the next start uses changed settings.
    :param logs: the directory for the log. The log is named NAME.log.
    """

    def __init__(self, name: str, python: pathlib.Path,
                 settings: dict[str, Any], logs: pathlib.Path) -> None:
        self.name = name
        self.settings = settings
        self.log = logs / f'{name}.log'
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start the service without waiting for it."""
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
                preexec_fn=end_with_parent)

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until the service accepts connections.

        :param seconds: the timeout.
        :raises StartFailure: the service has ended, or the timeout has passed.
        """
        deadline = time.monotonic() + seconds
        while not self._listens():
            if self._ended():
                raise StartFailure(self._why('ended'))
            if time.monotonic() > deadline:
                raise StartFailure(
                    self._why(f'did not listen in {seconds:.0f} s'))
            time.sleep(0.05)

    def start(self) -> None:
        """Start the service and wait until it accepts connections.

        :raises StartFailure: see wait().
        """
        self.launch()
        self.wait()

    def request_stop(self) -> None:
        """Send SIGTERM to the service, and do not wait for its end."""
        if self._process:
            os.kill(self._process.pid, signal.SIGTERM)

    def stop(self, seconds: float = 5.0) -> None:
        """Send SIGTERM to the service, and wait for its end.

        :param seconds: the timeout. After it, the remaining processes of the
            service are killed.
        """
        self.request_stop()
        deadline = time.monotonic() + seconds
        while not self._ended() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.kill()

    def kill(self) -> None:
        """Kill all processes of the service's process group."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop the service and start it with its current settings."""
        self.stop()
        self.start()

    def _listens(self) -> bool:
        address = self.settings['host'], self.settings['port']
        try:
            with socket.create_connection(address, timeout=1.0):
                return True
        except OSError:
            return False

    def _ended(self) -> bool:
        # With WNOWAIT, the process stays a zombie. So Linux does not give its
        # id to another process, and kill() can use it as the id of the
        # process group.
        return not self._process or os.waitid(
            os.P_PID, self._process.pid,
            os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _why(self, what: str) -> str:
        """Return an error message with the end of the log.

        :param what: what has happened to the service.
        """
        lines = self.log.read_text(errors='replace').splitlines()
        return '\n'.join([
            f'{self.name} {what}. The last lines of its log:', '',
            *(f'    {line}' for line in lines[-_SHOWN_LINES:]), '',
            f'The whole log: {self.log}',
            f'Its settings: {self.settings["directory"]}.json'])
