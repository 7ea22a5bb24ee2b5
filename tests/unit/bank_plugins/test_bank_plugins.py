"""Behaviour that both bank plugins share, seen through Karbor's bank."""

import itertools
import logging

from karbor import exception
import pytest

from karbor_trove.bank import storage
from karbor_trove import errors

KINDS = ['swift', 'file-system']
VALUES = [{'a': [1, None, 'ä']}, ['a', 'b'], 'available', 7, {}]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def bank(make_bank, kind):
    return make_bank(kind)


@pytest.fixture
def section(bank):
    return bank.get_sub_section('/checkpoints/1')


@pytest.fixture
def break_bank(kind, store, folder):
    """Return a function that lets the bank fail until it is healed."""
    def break_():
        if kind == 'swift':
            store.fail('*', '*', 503, times=None)
        else:
            folder.rename(folder.with_name('unmounted'))
    return break_


def is_absence(error):
    """Return True if bank/storage.py takes the error for an absence."""
    return storage._is_absence(error, None)


@pytest.mark.parametrize('value', VALUES, ids=str)
def test_object_is_returned_as_it_was_written(section, value):
    section.update_object('metadata', value)
    assert section.get_object('metadata') == value
    assert storage.read(section, 'metadata') == value


def test_object_is_overwritten(section):
    section.update_object('status', 'a much longer text')
    section.update_object('status', 'short')
    assert section.get_object('status') == 'short'
    assert section.list_objects() == ['status']


def test_object_that_is_not_json_is_a_text(section, kind, store, folder):
    section.update_object('metadata', {'a': 1})
    if kind == 'swift':
        objects = store.containers['karbor']
        objects['/checkpoints/1/metadata'] = (
            objects['/checkpoints/1/metadata']._replace(content=b'{"a": '))
    else:
        (folder / 'checkpoints/1/metadata').write_text('{"a": ')
    assert section.get_object('metadata') == '{"a": '


@pytest.mark.parametrize('sort_dir', [None, 'asc', 'desc'])
def test_list_has_the_asked_order(bank, sort_dir):
    keys = ['/%s/%d' % pair for pair in itertools.product('cab', (2, 1, 3))]
    for key in keys:
        bank.update_object(key, key)
    assert bank.list_objects(sort_dir=sort_dir) == sorted(
        keys, reverse=sort_dir == 'desc')


@pytest.mark.parametrize('sort_dir', ['asc', 'desc'])
@pytest.mark.parametrize('limit', [1, 2, 3, 7, 8])
def test_pages_after_markers_have_every_key_once(section, sort_dir, limit):
    for number in range(7):
        section.update_object('objects/%d' % number, number)
    keys, marker = [], None
    for _ in range(9):
        page = section.list_objects('objects/', limit, marker, sort_dir)
        assert len(page) <= limit
        if not page:
            break
        keys += page
        # A section adds its prefix to a marker, as Karbor's collection of
        # checkpoints expects.
        marker = page[-1][len('objects'):]
    assert not page
    expected = ['objects/%d' % number for number in range(7)]
    assert keys == expected[::-1 if sort_dir == 'desc' else 1]


def test_marker_that_was_deleted_continues_the_list(section):
    for key in 'abcd':
        section.update_object(key, key)
    section.delete_object('b')
    assert section.list_objects(marker='b') == ['c', 'd']
    assert section.list_objects(marker='b', sort_dir='desc') == ['a']


def test_list_has_all_keys_that_begin_with_the_prefix(bank):
    keys = ['/a/b/1', '/a/b2', '/a/bc/d/2', '/a/c', '/ab']
    for key in keys:
        bank.update_object(key, key)
    for prefix in ['/', '/a', '/a/', '/a/b', '/a/b/', '/a/bc/d', '/x', '/ab/']:
        assert bank.list_objects(prefix) == [
            key for key in keys if key.startswith(prefix)], prefix
    assert bank.get_sub_section('/a/b').list_objects() == ['1']


def test_list_of_an_empty_bank_is_empty(bank):
    assert bank.list_objects() == []


@pytest.mark.parametrize('key', ['absent', 'folder', 'file/below'])
def test_absent_object_is_told_from_a_failure(section, key, caplog):
    section.update_object('folder/object', 1)
    section.update_object('file', 1)
    with pytest.raises(exception.BankGetObjectFailed) as raised:
        section.get_object(key)
    assert is_absence(raised.value)
    assert storage.read(section, key) is None
    assert not [record for record in caplog.records
                if record.levelno >= logging.WARNING]


@pytest.mark.parametrize('key', ['absent', 'folder', 'file/below'])
def test_deletion_of_an_absent_object_succeeds(section, key, caplog):
    section.update_object('folder/object', 1)
    section.update_object('file', 1)
    section.delete_object(key)
    assert section.list_objects() == ['file', 'folder/object']
    assert not [record for record in caplog.records
                if record.levelno >= logging.WARNING]


def test_deleted_object_is_absent(section):
    for key in 'a', 'b/c':
        section.update_object(key, 1)
        section.delete_object(key)
        assert storage.read(section, key) is None
    assert section.list_objects() == []


def test_each_failure_is_karbors_error_and_no_absence(section, break_bank):
    section.update_object('a', 1)
    break_bank()
    for error, request in [
            (exception.BankGetObjectFailed, lambda: section.get_object('a')),
            (exception.BankGetObjectFailed, lambda: section.get_object('b')),
            (exception.BankUpdateObjectFailed,
             lambda: section.update_object('a', 2)),
            (exception.BankDeleteObjectFailed,
             lambda: section.delete_object('b')),
            (exception.BankListObjectsFailed, section.list_objects)]:
        with pytest.raises(error) as raised:
            request()
        assert type(raised.value) is error
        assert not is_absence(raised.value)
    with pytest.raises(errors.BankError):
        storage.read(section, 'b')


@pytest.mark.parametrize('sort_dir', [None, 'desc'])
def test_karbors_plugin_reads_the_same_objects(make_bank, kind, sort_dir):
    ours, karbors = make_bank(kind), make_bank(kind + '-of-karbor')
    for number, (writer, value) in enumerate(
            itertools.product((ours, karbors), VALUES)):
        writer.update_object('/a/%d' % number, value)
    keys = ours.list_objects('/a/', sort_dir=sort_dir)
    assert len(keys) == 2 * len(VALUES)
    assert sorted(karbors.list_objects('/a/')) == sorted(keys)
    for key in keys:
        content = karbors.get_object(key)
        # Karbor's plugin of Swift returns a text as bytes.
        assert ours.get_object(key) == (
            content.decode() if isinstance(content, bytes) else content)
        karbors.delete_object(key)
    assert ours.list_objects() == []
