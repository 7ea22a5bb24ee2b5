"""Tests of the application karbor-trove-status: formats and exit codes."""

import subprocess
import sys

import pytest

from karbor_trove.cmd.checks import versions
from karbor_trove.cmd import status


def test_correct_installation_has_only_successes(check, fake_trove):
    rows = check('--offline')
    assert {row['result'] for row in rows} == {'Success'}
    assert {row['finding'] for row in rows} == {
        'files-correct', 'protectable-in-force', 'protection-in-force',
        'project-plans-none', 'versions-tested'}
    assert not fake_trove.requests
    assert not fake_trove.mocker.called


def test_correct_cloud_has_only_successes(
        check, answer, change, new_checkpoint, fake_trove):
    answer(roles=('admin', 'service'))
    new_checkpoint()
    rows = check()
    assert {row['result'] for row in rows} == {'Success'}, rows
    assert {'keystone-works', 'trove-works', 'clocks-agree', 'swift-works',
            'bank-works'} <= {row['finding'] for row in rows}


def test_table_has_a_block_with_line_and_text_for_each_finding(run, change):
    path = change('poll_interval = 0.1', 'pol_interval = 0.1')
    code, out, err = run('--offline')
    assert (code, err) == (2, '')
    assert 'Upgrade Check Results' in out
    lines = [line.strip('| ') for line in out.splitlines()]
    start = lines.index('Finding: option-unknown')
    assert lines[start - 2:start] == ['Check: Provider files',
                                      'Result: Failure']
    assert 'File: %s' % path in lines[start:]
    assert lines[lines.index('Line: 10', start):][1:3] == [
        'Write:', 'poll_interval = 0.1']


def test_deleted_line_is_named_in_the_table(run, change):
    change('name = Databases', 'name = x\nname = Databases')
    code, out, _ = run('--offline')
    assert code == 1 and 'Write: nothing, delete the line' in out


@pytest.mark.parametrize('format_', ['csv', 'yaml', 'value'])
def test_other_formats_have_the_chosen_columns(run, format_):
    code, out, err = run('--offline', '-f', format_, '-c', 'finding')
    assert (code, err) == (0, '')
    assert 'protection-in-force' in out and 'Provider files' not in out


def test_control_characters_of_a_file_are_escaped(run, change):
    change('poll_interval', 'poll_intervals\x1b[2J')
    for format_ in 'table', 'json', 'csv', 'value':
        assert '\x1b' not in run('--offline', '-f', format_)[1]


@pytest.mark.parametrize('words', [
    (), ('upgrade',), ('upgrade', 'x'), ('upgrade', 'check', 'x'),
    ('upgrade', 'check', '-f', 'x'), ('upgrade', 'check', '-c', 'x')])
def test_wrong_usage_exits_with_255(run_application, words):
    assert run_application(status.main, *words)[0] == 255


def test_unexpected_error_exits_with_255(run, monkeypatch):
    def fail(*_):
        raise ValueError('first\nsecond')

    monkeypatch.setattr(versions, 'check', fail)
    assert run('--offline') == (
        255, '', 'karbor-trove-status: first second\n')


def test_machine_without_configuration_exits_with_255():
    """In a process of its own: in this one Karbor has required options."""
    process = subprocess.run(
        [sys.executable, '-c',
         'import sys; from oslo_config import cfg; '
         'cfg.find_config_files = lambda *args, **kwargs: []; '
         'from karbor_trove.cmd import status; '
         'sys.exit(status.main())', 'upgrade', 'check'],
        capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (255, '')
    assert 'no configuration of Karbor was found' in process.stderr


def test_full_disk_exits_with_255(conf):
    with open('/dev/full', 'w') as full:
        process = subprocess.run(
            [sys.executable, '-c',
             'import sys; from karbor_trove.cmd import status; '
             'sys.exit(status.main())', 'upgrade', 'check', '--offline',
             '--config-file', str(conf)], stdout=full,
            stderr=subprocess.PIPE, text=True)
    assert process.returncode == 255
    assert 'No space left' in process.stderr


@pytest.mark.parametrize('words', [('--help',), ('upgrade', 'check', '-h')])
def test_help_needs_no_karbor(words):
    process = subprocess.run(
        [sys.executable, '-c',
         'import sys; sys.modules["karbor"] = None; '
         'from karbor_trove.cmd import status; sys.exit(status.main())',
         *words], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, '')
    assert 'upgrade check' in process.stdout


@pytest.mark.parametrize('is_terminal', [True, False])
def test_progress_is_shown_only_on_a_terminal(run, monkeypatch, is_terminal):
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: is_terminal)
    _, _, err = run()
    assert err == (''.join('\r\x1b[KChecking %s\r' % text for text in (
        'the cloud and the banks: 1 of 2', 'what providers need: 1 of 1'))
        + '\r\x1b[K' + ''.join('\r\x1b[KChecking %s\r' % text for text in (
            'the cloud and the banks: 2 of 2',
            'the banks of providers: 1 of 1'))
        + 2 * '\r\x1b[K' if is_terminal else '')
