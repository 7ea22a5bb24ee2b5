"""Command line options of the fault tests, and their own sandbox."""

import pytest

from tests.sandbox import fixture


def pytest_addoption(parser):
    parser.addoption('--every', action='store_true',
                     help='run all cases instead of a sample, and write the '
                          'page')
    parser.addoption('--left', action='store_true',
                     help='run only the cases that the page lacks or shows '
                          'as violated. The invariants are checked, and no '
                          'outcome is compared with the page. The page is '
                          'written only with --every')
    parser.addoption('--case', action='append', default=[], metavar='TEXT',
                     help='run only the cases with this text in their names, '
                          'and do not write the page. If it is repeated, a '
                          'name needs all texts')


@pytest.fixture(scope='session')
def every(request):
    """The option --every: True if all cases run, and not only a sample."""
    return request.config.getoption('--every')


@pytest.fixture(scope='session')
def left(request):
    """The option --left: True if only new and violated cases run."""
    return request.config.getoption('--left')


@pytest.fixture(scope='session')
def case_texts(request):
    """The texts of all options --case. Empty if the option is missing."""
    return request.config.getoption('--case')


@pytest.fixture(scope='package')
def sandbox(request):
    """A running sandbox that only the fault tests use."""
    with fixture.running(request) as sandbox:
        yield sandbox
