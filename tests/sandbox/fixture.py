"""Context manager that runs the sandbox for a pytest fixture."""

import contextlib
from typing import Any, Iterator

import pytest

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process


@contextlib.contextmanager
def running(request: pytest.FixtureRequest, **settings: Any
            ) -> Iterator[cloud.Sandbox]:
    """Run a sandbox. Its files are not removed if a test fails meanwhile.

    :param settings: see cloud.Sandbox.
    """
    capture = request.config.pluginmanager.getplugin('capturemanager')
    try:
        # Show the progress, since installing may take minutes.
        with capture.global_and_fixture_disabled():
            sandbox = cloud.Sandbox(**settings)
            sandbox.start()
    except (process.Failure, environments.Failure) as e:
        pytest.exit(str(e), returncode=3)
    failed = request.session.testsfailed
    yield sandbox
    sandbox.keep = sandbox.keep or request.session.testsfailed > failed
    with capture.global_and_fixture_disabled():
        sandbox.end()
