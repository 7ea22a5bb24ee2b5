"""The running sandbox in the hands of whoever sits at the terminal."""

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

{openrc}-other is that of another tenant, {openrc}-admin the
administrator's. The logs are in {logs}. Ctrl-C ends it.
'''


def offer(sandbox: cloud.Sandbox) -> None:
    """Say how to use the sandbox and return on Ctrl-C."""
    openrc = sandbox.directory / 'openrc'
    for user in ('tenant', 'other', 'admin'):
        openrc.with_name(f'openrc-{user}').write_text(sandbox.openrc(user))
    print(_USE.format(openrc=openrc, logs=sandbox.logs), flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print('ending the sandbox ...', flush=True)


def run(description: str, keep: str,
        use: Callable[[cloud.Sandbox, bool], None]) -> None:
    """Run a command of the sandbox: it starts, is used and ends.

    :param keep: what the option --keep does.
    :param use: is given the sandbox and whether there was --keep.
    :raises SystemExit: it did not come up, or was interrupted.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--keep', action='store_true', help=keep)
    given = parser.parse_args()
    # Who ends us politely gets what Ctrl-C gets.
    # Also where it was started in the background, with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with cloud.Sandbox() as sandbox:
            use(sandbox, given.keep)
    except (process.Failure, environments.Failure) as e:
        raise SystemExit(str(e))
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT)
