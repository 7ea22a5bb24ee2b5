"""Tests of the progress of long commands on standard error."""

import sys

import pytest

from karbor_trove.cmd import progress
from karbor_trove import polling


@pytest.fixture
def take(monkeypatch, clock, capsys):
    """Return a function that takes five items and returns standard error.

    Each item takes some seconds of virtual time.
    """
    def take(seconds, is_terminal, is_slow=False):
        monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
        monkeypatch.setattr(sys.stderr, 'isatty', lambda: is_terminal)
        taken = []
        for item in progress.track('abcde', 'Reading', is_slow):
            taken.append(item)
            clock.sleep(seconds)
        assert taken == list('abcde')
        out, err = capsys.readouterr()
        assert out == ''
        return err
    return take


def test_progress_is_shown_each_second_and_erased(take):
    assert take(0.5, is_terminal=True) == (
        '\r\x1b[KReading: 3 of 5\r\r\x1b[KReading: 5 of 5\r\r\x1b[K')


def test_progress_of_a_short_command_is_not_shown(take):
    assert take(0.1, is_terminal=True) == ''


def test_progress_of_slow_items_is_shown_at_once(take):
    assert take(0.1, is_terminal=True, is_slow=True) == (
        '\r\x1b[KReading: 1 of 5\r\r\x1b[K')


@pytest.mark.parametrize('is_slow', [False, True])
def test_progress_is_not_shown_in_a_pipe(take, is_slow):
    assert take(10, is_terminal=False, is_slow=is_slow) == ''


@pytest.mark.parametrize('words, line', [
    (('report',), 'Reading the checkpoints of provider databases: '),
    (('report',), 'Checking the restore points of instances: 1 of 1'),
    (('checkpoint', 'list'), 'Reading the checkpoints of provider databases'),
    (('orphans', 'list'), 'Checking backups: 1 of 1'),
    (('orphans', 'list'), 'Reading the checkpoints of provider databases: '),
    (('orphans', 'list'), 'Reading the backup journals of instances: 1 of 1'),
    (('deferred', 'list'), 'Reading the journals of instances: 1 of 1'),
    (('deferred', 'sweep'), 'Sweeping the journals of instances: 1 of 1')])
@pytest.mark.parametrize('is_terminal', [True, False])
def test_command_on_a_slow_bank_shows_progress_only_on_a_terminal(
        run, config_file, protect, checkpoint, bank, clock, monkeypatch, words,
        line, is_terminal):
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()
    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: is_terminal)
    monkeypatch.setattr(progress, 'INTERVAL', 0)
    code, out, err = run(*words, '--config-file', config_file)
    assert code == 0 and 'Reading' not in out
    assert (line in err) == is_terminal
    if is_terminal:
        assert err.endswith('\r\x1b[K')
    else:
        assert err == ''
