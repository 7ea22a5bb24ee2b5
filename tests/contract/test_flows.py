"""Every operation through Karbor's own resource flow."""

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection.flows import workflow
from karbor.services.protection import graph
from karbor.services.protection import protectable_registry
from karbor.services.protection import resource_flow
import pytest
from taskflow import exceptions as taskflow_exceptions

from karbor_trove.bank import status
from karbor_trove import protectable
from tests.contract import conftest
from tests.fake_trove import cloud
from tests.fake_trove import karbor_records

TYPE = 'OS::Trove::Instance'
#: TaskFlow wraps what several resources raise.
REFUSED = (exception.CreateResourceFailed, taskflow_exceptions.WrappedFailure)


@pytest.fixture
def run(provider, context):
    """Runs one operation on all resources of a checkpoint."""
    def run_flow(operation, checkpoint, parameters=None, provider=provider,
                 **store):
        engine = workflow.TaskFlowEngine()
        flow = resource_flow.build_resource_flow(
            operation, context, engine, provider.load_plugins(),
            checkpoint.resource_graph, parameters)
        engine.run_engine(engine.get_engine(flow, store=dict(
            store, context=context, checkpoint=checkpoint,
            operation_log=None)))
    return run_flow


@pytest.fixture
def protected(provider, context, fake_trove):
    """Makes a checkpoint of so many instances; not protected yet."""
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


def statuses(checkpoint):
    return {checkpoint.get_resource_bank_section(node.value.id
                                                 ).get_object('status')
            for node in checkpoint.resource_graph}


@pytest.mark.parametrize('count', [1, 30])
def test_a_whole_life(run, protected, fake_trove, context, count):
    checkpoint = protected(count)
    assert isinstance(checkpoint, karbor_checkpoint.Checkpoint)
    run('protect', checkpoint)
    assert statuses(checkpoint) == {'available'}
    assert len(fake_trove.backups) == count

    verify = karbor_records.new(
        karbor_records.Verification,
        context,
        checkpoint.id)
    run('verify', checkpoint, verify=verify, new_resources={})
    assert list(verify.resources_status.values()) == ['available'] * count

    lost = set(fake_trove.instances)
    fake_trove.instances.clear()
    restore = karbor_records.new(
        karbor_records.Restore,
        context,
        checkpoint.id)
    new_resources = {}
    run('restore', checkpoint, restore=restore, new_resources=new_resources)
    assert set(new_resources) == lost
    assert set(new_resources.values()) == set(fake_trove.instances)
    assert set(restore.resources_status) == {
        '%s#%s' % (TYPE, new_id) for new_id in fake_trove.instances}
    assert set(restore.resources_status.values()) == {'available'}

    run('delete', checkpoint)
    assert not fake_trove.backups
    assert statuses(checkpoint) == {'deleted'}


@pytest.mark.parametrize('count', [1, 10])
def test_a_verification_by_test_restores(
        run, protected, fake_trove, context, load_providers, count):
    checkpoint = protected(count)
    run('protect', checkpoint)
    before = set(fake_trove.instances)
    verify = karbor_records.new(
        karbor_records.Verification,
        context,
        checkpoint.id)
    run('verify', checkpoint, verify=verify, new_resources={},
        provider=load_providers(options='verify_level = restore')
        .show_provider(conftest.PROVIDER_ID))
    assert list(verify.resources_status.values()) == ['available'] * count
    assert len(fake_trove.find_requests('POST', '/instances')) == count
    assert set(fake_trove.instances) == before


def test_parameters_of_one_instance_override_those_of_the_type(
        run, protected, fake_trove):
    checkpoint = protected(2)
    special = checkpoint.resource_graph[0].value.id
    run('protect', checkpoint, {
        TYPE: {'backup_name': 'nightly', 'description': 'of the night'},
        '%s#%s' % (TYPE, special): {'backup_name': 'special'}})
    assert {backup['instance_id'] == special: (
        backup['name'], backup['description'])
        for backup in fake_trove.backups.values()} == {
            True: ('special', 'of the night'),
            False: ('nightly', 'of the night')}


def test_one_that_fails_fails_the_flow_and_is_deleted_with_the_rest(
        run, protected, fake_trove):
    checkpoint = protected(3)
    fake_trove.next_backup('FAILED', seconds=0)
    with pytest.raises(exception.CreateResourceFailed, match='FAILED'):
        run('protect', checkpoint)
    assert 'error' in statuses(checkpoint)
    run('delete', checkpoint)
    assert not fake_trove.backups
    assert statuses(checkpoint) == {'deleted'}


def test_one_that_is_broken_leaves_no_backup_of_any(
        run, protected, fake_trove):
    checkpoint = protected(5)
    broken = checkpoint.resource_graph[3].value.id
    fake_trove.instances[broken].update(status='ERROR', fault='disk on fire')
    with pytest.raises(REFUSED):
        run('protect', checkpoint)
    assert not fake_trove.find_requests('POST') and not fake_trove.backups
    # Once for all of them.
    assert len(fake_trove.requests) == 3
    assert statuses(checkpoint) == {'error'}
    reasons = {node.value.id: status.read_failure_reason(
        checkpoint.get_resource_bank_section(node.value.id))
        for node in checkpoint.resource_graph}
    assert 'disk on fire' in reasons.pop(broken)
    assert len(reasons) == 4
    for reason in reasons.values():
        assert reason.startswith('not begun') and broken in reason
    run('delete', checkpoint)
    assert statuses(checkpoint) == {'deleted'}


@pytest.mark.parametrize('bad', [0, 2])
def test_bad_parameters_of_one_leave_no_backup_of_any(
        run, protected, fake_trove, bad):
    checkpoint = protected(3)
    with pytest.raises(REFUSED, match='backup_name'):
        run('protect', checkpoint, {'%s#%s' % (
            TYPE, checkpoint.resource_graph[bad].value.id): {
                'backup_name': '---'}})
    assert not fake_trove.find_requests('POST') and not fake_trove.backups


def test_a_project_brings_its_instances(registry, fake_trove, context):
    ids = {fake_trove.add_instance() for _ in range(25)}
    project = karbor_resource.Resource(
        'OS::Keystone::Project', cloud.PROJECT, 'tenant')
    found = registry.fetch_dependent_resources(context, project)
    assert {one.id for one in found if one.type == TYPE} == ids


@pytest.fixture
def registry():
    registry = protectable_registry.ProtectableRegistry()
    registry.register_plugin(protectable.TroveInstanceProtectable())
    return registry


def test_a_trove_that_is_away_is_skipped_by_the_graph(
        registry, fake_trove, context):
    fake_trove.fail('*', '*', 'refused', times=None)
    project = karbor_resource.Resource(
        'OS::Keystone::Project', cloud.PROJECT, 'tenant')
    assert registry.fetch_dependent_resources(context, project) == []
