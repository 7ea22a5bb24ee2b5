"""Tests of the check of banks."""

from karbor.services.protection import checkpoint as karbor_checkpoint

from karbor_trove import errors
from tests.fake_trove import cloud
from tests.fake_trove import object_store
from tests.unit.cmd.checks.conftest import ID


def test_bank_is_counted_and_left_as_it_is(
        find_one, new_checkpoint, bank, tmp_path):
    new_checkpoint()
    new_checkpoint().delete()

    def list_files():
        return {path for path in tmp_path.glob('bank/**/*')
                if path.is_file()}

    before = list_files()
    row = find_one('bank-works')
    assert 'deleted ones included: 2' in row['details']
    assert 'of this provider: 0' in row['details']
    assert list_files() == before


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
        find_one, find, change, bank, context):
    collection = karbor_checkpoint.CheckpointCollection(bank)
    plan = {'id': ID, 'name': 'plan', 'provider_id': ID,
            'project_id': cloud.PROJECT, 'resources': []}
    checkpoint = collection.create(plan, context=context)
    change('enabled = true', 'enabled = false')
    row = find_one('disabled-with-checkpoints')
    assert (row['line'], row['write']) == (6, 'enabled = true')
    checkpoint.delete()
    assert not find('disabled-with-checkpoints')


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
