"""Commands that a tenant runs in a shell, and their outputs."""

import re
import shlex
import subprocess
import sys
import time
from typing import Callable


class Unexpected(Exception):
    """A command failed, or its output was not expected.

    The message has the output, or says what is wrong with it.
    """


def field(output: str, name: str) -> str:
    """Return the value of a field in a table of the karbor command.

    :param output: the table. Each row has the name and the value of a field.
    :returns: the value up to its first space.
    :raises Unexpected: there is no field with this name.
    """
    match = re.search(rf'^\| {name} +\| (\S+)', output, re.MULTILINE)
    if not match:
        raise Unexpected(f'there is no field {name} in:\n{output}')
    return match[1]


class Tenant:
    """Runs the commands of a tenant.

    :param variables: the environment variables of the commands, which have no
        other ones except LC_ALL.
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

        :param show: True to show the output as well.
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
        """Run a command again and again until done(output) returns True.

        The command is shown once, and only its last output is shown.

        :param done: returns True if the output is the expected one.
        :param failed: a word in the output that means a failure.
        :param seconds: the timeout.
        :returns: the last output.
        :raises Unexpected: the command failed, its output has the word
            `failed`, or the timeout has passed.
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
