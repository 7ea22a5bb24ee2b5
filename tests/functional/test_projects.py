"""Plans of a whole project through Karbor's API, on real services."""

import pytest

from tests.functional import api_tenant as tenants
from tests.functional import test_manage
from tests.sandbox import cloud
from tests.sandbox import fixture

operator = test_manage.operator

TYPE = tenants.TYPE
PROJECT = 'OS::Keystone::Project'
#: A provider without the passthrough plugin. It has the same bank.
WITHOUT = '3f1d0c52-6a0b-4c1f-9a44-2f3b7c9e5d10'


@pytest.fixture(scope='module')
def sandbox(request):
    with fixture.running(request, debug=True, providers=[
            {'name': 'Databases', 'id': cloud.PROVIDER_ID,
             'plugins': cloud.PLUGINS, 'options': {'poll_interval': 0.2}},
            {'name': 'Without passthrough', 'id': WITHOUT,
             'plugins': ['karbor-trove-protection-plugin'],
             'options': {'poll_interval': 0.2}}]) as running:
        yield running


def create_project_plan(tenant, **kw):
    return tenant.create_plan([
        {'id': tenant.project_id, 'type': PROJECT, 'name': 'tenant'}], **kw)


def get_schemas(tenant):
    """Return the schemas of the provider with the passthrough plugin."""
    return tenant.send('GET', '/providers/' + cloud.PROVIDER_ID)[
        'provider']['extended_info_schema']


def restore_as_the_dashboard(tenant, checkpoint):
    """Restore a checkpoint, and return Karbor's record.

    The dashboard sends parameters for every type of the provider.
    """
    id_ = tenant.send('POST', '/restores', {'restore': {
        'provider_id': cloud.PROVIDER_ID, 'checkpoint_id': checkpoint,
        'parameters': {type_: {} for type_ in get_schemas(tenant)[
            'restore_schema']}}})['restore']['id']
    record = tenants.wait_for(lambda: tenant.find_ended('restore', id_))
    assert record['status'] == 'success', record
    return record


def get_resource_ids(record):
    """Return the ids in Karbor's record of a restore or a verification."""
    assert set(record['resources_status'].values()) == {'available'}
    for key in record['resources_status']:
        assert key.startswith(TYPE + '#')
    return {key.rpartition('#')[2] for key in record['resources_status']}


def test_plan_of_a_project_has_the_databases_of_the_time_of_the_checkpoint(
        tenant):
    ids = tenant.create_instances(['db-%d' % number for number in range(5)])
    plan = create_project_plan(tenant)
    tenant.delete_instances(ids.pop(0))
    ids.append(tenant.create_instance('made-after-the-plan'))
    for rows, id_ in enumerate(ids, 100):
        tenant.create_table(id_, rows)

    checkpoint = tenant.protect(plan)
    assert {backup['instance_id'] for backup
            in tenant.list_backups().values()} == set(ids)
    assert get_resource_ids(tenant.verify(checkpoint)) == set(ids)
    restored = get_resource_ids(restore_as_the_dashboard(tenant, checkpoint))
    assert restored == tenant.list_instance_ids() - set(ids)
    assert sorted(map(tenant.count_rows, restored)) == [
        100, 101, 102, 103, 104]
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups() and not tenant.list_objects()


def test_provider_says_which_types_are_not_protected(tenant):
    schemas = get_schemas(tenant)
    for kind in 'options_schema', 'restore_schema', 'saved_info_schema':
        assert {type_: schema['title']
                for type_, schema in schemas[kind].items()
                if type_ != TYPE} == {
            type_: type_ + ' itself is NOT protected' for type_ in (
                'OS::Cinder::Volume', 'OS::Glance::Image', PROJECT,
                'OS::Kubernetes::Pod', 'OS::Manila::Share',
                'OS::Neutron::Network', 'OS::Nova::Server')}


def list_checkpoints(tenant):
    """Return the statuses of the checkpoints of the provider, by id."""
    return {checkpoint['id']: checkpoint['status'] for checkpoint
            in tenant.send('GET', tenant.checkpoints_path(WITHOUT))[
                'checkpoints']}


# The last test of the module, because it changes a provider file.
def test_stuck_checkpoint_of_a_project_is_deleted_after_a_reset(
        sandbox, tenant, operator):
    tenant.create_instance()
    plan = create_project_plan(tenant, provider=WITHOUT)
    tenant.send('POST', tenant.checkpoints_path(WITHOUT), {
        'checkpoint': {'plan_id': plan}}, expect=(400,))
    [(checkpoint, status)] = list_checkpoints(tenant).items()
    assert status == 'protecting'
    path = '%s/%s' % (tenant.checkpoints_path(WITHOUT), checkpoint)
    # Without the plugin a reset is not enough.
    operator.manage('checkpoint', 'reset', checkpoint, '--force')
    tenant.send('DELETE', path, expect=(500,))
    assert list_checkpoints(tenant) == {checkpoint: 'deleting'}

    karbor = sandbox.services['karbor']
    karbor.settings['providers'][1]['plugins'] = cloud.PLUGINS
    karbor.restart()
    _, message = operator.manage('checkpoint', 'reset', checkpoint, expect=1)
    assert 'the bank does not name the process' in message
    operator.table('checkpoint', 'reset', checkpoint, '--force')
    tenant.delete_checkpoint(checkpoint, provider=WITHOUT)
    assert not tenant.list_backups() and not tenant.list_objects()
