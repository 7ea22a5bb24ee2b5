# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Delete: the backup of a checkpoint leaves Trove."""

from typing import Any, Mapping, Optional

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import backup_journal
from karbor_trove.bank import record
from karbor_trove.bank import status
from karbor_trove.bank import verification_results
from karbor_trove import errors
from karbor_trove.operations import base

LOG = logging.getLogger(__name__)


class DeleteOperation(base.Operation):
    """Deletes one instance's backup."""

    # TaskFlow matches the hooks' arguments by name; do not rename them.
    def on_main(self, checkpoint: Any, resource: Any, context: Any,
                parameters: Mapping[str, Any], **kwargs: Any) -> None:
        """Delete the backup, or note in the bank that it has to go.

        A checkpoint whose deletion fails is a dead end in Karbor, so this
        succeeds for all that can be done later: the backup still runs, others
        hang on it, Trove or Swift is away, or refuses.

        :raises karbor.exception.DeleteResourceFailed: a later release wrote
            what the bank knows of the backup, or the bank failed.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        remover = self._remover(section, resource.id, context)
        try:
            self._delete(section, checkpoint, resource.id, remover)
        except errors.KarborTroveError as error:
            LOG.error('Deleting the backup of instance %s in checkpoint %s '
                      'failed: %s', resource.id, checkpoint.id, error)
            status.mark_failed(section, constants.RESOURCE_STATUS_ERROR, str(error))
            raise exception.DeleteResourceFailed(
                name='Database Instance Backup', reason=str(error),
                resource_id=resource.id,
                resource_type=resource.type) from error
        remover.sweep(skip_checkpoint_id=checkpoint.id)

    def _delete(self, section: Any, checkpoint: Any, instance_id: str,
                remover: deferred_deletion.BackupDeletion) -> None:
        status.mark_started(section, constants.RESOURCE_STATUS_DELETING)
        entry = _entry(
            backup_journal.BackupJournal(
                section.bank,
                instance_id),
            section,
            checkpoint)
        if entry is not None:
            remover.delete(entry, self._settings.delete_timeout)
        record.delete(section)
        verification_results.delete(section)
        status.set_status(section, constants.RESOURCE_STATUS_DELETED)


def _entry(ledger: backup_journal.BackupJournal, section: Any,
           checkpoint: Any) -> Optional[backup_journal.BackupEntry]:
    """Find what is known of the backup, in either of two places.

    Karbor's in-tree plugin writes only one of them. A torn one is gone round:
    what it knew may be in the other.
    """
    entry: Optional[backup_journal.BackupEntry] = None
    kept: Optional[record.BackupRecord] = None
    try:
        entry = ledger.read(checkpoint.id)
    except errors.CorruptObject as error:
        LOG.error('%s', error)
    try:
        kept = record.read(section)
    except errors.CorruptObject as error:
        LOG.error('%s', error)
    if entry is None and kept is not None and kept.backup_id:
        entry = backup_journal.BackupEntry(
            instance_id=kept.instance.id, checkpoint_id=checkpoint.id,
            project_id=checkpoint.project_id, backup_name=kept.backup_name,
            backup_id=kept.backup_id, is_complete=True)
    return entry
