"""What deleting a checkpoint leaves in Trove and in the bank."""

from karbor import exception
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import status as bank_status_
from karbor_trove import errors


@pytest.fixture
def backup(protect, fake_trove):
    """The state of the checkpoint's backup in Trove."""
    protect()
    [made] = fake_trove.backups.values()
    return made


def test_the_backup_goes_and_only_it(backup, delete, fake_trove, section,
                                     journal):
    other = fake_trove.add_backup(backup['instance_id'])
    delete()
    assert set(fake_trove.backups) == {other}
    assert set(section.list_objects()) == {'status', 'worker'}
    assert section.get_object('status') == 'deleted'
    assert not journal.list_entries()


def test_it_waits_until_the_backup_is_gone(backup, delete, fake_trove, clock):
    fake_trove.delete_seconds = 300
    began = clock.now()
    delete()
    assert clock.now() - began >= 300


def test_gone_already_is_success(backup, delete, fake_trove, section):
    fake_trove.backups.clear()
    delete()
    assert section.get_object('status') == 'deleted'


def test_a_second_delete_is_success(backup, delete, section):
    delete()
    delete()
    assert section.get_object('status') == 'deleted'


def test_a_checkpoint_that_never_had_a_backup_is_deleted(
        delete, section, fake_trove):
    delete()
    assert section.get_object('status') == 'deleted'
    assert not fake_trove.requests


def test_a_failed_protect_is_deleted_with_its_backup(
        protect, delete, fake_trove, section):
    fake_trove.next_backup('FAILED')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    delete()
    assert not fake_trove.backups
    assert section.get_object('status') == 'deleted'


def test_the_bank_says_so_while_it_takes_place(
        backup, delete, section, clock, monkeypatch):
    seen = []
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds: (
        seen.append((section.get_object('status'),
                     section.get_object('metadata')['backup_id'])),
        sleep(seconds)))
    delete()
    assert set(seen) == {('deleting', backup['id'])}


@pytest.fixture
def put_off(delete, section, journal):
    """Deletes with success, although it cannot be done; gives the reason."""
    def run():
        delete()
        assert section.get_object('status') == 'deleted'
        [entry] = journal.list_entries()
        assert entry.deleted_at
        return entry.reason
    return run


def test_a_deletion_that_fails_in_trove_is_put_off(
        backup, put_off, fake_trove):
    fake_trove.next_delete('DELETE_FAILED', seconds=3)
    assert put_off() == 'Trove could not delete backup %s' % backup['id']


def test_an_earlier_failure_does_not_fail_a_new_deletion(
        backup, delete, fake_trove):
    backup['status'] = 'DELETE_FAILED'
    fake_trove.delete_seconds = 60
    delete()
    assert not fake_trove.backups


def test_a_deletion_that_never_ends_is_put_off(
        backup, make_plugin, checkpoint, resource, context, fake_trove,
        journal, clock):
    fake_trove.next_delete(seconds=None)
    began = clock.now()
    make_plugin(delete_timeout=120).get_delete_operation(
        resource).on_main(checkpoint, resource, context, {})
    assert clock.now() - began == pytest.approx(120)
    assert 'not gone: given up after 120 s' in journal.list_entries()[0].reason


def test_a_refusal_is_put_off_with_troves_words(backup, put_off, fake_trove):
    fake_trove.forbid()
    assert 'HTTP 403' in put_off()


@pytest.mark.parametrize('trouble', ['refused', 'timeout', 500, 503,
                                     'broken'])
def test_a_trove_that_is_away_is_waited_for_a_minute(
        backup, put_off, fake_trove, clock, trouble):
    fake_trove.fail('*', '/backups*', trouble, times=None)
    began = clock.now()
    assert 'Trove is away' in put_off()
    assert clock.now() - began == pytest.approx(60)


def test_a_swift_that_is_away_leaves_the_backup_known_to_trove(
        backup, put_off, fake_trove, clock):
    fake_trove.fail('*', '/swift/*', 503, times=None)
    began = clock.now()
    assert 'could not be deleted' in put_off()
    assert clock.now() - began == pytest.approx(60)
    assert list(fake_trove.backups) == [backup['id']]
    assert not fake_trove.find_requests('DELETE')


@pytest.mark.parametrize('code', [401, 403, 413])
def test_a_swift_that_refuses_leaves_the_backup_known_to_trove(
        backup, put_off, fake_trove, code):
    fake_trove.keeps_objects = True
    fake_trove.fail('*', '/swift/*', code, times=None)
    assert 'reading http' in put_off()
    assert list(fake_trove.backups) == [backup['id']]
    assert not fake_trove.find_requests('DELETE')


def test_an_object_that_swift_refuses_to_show_is_not_forgotten(
        backup, put_off, delete, fake_trove):
    fake_trove.keeps_objects = True
    # Trove's own backup goes in between.
    fake_trove.fail('DELETE', '/swift/*', 403, times=None)
    assert 'deleting http' in put_off()
    assert not fake_trove.backups
    fake_trove.heal()
    delete()
    assert not fake_trove.objects.list_urls()


def test_an_object_that_trove_left_is_removed(backup, delete, fake_trove):
    fake_trove.keeps_objects = True
    delete()
    assert not fake_trove.backups
    assert not fake_trove.objects.list_urls()


def test_an_object_that_trove_left_and_swift_keeps_is_put_off(
        backup, put_off, delete, fake_trove):
    fake_trove.keeps_objects = True
    fake_trove.fail('DELETE', '/swift/*', 503, times=None)
    assert 'Swift is unavailable' in put_off()
    fake_trove.heal()
    delete()
    assert not fake_trove.objects.list_urls()


@pytest.mark.parametrize('status', ['NEW', 'BUILDING', 'SAVING'])
def test_a_running_backup_is_put_off_at_once(
        backup, put_off, fake_trove, clock, status):
    backup['status'] = status
    began = clock.now()
    assert put_off() == 'the backup is %s' % status
    assert clock.now() == began
    assert not fake_trove.find_requests('DELETE')


@pytest.mark.parametrize('status', ['COMPLETED', 'BUILDING', 'FAILED'])
def test_a_parent_of_anybodys_backup_is_put_off_at_once(
        backup, put_off, fake_trove, clock, status):
    child = fake_trove.add_backup(backup['instance_id'], status,
                                  parent_id=backup['id'])
    began = clock.now()
    assert put_off() == 'the backup has children: %s' % child
    assert clock.now() == began
    assert set(fake_trove.backups) == {backup['id'], child}


def test_a_parent_of_a_backup_of_another_instance_is_put_off(
        backup, put_off, fake_trove):
    child = fake_trove.add_backup(fake_trove.add_instance(),
                                  parent_id=backup['id'])
    assert put_off() == 'the backup has children: %s' % child


def test_what_the_in_tree_plugin_wrote_is_deleted(
        delete, fake_trove, section, resource, journal):
    backup_id = fake_trove.add_backup(resource.id)
    section.update_object('metadata', {
        'instance_id': resource.id, 'backup_id': backup_id, 'size': 1,
        'flavor': {'id': '1'},
        'datastore': {'type': 'postgresql', 'version': '18'}})
    delete()
    assert not fake_trove.backups
    assert not journal.list_entries()


@pytest.mark.parametrize('torn', ['', '{"instance_id": "'])
def test_a_torn_object_is_gone_round(backup, delete, fake_trove, section,
                                     bank, journal, checkpoint, torn):
    section.update_object('metadata', torn)
    delete()
    assert not fake_trove.backups


@pytest.mark.parametrize('torn', ['', '{"checkpoint_id": "'])
def test_so_is_the_other(backup, delete, fake_trove, bank, resource,
                         checkpoint, torn):
    bank.update_object('/karbor-trove/%s/backups/%s' % (
        resource.id, checkpoint.id), torn)
    delete()
    assert not fake_trove.backups


def test_what_a_later_release_wrote_is_not_guessed_at(
        backup, delete, fake_trove, section):
    section.update_object('metadata', dict(section.get_object('metadata'),
                                           record_version=2))
    with pytest.raises(exception.DeleteResourceFailed, match='version 2'):
        delete()
    assert section.get_object('status') == 'error'
    assert 'version 2' in bank_status_.read_failure_reason(section)
    assert not fake_trove.find_requests('DELETE')


@pytest.mark.parametrize('after', [False, True])
@pytest.mark.parametrize('trouble', ['reset', 'timeout', 503])
def test_requests_that_fail_in_passing_are_repeated(
        backup, delete, fake_trove, trouble, after):
    fake_trove.fail('DELETE', '/backups/*', trouble, times=3, after=after)
    fake_trove.fail('GET', '/backups/*', trouble, times=2)
    delete()
    assert not fake_trove.backups


@pytest.fixture
def refused(protect, fake_trove):
    """A backup that Trove does not delete."""
    protect()
    fake_trove.fail('DELETE', '/backups/*', 403, times=None)


def test_a_reason_that_cannot_be_noted_fails_no_deletion(
        refused, delete, journal, monkeypatch):
    def fail(self, entry):
        if entry.reason:
            raise errors.BankError('disc')
        write(self, entry)

    write = backup_journal.BackupJournal.write
    monkeypatch.setattr(backup_journal.BackupJournal, 'write', fail)
    delete()
    [entry] = journal.list_entries()
    assert entry.deleted_at and not entry.reason


def test_a_bank_that_fails_then_hides_no_reason(
        refused, delete, journal, fake_trove, monkeypatch):
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
