"""All operations in Karbor's own resource flow."""

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import client_factory
from karbor.services.protection import graph
from karbor.services.protection import protectable_registry
import pytest
from taskflow import exceptions as taskflow_exceptions

from karbor_trove.bank import resource_status
from karbor_trove import polling
from karbor_trove import protectable
from tests.contract import conftest
from tests.fake_trove import cloud
from tests.fake_trove import karbor_records

TYPE = 'OS::Trove::Instance'
#: TaskFlow wraps the exceptions of several resources.
REFUSED = (exception.CreateResourceFailed, taskflow_exceptions.WrappedFailure)


@pytest.fixture
def new_checkpoint(provider, context, fake_trove):
    """Return a function that creates a checkpoint with n instances."""
    def make(count):
        resources = [karbor_resource.Resource(
            TYPE, fake_trove.add_instance(name='db-%d' % number), 'db')
            for number in range(count)]
        checkpoint = provider.get_checkpoint_collection().create(
            {'id': 'plan', 'name': 'plan', 'provider_id': provider.id,
             'project_id': context.project_id, 'resources': []},
            context=context)
        checkpoint.resource_graph = graph.build_graph(
            resources, lambda node: [])
        checkpoint.commit()
        return checkpoint
    return make


def test_databases_of_one_flow_share_one_client(
        run_flow, new_checkpoint, fake_trove, monkeypatch):
    clients = []
    create = client_factory.ClientFactory.create_client
    monkeypatch.setattr(
        client_factory.ClientFactory, 'create_client',
        lambda *args: clients.append(create(*args)) or clients[-1])
    checkpoint = new_checkpoint(3)
    for count, operation in enumerate(('protect', 'delete'), start=1):
        run_flow(operation, checkpoint)
        assert len(clients) == count


def list_statuses(checkpoint):
    return {checkpoint.get_resource_bank_section(node.value.id
                                                 ).get_object('status')
            for node in checkpoint.resource_graph}


@pytest.mark.parametrize('count', [1, 30])
def test_all_operations_succeed_in_karbors_flow(
        run_flow, new_checkpoint, fake_trove, context, count):
    checkpoint = new_checkpoint(count)
    assert isinstance(checkpoint, karbor_checkpoint.Checkpoint)
    run_flow('protect', checkpoint)
    assert list_statuses(checkpoint) == {'available'}
    assert len(fake_trove.backups) == count

    verify = karbor_records.new(karbor_records.Verification, context,
                                checkpoint.id)
    run_flow('verify', checkpoint, verify=verify, new_resources={})
    assert list(verify.resources_status.values()) == ['available'] * count

    original_ids = set(fake_trove.instances)
    fake_trove.instances.clear()
    restore = karbor_records.new(karbor_records.Restore, context,
                                 checkpoint.id)
    new_resources = {}
    run_flow('restore', checkpoint, restore=restore,
             new_resources=new_resources)
    assert set(new_resources) == original_ids
    assert set(new_resources.values()) == set(fake_trove.instances)
    assert set(restore.resources_status) == {
        '%s#%s' % (TYPE, new_id) for new_id in fake_trove.instances}
    assert set(restore.resources_status.values()) == {'available'}

    run_flow('delete', checkpoint)
    assert not fake_trove.backups
    assert list_statuses(checkpoint) == {'deleted'}


@pytest.mark.parametrize('count', [1, 10])
def test_verification_at_level_restore_succeeds_in_karbors_flow(
        run_flow, new_checkpoint, fake_trove, context, load_providers, count):
    checkpoint = new_checkpoint(count)
    run_flow('protect', checkpoint)
    original_ids = set(fake_trove.instances)
    verify = karbor_records.new(karbor_records.Verification, context,
                                checkpoint.id)
    run_flow('verify', checkpoint, verify=verify, new_resources={},
             provider=load_providers(options='verify_level = restore')
             .show_provider(conftest.PROVIDER_ID))
    assert list(verify.resources_status.values()) == ['available'] * count
    assert len(fake_trove.find_requests('POST', '/instances')) == count
    assert set(fake_trove.instances) == original_ids


def test_parameters_of_one_instance_override_those_of_the_type(
        run_flow, new_checkpoint, fake_trove):
    checkpoint = new_checkpoint(2)
    special_id = checkpoint.resource_graph[0].value.id
    run_flow('protect', checkpoint, {
        TYPE: {'backup_name': 'nightly', 'description': 'of the night'},
        '%s#%s' % (TYPE, special_id): {'backup_name': 'special'}})
    assert {backup['instance_id'] == special_id: (
        backup['name'], backup['description'])
        for backup in fake_trove.backups.values()} == {
            True: ('special', 'of the night'),
            False: ('nightly', 'of the night')}


def test_failed_backup_is_deleted_with_its_checkpoint(
        run_flow, new_checkpoint, fake_trove):
    checkpoint = new_checkpoint(3)
    fake_trove.next_backup('FAILED', seconds=0)
    with pytest.raises(exception.CreateResourceFailed, match='FAILED'):
        run_flow('protect', checkpoint)
    assert 'error' in list_statuses(checkpoint)
    run_flow('delete', checkpoint)
    assert not fake_trove.backups
    assert list_statuses(checkpoint) == {'deleted'}


def test_no_instance_is_backed_up_when_one_is_broken(
        run_flow, new_checkpoint, fake_trove):
    checkpoint = new_checkpoint(5)
    broken_id = checkpoint.resource_graph[3].value.id
    fake_trove.instances[broken_id].update(status='ERROR',
                                           fault='disk on fire')
    with pytest.raises(REFUSED):
        run_flow('protect', checkpoint)
    assert not fake_trove.find_requests('POST') and not fake_trove.backups
    # The first resource checks the instances for all of them.
    assert len(fake_trove.requests) == 2
    assert list_statuses(checkpoint) == {'error'}
    reasons = {node.value.id: resource_status.read_failure_reason(
        checkpoint.get_resource_bank_section(node.value.id))
        for node in checkpoint.resource_graph}
    assert 'disk on fire' in reasons.pop(broken_id)
    assert len(reasons) == 4
    for reason in reasons.values():
        assert reason.startswith('not started') and broken_id in reason
    run_flow('delete', checkpoint)
    assert list_statuses(checkpoint) == {'deleted'}


@pytest.fixture
def virtual_sleep(monkeypatch, clock):
    """Let time pass in the fake Trove only."""
    monkeypatch.setattr(polling.Clock, 'sleep',
                        lambda self, seconds, *_: clock.sleep(seconds))


def test_deleted_instance_costs_the_others_nothing(
        run_flow, new_checkpoint, fake_trove, context, virtual_sleep):
    checkpoint = new_checkpoint(3)
    deleted_id = checkpoint.resource_graph[1].value.id
    fake_trove.start_deletion(deleted_id, 100)
    run_flow('protect', checkpoint)
    assert sorted(list_statuses(checkpoint)) == ['available', 'error']
    assert len(fake_trove.backups) == 2
    reason = 'instance %s was deleted before its backup began' % deleted_id
    key = '%s#%s' % (TYPE, deleted_id)

    verify = karbor_records.new(karbor_records.Verification, context,
                                checkpoint.id)
    run_flow('verify', checkpoint, verify=verify, new_resources={})
    assert sorted(verify.resources_status.values()) == [
        'available', 'available', 'error']
    assert verify.resources_reason[key] == 'not verified: ' + reason
    restore = karbor_records.new(karbor_records.Restore, context,
                                 checkpoint.id)
    new_resources = {}
    run_flow('restore', checkpoint, restore=restore,
             new_resources=new_resources)
    assert len(new_resources) == 2 and deleted_id not in new_resources
    assert restore.resources_reason[key] == 'not restored: ' + reason
    run_flow('delete', checkpoint)
    assert not fake_trove.backups


def test_restore_of_left_out_instances_alone_is_refused(
        run_flow, new_checkpoint, fake_trove, context, virtual_sleep):
    checkpoint = new_checkpoint(1)
    fake_trove.start_deletion(checkpoint.resource_graph[0].value.id, 100)
    run_flow('protect', checkpoint)
    with pytest.raises(exception.RestoreResourceFailed,
                       match='was deleted before its backup began'):
        run_flow('restore', checkpoint, new_resources={},
                 restore=karbor_records.new(karbor_records.Restore, context,
                                            checkpoint.id))


@pytest.mark.parametrize('bad', [0, 2])
def test_no_instance_is_backed_up_when_one_has_bad_parameters(
        run_flow, new_checkpoint, fake_trove, bad):
    checkpoint = new_checkpoint(3)
    with pytest.raises(REFUSED, match='backup_name'):
        run_flow('protect', checkpoint, {'%s#%s' % (
            TYPE, checkpoint.resource_graph[bad].value.id): {
                'backup_name': '---'}})
    assert not fake_trove.find_requests('POST') and not fake_trove.backups


def test_project_has_its_instances_as_dependents(
        registry, fake_trove, context):
    ids = {fake_trove.add_instance() for _ in range(25)}
    project = karbor_resource.Resource(
        'OS::Keystone::Project', cloud.PROJECT, 'tenant')
    resources = registry.fetch_dependent_resources(context, project)
    assert {resource.id for resource in resources
            if resource.type == TYPE} == ids


@pytest.fixture
def registry():
    registry = protectable_registry.ProtectableRegistry()
    registry.register_plugin(protectable.TroveInstanceProtectable())
    return registry


def test_karbors_graph_skips_instances_during_a_trove_outage(
        registry, fake_trove, context):
    fake_trove.fail('*', '*', 'refused', times=None)
    project = karbor_resource.Resource(
        'OS::Keystone::Project', cloud.PROJECT, 'tenant')
    assert registry.fetch_dependent_resources(context, project) == []
