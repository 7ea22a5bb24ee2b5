"""Requests of a tenant about the objects of another project.

Karbor takes any text as the id of a resource in a plan [1.6.0]. The id is a
part of paths in the bank, which holds the checkpoints of all projects.
"""

import dataclasses
import uuid

from karbor import exception
from karbor.services.protection import graph
import pytest

from tests.fake_trove import fixtures

#: Builds the id of a resource from a checkpoint and a resource of another
#: project.
ATTACKS = {
    'resource of another checkpoint': lambda checkpoint, resource: (
        '../../%s/resource-data/%s' % (checkpoint.id, resource.id)),
    'index of checkpoints': lambda checkpoint, resource: (
        '../../../indices/by-provider/%s/%s' % (checkpoint.provider_id,
                                                checkpoint.project_id)),
    'checkpoint itself': lambda checkpoint, resource: (
        '../../' + checkpoint.id),
    'journals': lambda checkpoint, resource: (
        '../../../karbor-trove/%s/backups' % resource.id),
    'folder of its own checkpoint': lambda checkpoint, resource: '..',
    'resource of its own checkpoint': lambda checkpoint, resource: (
        'x/../' + resource.id),
    'subfolder': lambda checkpoint, resource: resource.id + '/x',
    'empty': lambda checkpoint, resource: '',
    'upper case': lambda checkpoint, resource: resource.id.upper(),
    'without dashes': lambda checkpoint, resource: (
        uuid.UUID(resource.id).hex),
    'newline': lambda checkpoint, resource: resource.id + '\n',
}


@pytest.fixture
def read_bank(bank):
    """Return a function that returns all objects of the bank by key."""
    return lambda: {key: bank.get_object(key) for key in bank.list_objects()}


@pytest.fixture(params=ATTACKS.values(), ids=ATTACKS)
def attack(request, protect, checkpoint, resource, build_resource):
    """A resource in the plan of a project that attacks another project."""
    protect()
    return build_resource(request.param(checkpoint, resource))


@pytest.fixture
def run(make_plugin, new_checkpoint, build_resource, context, fake_trove,
        restore, verify):
    """Return a function that runs the hooks of an operation on resources."""
    checkpoint = new_checkpoint()

    def run(name, *resources):
        checkpoint.resource_graph = graph.build_graph(
            list(resources), lambda node: [])
        operation = getattr(make_plugin(poll_interval=1),
                            'get_%s_operation' % name)(resources[0])
        arguments = dict(
            checkpoint=checkpoint, resource=resources[0], context=context,
            parameters={}, operation_log=None, new_resources={},
            restore=restore, verify=verify)
        operation.on_prepare_begin(**arguments)
        operation.on_main(**arguments)
    run.checkpoint = checkpoint
    return run


def test_protect_of_an_id_that_is_no_uuid_is_refused_without_any_access(
        attack, run, read_bank, fake_trove):
    before, requests = read_bank(), len(fake_trove.requests)
    with pytest.raises(exception.CreateResourceFailed,
                       match='is not the id of a database instance'):
        run('protect', attack)
    assert read_bank() == before
    assert len(fake_trove.requests) == requests


def test_delete_of_an_id_that_is_no_uuid_succeeds_without_any_access(
        attack, run, read_bank, fake_trove):
    before, requests = read_bank(), len(fake_trove.requests)
    run('delete', attack)
    assert read_bank() == before
    assert len(fake_trove.requests) == requests


@pytest.mark.parametrize('name, failure', [
    ('restore', exception.RestoreResourceFailed),
    ('verify', exception.VerifyResourceFailed)])
def test_restore_or_verify_of_an_id_that_is_no_uuid_is_refused(
        attack, run, read_bank, fake_trove, name, failure, request):
    before, requests = read_bank(), len(fake_trove.requests)
    with pytest.raises(failure):
        run(name, attack)
    assert read_bank() == before
    assert len(fake_trove.requests) == requests
    [reason] = request.getfixturevalue(name).resources_reason.values()
    assert 'is not the id of a database instance' in reason


@pytest.mark.parametrize('name', ['protect', 'restore', 'verify'])
def test_sibling_whose_id_is_no_uuid_refuses_the_whole_flow(
        attack, run, read_bank, fake_trove, name, build_resource):
    sibling = build_resource(fake_trove.add_instance())
    before = read_bank()
    with pytest.raises(exception.KarborException) as caught:
        run(name, sibling, attack)
    assert 'another database of this' in str(caught.value)
    after = read_bank()
    assert {key: after[key] for key in before} == before
    assert all('/%s/resource-data/%s/' % (run.checkpoint.id, sibling.id)
               in key for key in set(after) - set(before))


def test_delete_beside_a_sibling_whose_id_is_no_uuid_deletes(
        attack, run, read_bank, fake_trove, build_resource):
    sibling = build_resource(fake_trove.add_instance())
    run('protect', sibling)
    assert len(fake_trove.backups) == 2
    run('delete', sibling, attack)
    assert len(fake_trove.backups) == 1


def test_delete_ignores_a_journal_entry_that_names_another_project(
        protect, delete, journal, checkpoint, fake_trove, section):
    protect()
    entry = journal.read(checkpoint.id)
    foreign_id = fake_trove.add_backup(entry.instance_id)
    journal.write(dataclasses.replace(
        entry, project_id='f' * 32, backup_id=foreign_id))
    delete()
    assert set(fake_trove.backups) == {foreign_id}
    assert section.get_object('status') == 'deleted'


@pytest.fixture
def verify_as(plugin, protect, checkpoint, resource, verify):
    """Return a function that verifies a checkpoint as a certain user."""
    protect()

    def run(context):
        operation = plugin.get_verify_operation(resource)
        for hook in operation.on_prepare_begin, operation.on_main:
            hook(checkpoint=checkpoint, resource=resource, context=context,
                 parameters={}, verify=verify, operation_log=None)
    return run


def test_verification_by_a_user_of_another_project_leaves_no_result(
        verify_as, verify, read_bank, fake_trove):
    before, requests = read_bank(), len(fake_trove.requests)
    with pytest.raises(exception.VerifyResourceFailed):
        verify_as(fixtures.request_context('f' * 32))
    assert read_bank() == before
    assert len(fake_trove.requests) == requests
    [reason] = verify.resources_reason.values()
    assert 'belongs to another project' in reason


def test_administrator_of_another_project_may_verify(
        verify_as, checkpoint, context, verify):
    context.is_admin = True
    checkpoint._md_cache['project_id'] = 'f' * 32
    verify_as(context)
    assert [*verify.resources_status.values()] == ['available']
