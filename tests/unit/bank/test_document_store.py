"""Tests of bank/document_store.py and of the stores that are built on it."""

import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import document_store
from karbor_trove.bank import manifests
from karbor_trove.bank import restore_journal
from karbor_trove.bank import verification_journal
from karbor_trove import errors
from karbor_trove.trove import models


def make_store(section, keeps_copy=True):
    return document_store.DocumentStore(
        section, '/folder/', 3, 'name', lambda key, document: (key, document),
        keeps_copy)


@pytest.fixture
def store(section):
    return make_store(section)


@pytest.mark.parametrize('keeps_copy', [False, True])
def test_document_is_written_with_its_version(section, keeps_copy):
    store = make_store(section, keeps_copy)
    for name in 'first', 'second':
        store.write_document('a', {'name': name})
        assert section.get_object('a') == {'name': name, 'version': 3}
        assert store.read('a') == ('a', {'name': name})
    assert section.list_objects() == ['a']
    store.delete('a')
    store.delete('a')
    assert section.list_objects() == [] and store.read('a') is None


def test_new_document_is_written_without_a_copy(section, store, monkeypatch):
    keys = []
    write = section.update_object
    monkeypatch.setattr(section, 'update_object', lambda key, value: (
        keys.append(key), write(key, value)))
    store.write_document('a', {'name': 'first'})
    assert keys == ['a']
    store.write_document('a', {'name': 'second'})
    assert len(keys) == 3


def test_second_write_of_a_store_does_not_list_the_bank(
        section, store, monkeypatch):
    store.write_document('a', {'name': 'first'})

    def fail():
        raise OSError('disk on fire')

    monkeypatch.setattr(section, 'list_objects', fail)
    store.write_document('a', {'name': 'second'})
    assert store.read('a') == ('a', {'name': 'second'})


def test_document_that_the_store_has_deleted_is_written_without_a_copy(
        section, store, monkeypatch):
    store.write_document('a', {'name': 'first'})
    store.delete('a')
    keys = []
    monkeypatch.setattr(section, 'update_object',
                        lambda key, value: keys.append(key))
    store.write_document('a', {'name': 'second'})
    assert keys == ['a']


def test_document_without_a_version_is_read(section, store):
    section.update_object('a', {'name': 'x'})
    assert store.read('a') == ('a', {'name': 'x'})


def test_document_of_a_later_version_is_rejected(section, store):
    section.update_object('a', {'name': 'x', 'version': 4})
    with pytest.raises(errors.Rejected, match='"/folder/a".* version 4 .*3'):
        store.read('a')


@pytest.mark.parametrize('document', ['', '{"name": "x', '[]', {'x': 1}])
def test_corrupt_document_is_named_in_the_error(section, store, document):
    section.update_object('a', document)
    with pytest.raises(errors.CorruptObject, match='"/folder/a".*"name"'):
        store.read('a')


@pytest.mark.parametrize('is_new_store', [False, True])
@pytest.mark.parametrize('written', [1, 2, 3])
def test_crash_during_a_change_leaves_a_readable_document(
        section, store, monkeypatch, written, is_new_store):
    """The change writes the copy, then the document, and deletes the copy.

    The crash leaves half of the last object that is written.
    """
    class Crash(BaseException):
        pass

    write, delete, calls = section.update_object, section.delete_object, []

    def crash_or_write(key, value):
        calls.append(key)
        if len(calls) == written:
            write(key, str(value)[:5])
            raise Crash
        write(key, value)

    def crash_or_delete(key):
        if len(calls) < written:
            raise Crash
        delete(key)

    store.write_document('a', {'name': 'old'})
    if is_new_store:
        store = make_store(section)
    with monkeypatch.context() as patch:
        patch.setattr(section, 'update_object', crash_or_write)
        patch.setattr(section, 'delete_object', crash_or_delete)
        with pytest.raises(Crash):
            store.write_document('a', {'name': 'new'})
    expected = ('a', {'name': 'old' if written == 1 else 'new'})
    assert store.read('a') == expected
    assert store.read_all() == ([expected], {})
    store.delete('a')
    assert section.list_objects() == []


def test_list_has_readable_entries_and_reasons_for_the_others(
        section, store, caplog):
    store.write_document('a', {'name': 'x'})
    section.update_object('b', '{"na')
    section.update_object('c', {'name': 'x', 'version': 4})
    entries, unreadable = store.read_all()
    assert entries == store.list_entries() == [('a', {'name': 'x'})]
    assert set(unreadable) == {'b', 'c'}
    for error in unreadable.values():
        assert str(error) in caplog.text


def test_listed_object_that_is_deleted_meanwhile_is_no_entry(
        section, store, monkeypatch):
    monkeypatch.setattr(section, 'list_objects', lambda: ['a'])
    assert store.read_all() == ([], {})


# The formats. Stored names differ from those of attributes on purpose.


INSTANCE_ID = 'a0000000-0000-4000-8000-000000000000'
BACKUP_ENTRY = {
    'version': 1, 'instance_id': INSTANCE_ID, 'checkpoint_id': 'c',
    'project_id': 'p', 'backup_name': 'nightly', 'description': 'all',
    'not_before': '2026-01-01T00:00:00',
    'parent_id': 'f0000000-0000-4000-8000-000000000000',
    'backup_id': 'b0000000-0000-4000-8000-000000000000',
    'location': 'http://swift/k', 'complete': True,
    'deleted': '2026-01-02T00:00:00', 'reason': 'Trove is away',
    'ambiguous': True}
TEMPORARY_INSTANCE_ENTRY = {
    'version': 1, 'verification_id': 'v', 'project_id': 'p',
    'worker': {'pid': 1}, 'until': '2026-01-02T00:00:00', 'name': 'n',
    'not_before': '2026-01-01T00:00:00',
    'instance_id': '70000000-0000-4000-8000-000000000000',
    'left': 'Trove is away'}
RESTORE_ENTRY = {
    'version': 1, 'name': 'n', 'not_before': '2026-01-01T00:00:00',
    'project_id': 'p', 'worker': {'pid': 1}}
MANIFEST = {
    'version': 1, 'whole': {'name': 'c/k', 'etag': 'e', 'bytes': 2},
    'segments': [{'name': 'c/k_1', 'etag': 'f', 'bytes': 2}]}
#: Ids that are not one part of a path.
TRAVERSALS = [
    '../x', 'a/../b', '..', '.', '', '/', 'a/b', 'a\\b', 'x\n', '%2e%2e',
    '../../../indices/by-provider/x']
OTHER_ID = 'c0000000-0000-4000-8000-000000000000'
FOLDER = '/karbor-trove/%s/' % INSTANCE_ID
JOURNALS = pytest.mark.parametrize('journal_class, path, document', [
    (backup_journal.BackupJournal, 'backups/c', BACKUP_ENTRY),
    (verification_journal.VerificationJournal, 'rehearsals/v',
     TEMPORARY_INSTANCE_ENTRY),
    (restore_journal.RestoreJournal, 'restores/r', RESTORE_ENTRY)])


@JOURNALS
def test_entry_keeps_its_stored_form(bank, journal_class, path, document):
    section = bank.get_sub_section(FOLDER)
    section.update_object(path, document)
    journal = journal_class(bank, INSTANCE_ID)
    [entry] = journal.list_entries()
    section.delete_object(path)
    journal.write(entry)
    assert section.list_objects() == [path]
    assert section.get_object(path) == document


def test_manifest_keeps_its_stored_form(bank):
    store = manifests.ManifestStore(bank, INSTANCE_ID)
    manifest = models.BackupManifest(
        models.ObjectInfo('c/k', 'e', 2),
        (models.ObjectInfo('c/k_1', 'f', 2),))
    store.write('k', manifest)
    assert bank.get_object(FOLDER + 'contents/k') == MANIFEST
    assert store.read('k') == manifest


@JOURNALS
def test_entry_with_the_required_keys_only_is_read(
        bank, journal_class, path, document):
    required = {
        'backups/c': ('instance_id', 'checkpoint_id'),
        'rehearsals/v': ('verification_id', 'project_id', 'worker', 'until'),
        'restores/r': ('name',)}[path]
    bank.update_object(FOLDER + path,
                       {key: document[key] for key in required})
    [entry] = journal_class(bank, INSTANCE_ID).list_entries()
    empty = entry.to_document()
    assert {key for key, value in empty.items() if value} == set(required)


@pytest.mark.parametrize('journal_class, path, document, change, reason', [
    (backup_journal.BackupJournal, 'backups/c', BACKUP_ENTRY, {'later': 1},
     'its key "later" is unknown'),
    (backup_journal.BackupJournal, 'backups/c', BACKUP_ENTRY,
     {'instance_id': None}, 'its key "instance_id" is missing'),
    (backup_journal.BackupJournal, 'backups/c', BACKUP_ENTRY,
     {'version': '1'}, 'not supported between'),
    (verification_journal.VerificationJournal, 'rehearsals/v',
     TEMPORARY_INSTANCE_ENTRY, {'later': 1}, 'its key "later" is unknown'),
    (verification_journal.VerificationJournal, 'rehearsals/v',
     TEMPORARY_INSTANCE_ENTRY, {'worker': None},
     'its key "worker" is missing'),
    (restore_journal.RestoreJournal, 'restores/r', RESTORE_ENTRY,
     {'not_before': 5}, 'is corrupt')])
def test_entry_that_cannot_be_parsed_is_corrupt(
        bank, journal_class, path, document, change, reason):
    """An entry with an unknown key would lose this key with its next write."""
    changed = {key: value for key, value in {**document, **change}.items()
               if value is not None or key not in change}
    bank.update_object(FOLDER + path, changed)
    bank.update_object(FOLDER + path + '2', document)
    journal = journal_class(bank, INSTANCE_ID)
    with pytest.raises(errors.CorruptObject, match=reason):
        journal.read(path[-1])
    assert path[-1] in journal.read_all()[1]
    assert bank.get_object(FOLDER + path) == changed


@pytest.mark.parametrize('key, value, reason', [
    ('checkpoint_id', 'd', "its checkpoint_id is 'd' and not 'c'"),
    ('instance_id', OTHER_ID, 'its instance_id is .* and not'),
    ('backup_id', '../x', "its backup_id is '../x', which is not an id"),
    ('parent_id', 7, 'its parent_id is 7, which is not an id')])
def test_backup_entry_that_contradicts_its_place_is_corrupt(
        bank, key, value, reason):
    bank.update_object(FOLDER + 'backups/c', {**BACKUP_ENTRY, key: value})
    journal = backup_journal.BackupJournal(bank, INSTANCE_ID)
    with pytest.raises(errors.CorruptObject, match=reason):
        journal.read('c')
    assert list(journal.read_all()[1]) == ['c']


@pytest.mark.parametrize('key, value', [
    ('verification_id', 'w'), ('instance_id', '../../instances/x')])
def test_temporary_instance_entry_that_contradicts_its_place_is_corrupt(
        bank, key, value):
    bank.update_object(FOLDER + 'rehearsals/v',
                       {**TEMPORARY_INSTANCE_ENTRY, key: value})
    with pytest.raises(errors.CorruptObject, match='its %s is' % key):
        verification_journal.VerificationJournal(bank, INSTANCE_ID).read('v')


@pytest.mark.parametrize('instance_id', [
    *TRAVERSALS, INSTANCE_ID.upper(), INSTANCE_ID.replace('-', ''),
    INSTANCE_ID + '\n', '{%s}' % INSTANCE_ID, 'urn:uuid:' + INSTANCE_ID])
@pytest.mark.parametrize('store_class', [
    backup_journal.BackupJournal, restore_journal.RestoreJournal,
    verification_journal.VerificationJournal, manifests.ManifestStore])
def test_store_of_an_id_that_is_no_uuid_is_rejected(
        bank, store_class, instance_id):
    with pytest.raises(errors.Rejected, match='UUID in lower case'):
        store_class(bank, instance_id)


@pytest.mark.parametrize('key', [*TRAVERSALS, None, 7])
def test_key_that_is_not_one_part_of_a_path_is_rejected(section, store, key):
    for access in (store.read, store.delete,
                   lambda key: store.write_document(key, {'name': 'x'})):
        with pytest.raises(errors.Rejected, match='letters, digits'):
            access(key)
    assert section.list_objects() == []
