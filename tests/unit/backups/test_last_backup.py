"""The reason to keep the last complete backup of an instance."""

import datetime

import pytest

from karbor_trove.backups import last_backup
from karbor_trove.bank import backup_journal
from karbor_trove.bank import instance_markers
from karbor_trove.trove import models

CREATED = datetime.datetime(2026, 2, 1)


@pytest.mark.parametrize('minutes, is_kept', [
    (-6, False), (-4, True), (0, True), (6, True)])
def test_clocks_may_differ_by_5_minutes(minutes, is_kept):
    entry = backup_journal.BackupEntry(
        'instance', 'checkpoint', is_complete=True, backup_id='backup')
    omission = instance_markers.OmissionMarker(
        'later', CREATED + datetime.timedelta(minutes=minutes))
    reason = last_backup.find_reason_to_keep(
        entry, {'backup': models.Backup('backup', status='COMPLETED',
                                        created=CREATED)}, [entry],
        [omission])
    assert (reason is not None) == is_kept
