"""karbor-trove-manage: how it is typed, and how it answers."""

import logging
import warnings

import pytest

from karbor_trove.cmd import manage
from tests.fake_trove import keystone


@pytest.fixture
def run(capsys):
    """Runs it as typed: exit code, output, complaint."""
    def run(*words):
        level = logging.getLogger().level
        with warnings.catch_warnings():
            try:
                code = manage.main([str(word) for word in words])
            except SystemExit as end:
                code = end.code
        logging.disable(logging.NOTSET)
        logging.getLogger().setLevel(level)
        return (code, *capsys.readouterr())
    return run


@pytest.mark.parametrize('words', [
    (), ('deferred',), ('orphans', 'burn'), ('checkpoint', 'reset'),
    ('checkpoint', 'show', 'x', 'y'), ('deferred', 'list', '--format', 'x'),
    ('deferred', 'list', '--format', 'prometheus'), ('deferred', 'dismiss'),
    ('--format', 'prometheus', 'orphans', 'list'), ('report', 'x')])
def test_wrong_usage_ends_with_2(run, words):
    code, out, err = run(*words)
    assert code == 2 and not out and 'usage:' in err


@pytest.mark.parametrize('before', [True, False])
def test_a_table_is_what_a_human_gets(run, config_file, checkpoint, before):
    option = '--config-file', config_file
    words = 'checkpoint', 'show', checkpoint.id
    code, out, err = run(*option, *words) if before else run(*words, *option)
    assert (code, err) == (0, '')
    titles, row = out.splitlines()[1], out.splitlines()[3]
    assert [one.strip() for one in titles.split('|')][1:5] == [
        'Checkpoint', 'Status', 'Type', 'Resource']
    assert [one.strip() for one in row.split('|')][1:5] == [
        checkpoint.id, 'protecting', '', '']


def test_json_may_be_asked_for_before_the_command(run, config_file):
    code, out, _ = run('--format', 'json', '--config-file', config_file,
                       'deferred', 'list')
    assert (code, out) == (0, '[]\n')


@pytest.mark.parametrize('words, out', [
    (('deferred', 'list'),
     'what,project,instance,checkpoint,backup,since,why\n'),
    (('orphans', 'list'),
     'project,instance,backup,name,status,created,size,why\n')])
def test_a_spreadsheet_reads_every_list(
        run, config_file, fake_trove, words, out):
    assert run(*words, '--config-file', config_file, '--format',
               'csv') == (0, out, '')


def test_a_missing_configuration_is_one_line(run, tmp_path):
    code, out, err = run('deferred', 'list', '--config-file',
                         tmp_path / 'none.conf')
    assert code == 1 and not out
    assert err.startswith('karbor-trove-manage: ') and 'none.conf' in err
    assert len(err.splitlines()) == 1


def test_a_missing_provider_is_one_line(run, config_file, tmp_path):
    (tmp_path / 'providers.d' / 'databases.conf').unlink()
    code, _, err = run('deferred', 'list', '--config-file', config_file)
    assert code == 1
    assert err == 'karbor-trove-manage: there is no provider file in %s\n' % (
        tmp_path / 'providers.d')


def test_what_goes_on_can_be_shown(run, config_file, caplog):
    with caplog.at_level(logging.DEBUG):
        code, _, _ = run('checkpoint', 'show', 'none', '--config-file',
                         config_file, '--debug')
    assert code == 1
    assert 'Traceback' in caplog.text


@pytest.mark.parametrize('section, said', [
    ('', 'has no role in project of its own'),
    ('auth_type = no-such-type', 'no-such-type')])
def test_what_is_wrong_with_karbors_user_is_told(
        run, config_file, fake_trove, section, said):
    text = config_file.read_text()
    if section:
        text = text.replace('auth_type = password', section, 1)
    else:
        fake_trove.mocker.post(
            keystone.URL + '/v3/auth/tokens', status_code=401, json={})
    config_file.write_text(text)
    code, _, err = run('orphans', 'list', '--config-file', config_file)
    assert code == 1 and said in err


def test_a_trove_that_is_nowhere_is_told(run, config_file, fake_trove):
    told = keystone.build_token(keystone.SERVICE_PROJECT)
    told['token']['catalog'] = told['token']['catalog'][:1]
    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201, json=told,
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    text = config_file.read_text()
    config_file.write_text(text.replace('trove_endpoint', '#'))
    code, _, err = run('orphans', 'list', '--config-file', config_file)
    assert code == 1 and 'reaching Trove' in err and 'not found' in err
    config_file.write_text(text)
    assert run('orphans', 'list', '--config-file', config_file)[0] == 0


def test_a_catalog_tells_where_trove_is(run, config_file, fake_trove):
    config_file.write_text(config_file.read_text().replace(
        'trove_endpoint', '#'))
    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201,
        json=keystone.build_token(keystone.SERVICE_PROJECT),
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    assert run('orphans', 'list', '--config-file', config_file)[0] == 0
    assert fake_trove.find_requests('GET', '/backups')
