"""Tenant of the sandbox who runs commands in a shell."""

import re
import shlex
import subprocess
import sys
import time
from typing import Callable


class Unexpected(Exception):
    """Error: a command failed, or its output is not the expected one.

    The message has the output, or says what is wrong with the output.
    """


def field(output: str, name: str) -> str:
    """Return the value of a field in the output of a karbor command.

    :param output: a table. Each row has the name and the value of a field.
    :param name: the name of the field.
    :returns: the value up to its first space.
    :raises Unexpected: the table has no field with this name.
    """
    match = re.search(rf'^\| {name} +\| (\S+)', output, re.MULTILINE)
    if not match:
        raise Unexpected(f'there is no field {name} in:\n{output}')
    return match[1]


class Tenant:
    """A tenant who runs commands with given environment variables.

    :param variables: the environment variables of the commands. The commands
        have no other variables except LC_ALL.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables

    def ask(self, *command: str) -> str:
        """Run a command and return its stdout. Print nothing.

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
        """Print a command, run it, and return its stdout.

        :param show: True to print the stdout as well.
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
        """Run a command again and again until its output is the expected one.

        The command is printed once, and only its last output is printed.

        :param done: a function that returns True if an output is the expected
            one.
        :param failed: a word. If an output has this word, the wait ends.
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
