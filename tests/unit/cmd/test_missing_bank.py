"""Tests of karbor-trove-manage with a bank that is absent, empty or closed."""

import os
import shutil
import uuid

from karbor.services.protection import client_factory
import pytest
import swiftclient

COMMANDS = [
    ('orphans', 'list'), ('orphans', 'delete'), ('orphans', 'delete', '--yes'),
    ('deferred', 'list'), ('deferred', 'sweep'), ('report',),
    ('deferred', 'dismiss', str(uuid.UUID(int=1))),
    ('checkpoint', 'show', str(uuid.UUID(int=1))),
    ('checkpoint', 'reset', str(uuid.UUID(int=1)))]
every_command = pytest.mark.parametrize('words', COMMANDS, ids=' '.join)


@pytest.fixture
def available(protect, checkpoint, config_file, fake_trove):
    """Protect an instance in a checkpoint that is available."""
    fake_trove.delete_seconds = 0
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()


def edit_provider(tmp_path, old, new, name='databases'):
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.with_name(name + '.conf').write_text(path.read_text().replace(
        old, new))


@every_command
def test_file_system_that_is_not_mounted_is_an_error(
        run, available, config_file, fake_trove, tmp_path, words):
    shutil.move(tmp_path / 'bank', tmp_path / 'elsewhere')
    (tmp_path / 'bank').mkdir()
    code, out, err = run(*words, '--config-file', config_file)
    assert (code, out) == (1, '')
    assert 'Check that it is mounted' in err and len(err.splitlines()) == 1
    assert len(fake_trove.backups) == 1
    assert list((tmp_path / 'bank').iterdir()) == []


@every_command
def test_another_container_is_an_error_and_is_not_created(
        run, available, config_file, fake_trove, tmp_path, words):
    edit_provider(tmp_path, '[file_system_bank_plugin]',
                  '[file_system_bank_plugin]\nbank_object_container = karbr')
    code, out, err = run(*words, '--config-file', config_file)
    assert (code, out) == (1, '') and 'karbr' in err
    assert len(fake_trove.backups) == 1
    assert [path.name for path in (tmp_path / 'bank').iterdir()] == ['karbor']


@every_command
def test_empty_bank_is_an_error(
        run, available, config_file, fake_trove, tmp_path, words):
    shutil.rmtree(tmp_path / 'bank' / 'karbor' / 'checkpoints')
    code, _, err = run(*words, '--config-file', config_file)
    assert code == 1 and 'holds no checkpoint' in err
    assert len(fake_trove.backups) == 1


@every_command
@pytest.mark.parametrize('folder', ['', '/checkpoints', '/karbor-trove'])
def test_folder_that_cannot_be_listed_is_an_error(
        run, available, config_file, fake_trove, tmp_path, monkeypatch, words,
        folder):
    closed = '%s/bank/karbor%s' % (tmp_path, folder)
    scandir = os.scandir

    def refuse(path='.'):
        if str(path).startswith(closed):
            raise PermissionError(13, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    code, out, err = run(*words, '--config-file', config_file)
    assert (code, out) == (1, '') and 'Permission denied' in err
    assert len(fake_trove.backups) == 1


@pytest.mark.parametrize('is_mounted', [True, False])
@pytest.mark.parametrize('words', [(), ('--yes',)])
def test_orphans_are_not_deleted_if_one_of_two_banks_has_no_checkpoint(
        manage, available, fake_trove, tmp_path, is_mounted, words):
    if is_mounted:
        (tmp_path / 'other' / 'karbor').mkdir(parents=True)
    edit_provider(tmp_path, '%s/bank' % tmp_path, '%s/other' % tmp_path,
                  'other')
    assert 'other.conf' in manage('orphans', 'delete', *words, expect=1)
    assert len(fake_trove.backups) == 1
    assert manage('deferred', 'list', expect=1) == []
    assert 'other.conf' in manage.err


@pytest.mark.parametrize('words', [(), ('--yes',), ('--yes', '--orphans', '2')
                                   ])
def test_orphans_are_not_deleted_if_a_provider_file_was_renamed(
        manage, available, fake_trove, tmp_path, words, resource):
    for _ in range(2):
        fake_trove.add_backup(resource.id, name='karbor-%s-%s' % (
            uuid.uuid4(), resource.id))
    fake_trove.add_backup(resource.id, name='by hand')
    rows = manage('orphans', 'list')
    assert len(rows) == 2
    if '2' not in words:
        assert '2 of the 3 backups of Karbor' in manage(
            'orphans', 'delete', *words, expect=1)
        assert 'use "--orphans 2"' in manage.err
        assert 'of the 3' in manage('orphans', 'delete', rows[0]['backup'],
                                    *words, expect=1)
        assert len(fake_trove.backups) == 4
    else:
        assert 'of the 3' in manage('orphans', 'delete', '--yes', '--orphans',
                                    '1', expect=1)
        manage('orphans', 'delete', *words)
        assert len(fake_trove.backups) == 2


def test_index_that_is_listed_and_cannot_be_read_is_an_error(
        manage, available, checkpoint, fake_trove, monkeypatch):
    isfile = os.path.isfile
    monkeypatch.setattr(os.path, 'isfile', lambda path: (
        checkpoint.id not in str(path) and isfile(path)))
    assert checkpoint.id in manage('orphans', 'delete', '--yes', expect=1)
    assert len(fake_trove.backups) == 1


class Swift:
    """A Swift whose container answers with a status. It creates nothing."""

    def __init__(self, status):
        self.status = status

    def head_container(self, container):
        raise swiftclient.ClientException(container, http_status=self.status)

    def put_container(self, container):
        raise AssertionError('%s is created' % container)


@every_command
@pytest.mark.parametrize('status, reason', [
    (404, 'does not exist'), (403, 'cannot be read'), (None, 'cannot be read')
])
def test_container_in_swift_is_not_created(
        run, available, config_file, fake_trove, tmp_path, monkeypatch, words,
        status, reason):
    monkeypatch.setattr(client_factory.ClientFactory, 'create_client',
                        lambda *_, **__: Swift(status))
    edit_provider(tmp_path, 'karbor-fs-bank-plugin',
                  'karbor-swift-bank-plugin')
    edit_provider(tmp_path, '[file_system',
                  '[swift_bank_plugin]\nbank_swift_object_container = krbor\n'
                  '[file_system')
    code, out, err = run(*words, '--config-file', config_file)
    assert (code, out) == (1, '')
    assert '"krbor" %s' % reason in err and len(err.splitlines()) == 1
    assert len(fake_trove.backups) == 1
