"""Runs the sandbox until it is interrupted: python -m tests.sandbox."""

from tests.sandbox import cloud
from tests.sandbox import shell


def _use(sandbox: cloud.Sandbox, keep: bool) -> None:
    sandbox.keep = keep
    shell.offer(sandbox)


if __name__ == '__main__':
    shell.run('Runs the sandbox until Ctrl-C.',
              'keep what it wrote', _use)
