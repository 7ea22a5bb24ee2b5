"""Tests that no command says "all well" if it could not read something."""

import re
import shutil

import pytest

from karbor_trove import polling
from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone


@pytest.fixture(autouse=True)
def fake_time(monkeypatch, clock):
    """Let the commands wait in virtual time."""
    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)


def _edit(path, pattern, text):
    content = path.read_text()
    path.write_text(re.sub(pattern, text, content))
    assert path.read_text() != content


def _without_section(config_file, fake_trove):
    _edit(config_file, r'(?s)\[keystone_authtoken\].*?(?=\n\[)', '')


def _without_auth_url(config_file, fake_trove):
    _edit(config_file, r'auth_url = \S*\n(?=username = karbor\npassword = '
                       r'password\nuser_domain_name)', '')


def _with_wrong_password(config_file, fake_trove):
    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=401,
        json={'error': {'code': 401, 'title': 'Unauthorized', 'message':
                        'The request requires authentication.'}})


def _with_keystone_failing(config_file, fake_trove):
    fake_trove.mocker.post(keystone.URL + '/v3/auth/tokens', status_code=503)


def _with_trove(fault):
    def break_trove(config_file, fake_trove):
        fake_trove.fail('*', '*', fault, times=None)
    return pytest.param(break_trove, id='Trove %s' % fault)


every_fault = pytest.mark.parametrize('break_access', [
    _without_section, _without_auth_url, _with_wrong_password,
    _with_keystone_failing, *map(_with_trove, [
        'refused', 'foreign-404', 401, 403, 503])])


def _hold_deleted_checkpoint(checkpoint):
    checkpoint.delete()


def _hold_checkpoint(checkpoint):
    checkpoint.status = 'available'
    checkpoint.commit()


@pytest.fixture
def unread(run, config_file):
    """Return a function that runs a command that cannot read everything.

    It returns standard error.
    """
    def unread(*words):
        code, out, err = run(*words, '--config-file', config_file)
        assert code == 1, out + err
        assert err.strip() and 'Traceback' not in err
        return err
    return unread


@every_fault
@pytest.mark.parametrize('prepare', [
    None, _hold_deleted_checkpoint, _hold_checkpoint])
@pytest.mark.parametrize('words', [
    ('report',), ('report', '--project', clouds.PROJECT),
    ('orphans', 'list'), ('orphans', 'delete', '--yes')], ids=' '.join)
def test_trove_that_cannot_be_read_is_an_error(
        unread, config_file, fake_trove, protect, checkpoint, prepare,
        break_access, words):
    if prepare is not None:
        protect()
        prepare(checkpoint)
    backups = dict(fake_trove.backups)
    break_access(config_file, fake_trove)
    unread(*words)
    assert fake_trove.backups == backups


@every_fault
def test_sweep_that_cannot_read_trove_is_an_error(
        unread, config_file, fake_trove, protect, delete, checkpoint,
        break_access):
    protect()
    fake_trove.fail('DELETE', '*', 503, times=None)
    delete()
    fake_trove.heal()
    checkpoint.delete()
    break_access(config_file, fake_trove)
    assert 'is not deleted' in unread('deferred', 'sweep')
    assert len(fake_trove.backups) == 1


@pytest.mark.parametrize('words', [
    ('report',), ('report', '--project', clouds.PROJECT),
    ('report', '--format', 'prometheus'), ('orphans', 'list'),
    ('orphans', 'delete', '--yes'), ('deferred', 'list'),
    ('deferred', 'sweep')], ids=' '.join)
@pytest.mark.parametrize('name', ['a-first', 'second'])
@pytest.mark.parametrize('state', ['absent', 'empty', 'corrupt'])
def test_one_of_two_banks_that_cannot_be_read_is_an_error(
        unread, config_file, tmp_path, protect, checkpoint, words, name,
        state):
    protect()
    _hold_checkpoint(checkpoint)
    folder = tmp_path / 'other' / 'karbor'
    if state != 'absent':
        folder.mkdir(parents=True)
    if state == 'corrupt':
        (folder / 'checkpoints').write_text('not a directory')
    provider = tmp_path / 'providers.d' / 'databases.conf'
    provider.with_name(name + '.conf').write_text(
        provider.read_text().replace('%s/bank' % tmp_path,
                                     '%s/other' % tmp_path))
    assert name + '.conf' in unread(*words)


@every_fault
@pytest.mark.parametrize('words', [
    ('report',), ('report', '--project', clouds.PROJECT),
    ('orphans', 'list'), ('deferred', 'list'), ('deferred', 'sweep')],
    ids=' '.join)
def test_empty_bank_without_access_to_trove_is_an_error(
        unread, config_file, fake_trove, tmp_path, break_access, words):
    shutil.rmtree(tmp_path / 'bank' / 'karbor' / 'checkpoints')
    break_access(config_file, fake_trove)
    assert 'holds no checkpoint' in unread(*words)


@pytest.mark.parametrize('words', [('report',), ('orphans', 'list')],
                         ids=' '.join)
def test_missing_credentials_are_named(
        unread, config_file, fake_trove, words):
    _without_section(config_file, fake_trove)
    assert '[keystone_authtoken] of karbor.conf has no auth_type' in unread(
        *words)
