"""One sandbox for all functional tests, and its tenant."""

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox import fixture


@pytest.fixture(scope='session')
def sandbox(request):
    with fixture.running(request) as running:
        yield running


@pytest.fixture
def tenant(sandbox):
    """A tenant who finds nothing, and leaves nothing."""
    tenant = tenants.Tenant(sandbox)
    yield tenant
    tenant.leave_nothing()
