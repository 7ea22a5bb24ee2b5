"""Test of a switch from Karbor's in-tree plugin to this one and back."""

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox.services import cloud as catalog

OURS = 'karbor-trove-protection-plugin'
IN_TREE = 'karbor-database-protection-plugin'


@pytest.fixture
def sandbox():
    """A sandbox with the in-tree plugin.

    The plugin sends no datastore to Trove, so PostgreSQL is the default.
    """
    with cloud.Sandbox(
            providers=[{
                'name': 'Databases', 'id': cloud.PROVIDER_ID,
                'plugins': [IN_TREE], 'options': {'poll_interval': 0.2},
                'sections': {'database_backup_plugin': {'poll_interval': 1}},
            }],
            overrides={'trove': {'options': {
                'default_datastore': catalog.DATASTORE}}}) as running:
        yield running


def switch_plugin(sandbox, plugin):
    karbor = sandbox.services['karbor']
    karbor.settings['providers'][0]['plugins'] = [plugin]
    karbor.restart()


def test_each_plugin_verifies_restores_and_deletes_checkpoints_of_the_other(
        sandbox):
    tenant = tenants.Tenant(sandbox)
    original = tenant.create_instance()
    tenant.create_table(original, 500)
    theirs = tenant.protect(tenant.create_plan([original]))

    switch_plugin(sandbox, OURS)
    tenant.verify(theirs)
    restore = tenant.restore(theirs)
    restored = tenants.restored_instance_id(restore)
    assert list(restore['resources_status'].values()) == ['available']
    assert tenant.trove.instances.get(restored).status == 'ACTIVE'
    ours = tenant.protect(tenant.create_plan([original]))
    tenant.delete_checkpoint(theirs)
    assert len(tenant.list_backups()) == 1

    switch_plugin(sandbox, IN_TREE)
    tenant.verify(ours)
    again = tenants.restored_instance_id(tenant.restore(ours))
    tenants.wait_for(lambda: tenant.is_up(again))
    tenant.delete_checkpoint(ours)
    assert not tenant.list_backups()
    assert not tenant.list_objects()
    tenant.delete_instances(original, restored, again)
