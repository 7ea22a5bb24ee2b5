"""Tests of karbor-trove-manage checkpoint accept."""

import signal

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import instance_markers
from karbor_trove.bank import omissions
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove.bank import worker_process
from tests.fake_trove import karbor_records


@pytest.fixture
def resources(fake_trove, build_resource):
    return [build_resource(fake_trove.add_instance()) for _ in range(2)]


@pytest.fixture
def protect_both(plugin, checkpoint, context, resources):
    """Return a function that protects both databases.

    Karbor then sets the status of the checkpoint. The operation of the last
    database may fail.
    """
    def run(status='error', others=()):
        checkpoint.resource_graph = graph.build_graph(
            [*resources, *others], lambda node: [])
        for resource in resources:
            try:
                plugin.get_protect_operation(resource).on_main(
                    checkpoint, resource, context, {})
            except exception.CreateResourceFailed:
                assert resource is resources[-1]
        checkpoint.status = status
        checkpoint.commit()
        return checkpoint.id
    return run


@pytest.fixture
def section(checkpoint, resources):
    """The section of the second database."""
    return checkpoint.get_resource_bank_section(resources[1].id)


@pytest.fixture
def end_token(fake_trove, clock):
    """Let the token of the user end while the second backup is created."""
    fake_trove.next_backup('COMPLETED', 1)
    fake_trove.next_backup('COMPLETED', 600)
    fake_trove.timeline.after(
        60, lambda at: fake_trove.fail('GET', '/backups/*', 401, times=None))


@pytest.fixture
def failed(protect_both, fake_trove, section, clock, end_token):
    """The id of a checkpoint that failed before its backup was complete."""
    id_ = protect_both()
    assert section.get_object('status') == 'error'
    fake_trove.heal()
    clock.sleep(600)
    return id_


def test_checkpoint_with_complete_backups_becomes_available(
        manage, failed, status, resources, fake_trove, section, plugin,
        checkpoint, context):
    backups = {backup['instance_id']: backup['id']
               for backup in fake_trove.backups.values()}
    assert manage('checkpoint', 'accept', failed) == [
        {'checkpoint': failed, 'status': 'available',
         'instance': resource.id, 'backup': backups[resource.id],
         'outcome': 'complete'} for resource in resources]
    assert status() == 'available'
    assert section.get_object('status') == 'available'
    assert section.get_object('metadata')['backup_size'] == 0.1
    assert resource_status.read_failure_reason(section) is None
    restore = karbor_records.new(karbor_records.Restore, context, failed)
    new_resources = {}
    for resource in resources:
        plugin.get_restore_operation(resource).on_main(
            checkpoint=checkpoint, resource=resource, context=context,
            parameters={}, restore=restore, new_resources=new_resources)
    assert new_resources.keys() == {resource.id for resource in resources}


@pytest.mark.parametrize('backup_status', ['FAILED', 'BUILDING'])
def test_checkpoint_with_an_incomplete_backup_is_not_accepted(
        manage, failed, status, resources, fake_trove, backup_status):
    [backup] = [backup for backup in fake_trove.backups.values()
                if backup['instance_id'] == resources[1].id]
    backup['status'] = backup_status
    message = manage('checkpoint', 'accept', failed, expect=1)
    assert 'checkpoint %s is not accepted: instance %s: backup %s' % (
        failed, resources[1].id, backup['id']) in message
    assert backup_status in message
    assert status() == 'error'


def test_checkpoint_is_accepted_without_a_database(
        manage, failed, status, resources, fake_trove, section, plugin,
        checkpoint, context):
    [backup] = [backup for backup in fake_trove.backups.values()
                if backup['instance_id'] == resources[1].id]
    backup['status'] = 'FAILED'
    rows = manage('checkpoint', 'accept', failed, '--without',
                  resources[1].id)
    assert [row['outcome'] for row in rows] == ['complete', 'left out']
    assert status() == 'available'
    assert section.get_object('status') == 'error'
    assert 'the operator accepted the checkpoint without this instance' in (
        omissions.find_left_out_reason(section, resources[1].id))
    # The failed backup is deleted with the checkpoint.
    for resource in resources:
        plugin.get_delete_operation(resource).on_main(
            checkpoint, resource, context, {})
    assert not fake_trove.backups
    assert set(section.list_objects()) == {'status', 'worker'}


@pytest.mark.parametrize('writes', [0, 3, 6])
def test_acceptance_is_completed_if_it_is_interrupted(
        run_interrupted, failed, status, resources, section, writes):
    assert run_interrupted(
        signal.SIGINT, writes, 'checkpoint', 'accept', failed, '--without',
        resources[1].id) > 6
    assert status() == 'available'
    assert omissions.read(section, resources[1].id)


def test_marker_that_an_interrupted_deletion_deleted_is_written_again(
        manage, protect_both, section, resources, bank):
    id_ = protect_both()
    record.delete(section)
    omissions.write(section, omissions.Omission(
        resources[1].id, id_, '2026-01-01T00:00:00', 'it was in ERROR'))
    omissions.delete_markers(bank, resources[1].id, id_)
    rows = manage('checkpoint', 'accept', id_)
    assert [row['outcome'] for row in rows] == ['complete', 'left out']
    [marker] = instance_markers.MarkerStore(
        bank, resources[1].id).list_markers().omission_markers
    assert marker.checkpoint_id == id_


def test_checkpoint_without_any_database_is_not_accepted(
        manage, failed, status, resources):
    assert 'no database of it has a backup' in manage(
        'checkpoint', 'accept', failed, '--without', resources[0].id,
        '--without', resources[1].id, expect=1)
    assert status() == 'error'


def test_database_of_another_checkpoint_is_refused(manage, failed, status):
    assert 'it has no database instance x' in manage(
        'checkpoint', 'accept', failed, '--without', 'x', expect=1)
    assert status() == 'error'


def test_backup_that_trove_does_not_have_is_named(
        manage, failed, status, fake_trove):
    [*ids] = fake_trove.backups
    fake_trove.backups.clear()
    message = manage('checkpoint', 'accept', failed, expect=1)
    for id_ in ids:
        assert 'backup %s was not found' % id_ in message
    assert status() == 'error'


def test_database_without_a_backup_has_its_reason(
        manage, protect_both, status, fake_trove, resources):
    fake_trove.instances[resources[1].id].update(status='ERROR')
    message = manage('checkpoint', 'accept', protect_both(), expect=1)
    assert 'instance %s: no backup is known' % resources[1].id in message
    assert 'has the status ERROR' in message


@pytest.mark.parametrize('was', ['available', 'deleting', 'deleted',
                                 'error-deleting'])
def test_other_statuses_are_not_accepted(manage, protect_both, status, was):
    assert 'it is %s' % was in manage(
        'checkpoint', 'accept', protect_both(was), expect=1)
    assert status() == was


def test_checkpoint_whose_operation_may_run_is_not_accepted(
        manage, protect_both, status, section):
    id_ = protect_both('protecting')
    section.update_object('worker', worker_process.current())
    assert 'may still work on it' in manage(
        'checkpoint', 'accept', id_, expect=1)
    assert status() == 'protecting'


def test_failed_checkpoint_with_a_database_in_work_is_not_accepted(
        manage, protect_both, status, section):
    id_ = protect_both()
    section.update_object('worker', worker_process.current())
    section.update_object('status', 'protecting')
    assert 'may still work on resource' in manage(
        'checkpoint', 'accept', id_, expect=1)
    assert status() == 'error'


def test_checkpoint_of_a_killed_process_is_accepted(
        manage, protect_both, status, section):
    id_ = protect_both('protecting')
    section.update_object('worker',
                          dict(worker_process.current(), started='0'))
    section.update_object('status', 'protecting')
    manage('checkpoint', 'accept', id_)
    assert status() == 'available'
    assert section.get_object('status') == 'available'


def test_failed_resource_of_another_type_is_named(
        manage, protect_both, status, checkpoint):
    id_ = protect_both(others=[karbor_resource.Resource(
        'OS::Cinder::Volume', 'volume', 'data')])
    section = checkpoint.get_resource_bank_section('volume')
    section.update_object('status', 'error')
    assert 'resource volume of type OS::Cinder::Volume is error' in manage(
        'checkpoint', 'accept', id_, expect=1)
    section.update_object('status', 'available')
    manage('checkpoint', 'accept', id_)
    assert status() == 'available'


def test_checkpoint_whose_deletion_has_begun_is_not_accepted(
        manage, protect_both, status, plugin, checkpoint, context, resources,
        fake_trove):
    id_ = protect_both()
    [backup] = [backup for backup in fake_trove.backups.values()
                if backup['instance_id'] == resources[0].id]
    fake_trove.add_backup(resources[0].id, parent_id=backup['id'])
    plugin.get_delete_operation(resources[0]).on_main(
        checkpoint, resources[0], context, {})
    assert 'the deletion of backup %s has begun' % backup['id'] in manage(
        'checkpoint', 'accept', id_, expect=1)
    assert status() == 'error'


def test_checkpoint_whose_deletion_begins_meanwhile_stays_deleted(
        manage, failed, status, plugin, checkpoint, context, resources,
        fake_trove, config_file, tmp_path):
    provider_file = tmp_path / 'providers.d' / 'databases.conf'
    provider_file.write_text(provider_file.read_text()
                             + 'verify_level = data\n')
    [backup] = [backup for backup in fake_trove.backups.values()
                if backup['instance_id'] == resources[1].id]
    # Its deletion is deferred.
    fake_trove.add_backup(resources[1].id, parent_id=backup['id'])
    serve = fake_trove.objects._serve

    def delete(request, response):
        fake_trove.objects._serve = serve
        checkpoint.status = 'deleting'
        checkpoint.commit()
        plugin.get_delete_operation(resources[1]).on_main(
            checkpoint, resources[1], context, {})
        return serve(request, response)

    # The deletion begins when the first manifest is read.
    fake_trove.objects._serve = delete
    fake_trove.attach(fake_trove.mocker)
    assert 'it has changed since it was read' in manage(
        'checkpoint', 'accept', failed, expect=1)
    assert status() == 'deleting'
    entry = backup_journal.BackupJournal(
        checkpoint.get_resource_bank_section(resources[1].id).bank,
        resources[1].id).read(failed)
    assert entry.deleted_at is not None
