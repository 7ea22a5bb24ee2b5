"""Errors of this package itself, which no hook expects."""

from karbor import exception
import pytest

from karbor_trove.bank import resource_status
from karbor_trove.operations import base

ERRORS = pytest.mark.parametrize('error', [
    AttributeError('x'), KeyError('x'), OverflowError(), RecursionError(),
    MemoryError()], ids=lambda error: type(error).__name__)


@pytest.fixture
def fail(monkeypatch):
    """Return a function that makes a method of all operations fail."""
    def fail(name, error):
        def method(*args, **kwargs):
            raise error
        monkeypatch.setattr(base.Operation, name, method)
    return fail


@ERRORS
@pytest.mark.parametrize('method', ['_refuse_problems', '_connect'])
def test_protect_ends_with_an_error_after_a_fault_of_this_package(
        protect, fail, section, error, method, caplog):
    fail(method, error)
    with pytest.raises(exception.CreateResourceFailed,
                       match='fault of its own'):
        protect()
    assert section.get_object('status') == 'error'
    assert 'fault of its own' in resource_status.read_failure_reason(section)
    assert 'Traceback' in caplog.text


@ERRORS
def test_delete_ends_with_an_error_after_a_fault_of_this_package(
        protect, delete, fail, section, error, caplog):
    protect()
    fail('_backup_deletion', error)
    with pytest.raises(exception.DeleteResourceFailed,
                       match='fault of its own'):
        delete()
    assert section.get_object('status') == 'error'
    assert 'Traceback' in caplog.text


@ERRORS
def test_restore_ends_with_an_error_after_a_fault_of_this_package(
        protect, do_restore, restore, fail, error, caplog):
    protect()
    fail('_connect', error)
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore()
    assert list(restore.resources_status.values()) == ['error']
    [reason] = restore.resources_reason.values()
    assert 'fault of its own' in reason and 'Traceback' in caplog.text


@ERRORS
def test_verify_ends_with_an_error_and_no_result_after_a_fault_of_this_package(
        protect, do_verify, verify, fail, error, section, caplog):
    protect()
    fail('_connect', error)
    with pytest.raises(exception.VerifyResourceFailed):
        do_verify()
    assert list(verify.resources_status.values()) == ['error']
    [reason] = verify.resources_reason.values()
    assert 'fault of its own' in reason and 'Traceback' in caplog.text
    assert not [key for key in section.list_objects() if 'verified' in key]
