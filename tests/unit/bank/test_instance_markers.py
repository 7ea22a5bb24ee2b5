"""Markers of complete backups: what they hide, and what corrects them."""

import dataclasses
import datetime
import functools
import itertools
import uuid

from karbor.services.protection import bank_plugin
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import instance_markers
from karbor_trove import errors
from tests.fake_trove import clock as clocks
from tests.unit.simulation import in_memory_bank
from tests.unit.simulation import interleaving

INSTANCE, CHECKPOINT, BACKUP, PARENT = (str(uuid.UUID(int=number))
                                        for number in range(4))
MARKER = '/karbor-trove/%s/complete-backups/' % INSTANCE
ENTRY = '/karbor-trove/%s/backups/' % INSTANCE
OPEN = backup_journal.BackupEntry(INSTANCE, CHECKPOINT, backup_id=BACKUP,
                                  parent_id=PARENT)
COMPLETE = dataclasses.replace(OPEN, is_complete=True)
DELETED = dataclasses.replace(COMPLETE, deleted_at='2026-01-01T00:00:00')
#: A number that is higher than the number of effects of any call of the
#: journal.
EFFECTS = 20


class Plugin(in_memory_bank.BankPlugin):
    """A bank that also suspends a process before it reads."""

    def get_object(self, *args, **kwargs):
        self._pause()
        return super().get_object(*args, **kwargs)

    def list_objects(self, *args, **kwargs):
        self._pause()
        return super().list_objects(*args, **kwargs)


@pytest.fixture
def make_journal():
    """Return a function that creates a journal in a bank of its own."""
    return lambda: backup_journal.BackupJournal(
        bank_plugin.Bank(Plugin(interleaving.pause)), INSTANCE)


@pytest.fixture
def journal(make_journal):
    return make_journal()


@pytest.fixture
def objects(journal):
    """The objects of the bank."""
    return journal.bank._plugin.objects


@pytest.fixture
def add_entries(journal):
    """Return a function that adds entries of complete backups."""
    def add(count):
        entries = [dataclasses.replace(
            COMPLETE, checkpoint_id=str(uuid.uuid4()),
            backup_id=str(uuid.uuid4())) for _ in range(count)]
        for entry in entries:
            journal.write(entry)
        return entries
    return add


def list_markers(journal):
    return [key[len(MARKER):] for key in journal.bank._plugin.objects
            if key.startswith(MARKER)]


def count_reads(journal, monkeypatch, call):
    """Return how many objects a call reads."""
    reads = []
    get_object = journal.bank._plugin.get_object
    with monkeypatch.context() as patch:
        patch.setattr(journal.bank._plugin, 'get_object',
                      lambda key, context=None: (
                          reads.append(key), get_object(key))[1])
        call()
    return len(reads)


def check_no_lie(journal):
    """Assert that no marker hides an entry that operations have to read."""
    entry = journal.read(CHECKPOINT)
    listed = {entry.checkpoint_id: entry
              for entry in journal.list_abridged()}.get(CHECKPOINT)
    if entry is not None:
        assert (listed.is_complete, listed.deleted_at, listed.backup_id,
                listed.parent_id) == (entry.is_complete, entry.deleted_at,
                                      entry.backup_id, entry.parent_id)


@pytest.mark.parametrize('marker', [
    instance_markers.BackupMarker(CHECKPOINT, BACKUP),
    instance_markers.BackupMarker(CHECKPOINT, BACKUP, PARENT)])
def test_key_of_a_marker_has_its_ids(marker):
    assert instance_markers.parse_key(marker.key) == marker


@pytest.mark.parametrize('key', [
    CHECKPOINT, '@' + BACKUP, CHECKPOINT + '@', CHECKPOINT + '@x',
    '../%s@%s' % (CHECKPOINT, BACKUP), 'a/b@' + BACKUP,
    '@'.join((CHECKPOINT, BACKUP, '')),
    '@'.join((CHECKPOINT, BACKUP, PARENT, PARENT))])
def test_other_keys_are_no_markers(key):
    assert instance_markers.parse_key(key) is None


OMISSION = instance_markers.OmissionMarker(
    CHECKPOINT, datetime.datetime(2026, 1, 2, 3, 4, 5))


def test_omission_marker_is_no_marker_of_a_backup():
    assert OMISSION.key == CHECKPOINT + '@omitted@2026-01-02T03-04-05Z'
    assert instance_markers.parse_omission_key(OMISSION.key) == OMISSION
    # Earlier releases ignore such a key.
    assert instance_markers.parse_key(OMISSION.key) is None


@pytest.mark.parametrize('key', [
    CHECKPOINT, CHECKPOINT + '@' + BACKUP, CHECKPOINT + '@omitted',
    CHECKPOINT + '@omitted@now', '../x@omitted@2026-01-02T03-04-05Z'])
def test_other_keys_are_no_omission_markers(key):
    assert instance_markers.parse_omission_key(key) is None


def test_list_has_the_omissions_of_the_instance(journal, add_entries):
    add_entries(2)
    instance_markers.MarkerStore(journal.bank, INSTANCE).write(OMISSION)
    for read in journal.list_abridged, journal.correct_markers:
        journal.omission_markers = []
        assert len(read()) == 2
        assert journal.omission_markers == [OMISSION]


def test_correction_of_a_marker_keeps_the_omission_of_its_checkpoint(journal):
    markers = instance_markers.MarkerStore(journal.bank, INSTANCE)
    markers.write(OMISSION)
    markers.write(instance_markers.BackupMarker(CHECKPOINT, BACKUP, None))
    journal.correct_markers()
    assert markers.list_markers() == ([], [OMISSION])


def test_only_a_complete_backup_of_an_existing_checkpoint_has_a_marker(
        journal):
    for entry, keys in (
            (dataclasses.replace(OPEN, backup_id=None), []), (OPEN, []),
            (COMPLETE, ['@'.join((CHECKPOINT, BACKUP, PARENT))]),
            (DELETED, [])):
        journal.write(entry)
        assert list_markers(journal) == keys
    journal.write(COMPLETE)
    journal.delete(CHECKPOINT)
    assert not list_markers(journal)


def test_list_reads_only_entries_without_a_marker(
        journal, add_entries, monkeypatch):
    entries = add_entries(20)
    journal.write(OPEN)
    assert count_reads(journal, monkeypatch, journal.list_abridged) == 1
    assert {(entry.checkpoint_id, entry.backup_id, entry.parent_id,
             entry.is_complete) for entry in journal.list_abridged()} == {
                 (entry.checkpoint_id, entry.backup_id, entry.parent_id,
                  entry.is_complete) for entry in [*entries, OPEN]}


def reopen(journal):
    """Return the same journal as another process uses it."""
    return backup_journal.BackupJournal(journal.bank, journal.instance_id)


TRANSITIONS = {
    'complete': (OPEN, lambda journal: journal.write(COMPLETE)),
    'deleted': (COMPLETE, lambda journal: journal.write(DELETED)),
    'deferred': (DELETED, lambda journal: journal.write(
        dataclasses.replace(DELETED, reason='Trove is away'))),
    'forgotten': (DELETED, lambda journal: journal.delete(CHECKPOINT)),
    'corrected': (COMPLETE, lambda journal: journal.correct_markers())}


@pytest.mark.parametrize('torn', [False, True])
@pytest.mark.parametrize('name', TRANSITIONS)
@pytest.mark.parametrize('has_marker', [False, True])
def test_crash_between_any_two_requests_hides_no_entry(
        make_journal, name, torn, has_marker):
    before, change = TRANSITIONS[name]
    for effects in range(1, EFFECTS):
        journal = make_journal()
        if before is not None:
            journal.write(before)
        if not has_marker:
            for key in list_markers(journal):
                journal.bank._plugin.delete_object(MARKER + key)
        process = interleaving.Process(
            functools.partial(change, reopen(journal)), clocks.Clock())
        process.resume(effects)
        is_done = process.dead
        if not is_done:
            process.kill(torn)
        check_no_lie(journal)
        # The next sweep corrects all markers.
        reopen(journal).correct_markers()
        check_no_lie(journal)
        entry = journal.read(CHECKPOINT)
        assert bool(list_markers(journal)) == bool(
            entry and entry.may_have_marker)
        if is_done:
            return
    pytest.fail('the change has more requests than expected')


@pytest.mark.parametrize('later', [DELETED, None], ids=['deleted', 'gone'])
def test_sweep_while_the_checkpoint_is_deleted_hides_no_entry(
        make_journal, later):
    def delete(journal):
        journal.write(DELETED)
        if later is None:
            journal.delete(CHECKPOINT)

    for first, second, swapped in itertools.product(
            range(EFFECTS), range(EFFECTS), (False, True)):
        journal = make_journal()
        journal.write_document(CHECKPOINT, COMPLETE.to_document())
        processes = [interleaving.Process(run, clocks.Clock()) for run in (
            reopen(journal).correct_markers,
            functools.partial(delete, reopen(journal)))][::-1 if swapped
                                                         else 1]
        for process, effects in zip(processes, (first, second)):
            process.resume(effects)
        for process in processes:
            process.resume()
            assert process.error is None
        check_no_lie(journal)
        assert not list_markers(journal)


def test_bank_of_an_earlier_release_gets_markers_by_and_by(
        journal, add_entries, objects, monkeypatch):
    entries = add_entries(5)
    for key in list_markers(journal)[:3]:
        del objects[MARKER + key]
    monkeypatch.setattr(backup_journal, 'MAX_CORRECTIONS', 2)
    for count in (4, 5):
        assert {entry.backup_id for entry in journal.correct_markers()} == {
            entry.backup_id for entry in entries}
        assert len(list_markers(journal)) == count
    assert count_reads(journal, monkeypatch, journal.list_abridged) == 0


def test_marker_of_an_entry_that_an_earlier_release_deleted_is_deleted(
        journal, add_entries, objects):
    entries = add_entries(3)
    del objects[ENTRY + entries[0].checkpoint_id]
    journal.correct_markers()
    assert {key.split('@')[0] for key in list_markers(journal)} == {
        entry.checkpoint_id for entry in entries[1:]}


def test_deletion_that_an_earlier_release_deferred_is_found(
        journal, add_entries):
    entries = add_entries(10)
    deferred = dataclasses.replace(entries[0], deleted_at='2026-01-01')
    journal.write_document(deferred.checkpoint_id, deferred.to_document())
    assert deferred not in journal.list_abridged()
    for _ in range(100):
        if deferred in journal.correct_markers():
            break
    assert deferred in journal.list_abridged()
    assert len(list_markers(journal)) == 9


def test_sweep_reads_few_entries_with_a_marker(
        journal, add_entries, monkeypatch):
    add_entries(30)
    assert count_reads(journal, monkeypatch, journal.correct_markers) == (
        backup_journal.CHECKED_MARKERS)


def test_corrupt_entry_gets_no_marker(journal, objects):
    journal.write(COMPLETE)
    [key] = list_markers(journal)
    objects[ENTRY + CHECKPOINT] = '{"checkpoint_id"'
    journal._write_marker(COMPLETE)
    assert not list_markers(journal)


def test_failing_bank_delays_a_marker_only(journal, monkeypatch):
    def fail(*args):
        raise errors.BankError('the bank failed')

    with monkeypatch.context() as patch:
        patch.setattr(instance_markers.MarkerStore, 'write', fail)
        journal.write(COMPLETE)
        assert journal.correct_markers() == [COMPLETE]
    assert not list_markers(journal)
    journal.correct_markers()
    assert len(list_markers(journal)) == 1


def test_entry_is_not_marked_as_deleted_while_it_has_a_marker(
        journal, monkeypatch):
    def fail(*args):
        raise errors.BankError('the bank failed')

    journal.write(COMPLETE)
    monkeypatch.setattr(instance_markers.MarkerStore, 'delete', fail)
    with pytest.raises(errors.BankError):
        journal.write(DELETED)
    assert journal.read(CHECKPOINT) == COMPLETE
