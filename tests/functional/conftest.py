"""One sandbox for all functional tests, one of its users, and options."""

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox import fixture


def pytest_addoption(parser):
    parser.addoption('--write-pages', action='store_true',
                     help='write the outputs of the sessions in the user '
                          'guide instead of comparing them')
    parser.addoption('--all-pages', action='store_true',
                     help='run the sessions of all pages, also the slow ones')
    parser.addoption('--long', action='store_true',
                     help='run the tests with many databases or many nights')


def pytest_configure(config):
    config.addinivalue_line('markers', 'long: takes minutes, needs --long')


def pytest_collection_modifyitems(config, items):
    if config.getoption('long'):
        return
    for item in items:
        if item.get_closest_marker('long'):
            item.add_marker(pytest.mark.skip('takes minutes, use --long'))


@pytest.fixture(scope='session')
def sandbox(request):
    with fixture.running(request, debug=True) as running:
        yield running


@pytest.fixture
def tenant(sandbox):
    """A user of an empty project. The fixture empties it again."""
    tenant = tenants.Tenant(sandbox)
    yield tenant
    tenant.delete_everything()
