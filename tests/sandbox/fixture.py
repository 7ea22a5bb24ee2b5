"""Context manager with which pytest fixtures run the sandbox."""

import contextlib
import re
from typing import Any, Iterator

import pytest

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process

#: How many lines with secrets are shown.
_SHOWN_LINES = 20


@contextlib.contextmanager
def running(request: pytest.FixtureRequest, **settings: Any
            ) -> Iterator[cloud.Sandbox]:
    """Run a sandbox during the `with` block.

    After the block, Karbor's log is checked. If the log has a token or a
    password, the fixture fails, and pytest reports this as an error of the
    last test.

    If a test or the fixture fails, or if the block raises an exception, the
    directory of the sandbox stays. If the sandbox does not start, pytest ends
    with the exit status 3.

    :param settings: the parameters of cloud.Sandbox.
    """
    capture = request.config.pluginmanager.getplugin('capturemanager')
    try:
        # Show the progress, because the installation may take minutes. pytest
        # would hide it.
        with capture.global_and_fixture_disabled():
            sandbox = cloud.Sandbox(**settings)
            sandbox.start()
    except (process.StartFailure, environments.InstallFailure) as e:
        pytest.exit(str(e), returncode=3)
    failed = request.session.testsfailed
    try:
        yield sandbox
        sandbox.stop()
        _check_log(sandbox)
    except BaseException:
        sandbox.keep = True
        raise
    finally:
        sandbox.keep = sandbox.keep or request.session.testsfailed > failed
        with capture.global_and_fixture_disabled():
            sandbox.end()


def _check_log(sandbox: cloud.Sandbox) -> None:
    """Let the fixture fail if Karbor's log has a token or a password.

    If the sandbox has the parameter `debug`, the log must also have what the
    clients of Karbor log. Otherwise the check would prove nothing.
    """
    karbor = sandbox.services['karbor']
    text = karbor.log.read_text(errors='replace')
    lines = sandbox.list_leaks(text)
    if lines:
        pytest.fail('%d lines of %s have a token or a password:\n%s' % (
            len(lines), karbor.log, '\n'.join(lines[:_SHOWN_LINES])),
            pytrace=False)
    if karbor.settings['debug'] and not re.search(
            ' DEBUG (keystoneauth|swiftclient)', text):
        pytest.fail('%s has no lines of the clients' % karbor.log,
                    pytrace=False)
