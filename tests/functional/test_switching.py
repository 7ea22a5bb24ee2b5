"""An operator switches from Karbor's in-tree plugin to ours, and back."""

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox.services import cloud as offered

OURS = 'karbor-trove-protection-plugin'
IN_TREE = 'karbor-database-protection-plugin'


@pytest.fixture
def sandbox():
    """One with the in-tree plugin, on a cloud that suits it.

    It does not tell Trove the datastore, so that must be the cloud's default.
    """
    with cloud.Sandbox(
            providers=[{
                'name': 'Databases', 'id': cloud.PROVIDER_ID,
                'plugins': [IN_TREE], 'options': {'poll_interval': 0.2},
                'sections': {'database_backup_plugin': {'poll_interval': 1}},
            }],
            overrides={'trove': {'options': {
                'default_datastore': offered.DATASTORE}}}) as running:
        yield running


def switch(sandbox, plugin):
    karbor = sandbox.services['karbor']
    karbor.settings['providers'][0]['plugins'] = [plugin]
    karbor.restart()


def test_either_plugin_takes_what_the_other_left(sandbox):
    tenant = tenants.Tenant(sandbox)
    original = tenant.create()
    tenant.fill(original, 500)
    theirs = tenant.protect(tenant.plan([original]))

    switch(sandbox, OURS)
    tenant.verify(theirs)
    told = tenant.restore(theirs)
    restored = tenants.new_instance(told)
    assert list(told['resources_status'].values()) == ['available']
    assert tenant.trove.instances.get(restored).status == 'ACTIVE'
    ours = tenant.protect(tenant.plan([original]))
    tenant.delete(theirs)
    assert len(tenant.backups()) == 1

    switch(sandbox, IN_TREE)
    tenant.verify(ours)
    again = tenants.new_instance(tenant.restore(ours))
    tenants.wait(lambda: tenant.is_up(again))
    tenant.delete(ours)
    assert not tenant.backups()
    assert not tenant.objects()
    tenant.remove(original, restored, again)
