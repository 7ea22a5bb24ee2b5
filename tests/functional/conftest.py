"""One sandbox for all functional tests."""

import pytest

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process


@pytest.fixture(scope='session')
def sandbox(request):
    """The running sandbox; what it wrote is kept when a test fails."""
    capture = request.config.pluginmanager.getplugin('capturemanager')
    try:
        # It shows its progress, which may be minutes of installing.
        with capture.global_and_fixture_disabled():
            running = cloud.Sandbox()
            running.start()
    except (process.Failure, environments.Failure) as e:
        pytest.exit(str(e), returncode=3)
    yield running
    running.keep = running.keep or request.session.testsfailed > 0
    with capture.global_and_fixture_disabled():
        running.end()
