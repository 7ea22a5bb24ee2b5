"""Test that the sessions in the user guide have true outputs."""

import datetime
import pathlib

import pytest

from tests.functional import api_tenant as tenants
from tests.functional import session_page
from tests.sandbox import cloud
from tests.sandbox import fixture
from tests.sandbox import shell_tenant

PAGES = pathlib.Path(__file__).parents[2] / 'doc/source/user'
#: Each page has a project of its own, with its name.
PROJECTS = {'session-karbor': 'shop', 'session-openstack': 'depot',
            'session-failures': 'annex'}
#: Take several minutes each, because each command starts a client.
SLOW_PAGES = 'session-karbor', 'session-openstack'
#: The databases of each project, and their ids on the pages.
DATABASES = {
    'orders': 'bd7c488f-e24e-4a2f-8409-a8f338227d75',
    'stock': 'bdfc04ec-8e8b-4f0a-8fab-ad56c15ea4fd',
    'users': 'c21e7a90-5d3f-4b8e-9a06-7f4d1c8be253',
}
PROJECT_ID = '68c1a3f0d2b94e57a8c6f31e0b7d9245'
DATE = '2026-12-01'
#: A night has 20 seconds.
PATTERN = 'FREQ=DAILY;INTERVAL=1', 'FREQ=SECONDLY;INTERVAL=20'


@pytest.fixture(scope='module')
def sandbox(request):
    """A sandbox with the bank plugin that users need for retention."""
    with fixture.running(request, debug=True, providers=[{
            'name': 'Databases', 'id': cloud.PROVIDER_ID,
            'plugins': cloud.PLUGINS,
            'bank_plugin': 'karbor-trove-swift-bank-plugin',
            'options': {'poll_interval': 0.2}}]) as running:
        running.add_tenants(*PROJECTS.values())
        yield running


def build_values(tenant, ids):
    """Return the values of this run by their examples on a page."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        **dict(zip(DATABASES.values(), ids)),
        PROJECT_ID: tenant.project_id,
        cloud.PROVIDER_ID: cloud.PROVIDER_ID,
        # Before the date alone.
        DATE + ' 02:00:00': now.strftime('%Y-%m-%d %H:%M:%S'),
        DATE: now.strftime('%Y-%m-%d'),
        PATTERN[0]: PATTERN[1],
    }


@pytest.mark.parametrize('name', PROJECTS)
def test_page_has_the_outputs_of_its_commands(sandbox, request, name):
    if name in SLOW_PAGES and not request.config.getoption('--all-pages'):
        pytest.skip('it takes several minutes, run it with --all-pages')
    tenant = tenants.Tenant(sandbox, PROJECTS[name])
    ids = tenant.create_instances(list(DATABASES))
    user = shell_tenant.Tenant({**sandbox.variables(PROJECTS[name]),
                                'HOME': str(sandbox.directory)})
    path = PAGES / (name + '.rst')
    session = session_page.Session(
        lambda script: user.ask('bash', '-c', script),
        build_values(tenant, ids))
    page, differences = session.run_page(path.read_text())
    if request.config.getoption('--write-pages'):
        path.write_text(page)
    else:
        assert not differences, differences
    # A deleted checkpoint leaves nothing.
    assert not tenant.list_backups()
