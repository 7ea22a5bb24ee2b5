"""What the bank keeps, and what can be read again."""

import pathlib

from karbor.services.protection import bank_plugin
from karbor.services.protection.bank_plugins import swift_bank_plugin
import pytest
from swiftclient import exceptions as swift_exceptions

from karbor_trove.bank import record
from karbor_trove.bank import status as bank_status_
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove.trove import models

INSTANCE = models.Instance(
    id='a', name='orders', datastore='postgresql', datastore_version='18',
    datastore_version_number='18.1', flavor_id='2', volume_size=3,
    region='RegionOne', locality='affinity', configuration_id='tuned',
    network_id='net', is_public=True, allowed_cidrs=('192.0.2.0/24',),
    replica_of='b')
# Written by Karbor 1.6.0's own plugin.
IN_TREE = {'instance_id': 'a', 'backup_id': 'k', 'size': 3,
           'datastore': {'type': 'postgresql', 'version': '18'},
           'flavor': {'id': '2', 'links': [{'rel': 'self', 'href': 'x'}]}}


@pytest.fixture
def section(bank):
    return bank.get_sub_section('/checkpoints/one/resource-data/a')


def test_what_is_saved_can_be_loaded(section):
    kept = record.BackupRecord(INSTANCE, 'nightly', 'k', 0.25)
    record.write(section, kept)
    assert record.read(section) == kept


def test_nothing_known_stays_nothing(section):
    kept = record.BackupRecord(models.Instance('a'))
    record.write(section, kept)
    assert record.read(section) == kept


def test_where_nothing_was_written_there_is_none(section):
    assert record.read(section) is None
    bank_status_.set_status(section, 'protecting')
    assert record.read(section) is None


def test_a_failure_keeps_its_reason_whatever_the_locale(section, bank):
    assert bank_status_.read_failure_reason(section) is None
    bank_status_.mark_failed(section, 'error', 'Gr\u00f6\u00dfe\n"status": {\n')
    assert section.get_object('status') == 'error'
    assert bank_status_.read_failure_reason(section) == 'Gr\u00f6\u00dfe\n"status": {\n'
    [path] = pathlib.Path(bank._plugin.file_system_bank_path).rglob('reason')
    path.read_text('ascii')


def test_a_torn_reason_is_given_as_it_is(section):
    section.update_object('reason', '["the quo')
    assert bank_status_.read_failure_reason(section) == '["the quo'


def test_forgetting_leaves_the_status(section):
    bank_status_.mark_failed(section, 'error', 'Trove said no')
    bank_status_.set_status(section, 'deleting')
    record.write(section, record.BackupRecord(INSTANCE))
    record.delete(section)
    record.delete(section)
    assert section.list_objects() == ['status']


def test_the_in_tree_plugins_record_is_understood(section):
    section.update_object('metadata', IN_TREE)
    assert record.read(section) == record.BackupRecord(models.Instance(
        id='a', datastore='postgresql', datastore_version='18',
        flavor_id='2', volume_size=3), backup_id='k')


def test_ours_has_all_that_the_in_tree_plugin_reads(section):
    record.write(section, record.BackupRecord(INSTANCE, 'nightly', 'k'))
    kept = section.get_object('metadata')
    assert set(IN_TREE) <= set(kept)
    for key in ('instance_id', 'backup_id', 'size'):
        assert kept[key] == IN_TREE[key]
    assert kept['flavor']['id'] == '2'


def test_a_later_version_is_refused_not_guessed_at(section):
    section.update_object('metadata', dict(IN_TREE, record_version=2))
    with pytest.raises(errors.Rejected, match='version 2 and this release '
                       'knows versions up to 1'):
        record.read(section)


@pytest.mark.parametrize('torn', ['', '{"instance_id": "a", "fla', '[]',
                                  '{}'])
def test_half_a_record_is_named(section, torn):
    section.update_object('metadata', torn)
    with pytest.raises(errors.Rejected, match='"metadata"'):
        record.read(section)


def test_what_somebody_else_removes_meanwhile_is_gone(section, monkeypatch):
    section.update_object('status', 'deleted')
    delete = section.delete_object

    def slower(key):
        delete(key)
        delete(key)

    monkeypatch.setattr(section, 'delete_object', slower)
    storage.delete(section, 'status')
    assert section.list_objects() == []


def test_a_removal_that_fails_is_tried_once_more(section, monkeypatch):
    section.update_object('status', 'deleted')
    delete = section.delete_object
    failures = [OSError('disk on fire')]

    def fail(key):
        if failures:
            raise failures.pop()
        delete(key)

    monkeypatch.setattr(section, 'delete_object', fail)
    storage.delete(section, 'status')
    assert section.list_objects() == []
    section.update_object('status', 'deleted')
    failures += [OSError('disk on fire')] * 2
    with pytest.raises(errors.BankError, match='removing status.*on fire'):
        storage.delete(section, 'status')


def test_another_failure_does_not_make_it_absent(section, monkeypatch):
    """Python hangs what is dealt with on all that fails meanwhile."""
    section.update_object('status', 'deleted')

    def fail(key):
        raise OSError('disk on fire')

    monkeypatch.setattr(section, 'get_object', fail)
    try:
        raise FileNotFoundError('something else')
    except FileNotFoundError:
        with pytest.raises(errors.BankError):
            storage.read(section, 'status')


class Swift(swift_bank_plugin.SwiftBankPlugin):
    """Karbor's own, without a Swift: its lists show all, objects are gone."""

    def __init__(self, status):
        self.bank_object_container = 'karbor'
        self._status = status

    connection = property(lambda self: self)

    def get_object(self, key=None, context=None, **kwargs):
        if key is not None:
            return super().get_object(key, context)
        raise swift_exceptions.ClientException(
            'Object GET failed', http_status=self._status)

    def list_objects(self, *args, **kwargs):
        return ['/karbor-trove/a/status']


def in_swift(status):
    return bank_plugin.Bank(Swift(status)).get_sub_section('/karbor-trove/a/')


def test_what_a_list_shows_too_late_is_not_there():
    section = in_swift(404)
    assert section.list_objects() == ['status']
    assert storage.read(section, 'status') is None


def test_what_cannot_be_read_is_not_taken_for_absent():
    with pytest.raises(errors.BankError, match='reading status.*503'):
        storage.read(in_swift(503), 'status')
