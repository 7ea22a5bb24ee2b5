"""Tests of bank/storage.py: absent objects, failing banks and repetition."""

from karbor.services.protection import bank_plugin
from karbor.services.protection.bank_plugins import swift_bank_plugin
import pytest
from swiftclient import exceptions as swift_exceptions

from karbor_trove.bank import storage
from karbor_trove import errors


def test_deletion_succeeds_if_the_object_is_deleted_meanwhile(
        section, monkeypatch):
    section.update_object('status', 'deleted')
    delete = section.delete_object

    def delete_twice(key):
        delete(key)
        delete(key)

    monkeypatch.setattr(section, 'delete_object', delete_twice)
    storage.delete(section, 'status')
    assert section.list_objects() == []


def test_failed_deletion_is_repeated_once(section, monkeypatch):
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
    with pytest.raises(errors.BankError, match='deleting status.*on fire'):
        storage.delete(section, 'status')


def test_written_object_is_deleted_without_a_read(section, failed_reads):
    section.update_object('status', 'deleted')
    storage.delete(section, 'status', is_written=True)
    assert section.list_objects() == []
    assert not failed_reads


@pytest.mark.parametrize('is_deleted', [False, True])
def test_failed_deletion_of_a_written_object_is_repeated(
        section, monkeypatch, is_deleted):
    section.update_object('status', 'deleted')
    delete, failures = section.delete_object, [OSError('disk on fire')]

    def fail(key):
        if is_deleted or not failures:
            delete(key)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(section, 'delete_object', fail)
    storage.delete(section, 'status', is_written=True)
    assert section.list_objects() == []


def test_deletion_of_a_written_object_is_repeated_only_once(
        section, monkeypatch):
    section.update_object('status', 'deleted')
    keys = []

    def fail(key):
        keys.append(key)
        raise OSError('disk on fire')

    monkeypatch.setattr(section, 'delete_object', fail)
    with pytest.raises(errors.BankError, match='deleting status.*on fire'):
        storage.delete(section, 'status', is_written=True)
    assert keys == ['status'] * 2


def test_error_that_the_caller_handles_does_not_make_an_object_absent(
        section, monkeypatch):
    """Python chains the handled error to every error raised meanwhile."""
    section.update_object('status', 'deleted')

    def fail(key):
        raise OSError('disk on fire')

    monkeypatch.setattr(section, 'get_object', fail)
    try:
        raise FileNotFoundError('something else')
    except FileNotFoundError:
        with pytest.raises(errors.BankError):
            storage.read(section, 'status')


@pytest.fixture
def failed_reads(section, monkeypatch):
    """The keys of all reads, each of which fails with an unknown error."""
    keys = []

    def fail(key):
        keys.append(key)
        raise OSError('disk on fire')

    monkeypatch.setattr(section, 'get_object', fail)
    return keys


def test_object_that_cannot_be_read_is_absent_only_if_the_list_lacks_it(
        section, failed_reads):
    assert storage.read(section, 'status') is None
    section.update_object('status', 'deleted')
    with pytest.raises(errors.BankError, match='reading status.*on fire'):
        storage.read(section, 'status')


def test_read_that_has_failed_twice_is_not_repeated_by_a_deletion(
        section, failed_reads):
    section.update_object('status', 'deleted')
    with pytest.raises(errors.BankError, match='reading status'):
        storage.delete(section, 'status')
    assert failed_reads == ['status'] * 2


def test_deletion_of_optional_objects_reads_no_absent_object(
        section, failed_reads):
    storage.delete_optional(section, ['status', 'worker'])
    assert not failed_reads


class SwiftBank(swift_bank_plugin.SwiftBankPlugin):
    """Karbor's plugin without a Swift.

    Its list has an object that each request for it fails to return.
    """

    def __init__(self, http_status):
        self.bank_object_container = 'karbor'
        self._http_status = http_status

    connection = property(lambda self: self)

    def get_object(self, key=None, context=None, **kwargs):
        if key is not None:
            return super().get_object(key, context)
        raise swift_exceptions.ClientException(
            'Object GET failed', http_status=self._http_status)

    def list_objects(self, *args, **kwargs):
        return ['/karbor-trove/a/status']


def swift_section(http_status):
    return bank_plugin.Bank(SwiftBank(http_status)).get_sub_section(
        '/karbor-trove/a/')


def test_object_in_an_outdated_list_is_absent_after_a_404():
    section = swift_section(404)
    assert section.list_objects() == ['status']
    assert storage.read(section, 'status') is None


def test_object_in_a_list_is_not_absent_after_a_503():
    with pytest.raises(errors.BankError, match='reading status.*503'):
        storage.read(swift_section(503), 'status')
