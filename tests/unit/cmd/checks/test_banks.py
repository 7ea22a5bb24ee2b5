"""Tests of the check of banks."""

import uuid

import pytest

from karbor_trove.bank import storage
from karbor_trove import errors
from tests.fake_trove import object_store
from tests.unit.cmd.checks.conftest import ID
from tests.unit.cmd.checks.conftest import OTHER_ID


def list_files(folder):
    """Return the paths of all objects in the bank of the provider."""
    return {path for path in folder.glob('bank/**/*') if path.is_file()}


def test_bank_is_counted_and_left_as_it_is(
        find_one, new_checkpoint, bank, tmp_path):
    new_checkpoint()
    new_checkpoint().delete()
    before = list_files(tmp_path)
    row = find_one('bank-works')
    assert 'deleted ones included: 2' in row['details']
    assert 'of this provider: 1' in row['details']
    assert list_files(tmp_path) == before


@pytest.mark.parametrize('reads_before', [0, 1],
                         ids=['read', 'deletion'])
def test_interrupted_check_leaves_the_bank_as_it_is(
        run, new_checkpoint, monkeypatch, tmp_path, reads_before):
    def read_or_interrupt(section, key):
        # The object is in the bank before the read and before the deletion,
        # which reads it once more.
        assert list_files(tmp_path) - before
        reads.append(key)
        if len(reads) == reads_before + 1:
            raise KeyboardInterrupt
        return read(section, key)

    new_checkpoint()
    before = list_files(tmp_path)
    reads = []
    read = storage.read
    monkeypatch.setattr(storage, 'read', read_or_interrupt)
    assert run() == (130, '', '')
    assert len(reads) == reads_before + 2
    assert list_files(tmp_path) == before


def test_empty_bank_is_found(find_one, bank):
    assert find_one('bank-empty')['line'] == 8


def test_absent_bank_is_found_and_not_created(find_one, tmp_path):
    assert find_one('bank-absent')['line'] == 8
    assert not (tmp_path / 'bank').exists()


def test_bank_that_cannot_be_written_is_found(
        find_one, new_checkpoint, monkeypatch):
    new_checkpoint()

    def fail(section, key, value):
        raise errors.BankError('Read-only file system')

    monkeypatch.setattr('karbor_trove.bank.storage.write', fail)
    row = find_one('bank-fails')
    assert 'Read-only file system' in row['details']


def test_disabled_provider_with_checkpoints_is_found(
        find_one, find, change, new_checkpoint):
    checkpoint = new_checkpoint()
    change('enabled = true', 'enabled = false')
    row = find_one('disabled-with-checkpoints')
    assert (row['line'], row['write']) == (6, 'enabled = true')
    checkpoint.delete()
    assert not find('disabled-with-checkpoints')


def test_checkpoints_are_found_after_the_id_was_changed(
        find_one, find, change, new_checkpoint):
    checkpoint = new_checkpoint()
    path = change(ID, OTHER_ID)
    row = find_one('checkpoints-of-unknown-provider')
    assert 'in no readable provider file: %s. ' % ID in row['details']
    assert (row['file'], row['line']) == (str(path), 3)
    checkpoint.delete()
    assert not find('checkpoints-of-unknown-provider')


def test_checkpoints_of_another_installation_are_found(
        find_one, new_checkpoint):
    ids = sorted([OTHER_ID, str(uuid.uuid4())])
    for id_ in (ID, *ids, *ids):
        new_checkpoint(id_)
    row = find_one('checkpoints-of-unknown-provider')
    assert 'file: %s. ' % ', '.join(ids) in row['details']


@pytest.mark.parametrize('enabled', ['true', 'false'])
def test_checkpoints_of_two_files_with_one_bank_are_known(
        find, folder, new_checkpoint, enabled):
    (folder / 'second.conf').write_text(
        (folder / 'databases.conf').read_text().replace(ID, OTHER_ID)
        .replace('enabled = true', 'enabled = ' + enabled))
    new_checkpoint()
    new_checkpoint(OTHER_ID)
    assert find('bank-works')
    assert not find('checkpoints-of-unknown-provider')


def test_swift_bank_is_written_and_left_as_it_is(
        find_one, with_swift_bank, fake_trove, clock):
    store = object_store.ObjectStore(clock)
    store.attach(fake_trove.mocker)
    row = find_one('bank-absent')
    assert row['line'] == 16 and 'container "karbor"' in row['details']
    assert not store.containers
    store.containers['karbor'] = {}
    assert find_one('bank-empty')['line'] == 16
    with_swift_bank('bank_swift_object_container', '#')
    assert find_one('bank-empty')['line'] == 5
    assert not store.containers['karbor']
    assert [request for request in store.requests if request.method == 'PUT'
            and 'karbor-trove-status' in request.path]


def test_failing_swift_bank_is_found(find_one, with_swift_bank, fake_trove):
    fake_trove.fail('*', '/swift/*', 503, times=None)
    row = find_one('bank-fails')
    assert row['line'] == 7 and 'are in [swift_client]' in row['details']
    with_swift_bank('[swift_client]', '[Swift_Client]')
    assert find_one('bank-fails')['line'] == 7


def test_wrong_value_of_the_swift_bank_is_not_a_failure_of_its_account(
        find_one, with_swift_bank):
    with_swift_bank('[swift_bank_plugin]\n',
                    '[swift_bank_plugin]\nlease_expire_window = x\n')
    row = find_one('bank-fails')
    assert row['line'] == 5 and '[swift_client]' not in row['details']
    assert 'lease_expire_window' in row['details']


def test_object_that_the_swift_bank_changes_is_found(
        find_one, with_swift_bank, fake_trove, clock, monkeypatch):
    store = object_store.ObjectStore(clock)
    store.attach(fake_trove.mocker)
    store.containers['karbor'] = {}
    monkeypatch.setattr('karbor_trove.bank.storage.read',
                        lambda section, key: 'other content')
    row = find_one('bank-fails')
    assert row['line'] == 5 and '[swift_client]' not in row['details']
    assert 'not returned as it was written' in row['details']
    assert not store.containers['karbor']
