"""One sandbox for all functional tests."""

import pytest

from tests.sandbox import fixture


@pytest.fixture(scope='session')
def sandbox(request):
    with fixture.running(request) as running:
        yield running
