"""Tests of the application: options, formats, messages and exit codes."""

import csv
import io
import json
import logging
import os
import signal
import subprocess
import sys

import pytest
import yaml

from karbor_trove.bank import backup_journal
from tests.fake_trove import cloud
from tests.fake_trove import keystone


@pytest.mark.parametrize('words', [
    (), ('deferred',), ('orphans', 'burn'), ('checkpoint', 'reset'),
    ('checkpoint', 'show', 'x', 'y'), ('deferred', 'list', '--format', 'x'),
    ('deferred', 'list', '--format', 'prometheus'), ('deferred', 'dismiss'),
    ('--format', 'prometheus', 'orphans', 'list'), ('report', 'x'),
    ('--no-such-option', 'report')])
def test_wrong_usage_exits_with_2(run, words):
    code, out, err = run(*words)
    assert code == 2 and (out or err) and 'Traceback' not in err


COMMANDS = ('checkpoint list', 'checkpoint reset', 'checkpoint show',
            'deferred dismiss', 'deferred list', 'deferred sweep',
            'orphans delete', 'orphans list', 'report')


@pytest.mark.parametrize('words', [
    ('--help',), ('help',), ('--format', 'json', '--help')])
def test_help_lists_all_commands(run, words):
    code, out, err = run(*words)
    assert (code, err) == (0, '')
    assert all('\n  %s ' % command in out for command in COMMANDS)


@pytest.mark.parametrize('command', COMMANDS)
@pytest.mark.parametrize('words', ['%s --help', '--help %s', 'help %s'])
def test_help_of_a_command_lists_its_options(run, command, words):
    code, out, err = run(*(words % command).split())
    assert (code, err) == (0, '')
    assert 'karbor-trove-manage %s' % command in out and '--format' in out


def without_karbor(*words):
    """Run the command in a process that cannot import Karbor."""
    return subprocess.run(
        [sys.executable, '-c',
         'import sys; sys.modules["karbor"] = None; '
         'from karbor_trove.cmd import manage; sys.exit(manage.main())',
         *words], capture_output=True, text=True)


@pytest.mark.parametrize('words', [
    ('--help',), ('help',), ('--version',), ('report', '--help'),
    ('help', 'orphans', 'delete'), ('--help', 'checkpoint', 'reset'),
    ('deferred', 'sweep', '-h'), ('help', 'report'), ('complete',)])
def test_help_and_version_do_not_import_karbor(words):
    process = without_karbor(*words)
    assert (process.returncode, process.stderr) == (0, '')
    assert process.stdout
    if words == ('help', 'report'):
        assert 'prometheus' in process.stdout


@pytest.mark.parametrize('words', [(), ('no-such-command',), ('report', 'x')])
def test_wrong_usage_does_not_import_karbor(words):
    assert without_karbor(*words).returncode == 2


def test_missing_karbor_is_one_line():
    process = without_karbor('deferred', 'list')
    assert (process.returncode, process.stdout) == (1, '')
    assert len(process.stderr.splitlines()) == 1
    assert 'karbor' in process.stderr


def test_version_is_that_of_the_package(run):
    code, out, _ = run('--version')
    assert code == 0 and out.split()[1][0].isdigit()


def test_complete_prints_all_commands(run):
    code, out, err = run('complete')
    assert (code, err) == (0, '')
    assert ("cmds='checkpoint complete deferred help orphans report verify'"
            in out)
    assert "cmds_checkpoint='accept list reset show'" in out
    assert "cmds_deferred='dismiss list release sweep'" in out
    assert "cmds_orphans='delete list'" in out


@pytest.mark.parametrize('is_before', [True, False])
def test_config_file_may_stand_before_or_after_the_command(
        run, config_file, checkpoint, is_before):
    option = '--config-file', config_file
    words = 'checkpoint', 'show', checkpoint.id
    code, out, err = run(*option, *words) if is_before else run(
        *words, *option)
    assert (code, err) == (0, '')
    titles, row = out.splitlines()[1], out.splitlines()[3]
    assert [title.strip() for title in titles.split('|')][1:6] == [
        'Checkpoint', 'Project', 'Status', 'Created', 'May run']
    assert [cell.strip() for cell in row.split('|')][1:4] == [
        checkpoint.id, cloud.PROJECT, 'protecting']


@pytest.mark.parametrize('option', [
    ('--format', 'json'), ('--format=json',), ('-f', 'json')])
def test_format_may_stand_after_the_command(run, config_file, option):
    assert run('deferred', 'list', *option, '--config-file', config_file) == (
        0, '[]\n', '')


def test_format_may_stand_before_the_command(run, config_file):
    assert run('--format', 'json', '--config-file', config_file,
               'deferred', 'list') == (0, '[]\n', '')


@pytest.mark.parametrize('format_, parse', [
    ('json', json.loads), ('yaml', yaml.safe_load),
    ('csv', lambda text: list(csv.DictReader(io.StringIO(text))))])
def test_formats_have_the_chosen_columns(
        run, config_file, checkpoint, format_, parse):
    code, out, _ = run('checkpoint', 'show', checkpoint.id, '-f', format_,
                       '-c', 'status', '-c', 'checkpoint', '--config-file',
                       config_file)
    assert code == 0
    assert parse(out) == [{'checkpoint': checkpoint.id,
                           'status': 'protecting'}]


def test_value_has_no_titles(run, config_file, checkpoint):
    assert run('checkpoint', 'show', checkpoint.id, '-f', 'value', '-c',
               'checkpoint', '--config-file', config_file) == (
        0, checkpoint.id + '\n', '')


@pytest.mark.parametrize('words, columns', [
    (('deferred', 'list'),
     ['what', 'project', 'instance', 'checkpoint', 'backup', 'restore',
      'since', 'why']),
    (('orphans', 'list'),
     ['project', 'instance', 'backup', 'name', 'status', 'created', 'size_gb',
      'reason'])])
def test_csv_of_an_empty_list_has_the_columns(
        run, config_file, fake_trove, words, columns):
    code, out, err = run(*words, '--config-file', config_file, '-f', 'csv')
    assert (code, err) == (0, '')
    assert list(csv.reader(io.StringIO(out))) == [columns]


def test_unknown_column_is_one_line(run, config_file, checkpoint):
    code, out, err = run('checkpoint', 'show', checkpoint.id, '-c', 'x',
                         '--config-file', config_file)
    assert (code, out) == (1, '')
    assert len(err.splitlines()) == 1 and 'resource_status' in err
    assert 'no column "x"' in err


def test_missing_configuration_is_one_line(run, tmp_path):
    code, out, err = run('deferred', 'list', '--config-file',
                         tmp_path / 'none.conf')
    assert code == 1 and not out
    assert err.startswith('karbor-trove-manage: ') and 'none.conf' in err
    assert len(err.splitlines()) == 1


def test_missing_provider_is_one_line(run, config_file, tmp_path):
    (tmp_path / 'providers.d' / 'databases.conf').unlink()
    code, _, err = run('deferred', 'list', '--config-file', config_file)
    assert code == 1
    assert err == 'karbor-trove-manage: there is no provider file in %s\n' % (
        tmp_path / 'providers.d')


def test_programming_error_is_one_line(run, config_file, monkeypatch):
    def fail(section, limit=None):
        raise ValueError('first\nsecond')

    monkeypatch.setattr('karbor_trove.bank.storage.list_keys', fail)
    assert run('deferred', 'list', '--config-file', config_file) == (
        1, '', 'karbor-trove-manage: first second\n')


@pytest.fixture
def secrets(config_file):
    """Set and return what must not be in any output."""
    config_file.write_text(config_file.read_text().replace(
        'password = password', 'password = of-karbors-user'))
    return 'of-karbors-user', keystone.SERVICE_TOKEN


def test_debug_prints_all_messages_and_a_traceback_but_no_secrets(
        run, config_file, fake_trove, secrets):
    fake_trove.forbid()
    code, _, err = run('orphans', 'list', '--config-file', config_file,
                       '--debug')
    assert code == 1
    assert 'Traceback' in err and 'DEBUG' in err and '/backups' in err
    assert not [secret for secret in secrets if secret in err]


def test_log_file_has_all_messages_but_no_secrets(
        run, config_file, fake_trove, secrets, tmp_path):
    fake_trove.forbid()
    path = tmp_path / 'manage.log'
    code, _, err = run('orphans', 'list', '--config-file', config_file,
                       '--log-file', path)
    assert code == 1 and len(err.splitlines()) == 1
    log = path.read_text()
    assert 'DEBUG' in log and '/backups' in log
    assert not [secret for secret in secrets if secret in log]


def test_quiet_prints_problems(run, config_file, fake_trove):
    fake_trove.forbid()
    code, out, err = run('-q', 'orphans', 'list', '--config-file',
                         config_file)
    assert (code, out) == (1, '') and len(err.splitlines()) == 1


@pytest.mark.parametrize('option, message', [
    ('', 'Keystone rejects the credentials in [keystone_authtoken]'),
    ('auth_type = no-such-type', 'no-such-type')])
def test_list_fails_if_karbors_user_cannot_authenticate(
        run, config_file, fake_trove, option, message):
    text = config_file.read_text()
    if option:
        text = text.replace('auth_type = password', option, 1)
    else:
        fake_trove.mocker.post(
            keystone.URL + '/v3/auth/tokens', status_code=401, json={})
    config_file.write_text(text)
    code, _, err = run('orphans', 'list', '--config-file', config_file)
    assert code == 1 and message in err
    assert 'has no role' not in err and len(err.splitlines()) == 1


def test_list_fails_if_karbors_user_has_no_role_in_its_project(
        run, config_file, fake_trove):
    def issue(request, context):
        # As Keystone does: the same 401 as for a wrong password.
        if 'scope' in request.json()['auth']:
            context.status_code = 401
            return json.loads(keystone.build_error(401).text)
        return keystone.build_token()

    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201, json=issue,
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    code, _, err = run('orphans', 'list', '--config-file', config_file)
    assert code == 1 and len(err.splitlines()) == 1
    assert 'has no role in project of its own' in err
    assert 'credentials' not in err


def test_list_reads_the_version_from_the_url_if_discovery_is_refused(
        run, config_file, refused_discovery):
    code, out, err = run('orphans', 'list', '--config-file', config_file)
    assert (code, err) == (0, '')


def test_list_fails_if_keystone_ends_while_a_refusal_is_explained(
        run, config_file, fake_trove):
    def issue(request, context):
        context.status_code = (
            401 if 'scope' in request.json()['auth'] else 503)
        return json.loads(keystone.build_error(context.status_code).text)

    fake_trove.mocker.post(keystone.URL + '/v3/auth/tokens', json=issue)
    code, _, err = run('orphans', 'list', '--config-file', config_file)
    assert code == 1 and '503' in err and len(err.splitlines()) == 1
    assert 'has no role' not in err and 'credentials' not in err


def test_list_needs_trove_in_the_catalog_or_an_endpoint(
        run, config_file, fake_trove):
    token = keystone.build_token(keystone.SERVICE_PROJECT)
    token['token']['catalog'] = token['token']['catalog'][:1]
    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201, json=token,
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    text = config_file.read_text()
    config_file.write_text(text.replace('trove_endpoint', '#'))
    code, _, err = run('orphans', 'list', '--config-file', config_file)
    assert code == 1 and 'finding Trove: Couldn\'t find the endpoint' in err
    config_file.write_text(text)
    assert run('orphans', 'list', '--config-file', config_file)[0] == 0


@pytest.mark.parametrize('region', ['RegionOne', 'Sydney'])
def test_list_finds_trove_in_the_catalog(
        run, config_file, fake_trove, region):
    config_file.write_text(config_file.read_text().replace(
        'trove_endpoint', '#'))
    token = keystone.build_token(keystone.SERVICE_PROJECT)
    for service in token['token']['catalog']:
        service['endpoints'][0].update(region=region, region_id=region)
    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201, json=token,
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    assert run('orphans', 'list', '--config-file', config_file)[0] == 0
    assert fake_trove.find_requests('GET', '/backups')


@pytest.mark.parametrize('format_', ['table', 'value', 'csv', 'json', 'yaml'])
def test_control_characters_of_a_tenant_are_escaped(
        run, config_file, fake_trove, resource, format_):
    name = 'a\x1b]0;b\x07\x9b\x7f\n\u202e\u2066'
    fake_trove.instances[resource.id]['name'] = name
    code, out, err = run('report', '-f', format_, '--config-file',
                         config_file)
    assert code == 0, err
    assert not set('\x1b\x07\x9b\x7f\u202e\u2066') & set(out)


def test_missing_provider_directory_is_explained(run, config_file, tmp_path):
    config_file.write_text(config_file.read_text().replace(
        'provider_config_dir = %s' % (tmp_path / 'providers.d'),
        'provider_config_dir = /none/providers'))
    code, out, err = run('deferred', 'list', '--config-file', config_file)
    assert (code, out) == (1, '')
    assert '"/none/providers" of provider_config_dir' in err
    assert str(config_file) in err


def test_machine_without_configuration_files_is_explained():
    """In a process of its own: in this one Karbor has required options."""
    process = subprocess.run(
        [sys.executable, '-c',
         'import sys; from oslo_config import cfg; '
         'cfg.find_config_files = lambda *args, **kwargs: []; '
         'from karbor_trove.cmd import manage; '
         'sys.exit(manage.main())', 'deferred', 'list'],
        capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (1, '')
    assert 'no configuration of Karbor was found' in process.stderr
    assert ('of Karbor that were read: none. Use --config-file'
            in process.stderr)
    assert len(process.stderr.splitlines()) == 1


def run_process(config_file, *words, **kw):
    return subprocess.Popen(
        [sys.executable, '-c',
         'import sys; from karbor_trove.cmd import manage; '
         'sys.exit(manage.main())', *words, '--config-file',
         str(config_file)], stderr=subprocess.PIPE, **{'text': True, **kw})


def test_full_disk_is_one_line(config_file):
    with open('/dev/full', 'w') as full:
        process = run_process(config_file, 'deferred', 'list', stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert 'No space left' in err and len(err.splitlines()) == 1


def test_closed_pipe_ends_without_a_message(config_file):
    reader, writer = os.pipe()
    os.close(reader)
    process = run_process(config_file, 'deferred', 'list', stdout=writer)
    os.close(writer)
    _, err = process.communicate()
    assert (process.returncode, err) == (141, '')


@pytest.mark.parametrize('words', [
    ('--help',), ('help', 'report'), ('--version',), ('complete',)])
def test_help_to_a_full_disk_or_a_closed_pipe_has_no_traceback(
        config_file, words):
    with open('/dev/full', 'w') as full:
        process = run_process(config_file, *words, stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert 'No space left' in err and 'Traceback' not in err
    reader, writer = os.pipe()
    os.close(reader)
    process = run_process(config_file, *words, stdout=writer)
    os.close(writer)
    _, err = process.communicate()
    # cliff's pager of the help ignores that its reader is gone.
    assert process.returncode in (0, 141) and err == ''
    process = run_process(config_file, *words, preexec_fn=lambda: os.close(1))
    _, err = process.communicate()
    assert process.returncode in (0, 1) and 'Traceback' not in err


LIST = 'deferred', 'list'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('application, module, name, words', [
    ('manage', 'karbor_trove.bank.storage', 'list_keys', LIST),
    ('manage', 'karbor_trove.cmd.providers', 'load_providers', LIST),
    ('manage', 'karbor_trove.cmd.declarations', 'Lister.produce_output',
     LIST),
    ('status', 'karbor_trove.cmd.commands.upgrade_check', 'check',
     ('upgrade', 'check'))])
def test_signal_ends_the_process_with_its_exit_status_and_no_message(
        config_file, number, application, module, name, words):
    process = subprocess.run(
        [sys.executable, '-c',
         'import os, signal, sys; import %s as module\n'
         # A shell may start its background jobs with this signal ignored.
         'signal.signal(signal.SIGINT, signal.default_int_handler)\n'
         'def interrupt(*_, **__):\n'
         '    os.kill(os.getpid(), %d)\n'
         'module.%s = interrupt\n'
         'from karbor_trove.cmd import %s as application\n'
         'sys.exit(application.main())'
         % (module, number, name, application),
         *words, '--config-file', str(config_file)],
        capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (128 + number, '')
    assert 'Traceback' not in process.stderr


def test_sigterm_leaves_no_temporary_file(config_file, tmp_path):
    folder = tmp_path / 'collector'
    folder.mkdir()
    process = subprocess.run(
        [sys.executable, '-c',
         'import os, signal, sys\n'
         'from karbor_trove.cmd.commands import base\n'
         'from karbor_trove.cmd import manage\n'
         'base.Action.run = lambda *_: []\n'
         'os.fsync = lambda _: os.kill(os.getpid(), signal.SIGTERM)\n'
         'sys.exit(manage.main())', 'report', '--output',
         str(folder / 'karbor_trove.prom'), '--config-file',
         str(config_file)], capture_output=True, text=True)
    assert process.returncode == 143 and 'Traceback' not in process.stderr
    assert list(folder.iterdir()) == []


def test_ctrl_c_exits_with_130(run, config_file, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr('karbor_trove.bank.storage.list_keys', interrupt)
    assert run('deferred', 'list', '--config-file', config_file) == (
        130, '', '')


@pytest.mark.parametrize('word', ['karbor-fs-bank-plugin',
                                  'karbor-trove-protection-plugin'])
def test_provider_file_with_a_wrong_plugin_is_named_with_line_and_word(
        run, config_file, tmp_path, word):
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.write_text(path.read_text().replace(word, 'no-such-plugin'))
    code, out, err = run('deferred', 'list', '--config-file', config_file)
    assert (code, out) == (1, '') and len(err.splitlines()) == 1
    assert str(path) in err and '"no-such-plugin"' in err
    line = path.read_text().splitlines().index(
        next(line for line in path.read_text().splitlines()
             if 'no-such-plugin' in line)) + 1
    assert 'line %d:' % line in err


@pytest.mark.parametrize('section, line, value, allowed', [
    ('trove_protection_plugin', 'ready_timeout = 0', "'0'",
     'a number greater than or equal to 0.1'),
    ('trove_protection_plugin', 'ready_timeout = soon', "'soon'",
     'a number greater than or equal to 0.1'),
    ('trove_protection_plugin', 'full_backup_every = 1.5', "'1.5'",
     'an integer greater than or equal to 1'),
    ('trove_protection_plugin', 'verify_level = all', "'all'",
     'one of backup, data, restore'),
    ('trove_protection_plugin', 'keep_failed_restores = maybe', "'maybe'",
     'true or false'),
    ('trove_protection_plugin', 'verify_net_id = net', "'net'", 'a UUID'),
    ('provider', 'enabled = maybe', "'maybe'", 'true or false')])
def test_provider_file_with_a_wrong_value_is_explained(
        run, config_file, tmp_path, section, line, value, allowed):
    path = tmp_path / 'providers.d' / 'databases.conf'
    text = path.read_text().replace('enabled = True\n', '')
    path.write_text(text.replace('[%s]\n' % section,
                                 '[%s]\n%s\n' % (section, line)))
    code, out, err = run('deferred', 'list', '--config-file', config_file)
    assert (code, out) == (1, '') and len(err.splitlines()) == 1
    assert str(path) in err and line.split()[0] in err
    assert value in err and allowed in err


def test_provider_file_with_a_wrong_type_to_leave_unprotected_is_explained(
        run, config_file, tmp_path):
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.write_text(path.read_text() + '[trove_passthrough_plugin]\n'
                    'types = OS::Keystone::Project,OS::Nova::Servers\n')
    code, out, err = run('deferred', 'list', '--config-file', config_file)
    assert (code, out) == (1, '') and len(err.splitlines()) == 1
    assert str(path) in err and "OS::Nova::Servers'" in err
    assert 'types' in err and 'one or more of OS::Keystone::Project, ' in err


def test_provider_file_with_a_wrong_value_of_the_bank_is_explained(
        run, config_file, tmp_path):
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.write_text(path.read_text().replace(
        'karbor-fs-bank-plugin', 'karbor-swift-bank-plugin').replace(
        '[file_system_bank_plugin]',
        '[swift_bank_plugin]\nlease_expire_window = long\n'
        '[file_system_bank_plugin]'))
    code, out, err = run('deferred', 'list', '--config-file', config_file)
    assert (code, out) == (1, '') and len(err.splitlines()) == 1
    assert str(path) in err
    assert "lease_expire_window 'long' is not allowed: an integer" in err


def test_provider_file_without_a_bank_is_explained(
        run, config_file, tmp_path):
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.write_text('[provider]\nname = databases\n')
    assert run('deferred', 'list', '--config-file', config_file) == (
        1, '', 'karbor-trove-manage: the provider file %s cannot be loaded: '
        'bank of [provider] is not set\n' % path)


def test_provider_file_that_is_no_configuration_is_explained(
        run, config_file, tmp_path):
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.write_text('garbage\n')
    code, out, err = run('deferred', 'list', '--config-file', config_file)
    assert (code, out) == (1, '') and len(err.splitlines()) == 1
    assert str(path) in err and 'garbage' in err


@pytest.mark.parametrize('option', ['--debug', '-v', '-vv', '--log-file'])
def test_log_lines_escape_the_text_of_a_tenant(
        run, config_file, monkeypatch, tmp_path, option):
    def fail(section, limit=None):
        logging.getLogger('karbor').info('name: %s', name)
        logging.getLogger('karbor').info(name)
        raise ValueError(name)

    name = 'a\x1b]0;b\x07\x9b\u202e\n[2026-01-01] INFO root all is well\r'
    monkeypatch.setattr('karbor_trove.bank.storage.list_keys', fail)
    log = tmp_path / 'manage.log'
    options = (option, log) if option == '--log-file' else (option,)
    code, _, err = run('deferred', 'list', *options, '--config-file',
                       config_file)
    text = log.read_text() if option == '--log-file' else err
    assert code == 1
    assert not set('\x1b\x07\x9b\u202e\r') & set(text)
    assert 'name: a\\x1b]0;b\\x07\\x9b\\u202e\\n[2026' in text
    assert not [line for line in text.splitlines()
                if line.startswith('[2026-01-01] INFO root')]


ASCII = {'PYTHONIOENCODING': 'ascii:strict'}


@pytest.mark.parametrize('encoding, options', [
    *((encoding, ('--debug',)) for encoding in (
        {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'},
        {'LC_ALL': 'C'}, {'PYTHONIOENCODING': 'ascii'},
        {'PYTHONIOENCODING': 'cp437'})),
    *((ASCII, ('-f', format_))
      for format_ in ('table', 'value', 'csv', 'json', 'yaml')),
    (ASCII, ('-v', '--log-file'))], ids=str)
def test_character_that_the_encoding_lacks_ends_no_command(
        config_file, journal, checkpoint, tmp_path, encoding, options):
    journal.write(backup_journal.BackupEntry(
        journal.instance_id, checkpoint.id, cloud.PROJECT,
        'Gr\xf6\xdfe \u20ac \U0001f4be \u2603',
        time_before_request='2026-01-01T00:00:00'))
    log = [str(tmp_path / 'manage.log')] if '--log-file' in options else []
    process = run_process(
        config_file, 'deferred', 'list', *options, *log,
        stdout=subprocess.PIPE, env={**os.environ, **encoding},
        encoding='utf-8', errors='replace')
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert 'Traceback' not in err and checkpoint.id in out
    assert 'Gr' in out


def test_message_that_the_encoding_lacks_is_one_line(config_file, tmp_path):
    (tmp_path / 'providers.d' / 'databases.conf').write_text(
        '[provider]\nbank = gr\xf6\xdfe \u20ac\U0001f4be\n', 'utf-8')
    process = run_process(
        config_file, 'deferred', 'list', stdout=subprocess.PIPE,
        env={**os.environ, **ASCII})
    _, err = process.communicate()
    assert process.returncode == 1
    assert len(err.splitlines()) == 1 and '\\u20ac' in err


def test_log_file_on_a_full_disk_ends_no_command(config_file):
    process = run_process(config_file, 'deferred', 'list', '--log-file',
                          '/dev/full', stdout=subprocess.PIPE)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (0, '\n', '')
