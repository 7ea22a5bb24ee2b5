"""A tenant at a shell: what is typed is shown, and run."""

import re
import shlex
import subprocess
import sys
import time
from typing import Callable


class Unexpected(Exception):
    """The story took another turn; the text says which."""


def field(output: str, name: str) -> str:
    """Return a field of the table that the karbor command prints.

    :raises Unexpected: there is none of that name.
    """
    found = re.search(rf'^\| {name} +\| (\S+)', output, re.MULTILINE)
    if not found:
        raise Unexpected(f'there is no {name} in:\n{output}')
    return found[1]


class Tenant:
    """Types commands.

    :param variables: the environment of the commands.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables

    def ask(self, *command: str) -> str:
        """Run a command unseen; return what it printed.

        :raises Unexpected: it failed.
        """
        # No locale or width of the terminal: the output is read, too.
        done = subprocess.run(
            command, env={'LC_ALL': 'C.UTF-8', **self._variables}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        if done.returncode:
            raise Unexpected(f'{shlex.join(command)}\n{done.stdout}'
                             f'{done.stderr}failed ({done.returncode})')
        return done.stdout

    def type(self, *command: str, show: bool = True) -> str:
        """Run a command, showing it and what it printed; return that.

        :param show: whether to show what it printed.
        :raises Unexpected: it failed.
        """
        print(f'$ {shlex.join(command)}', flush=True)
        output = self.ask(*command)
        if show:
            sys.stdout.write(output)
            sys.stdout.flush()
        return output

    def type_until(self, done: Callable[[str], bool], *command: str,
                   failed: str = 'ERROR', seconds: float = 120.0) -> str:
        """Run a command until done() likes its output; show the last.

        :param failed: a word that means that it never will.
        :raises Unexpected: it failed, said so, or took too long.
        """
        print(f'$ {shlex.join(command)}', flush=True)
        deadline = time.monotonic() + seconds
        while not done(output := self.ask(*command)):
            if re.search(rf'\b{failed}\b', output):
                raise Unexpected(output)
            if time.monotonic() > deadline:
                raise Unexpected(f'still, after {seconds:.0f} s:\n{output}')
            time.sleep(0.5)
        sys.stdout.write(output)
        sys.stdout.flush()
        return output
