# SPDX-License-Identifier: Apache-2.0

"""Delete operation: deletion of the backup of one instance."""

import dataclasses
from typing import Any, Optional

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.bank import backup_journal
from karbor_trove.bank import omissions
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove.bank import verification_results
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.operations import base

LOG = logging.getLogger(__name__)


class DeleteOperation(base.Operation):
    """Deletes the backup of one instance in a checkpoint."""

    action = 'Deleting the backup of'
    event = 'delete'
    event_keys = ('deferred_because',)
    failure_class = exception.DeleteResourceFailed

    # TaskFlow passes arguments by name. Do not rename the hooks' arguments.
    @base.hook
    def on_main(self, checkpoint: karbor_types.Checkpoint,
                resource: karbor_types.Resource,
                context: karbor_types.RequestContext,
                parameters: karbor_types.Parameters, **kwargs: Any) -> None:
        """Delete the backup, or defer its deletion.

        If the backup cannot be deleted now, the deletion is deferred. For
        example, the backup is still being created, it has children, or Trove
        or Swift is unavailable. A later operation on the same instance deletes
        the backup.

        If the deletion is deferred, this operation succeeds nevertheless,
        because Karbor cannot repeat a failed delete operation.

        :raises karbor.exception.DeleteResourceFailed: the bank failed. Or a
            later release of karbor-trove wrote the backup record or the
            journal entry, and this release cannot read it.
        """
        deletion = self._backup_deletion()
        resource_status.mark_started(
            self._section, constants.RESOURCE_STATUS_DELETING)
        entry = self._find_entry()
        if entry is not None:
            self._changes.set(backup_id=entry.backup_id)
            outcome = deletion.delete(entry, self._settings.delete_timeout)
            self._changes.set(backup_id=outcome.entry.backup_id,
                              deferred_because=outcome.blocker)
            if not outcome.deleted:
                self._changes.log('has been deferred')
        else:
            omissions.delete_markers(self._section.bank, resource.id,
                                     checkpoint.id)
        record.delete(self._section)
        verification_results.delete(self._section)
        resource_status.set_status(
            self._section, constants.RESOURCE_STATUS_DELETED)
        deletion.sweep(skip_checkpoint_id=checkpoint.id)

    def _refuse(self, checkpoint: karbor_types.Checkpoint,
                resource: karbor_types.Resource,
                record: Optional[karbor_types.OperationRecord],
                error: errors.Rejected) -> None:
        # The protect operation refuses such a resource, so there is no backup
        # to delete. If this operation failed, the checkpoint could never be
        # deleted.
        LOG.warning('Deleting the backup of %a in checkpoint %s does nothing: '
                    '%s', resource.id, checkpoint.id, error)

    def _find_entry(self) -> Optional[backup_journal.BackupEntry]:
        """Return the journal entry of the backup, with the id if it is known.

        This method ignores a corrupt journal entry, a journal entry that names
        another project, and a corrupt backup record. In two cases the id of
        the backup is taken from the backup record of the checkpoint:

        * There is no usable journal entry. Then an entry is built from the
          record, and not written. For example, Karbor's in-tree plugin writes
          a record but no journal.
        * The journal entry lacks the id. Then the id is added, and the entry
          is written to the journal. For example, an interrupted protect
          operation has written the id to the record only.

        :returns: the entry. If the id is in neither the journal entry nor the
            record, the journal entry is returned without the id. None if there
            is no usable journal entry, and no usable record with the id.
        :raises errors.KarborTroveError: the bank failed, or a later release of
            karbor-trove wrote the record or the journal entry.
        """
        checkpoint = self._checkpoint
        entry: Optional[backup_journal.BackupEntry] = None
        backup_record: Optional[record.BackupRecord] = None
        try:
            entry = self._journal.read(checkpoint.id)
        except errors.CorruptObject as error:
            LOG.error('%s', error)
        try:
            backup_record = record.read(self._section, self._resource.id)
        except errors.CorruptObject as error:
            LOG.error('%s', error)
        if entry is not None and not entry.is_visible_to(
                checkpoint.project_id):
            LOG.error('The journal entry of checkpoint %s is not used: it '
                      'names project %a', checkpoint.id, entry.project_id)
            entry = None
        if backup_record is None or not backup_record.backup_id:
            return entry
        if entry is None:
            return backup_journal.BackupEntry(
                instance_id=backup_record.instance.id,
                checkpoint_id=checkpoint.id, project_id=checkpoint.project_id,
                backup_name=backup_record.backup_name,
                backup_id=backup_record.backup_id, is_complete=True)
        if entry.backup_id is None:
            # on_main() deletes the record, so the journal needs the id first.
            entry = dataclasses.replace(entry,
                                        backup_id=backup_record.backup_id)
            self._journal.write(entry)
        return entry
