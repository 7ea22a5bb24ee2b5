"""Runs the sandbox until it is interrupted: python -m tests.sandbox."""

import argparse
import pathlib
import signal

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process

_USE = '''
The sandbox is ready. In another shell:

    . {openrc}
    karbor provider-list
    openstack database instance list

({other} is that of another tenant, {admin} the administrator's.)
Ctrl-C ends it.
'''


def write_openrcs(sandbox: cloud.Sandbox) -> dict[str, pathlib.Path]:
    """Write one for each who may log in; return user -> path."""
    files = {}
    for user in ('tenant', 'other', 'admin'):
        files[user] = sandbox.directory / f'openrc-{user}'
        files[user].write_text(sandbox.openrc(user))
    return files


def wait_for_interruption() -> None:
    """Return on Ctrl-C."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        print('ending the sandbox ...', flush=True)


def end_on_sigterm() -> None:
    """Treat SIGTERM as Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog='tests.sandbox', description='Runs the sandbox until Ctrl-C.')
    parser.add_argument('--keep', action='store_true',
                        help='keep its directory in the end')
    given = parser.parse_args()
    end_on_sigterm()
    try:
        with cloud.Sandbox(keep=given.keep) as sandbox:
            files = write_openrcs(sandbox)
            print(_USE.format(openrc=files['tenant'], other=files['other'],
                              admin=files['admin']), flush=True)
            wait_for_interruption()
    except (process.Failure, environments.Failure) as e:
        raise SystemExit(str(e))
    except KeyboardInterrupt:
        raise SystemExit(130)


if __name__ == '__main__':
    main()
