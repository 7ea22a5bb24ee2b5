"""Command that runs the sandbox until Ctrl-C: python -m tests.sandbox."""

from tests.sandbox import cloud
from tests.sandbox import shell


def _use(sandbox: cloud.Sandbox, keep: bool) -> None:
    sandbox.keep = keep
    shell.wait_for_interrupt(sandbox)


if __name__ == '__main__':
    shell.run('Run the sandbox until Ctrl-C.',
              'do not remove the files of the sandbox', _use)
