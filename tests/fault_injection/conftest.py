"""A sandbox of the faults' own; --every carries out all of them."""

import pytest

from tests.sandbox import fixture


def pytest_addoption(parser):
    parser.addoption('--every', action='store_true',
                     help='all faults, not a sample; writes the page')
    parser.addoption('--left', action='store_true',
                     help='of them those that the page lacks, or that were '
                          'violated when it was written')


@pytest.fixture(scope='session')
def every(request):
    return request.config.getoption('--every')


@pytest.fixture(scope='session')
def left(request):
    return request.config.getoption('--left')


@pytest.fixture(scope='package')
def sandbox(request):
    with fixture.running(request) as running:
        yield running
