"""Fixtures: one sandbox for all functional tests, and one of its users."""

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox import fixture


@pytest.fixture(scope='session')
def sandbox(request):
    with fixture.running(request) as running:
        yield running


@pytest.fixture
def tenant(sandbox):
    """A user of an empty project. The fixture empties it again."""
    tenant = tenants.Tenant(sandbox)
    yield tenant
    tenant.delete_everything()
