"""Common parts of the commands that run the sandbox in a terminal."""

import argparse
import signal
from typing import Callable

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process

_USE = '''
The sandbox is ready. In another shell:

    . {openrc}-tenant
    karbor provider-list
    openstack database instance list

{openrc}-other is for another tenant, {openrc}-admin for the
administrator. The logs are in {logs}. Press Ctrl-C to end the sandbox.
'''


def wait_for_interrupt(sandbox: cloud.Sandbox) -> None:
    """Print how to use the sandbox, and return after Ctrl-C.

    The printed text names openrc files. This function writes these files.
    """
    openrc = sandbox.directory / 'openrc'
    for user in ('tenant', 'other', 'admin'):
        openrc.with_name(f'openrc-{user}').write_text(sandbox.openrc(user))
    print(_USE.format(openrc=openrc, logs=sandbox.logs), flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print('ending the sandbox ...', flush=True)


def run(parser: argparse.ArgumentParser,
        use: Callable[[cloud.Sandbox, argparse.Namespace], None]) -> None:
    """Run a command that needs a sandbox.

    The function parses the command line, starts a sandbox, calls use() and
    stops the sandbox.

    :param parser: the parser of the command's options.
    :param use: a function that does the work of the command. Its arguments are
        the running sandbox and the parsed options.
    :raises SystemExit: the sandbox did not start, or Ctrl-C or SIGTERM ended
        the command.
    """
    options = parser.parse_args()
    # SIGTERM has the same effect as Ctrl-C. SIGINT needs a handler too: in a
    # background job of a shell, SIGINT is ignored by default.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with cloud.Sandbox() as sandbox:
            use(sandbox, options)
    except (process.StartFailure, environments.InstallFailure) as e:
        raise SystemExit(str(e))
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT)
