"""Backups that an entry of the backup journal matches."""

import datetime

import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.trove import models

NOON = datetime.datetime(2026, 1, 1, 12)
ENTRY = backup_journal.BackupEntry(
    'orders', 'checkpoint-1', backup_name='nightly',
    time_before_request=NOON.isoformat())


def build_backup(created, name='nightly'):
    return models.Backup('backup-1', name=name, instance_id='orders',
                         created=created)


@pytest.mark.parametrize('seconds, matches, is_uncertain', [
    (-301, False, True), (-300, True, True), (-1, True, True),
    (0, True, False), (599, True, False), (600, True, True),
    (899, True, True), (900, False, True)])
def test_backup_of_the_users_name_matches_within_10_minutes_and_a_tolerance(
        seconds, matches, is_uncertain):
    backup = build_backup(NOON + datetime.timedelta(seconds=seconds))
    assert ENTRY.matches(backup) is matches
    assert ENTRY.is_uncertain(backup) is is_uncertain


def test_backup_without_a_time_matches_only_a_unique_name():
    assert not ENTRY.matches(build_backup(None))
    entry = backup_journal.BackupEntry('orders', 'checkpoint-1',
                                       backup_name='of checkpoint-1')
    assert entry.matches(build_backup(None, 'of checkpoint-1'))
    assert not entry.is_uncertain(build_backup(None, 'of checkpoint-1'))
