"""A tenant who runs commands in a shell and sees their output."""

import re
import shlex
import subprocess
import sys
import time
from typing import Callable


class Unexpected(Exception):
    """A command failed or printed something unexpected, see the text."""


def field(output: str, name: str) -> str:
    """Return a field of the table that the karbor command prints.

    :raises Unexpected: there is no field of that name.
    """
    match = re.search(rf'^\| {name} +\| (\S+)', output, re.MULTILINE)
    if not match:
        raise Unexpected(f'there is no field {name} in:\n{output}')
    return match[1]


class Tenant:
    """A tenant who runs commands.

    :param variables: the environment variables of the commands.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables

    def ask(self, *command: str) -> str:
        """Run a command without showing it, and return its output.

        :raises Unexpected: the command failed.
        """
        # The output is parsed, so it must not depend on the locale or on the
        # width of the terminal.
        done = subprocess.run(
            command, env={'LC_ALL': 'C.UTF-8', **self._variables}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        if done.returncode:
            raise Unexpected(f'{shlex.join(command)}\n{done.stdout}'
                             f'{done.stderr}failed ({done.returncode})')
        return done.stdout

    def type(self, *command: str, show: bool = True) -> str:
        """Show a command, run it, and return its output.

        :param show: whether to show the output as well.
        :raises Unexpected: the command failed.
        """
        print(f'$ {shlex.join(command)}', flush=True)
        output = self.ask(*command)
        if show:
            sys.stdout.write(output)
            sys.stdout.flush()
        return output

    def type_until(self, done: Callable[[str], bool], *command: str,
                   failed: str = 'ERROR', seconds: float = 120.0) -> str:
        """Run a command until done(output) is true, and show that output.

        :param failed: a word in the output that means a failure.
        :param seconds: how long to repeat the command.
        :raises Unexpected: the command failed, its output has the word
            `failed`, or the time is over.
        """
        print(f'$ {shlex.join(command)}', flush=True)
        deadline = time.monotonic() + seconds
        while not done(output := self.ask(*command)):
            if re.search(rf'\b{failed}\b', output):
                raise Unexpected(output)
            if time.monotonic() > deadline:
                raise Unexpected(
                    f'unchanged after {seconds:.0f} s:\n{output}')
            time.sleep(0.5)
        sys.stdout.write(output)
        sys.stdout.flush()
        return output
