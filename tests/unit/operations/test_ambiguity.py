"""What is not certain is not acted on: other projects, doubt, torn files."""

from karbor import exception
import pytest
import requests

from karbor_trove.backups import chain
from karbor_trove.backups import create
from karbor_trove.bank import backup_journal
from karbor_trove.bank import restore_journal
from karbor_trove.trove import connect
from tests.fake_trove import fixtures
from tests.unit.backups import test_adoption as adoption

add_matching_backup = adoption.add_matching_backup
OTHER = '00000000000040008000000000000000'


@pytest.fixture
def foreign():
    """A request of somebody with a token of another project."""
    return fixtures.request_context(OTHER)


@pytest.fixture
def backup(protect, fake_trove):
    protect()
    [id_] = fake_trove.backups
    return id_


def test_who_does_not_see_a_backup_does_not_take_it_for_gone(
        backup, plugin, checkpoint, resource, foreign, fake_trove, journal,
        delete):
    plugin.get_delete_operation(resource).on_main(
        checkpoint, resource, foreign, {})
    assert set(fake_trove.backups) == {backup}
    [entry] = journal.list_entries()
    assert 'the backup is in project %s' % entry.project_id in entry.reason
    delete()
    assert not fake_trove.backups and not journal.list_entries()


def test_nor_does_a_sweep_of_another_project(
        backup, plugin, checkpoint, resource, foreign, fake_trove, journal,
        delete, new_checkpoint):
    child = fake_trove.add_backup(resource.id, parent_id=backup)
    delete()
    del fake_trove.backups[child]
    plugin.get_delete_operation(resource).on_main(
        new_checkpoint(), resource, foreign, {})
    assert set(fake_trove.backups) == {backup} and journal.list_entries()


def test_where_several_fitted_none_is_taken_when_the_others_have_gone(
        protect, delete, fake_trove, journal, add_matching_backup):
    adoption.protect_with_lost_request(protect, fake_trove, **adoption.PARAMETERS)
    ours, users = add_matching_backup(), add_matching_backup()
    delete()
    assert 'several' in journal.list_entries()[0].reason
    del fake_trove.backups[ours]
    delete()
    assert set(fake_trove.backups) == {users}
    assert 'several' in journal.list_entries()[0].reason


def test_so_it_is_where_a_protect_found_several(
        protect, delete, fake_trove, journal, add_matching_backup):
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    before = fake_trove.clock.sleep

    def sleep(seconds):
        if len(fake_trove.backups) == 1:
            add_matching_backup()
        before(seconds)

    fake_trove.fail('GET', '/backups', 503)
    fake_trove.clock.sleep = sleep
    with pytest.raises(exception.CreateResourceFailed, match='several'):
        protect(**adoption.PARAMETERS)
    assert journal.list_entries()[0].is_ambiguous
    fake_trove.backups.popitem()
    delete()
    assert len(fake_trove.backups) == 1


@pytest.mark.parametrize('path, method', [('/swift/*', '*'),
                                          ('/backups/*', 'DELETE')])
def test_a_child_that_comes_while_something_is_away_is_seen(
        backup, delete, fake_trove, journal, resource, clock, monkeypatch,
        path, method):
    children = []
    sleep = clock.sleep

    def back_up(seconds):
        if not children:
            children.append(fake_trove.add_backup(resource.id,
                                                  parent_id=backup))
        sleep(seconds)

    fake_trove.fail(method, path, 503, times=2)
    monkeypatch.setattr(clock, 'sleep', back_up)
    delete()
    assert set(fake_trove.backups) == {backup, *children}
    assert journal.list_entries()[0].reason == 'the backup has children: %s' % (
        children[0])


def test_a_trove_that_goes_away_after_a_deletion_is_waited_for_a_minute(
        backup, delete, fake_trove, journal, clock):
    fake_trove.next_delete(seconds=None)
    fake_trove.fail('GET', '/backups/*', 503, times=None)
    began = clock.now()
    delete()
    assert clock.now() - began == pytest.approx(60)
    assert 'is not deleted yet: given up after 60 s' in journal.list_entries()[0].reason


def test_a_parent_that_went_while_it_was_claimed_is_none(
        backup, fake_trove, journal, context, resource, monkeypatch):
    gateway = connect.connect(context)
    [parent] = journal.list_entries()
    write = journal.write

    def slowly(entry):
        write(entry)
        journal.delete(parent.checkpoint_id)

    monkeypatch.setattr(journal, 'write', slowly)
    made = create.reserve_parent(
        gateway, journal, backup_journal.BackupEntry(resource.id, 'the-new-one'),
        gateway.list_backups(), 7)
    assert made.parent_id is None
    assert journal.read('the-new-one').parent_id is None


def test_without_a_parent_nothing_is_read_twice(
        fake_trove, journal, context, resource):
    nothing: chain.Backups = {}
    made = create.reserve_parent(
        connect.connect(context),
        journal,
        backup_journal.BackupEntry(
            resource.id,
            'the-new-one'),
        nothing,
        7)
    assert made.parent_id is None


def test_the_note_of_a_restore_stays_until_the_record_has_the_instance(
        backup, do_restore, restore, bank, resource, monkeypatch):
    temporary_journal = restore_journal.RestoreJournal(bank, resource.id)
    seen = []
    save = restore.save
    monkeypatch.setattr(type(restore), 'save', lambda self: (
        save(), seen.append((dict(self.resources_status),
                             temporary_journal.list_keys()))))
    do_restore()
    assert seen[0][1] == [restore.id]
    assert list(seen[0][0].values()) == ['restoring']
    assert seen[-1][1] == temporary_journal.list_keys() == []


@pytest.mark.parametrize('words', ['tls alert', 'bad record mac'])
def test_tls_that_breaks_says_nothing_of_the_request(
        protect, fake_trove, journal, words):
    fake_trove.fail('POST', '/backups',
                    requests.exceptions.SSLError(words), after=True)
    protect()
    assert journal.list_entries()[0].backup_id in fake_trove.backups


def test_a_torn_entry_is_not_the_end_of_its_backup(
        backup, delete, fake_trove, journal, bank, resource, checkpoint):
    where = '/karbor-trove/%s/backups/%s' % (resource.id, checkpoint.id)
    child = fake_trove.add_backup(resource.id, parent_id=backup)
    delete()
    whole = bank.get_object(where)
    # As who was killed while it was written anew left it.
    bank.update_object(where + '.new', whole)
    bank.update_object(where, '{"checkpoint_id": "')
    [kept] = journal.list_entries()
    assert kept.checkpoint_id == checkpoint.id and kept.deleted_at
    del fake_trove.backups[child]
    delete()
    assert not fake_trove.backups
    assert not bank.list_objects(prefix='/karbor-trove/')
