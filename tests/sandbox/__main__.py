"""Command that runs the sandbox until Ctrl-C: python -m tests.sandbox."""

import argparse

from tests.sandbox import cloud
from tests.sandbox import shell


def _use(sandbox: cloud.Sandbox, options: argparse.Namespace) -> None:
    """Let the user work with the running sandbox until Ctrl-C."""
    sandbox.keep = options.keep
    shell.wait_for_interrupt(sandbox)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(
        description='Run the sandbox until Ctrl-C.')
    parser.add_argument('--keep', action='store_true',
                        help='do not remove the files of the sandbox')
    shell.run(parser, _use)
