"""A sandbox of the faults' own; --every carries out all of them."""

import pytest

from tests.sandbox import cloud
from tests.sandbox import environments
from tests.sandbox import process


def pytest_addoption(parser):
    parser.addoption('--every', action='store_true',
                     help='all faults, not a sample; writes the page')


@pytest.fixture(scope='session')
def every(request):
    return request.config.getoption('--every')


@pytest.fixture(scope='package')
def sandbox(request):
    """The running sandbox; what it wrote is kept when a test fails."""
    capture = request.config.pluginmanager.getplugin('capturemanager')
    try:
        with capture.global_and_fixture_disabled():
            running = cloud.Sandbox()
            running.start()
    except (process.Failure, environments.Failure) as e:
        pytest.exit(str(e), returncode=3)
    failed = request.session.testsfailed
    yield running
    running.keep = running.keep or request.session.testsfailed > failed
    with capture.global_and_fixture_disabled():
        running.end()
