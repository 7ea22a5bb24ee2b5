"""Tests of checkpoints through Karbor's API, on real services."""

import contextlib
import datetime

import pytest
from troveclient import exceptions as trove_exceptions

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox import identity
from tests.sandbox.services import cloud as catalog

TYPE = tenants.TYPE


@pytest.fixture(scope='module')
def other(sandbox):
    return tenants.Tenant(sandbox, 'other')


@pytest.fixture
def tenant(sandbox):
    """A user of an empty project. The fixture empties it again."""
    tenant = tenants.Tenant(sandbox)
    yield tenant
    tenants.wait_for(lambda: not _delete_backups(tenant))
    tenant.delete_instances(*tenant.list_instance_ids())


def _delete_backups(tenant):
    """Request the deletion of all backups, return those that exist."""
    backups = tenant.list_backups()
    for id_ in backups:
        # Trove deletes the children of a parent with it. It rejects the
        # deletion of a running backup, before Trove 25 with HTTP 422.
        with contextlib.suppress(trove_exceptions.NotFound,
                                 trove_exceptions.InternalServerError,
                                 trove_exceptions.UnprocessableEntity):
            tenant.trove.backups.delete(id_)
    return backups


def test_deleted_instance_is_restored_with_its_rows_and_properties(
        tenant):
    configuration = tenant.trove.configurations.create(
        'tuned', '{"max_connections": 77}', datastore=catalog.DATASTORE,
        datastore_version=catalog.VERSION)
    original = tenant.create_instance(
        configuration=configuration.id, flavor_id='2', volume={'size': 2},
        access={'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']},
        nics=[{'net-id': catalog.OTHER_NETWORK}])
    tenant.create_table(original, 1000)
    checkpoint = tenant.protect(tenant.create_plan([original], {TYPE: {
        'backup_name': 'nightly', 'description': 'of the night'}}))
    [backup] = tenant.list_backups().values()
    assert backup['name'] == 'nightly'
    assert backup['description'] == 'of the night'
    assert backup['status'] == 'COMPLETED'
    verification = tenant.verify(checkpoint)
    assert verification['resources_status'] == {
        '%s#%s' % (TYPE, original): 'available'}

    tenant.sql(original, 'DROP TABLE orders')
    before = tenant.trove.instances.get(original).to_dict()
    tenant.delete_instances(original)
    restore = tenant.restore(checkpoint, {
        'restore_name': 'again', 'restore_description': 'for the audit'})
    new = tenants.restored_instance_id(restore)
    key = '%s#%s' % (TYPE, new)
    assert restore['resources_status'] == {key: 'available'}
    lines = restore['resources_reason'][key].split(';\n')
    assert lines[0].startswith('again at 127.77.')
    assert lines[-1] == 'for the audit'
    assert tenant.count_rows(new) == 1000
    after = tenant.trove.instances.get(new).to_dict()
    assert after['name'] == 'again'
    for name in ('datastore', 'volume', 'flavor', 'access', 'configuration'):
        restored = {key: value for key, value in after[name].items()
                    if key not in ('used', 'links')}
        assert restored.items() <= before[name].items(), name
    assert ([address['network'] for address in after['addresses']
             if address['type'] == 'private'] == [catalog.OTHER_NETWORK])

    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups()
    assert not tenant.list_objects()
    tenant.delete_instances(new)
    tenant.trove.configurations.delete(configuration.id)


def test_protectable_instance_is_listed_and_shown(tenant):
    id_ = tenant.create_instance('orders')
    path = '/protectables/%s/instances' % TYPE
    [listed] = tenant.send('GET', path)['instances']
    shown = tenant.send('GET', '%s/%s' % (path, id_))['instance']
    for instance in listed, shown:
        assert instance['id'] == id_
        assert instance['type'] == TYPE
        assert instance['name'] == 'orders'
    assert listed['extra_info'] == shown['extra_info'] == {
        'status': 'ACTIVE', 'datastore': 'postgresql', 'version': '18',
        'volume_size': 1}
    tenant.send('GET', path + '/4b9a9c38-0000-4000-8000-5b6a3d1f7e01',
                expect=(404,))


def test_45_protectable_instances_are_listed_for_their_project_only(
        tenant, other):
    ids = tenant.create_instances(['without-database-%d' % number
                                   for number in range(45)], nics=None)
    path = '/protectables/%s/instances' % TYPE
    listed = {instance['id'] for instance in tenant.send(
        'GET', path + '?limit=100')['instances']}
    assert listed == set(ids)
    project = '/protectables/OS::Keystone::Project/instances/%s' % (
        tenant.project_id)
    dependents = tenant.send('GET', project)['instance'][
        'dependent_resources']
    assert {resource['id'] for resource in dependents
            if resource['type'] == TYPE} == set(ids)
    assert other.send('GET', path)['instances'] == []


def test_restarting_instance_is_shown_and_protected(tenant):
    id_ = tenant.create_instance('slow-restart-3')
    tenant.trove.instances.restart(id_)
    shown = tenant.send('GET', '/protectables/%s/instances/%s' % (TYPE, id_))
    assert shown['instance']['extra_info']['status'] == 'REBOOT'
    checkpoint = tenant.protect(tenant.create_plan([id_]))
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_objects()


def test_checkpoint_of_a_failed_backup_is_in_error_and_can_be_deleted(
        tenant):
    id_ = tenant.create_instance()
    checkpoint = tenant.protect(tenant.create_plan([id_], {TYPE: {
        'backup_name': 'fail-backup', 'description': 'in vain'}}), 'error')
    assert [backup['status'] for backup in tenant.list_backups().values()] == [
        'FAILED']
    restore = tenant.restore(checkpoint, expect='fail')
    assert restore['status'] == 'fail'
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups()


def test_verification_and_restore_fail_and_name_a_deleted_backup(tenant):
    id_ = tenant.create_instance()
    checkpoint = tenant.protect(tenant.create_plan([id_]))
    [backup_id] = tenant.list_backups()
    tenant.trove.backups.delete(backup_id)
    tenants.wait_for(lambda: not tenant.list_backups())
    key = '%s#%s' % (TYPE, id_)
    for record in (tenant.verify(checkpoint, 'fail'),
                   tenant.restore(checkpoint, expect='fail')):
        assert record['resources_status'] == {key: 'error'}
        assert backup_id in record['resources_reason'][key]
    tenant.delete_checkpoint(checkpoint)


def test_failed_restore_names_the_restored_instance_and_its_status(tenant):
    id_ = tenant.create_instance()
    checkpoint = tenant.protect(tenant.create_plan([id_]))
    restore = tenant.restore(checkpoint, {'restore_name': 'fail-restore'},
                             expect='fail')
    new = tenants.restored_instance_id(restore)
    assert new != id_
    key = '%s#%s' % (TYPE, new)
    assert restore['resources_status'] == {key: 'error'}
    assert 'status ERROR' in restore['resources_reason'][key]
    tenant.delete_checkpoint(checkpoint)


def test_plan_of_a_project_protects_all_its_instances(tenant):
    ids = tenant.create_instances(['one', 'two'])
    checkpoint = tenant.protect(tenant.create_plan([
        {'id': tenant.project_id, 'type': 'OS::Keystone::Project',
         'name': 'tenant'}]))
    assert {backup['instance_id']
            for backup in tenant.list_backups().values()} == set(ids)
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_objects()


@pytest.mark.parametrize('parameters, code', [
    ({TYPE: {'backup_nam': 'x'}}, 400), ({TYPE: {'backup_name': None}}, 400),
    ({TYPE: {'backup_name': ['x']}}, 400), ({'OS::Trove::Instances': {}}, 400),
    ({TYPE: {'backup_name': 'x', 'incremental': True}}, 200)])
def test_karbor_rejects_a_plan_with_invalid_parameters(
        tenant, parameters, code):
    tenant.send('POST', '/plans', {'plan': {
        'name': 'nightly', 'provider_id': cloud.PROVIDER_ID,
        'resources': [{'id': tenant.project_id, 'type': TYPE, 'name': 'x'}],
        'parameters': parameters}}, expect=(code,))


@pytest.mark.parametrize('parameters, code', [
    ({'restore_name': None}, 400), ({'restore_name': {}}, 400),
    # Karbor responds before it checks that the checkpoint exists.
    ({'restore_name': 'again'}, 200)])
def test_karbor_rejects_a_restore_with_invalid_parameters(
        tenant, parameters, code):
    tenant.send('POST', '/restores', {'restore': {
        'provider_id': cloud.PROVIDER_ID,
        'checkpoint_id': cloud.PROVIDER_ID,
        'parameters': {TYPE: parameters}}}, expect=(code,))


def list_trusts(sandbox, tenant):
    """Return the project ids of the trusts that the tenant has created."""
    return [trust['project_id'] for trust in tenant.session.get(
        sandbox.urls['keystone'] + '/OS-TRUST/trusts',
        params={'trustor_user_id': tenant.session.get_user_id()}
    ).json()['trusts'] if trust['impersonation']]


def test_scheduled_operation_protects_with_a_trust(sandbox, tenant):
    # Karbor has no role in the tenant's project. It needs a trust to create
    # a backup there.
    assert identity.USERS['karbor'][0] != identity.USERS['tenant'][0]
    assert list_trusts(sandbox, tenant) == []
    id_ = tenant.create_instance()
    plan_id = tenant.create_plan([id_])
    start = datetime.datetime.now(datetime.timezone.utc)
    trigger = tenant.send('POST', '/triggers', {'trigger_info': {
        'name': 'soon', 'type': 'time', 'properties': {
            'format': 'calendar', 'window': 4,
            'start_time': start.strftime('%Y-%m-%d %H:%M:%S'),
            'pattern': 'BEGIN:VEVENT\nRRULE:FREQ=SECONDLY;INTERVAL=10;\n'
                       'END:VEVENT'}}})['trigger_info']
    operation = tenant.send('POST', '/scheduled_operations', {
        'scheduled_operation': {
            'name': 'nightly', 'operation_type': 'protect',
            'trigger_id': trigger['id'],
            'operation_definition': {
                'plan_id': plan_id, 'provider_id': cloud.PROVIDER_ID}}}
    )['scheduled_operation']
    try:
        assert list_trusts(sandbox, tenant) == [tenant.project_id]
        tenants.wait_for(lambda: any(
            backup['status'] == 'COMPLETED'
            for backup in tenant.list_backups().values()))
    finally:
        tenant.send('DELETE', '/scheduled_operations/' + operation['id'])
        tenant.send('DELETE', '/triggers/' + trigger['id'])
    assert list_trusts(sandbox, tenant) == []
    checkpoints = tenant.send('GET', '%s?plan_id=%s' % (
        tenant.checkpoints_path(), plan_id))['checkpoints']
    assert {checkpoint['project_id']
            for checkpoint in checkpoints} == {tenant.project_id}
    for checkpoint in checkpoints:
        tenants.wait_for(lambda: tenant.send('GET', '%s/%s' % (
            tenant.checkpoints_path(), checkpoint['id']))['checkpoint'][
                'status'] == 'available')
        tenant.delete_checkpoint(checkpoint['id'])
    assert not tenant.list_objects()
