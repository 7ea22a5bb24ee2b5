# SPDX-License-Identifier: Apache-2.0

"""Delete operation."""

from typing import Any, Optional

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import backup_journal
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove.bank import verification_results
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.operations import base

LOG = logging.getLogger(__name__)


class DeleteOperation(base.Operation):
    """Deletes the backup of one instance."""

    action = 'Deleting the backup of'
    failure_class = exception.DeleteResourceFailed

    # TaskFlow matches the hooks' arguments by name. Do not rename them.
    def on_main(self, checkpoint: karbor_types.Checkpoint,
                resource: karbor_types.Resource,
                context: karbor_types.RequestContext,
                parameters: karbor_types.Parameters, **kwargs: Any) -> None:
        """Delete the backup, or store in the bank that it must be deleted.

        Karbor cannot repeat the deletion of a checkpoint once it has failed.
        So this operation succeeds whenever the backup can be deleted later:
        if it is still being created, if it has children, if Trove or Swift is
        unavailable, or if they reject the request.

        :raises karbor.exception.DeleteResourceFailed: a later release wrote
            the record or the journal entry of the backup, or the bank failed.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        deletion = self._backup_deletion(section, resource.id, context)
        try:
            self._delete(section, checkpoint, resource.id, deletion)
        except errors.KarborTroveError as error:
            raise self._fail(checkpoint, resource, error) from error
        deletion.sweep(skip_checkpoint_id=checkpoint.id)

    def _delete(self, section: karbor_types.BankSection,
                checkpoint: karbor_types.Checkpoint, instance_id: str,
                deletion: deferred_deletion.BackupDeletion) -> None:
        resource_status.mark_started(
            section, constants.RESOURCE_STATUS_DELETING)
        entry = _find_entry(
            backup_journal.BackupJournal(section.bank, instance_id), section,
            checkpoint)
        if entry is not None:
            deletion.delete(entry, self._settings.delete_timeout)
        record.delete(section)
        verification_results.delete(section)
        resource_status.set_status(section, constants.RESOURCE_STATUS_DELETED)


def _find_entry(journal: backup_journal.BackupJournal,
                section: karbor_types.BankSection,
                checkpoint: karbor_types.Checkpoint
                ) -> Optional[backup_journal.BackupEntry]:
    """Return the journal entry of the backup, or build it from the record.

    Karbor's in-tree plugin writes the record only. If one of the two is
    corrupt, use the other. None if neither names a backup.
    """
    entry: Optional[backup_journal.BackupEntry] = None
    backup_record: Optional[record.BackupRecord] = None
    try:
        entry = journal.read(checkpoint.id)
    except errors.CorruptObject as error:
        LOG.error('%s', error)
    try:
        backup_record = record.read(section)
    except errors.CorruptObject as error:
        LOG.error('%s', error)
    if entry is None and backup_record is not None and (
            backup_record.backup_id):
        entry = backup_journal.BackupEntry(
            instance_id=backup_record.instance.id,
            checkpoint_id=checkpoint.id, project_id=checkpoint.project_id,
            backup_name=backup_record.backup_name,
            backup_id=backup_record.backup_id, is_complete=True)
    return entry
