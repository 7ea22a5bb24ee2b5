"""Tests of bank_plugins/file_system.py: atomic writes and lists of files."""

import errno
import os
import shutil
import subprocess
import sys
import threading

from karbor import exception
import pytest

from karbor_trove import timeouts

#: Overwrites an object and is killed at one of the calls of os.
KILLED = '''
import os, sys
from oslo_config import cfg
from karbor_trove.bank_plugins import file_system

config = cfg.ConfigOpts()
config(['--config-file', sys.argv[1]], default_config_dirs=[])
plugin = file_system.FileSystemBankPlugin(config)
setattr(os, sys.argv[2], lambda *arguments: os._exit(9))
plugin.update_object('/a/status', 'new')
'''


@pytest.fixture
def bank(make_bank):
    return make_bank('file-system')


@pytest.fixture
def write_and_die(tmp_path):
    def run(call):
        code = subprocess.run([
            sys.executable, '-c', KILLED, str(tmp_path / 'provider.conf'),
            call], env=dict(os.environ, PYTHONPATH=os.getcwd())).returncode
        assert code == 9
    return run


def list_names(folder):
    return sorted(path.name for path in folder.rglob('*') if path.is_file())


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_write_that_is_killed_leaves_the_old_object(
        bank, folder, write_and_die, call):
    bank.update_object('/a/status', 'old')
    write_and_die(call)
    assert len(list_names(folder)) == 2
    assert bank.get_object('/a/status') == 'old'
    for prefix in '/', '/a', '/a/':
        assert bank.list_objects(prefix) == ['/a/status']
    bank.update_object('/a/status', 'newest')
    assert bank.get_object('/a/status') == 'newest'


def test_list_removes_the_leftover_of_a_killed_write_after_an_hour(
        bank, folder, write_and_die):
    bank.update_object('/a/status', 'old')
    write_and_die('replace')
    [leftover] = folder.glob('a/~*')
    bank.list_objects()
    assert leftover.exists()
    begin = os.stat(leftover).st_mtime - timeouts.TEMPORARY_FILE - 1
    os.utime(leftover, (begin, begin))
    assert bank.list_objects() == ['/a/status']
    assert list_names(folder) == ['status']


def test_failed_write_leaves_the_old_object_and_no_file(
        bank, folder, monkeypatch):
    bank.update_object('/a/status', 'old')

    def fail(descriptor):
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patched:
        patched.setattr(os, 'fsync', fail)
        with pytest.raises(exception.BankUpdateObjectFailed, match='No space'):
            bank.update_object('/a/status', 'new')
    assert bank.get_object('/a/status') == 'old'
    assert list_names(folder) == ['status']


def test_write_syncs_the_file_before_and_its_directory_after_the_rename(
        bank, folder, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def record_sync(descriptor):
        calls.append(os.readlink('/proc/self/fd/%d' % descriptor))
        fsync(descriptor)

    def record_replace(source, target):
        calls.append('rename')
        replace(source, target)

    monkeypatch.setattr(os, 'fsync', record_sync)
    monkeypatch.setattr(os, 'replace', record_replace)
    bank.update_object('/a/b/status', 'new')
    assert calls[:2] == [str(folder), str(folder / 'a')]
    file, *others = calls[2:]
    assert os.path.dirname(file) == str(folder / 'a/b')
    assert os.path.basename(file).startswith('~')
    assert others == ['rename', str(folder / 'a/b')]
    del calls[:]
    bank.delete_object('/a/b/status')
    assert calls == [str(folder / 'a/b')]


def test_file_has_the_mode_of_the_process(bank, folder):
    mask = os.umask(0o027)
    try:
        bank.update_object('/a/status', 'new')
    finally:
        os.umask(mask)
    assert os.stat(folder / 'a/status').st_mode & 0o777 == 0o640


def test_deletion_of_the_last_object_removes_the_empty_directories(
        bank, folder):
    bank.update_object('/a/b/c/1', 1)
    bank.update_object('/a/2', 2)
    bank.delete_object('/a/b/c/1')
    assert os.listdir(folder / 'a') == ['2']
    bank.delete_object('/a/2')
    assert folder.is_dir() and not os.listdir(folder)


def test_writes_succeed_while_others_remove_the_directory(bank):
    failures = []

    def write_and_delete(name):
        try:
            for _ in range(100):
                bank.update_object('/a/b/' + name, name)
                assert bank.get_object('/a/b/' + name) == name
                bank.delete_object('/a/b/' + name)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write_and_delete, args=(name,))
               for name in 'xyz']
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert bank.list_objects() == []


def test_write_is_repeated_if_a_delete_removes_its_directory(
        bank, folder, monkeypatch):
    replace = os.replace
    removals = [1, 2, 3]

    def remove_first(source, target):
        if removals:
            removals.pop()
            os.remove(source)
            os.rmdir(folder / 'a')
        replace(source, target)

    monkeypatch.setattr(os, 'replace', remove_first)
    bank.update_object('/a/status', 'new')
    assert bank.get_object('/a/status') == 'new'


def test_write_ends_if_its_directory_is_always_removed(
        bank, folder, monkeypatch):
    def remove(source, target):
        os.remove(source)
        raise FileNotFoundError(target)

    monkeypatch.setattr(os, 'replace', remove)
    with pytest.raises(exception.BankUpdateObjectFailed):
        bank.update_object('/a/status', 'new')


def test_list_fails_if_a_directory_cannot_be_read(bank, monkeypatch):
    bank.update_object('/a/1', 1)
    bank.update_object('/b/1', 1)
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == 'b':
            raise PermissionError(errno.EACCES, 'Permission denied', path)
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    with pytest.raises(exception.BankListObjectsFailed, match='denied'):
        bank.list_objects()
    assert bank.list_objects('/a/') == ['/a/1']


def test_object_that_cannot_be_read_is_a_failure(bank, folder):
    bank.update_object('/a/1', 'a text')
    (folder / 'a/1').write_bytes(b'\xff\xfe')
    with pytest.raises(exception.BankGetObjectFailed, match='codec'):
        bank.get_object('/a/1')


def test_bank_that_is_not_mounted_is_named_and_not_created(bank, folder):
    folder.rmdir()
    with pytest.raises(exception.BankUpdateObjectFailed,
                       match='mounted') as raised:
        bank.update_object('/a/1', 1)
    assert str(folder) in str(raised.value)
    assert not folder.exists()


def test_bank_that_disappears_during_a_write_is_not_created(
        bank, folder, monkeypatch):
    replace = os.replace

    def remove_bank(source, target):
        monkeypatch.setattr(os, 'replace', replace)
        shutil.rmtree(folder)
        replace(source, target)

    monkeypatch.setattr(os, 'replace', remove_bank)
    with pytest.raises(exception.BankUpdateObjectFailed):
        bank.update_object('/a/1', 1)
    assert not folder.exists()


@pytest.mark.parametrize('key', ['/a/../../1', '/a/..'])
def test_key_that_leaves_the_bank_is_refused(make_plugin, key):
    plugin = make_plugin('file-system')
    for request in (plugin.get_object, plugin.delete_object,
                    plugin.list_objects):
        with pytest.raises(exception.InvalidInput):
            request(key)
