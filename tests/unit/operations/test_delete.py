"""State of Trove and the bank after a delete."""

import dataclasses
import logging

from karbor import exception
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove import errors
from karbor_trove.trove import models
from tests.fake_trove import fixtures
from tests.fake_trove import serialization


@pytest.fixture
def backup(protect, fake_trove):
    """The backup of the checkpoint, as the fake Trove stores it."""
    protect()
    [backup] = fake_trove.backups.values()
    return backup


def test_delete_removes_only_the_backup_of_the_checkpoint(
        backup, delete, fake_trove, section, journal):
    other = fake_trove.add_backup(backup['instance_id'])
    delete()
    assert set(fake_trove.backups) == {other}
    assert set(section.list_objects()) == {'status', 'worker'}
    assert section.get_object('status') == 'deleted'
    assert not journal.list_entries()


def test_delete_waits_until_the_backup_is_deleted(
        backup, delete, fake_trove, clock):
    fake_trove.delete_seconds = 300
    start_time = clock.now()
    delete()
    assert clock.now() - start_time >= 300


def test_delete_succeeds_when_the_backup_does_not_exist(
        backup, delete, fake_trove, section):
    fake_trove.backups.clear()
    delete()
    assert section.get_object('status') == 'deleted'


def test_second_delete_succeeds(backup, delete, section):
    delete()
    delete()
    assert section.get_object('status') == 'deleted'


def test_delete_without_a_backup_sends_no_request(delete, section, fake_trove):
    delete()
    assert section.get_object('status') == 'deleted'
    assert not fake_trove.requests


def test_delete_after_a_failed_protect_deletes_the_backup(
        protect, delete, fake_trove, section):
    fake_trove.next_backup('FAILED')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    delete()
    assert not fake_trove.backups
    assert section.get_object('status') == 'deleted'


def test_bank_has_status_and_record_during_a_delete(
        backup, delete, section, clock, monkeypatch):
    states = []
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds, *_: (
        states.append((section.get_object('status'),
                       section.get_object('metadata')['backup_id'])),
        sleep(seconds)))
    delete()
    assert set(states) == {('deleting', backup['id'])}


@pytest.fixture
def defer_delete(delete, section, journal):
    """Return a function that runs a delete which defers the deletion.

    It returns the reason in the backup journal.
    """
    def run():
        delete()
        assert section.get_object('status') == 'deleted'
        [entry] = journal.list_entries()
        assert entry.deleted_at
        return entry.reason
    return run


def test_deletion_is_deferred_when_it_fails_in_trove(
        backup, defer_delete, fake_trove):
    fake_trove.next_delete('DELETE_FAILED', seconds=3)
    assert defer_delete() == 'Trove could not delete backup %s' % backup['id']


def test_delete_succeeds_after_an_earlier_failure_in_trove(
        backup, delete, fake_trove):
    backup['status'] = 'DELETE_FAILED'
    fake_trove.delete_seconds = 60
    delete()
    assert not fake_trove.backups


def test_deletion_is_deferred_after_delete_timeout(
        backup, make_plugin, checkpoint, resource, context, fake_trove,
        journal, clock):
    fake_trove.next_delete(seconds=None)
    start_time = clock.now()
    make_plugin(delete_timeout=120).get_delete_operation(
        resource).on_main(checkpoint, resource, context, {})
    assert clock.now() - start_time == pytest.approx(120)
    assert 'given up after 120 s (the last status is COMPLETED)' in (
        journal.list_entries()[0].reason)


def test_deletion_is_deferred_with_the_error_when_trove_rejects_it(
        backup, defer_delete, fake_trove):
    fake_trove.forbid()
    assert 'HTTP 403' in defer_delete()


@pytest.mark.parametrize('fault', ['refused', 'timeout', 500, 503,
                                   'broken'])
def test_deletion_is_deferred_after_60_s_trove_outage(
        backup, defer_delete, fake_trove, clock, fault):
    fake_trove.fail('*', '/backups*', fault, times=None)
    start_time = clock.now()
    assert 'could not be listed' in defer_delete()
    assert clock.now() - start_time == pytest.approx(60)


def test_deletion_is_deferred_after_60_s_swift_outage(
        backup, defer_delete, fake_trove, clock):
    fake_trove.fail('*', '/swift/*', 503, times=None)
    start_time = clock.now()
    assert 'could not be deleted' in defer_delete()
    assert clock.now() - start_time == pytest.approx(60)
    assert list(fake_trove.backups) == [backup['id']]
    assert not fake_trove.find_requests('DELETE')


@pytest.mark.parametrize('code', [401, 403, 413])
def test_deletion_is_deferred_when_swift_rejects_reading(
        backup, defer_delete, fake_trove, code):
    fake_trove.keeps_objects = True
    fake_trove.fail('*', '/swift/*', code, times=None)
    assert 'reading http' in defer_delete()
    assert list(fake_trove.backups) == [backup['id']]
    assert not fake_trove.find_requests('DELETE')


def test_object_is_deleted_later_when_swift_rejects_its_deletion(
        backup, defer_delete, delete, fake_trove):
    fake_trove.keeps_objects = True
    # Trove deletes the backup in the meantime.
    fake_trove.fail('DELETE', '/swift/*', 403, times=None)
    assert 'deleting http' in defer_delete()
    assert not fake_trove.backups
    fake_trove.heal()
    delete()
    assert not fake_trove.objects.list_urls()


def test_delete_removes_an_object_that_trove_left(backup, delete, fake_trove):
    fake_trove.keeps_objects = True
    delete()
    assert not fake_trove.backups
    assert not fake_trove.objects.list_urls()


def test_delete_removes_the_object_of_a_backup_that_trove_has_no_more(
        backup, delete, fake_trove):
    fake_trove.leftover_objects.add(serialization.location(backup))
    fake_trove.backups.clear()
    delete()
    assert not fake_trove.objects.list_urls()


def test_deletion_of_a_left_object_is_deferred_during_swift_outage(
        backup, defer_delete, delete, fake_trove):
    fake_trove.keeps_objects = True
    fake_trove.fail('DELETE', '/swift/*', 503, times=None)
    assert 'Swift is unavailable' in defer_delete()
    fake_trove.heal()
    delete()
    assert not fake_trove.objects.list_urls()


@pytest.mark.parametrize('status', ['NEW', 'BUILDING', 'SAVING'])
def test_deletion_of_a_running_backup_is_deferred_at_once(
        backup, defer_delete, fake_trove, clock, status):
    backup['status'] = status
    start_time = clock.now()
    assert defer_delete() == 'the backup is %s' % status
    assert clock.now() == start_time
    assert not fake_trove.find_requests('DELETE')


@pytest.mark.parametrize('status', ['COMPLETED', 'BUILDING', 'FAILED'])
def test_deletion_of_a_parent_is_deferred_at_once(
        backup, defer_delete, fake_trove, clock, status):
    child = fake_trove.add_backup(backup['instance_id'], status,
                                  parent_id=backup['id'])
    start_time = clock.now()
    assert defer_delete() == 'the backup has children: %s' % child
    assert clock.now() == start_time
    assert set(fake_trove.backups) == {backup['id'], child}


def test_deletion_of_a_parent_of_another_instances_backup_is_deferred(
        backup, defer_delete, fake_trove):
    child = fake_trove.add_backup(fake_trove.add_instance(),
                                  parent_id=backup['id'])
    assert defer_delete() == 'the backup has children: %s' % child


def test_delete_reads_the_record_of_the_in_tree_plugin(
        delete, fake_trove, section, resource, journal):
    backup_id = fake_trove.add_backup(resource.id)
    section.update_object('metadata', {
        'instance_id': resource.id, 'backup_id': backup_id, 'size': 1,
        'flavor': {'id': '1'},
        'datastore': {'type': 'postgresql', 'version': '18'}})
    delete()
    assert not fake_trove.backups
    assert not journal.list_entries()


@pytest.mark.parametrize('content', ['', '{"instance_id": "'])
def test_delete_uses_the_journal_when_the_record_is_corrupt(
        backup, delete, fake_trove, section, content):
    section.update_object('metadata', content)
    delete()
    assert not fake_trove.backups


@pytest.mark.parametrize('content', ['', '{"checkpoint_id": "'])
def test_delete_uses_the_record_when_the_journal_is_corrupt(
        backup, delete, fake_trove, bank, resource, checkpoint, content):
    bank.update_object('/karbor-trove/%s/backups/%s' % (
        resource.id, checkpoint.id), content)
    delete()
    assert not fake_trove.backups


PARAMETERS = {'backup_name': 'nightly', 'description': 'of the night'}


@pytest.fixture
def recorded_only(protect, fake_trove, resource, journal, clock):
    """A backup whose id has only the record, and a user's similar backup.

    The worker process ended between the two writes.
    """
    protect(**PARAMETERS)
    [entry] = journal.list_entries()
    journal.write(dataclasses.replace(entry, backup_id=None, location=None,
                                      is_complete=False))
    clock.sleep(60)
    users_backup = fake_trove.add_backup(resource.id, name='nightly',
                                         description='of the night')
    return entry.backup_id, users_backup


def test_delete_of_a_record_without_a_backup_leaves_nothing(
        delete, section, resource, journal, fake_trove):
    record.write(section, record.BackupRecord(models.Instance(resource.id)))
    delete()
    assert section.get_object('status') == 'deleted'
    assert not journal.list_keys() and not fake_trove.requests


def test_delete_of_an_intent_uses_the_id_in_the_record(
        recorded_only, delete, fake_trove, journal):
    recorded_id, users_backup = recorded_only
    delete()
    assert list(fake_trove.backups) == [users_backup]
    assert not journal.list_entries()


def test_delete_of_an_intent_whose_recorded_backup_is_gone_adopts_no_backup(
        recorded_only, delete, fake_trove, journal):
    recorded_id, users_backup = recorded_only
    del fake_trove.backups[recorded_id]
    delete()
    assert list(fake_trove.backups) == [users_backup]
    assert not journal.list_entries()


def test_deferred_deletion_of_an_intent_keeps_the_id_in_the_record(
        recorded_only, delete, fake_trove, journal):
    recorded_id, users_backup = recorded_only
    [entry] = journal.list_entries()
    journal.write(dataclasses.replace(entry,
                                      deleted_at='2026-01-01T00:00:00'))
    fake_trove.fail('*', '/backups*', 503, times=None)
    delete()
    assert journal.list_entries()[0].backup_id == recorded_id
    fake_trove.heal()
    delete()
    assert list(fake_trove.backups) == [users_backup]


def test_delete_fails_when_a_later_release_wrote_the_record(
        backup, delete, fake_trove, section):
    section.update_object('metadata', dict(section.get_object('metadata'),
                                           record_version=2))
    with pytest.raises(exception.DeleteResourceFailed, match='version 2'):
        delete()
    assert section.get_object('status') == 'error'
    assert 'version 2' in resource_status.read_failure_reason(section)
    assert not fake_trove.find_requests('DELETE')


def test_delete_fails_when_a_later_release_wrote_the_journal_entry(
        backup, delete, fake_trove, section, bank, resource, checkpoint):
    key = '/karbor-trove/%s/backups/%s' % (resource.id, checkpoint.id)
    bank.update_object(key, dict(bank.get_object(key), version=2))
    with pytest.raises(exception.DeleteResourceFailed, match='version 2'):
        delete()
    assert section.get_object('status') == 'error'
    assert section.get_object('metadata')['backup_id'] == backup['id']
    assert not fake_trove.find_requests('DELETE')


@pytest.mark.parametrize('after', [False, True])
@pytest.mark.parametrize('fault', ['reset', 'timeout', 503])
def test_delete_retries_requests_that_fail_briefly(
        backup, delete, fake_trove, fault, after):
    fake_trove.fail('DELETE', '/backups/*', fault, times=3, after=after)
    fake_trove.fail('GET', '/backups/*', fault, times=2)
    delete()
    assert not fake_trove.backups


def test_404_to_a_delete_request_does_not_show_that_the_backup_is_deleted(
        backup, defer_delete, fake_trove):
    fake_trove.keeps_objects = True
    fake_trove.fail('DELETE', '/backups/*', 404, times=None)
    assert 'is not deleted yet' in defer_delete()
    assert backup['id'] in fake_trove.backups
    assert not fake_trove.find_requests('DELETE', '/swift/*')


@pytest.fixture
def rejected_deletion(protect, fake_trove):
    """Create a backup that Trove does not delete."""
    protect()
    fake_trove.fail('DELETE', '/backups/*', 403, times=None)


def test_delete_succeeds_when_the_reason_cannot_be_stored(
        rejected_deletion, delete, journal, monkeypatch):
    def fail(self, entry):
        if entry.reason:
            raise errors.BankError('disc')
        write(self, entry)

    write = backup_journal.BackupJournal.write
    monkeypatch.setattr(backup_journal.BackupJournal, 'write', fail)
    delete()
    [entry] = journal.list_entries()
    assert entry.deleted_at and not entry.reason


def test_bank_error_does_not_hide_why_a_deletion_is_deferred(
        rejected_deletion, delete, journal, fake_trove, monkeypatch):
    def fail(self, checkpoint_id):
        if fake_trove.find_requests('DELETE', '/backups/*'):
            raise errors.BankError('disc')
        return read(self, checkpoint_id)

    read = backup_journal.BackupJournal.read
    with monkeypatch.context() as patch:
        patch.setattr(backup_journal.BackupJournal, 'read', fail)
        delete()
    [entry] = journal.list_entries()
    assert 'HTTP 403' in entry.reason


@pytest.mark.parametrize('path, method', [('/swift/*', '*'),
                                          ('/backups/*', 'DELETE')])
def test_child_that_is_created_during_an_outage_defers_the_deletion(
        backup, defer_delete, fake_trove, resource, clock, monkeypatch, path,
        method):
    children = []
    original_sleep = clock.sleep

    def sleep(seconds, *_):
        if not children:
            children.append(fake_trove.add_backup(resource.id,
                                                  parent_id=backup['id']))
        original_sleep(seconds)

    fake_trove.fail(method, path, 503, times=2)
    monkeypatch.setattr(clock, 'sleep', sleep)
    assert defer_delete() == 'the backup has children: %s' % children[0]
    assert set(fake_trove.backups) == {backup['id'], *children}


def test_deletion_is_deferred_when_trove_fails_for_60_s_after_the_request(
        backup, defer_delete, fake_trove, clock):
    fake_trove.next_delete(seconds=None)
    fake_trove.fail('GET', '/backups/*', 503, times=None)
    start_time = clock.now()
    assert 'is not deleted yet: given up after 60 s' in defer_delete()
    assert clock.now() - start_time == pytest.approx(61)


@pytest.fixture
def other_context():
    """A request whose token is for another project."""
    return fixtures.request_context('00000000000040008000000000000000')


def test_deletion_from_another_project_is_deferred(
        backup, plugin, checkpoint, resource, other_context, fake_trove,
        journal, delete):
    plugin.get_delete_operation(resource).on_main(
        checkpoint, resource, other_context, {})
    assert set(fake_trove.backups) == {backup['id']}
    [entry] = journal.list_entries()
    assert 'the backup is in project %s' % entry.project_id in entry.reason
    delete()
    assert not fake_trove.backups and not journal.list_entries()


def test_sweep_from_another_project_deletes_nothing(
        backup, plugin, resource, other_context, fake_trove, journal, delete,
        new_checkpoint):
    child = fake_trove.add_backup(resource.id, parent_id=backup['id'])
    delete()
    del fake_trove.backups[child]
    plugin.get_delete_operation(resource).on_main(
        new_checkpoint(), resource, other_context, {})
    assert set(fake_trove.backups) == {backup['id']}
    assert journal.list_entries()


@pytest.mark.parametrize('level', ['backup', 'data', 'restore'])
def test_no_operation_that_succeeds_logs_an_error(
        protect_at, verify_at, do_restore, delete, section, caplog, level):
    caplog.set_level(logging.WARNING)
    protect_at(level)
    verify_at(level)
    verify_at(level)
    do_restore()
    delete()
    assert section.get_object('status') == 'deleted'
    assert [record.getMessage() for record in caplog.records
            if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize('order', [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_no_deletion_in_a_chain_of_backups_logs_an_error(
        make_plugin, new_checkpoint, resource, context, fake_trove, caplog,
        order):
    plugin = make_plugin(poll_interval=1, verify_level='data')
    checkpoints = [new_checkpoint() for _ in order]
    for checkpoint in checkpoints:
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {'incremental': True})
    for index in order:
        plugin.get_delete_operation(resource).on_main(
            checkpoints[index], resource, context, {})
        checkpoints[index].delete()
    assert not fake_trove.backups
    assert [record.getMessage() for record in caplog.records
            if record.levelno >= logging.ERROR] == []


def test_delete_reads_swift_where_the_provider_file_says(
        fake_trove, make_plugin, protect, checkpoint, resource, context,
        section, other_swift):
    protect()
    fake_trove.keeps_objects = True
    make_plugin(poll_interval=1, swift_region_name='RegionTwo'
                ).get_delete_operation(resource).on_main(
        checkpoint, resource, context, {})
    assert not fake_trove.backups
    assert not fake_trove.objects.list_urls()
    assert section.get_object('status') == 'deleted'


def test_unknown_region_of_swift_stops_deletions_for_a_day_only(
        fake_trove, make_plugin, protect, checkpoint, new_checkpoint, resource,
        context, journal, clock):
    protect()
    plugin = make_plugin(poll_interval=1, swift_region_name='RegionTwo')
    operation = plugin.get_delete_operation(resource)
    operation.on_main(checkpoint, resource, context, {})
    [entry] = journal.list_entries()
    assert 'swift_region_name' in entry.reason
    assert fake_trove.backups
    clock.sleep(86400)
    plugin.get_delete_operation(resource).on_main(new_checkpoint(), resource,
                                                  context, {})
    assert not fake_trove.backups
