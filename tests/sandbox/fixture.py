"""The sandbox as a fixture of pytest."""

import contextlib
from typing import Any, Iterator

import pytest

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process


@contextlib.contextmanager
def running(request: pytest.FixtureRequest, **settings: Any
            ) -> Iterator[cloud.Sandbox]:
    """A running sandbox; what it wrote is kept when a test fails meanwhile.

    :param settings: see cloud.Sandbox.
    """
    capture = request.config.pluginmanager.getplugin('capturemanager')
    try:
        # It shows its progress, which may be minutes of installing.
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
