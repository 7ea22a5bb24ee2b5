"""Checks of the deletions by several protection services."""

import logging
import uuid

import pytest

from karbor_trove.bank import backup_journal
from tests.benchmark import deletions

INSTANCE, CHECKPOINT, OTHER, BACKUP = (
    str(uuid.UUID(int=number)) for number in range(1, 5))


def write_log(path, *checkpoint_ids):
    path.write_text('\n'.join([
        '2026-11-28 12:00:00.000 INFO karbor.services.protection.manager '
        'Starting protection service', *(
            '2026-11-28 12:00:01.000 INFO karbor_trove.operations.'
            'state_changes Deleting the backup of instance %s in checkpoint '
            '%s has started, backup unknown, request req-1' % (
                INSTANCE, checkpoint_id) for checkpoint_id in checkpoint_ids),
        '2026-11-28 12:00:02.000 INFO karbor_trove.operations.state_changes '
        'Protecting instance %s in checkpoint %s has started, backup '
        'unknown, request req-2' % (INSTANCE, OTHER)]))


def test_logs_tell_which_service_deleted_a_checkpoint(tmp_path):
    write_log(tmp_path / 'service-0.log', CHECKPOINT)
    write_log(tmp_path / 'service-1.log')
    write_log(tmp_path / 'service-2.log', CHECKPOINT, BACKUP)
    assert deletions.find_hosts(
        tmp_path, ['service-0', 'service-1', 'service-2']) == {
            CHECKPOINT: {'service-0', 'service-2'}, BACKUP: {'service-2'}}


def test_log_of_the_delete_operation_has_this_line(
        tmp_path, caplog, checkpoint, protect, delete):
    caplog.set_level(logging.INFO)
    protect()
    delete()
    (tmp_path / 'service-0.log').write_text(caplog.text)
    assert deletions.find_hosts(tmp_path, ['service-0']) == {
        checkpoint.id: {'service-0'}}


def write_entry(bank, **values):
    backup_journal.BackupJournal(bank, INSTANCE).write(
        backup_journal.BackupEntry(INSTANCE, **dict(
            {'checkpoint_id': CHECKPOINT, 'backup_id': BACKUP,
             'is_complete': True}, **values)))


LEFT = {BACKUP: {'instance_id': INSTANCE}}
DELETED_AT = '2026-11-28T12:00:00'


def test_left_backup_of_a_deleted_checkpoint_is_accepted(bank):
    write_entry(bank, deleted_at=DELETED_AT)
    write_entry(bank, checkpoint_id=OTHER, backup_id=OTHER)
    deletions.check_left(bank, LEFT)


@pytest.mark.parametrize('entries', [
    [],
    # No operation deletes the backup of an existing checkpoint.
    [{}],
    [{'backup_id': OTHER, 'deleted_at': DELETED_AT}],
    [{'deleted_at': DELETED_AT},
     {'deleted_at': DELETED_AT, 'checkpoint_id': OTHER}]])
def test_left_backup_that_no_operation_deletes_is_an_error(bank, entries):
    for values in entries:
        write_entry(bank, **values)
    with pytest.raises(AssertionError, match=BACKUP):
        deletions.check_left(bank, LEFT)
