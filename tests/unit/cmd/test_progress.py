"""Tests of the progress of long commands on standard error."""

import sys
import uuid

import pytest

from karbor_trove.cmd import progress
from karbor_trove import polling
from tests.unit.cmd import test_acceptance
from tests.unit.cmd import test_deferred
from tests.unit.cmd import test_verify

deferred = test_deferred.deferred
end_token = test_acceptance.end_token
failed = test_acceptance.failed
karbor = test_verify.karbor
protect_both = test_acceptance.protect_both
resources = test_acceptance.resources
section = test_acceptance.section
verify = test_verify.verify


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


def test_progress_of_slow_items_is_shown_for_each_item(take):
    assert take(0.1, is_terminal=True, is_slow=True) == ''.join(
        '\r\x1b[KReading: %d of 5\r' % number for number in range(1, 6)
    ) + '\r\x1b[K'


@pytest.mark.parametrize('is_slow', [False, True])
def test_progress_is_not_shown_in_a_pipe(take, is_slow):
    assert take(10, is_terminal=False, is_slow=is_slow) == ''


@pytest.fixture(params=[True, False], ids=['terminal', 'pipe'])
def check_progress(request, run, config_file, clock, monkeypatch):
    """Return a function that runs a command and checks its progress.

    Only on a terminal, the command shows a line and erases it again.
    """
    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
    monkeypatch.setattr(progress, 'INTERVAL', 0)

    def check_progress(words, line):
        monkeypatch.setattr(sys.stderr, 'isatty', lambda: request.param)
        code, out, err = run(*words, '--config-file', config_file)
        assert code == 0 and 'Reading' not in out
        assert (line in err) == request.param
        if request.param:
            assert err.endswith('\r\x1b[K')
        else:
            assert err == ''
    return check_progress


@pytest.mark.parametrize('words, line', [
    (('report',), 'Reading the checkpoints of provider databases: '),
    (('report',), 'Checking the restore points of instances: 1 of 1'),
    (('checkpoint', 'list'), 'Reading the checkpoints of provider databases'),
    (('orphans', 'list'), 'Checking backups: 1 of 1'),
    (('orphans', 'list'), 'Reading the checkpoints of provider databases: '),
    (('orphans', 'list'), 'Reading the backup journals of instances: 1 of 1'),
    (('deferred', 'list'), 'Reading the journals of instances: 1 of 1'),
    (('deferred', 'sweep'), 'Sweeping the journals of instances: 1 of 1')])
def test_command_on_a_slow_bank_shows_progress_only_on_a_terminal(
        check_progress, protect, checkpoint, words, line):
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()
    check_progress(words, line)


def test_deletion_of_orphans_shows_progress_only_on_a_terminal(
        check_progress, protect, checkpoint, fake_trove, resource):
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()
    fake_trove.delete_seconds = 0
    orphan = fake_trove.add_backup(
        resource.id, name='karbor-%s-%s' % (uuid.uuid4(), resource.id))
    check_progress(('orphans', 'delete', '--yes'),
                   'Deleting backups: 1 of 1')
    assert orphan not in fake_trove.backups


def test_verifications_show_progress_only_on_a_terminal(
        check_progress, add_point, verify, karbor, fake_trove):
    points = [add_point(), add_point(fake_trove.add_instance())]
    check_progress(('verify', '--oldest-unverified', '2'),
                   'Verifying checkpoints: 2 of 2')
    assert len(karbor.checkpoints) == len(points)


def test_release_shows_progress_only_on_a_terminal(
        check_progress, deferred, fake_trove):
    fake_trove.delete_seconds = 0
    check_progress(('deferred', 'release', deferred.backup_id, '--yes'),
                   'Deleting the backups of instances: 1 of 1')
    assert not fake_trove.backups


@pytest.mark.parametrize('line', [
    'Reading the backup journals of instances: 2 of 2',
    'Reading the manifests of backups: 2 of 2'])
def test_acceptance_shows_progress_only_on_a_terminal(
        check_progress, failed, status, line):
    check_progress(('checkpoint', 'accept', failed), line)
    assert status() == 'available'
