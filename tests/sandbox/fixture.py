"""Context manager with which pytest fixtures run the sandbox."""

import contextlib
from typing import Any, Iterator

import pytest

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process


@contextlib.contextmanager
def running(request: pytest.FixtureRequest, **settings: Any
            ) -> Iterator[cloud.Sandbox]:
    """Run a sandbox during the `with` block.

    If a test fails during the block, or if the block raises an exception, the
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
    except BaseException:
        sandbox.keep = True
        raise
    finally:
        sandbox.keep = sandbox.keep or request.session.testsfailed > failed
        with capture.global_and_fixture_disabled():
            sandbox.end()
