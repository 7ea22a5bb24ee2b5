# SPDX-License-Identifier: Apache-2.0

"""Creation of a backup, at most once even if the response is lost."""

import dataclasses
from typing import Optional, Set

from karbor_trove.backups import adoption
from karbor_trove.bank import backup_journal
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models


def create_backup(client: trove_client.TroveClient,
                  journal: backup_journal.BackupJournal,
                  entry: backup_journal.BackupEntry,
                  request: models.BackupRequest,
                  poller: polling.Poller) -> models.Backup:
    """Request a backup, and return the created backup.

    If the response is lost, this function searches for the created backup. If
    the search finds several backups, none of them is adopted, and the journal
    entry is marked as ambiguous.

    If neither the name nor the description of the backup has the id of the
    checkpoint, other backups may have the same texts. In that case this
    function lists the existing backups before it sends the request. The search
    then ignores these backups.

    :param entry: the entry of this backup, which the caller has written to the
        journal. This function deletes the entry from the journal if no request
        was sent, or if Trove rejected the request.
    :raises errors.DeadlineExceeded: no request was sent, because Trove did not
        list the existing backups within 30 s.
    :raises errors.NotFound: Trove does not have the instance or the parent.
    :raises errors.Rejected: Trove rejected the request. Or the response was
        lost, and it is not certain which backup the request has created.
    :raises errors.Unreachable: the response was lost, and the search found no
        backup. Trove may still create the backup.
    :raises errors.BankError: the response was lost, and the bank failed
        during the search. Trove may have created the backup.
    """
    earlier_ids: Optional[Set[str]] = None

    def find() -> Optional[models.Backup]:
        try:
            return adoption.find_created_backup(
                client.list_backups().values(), entry,
                journal.list_abridged(), earlier_ids)
        except errors.Ambiguous:
            # Later searches must not adopt a backup either, even if a user
            # has deleted all of these backups but one by then.
            journal.write(dataclasses.replace(entry, is_ambiguous=True))
            raise

    try:
        if not entry.has_unique_name:
            # Clocks may differ, so times alone do not show which of two
            # backups with the same name is the new one.
            earlier_ids = set(poller.wait_for(
                client.list_backups, poller.deadline(timeouts.LOST_RESPONSE),
                'backups could not be listed'))
        return client.create_backup(request)
    except errors.Unreachable as lost:
        return lost_responses.wait_for_created_object(find, lost, poller)
    except errors.KarborTroveError:
        with storage.log_bank_errors(
                'The intent of checkpoint %s could not be deleted after Trove '
                'rejected the request' % entry.checkpoint_id):
            journal.delete(entry.checkpoint_id)
        raise


def check_complete(backup: models.Backup) -> models.Backup:
    """Check that a backup is complete.

    :returns: the backup.
    :raises errors.Pending: Trove still works on the backup.
    :raises errors.ResourceFailed: the backup failed in Trove.
    """
    if backup.is_failed:
        raise errors.ResourceFailed('backup %s has the status %s'
                                    % (backup.id, backup.status))
    if not backup.is_complete:
        raise errors.Pending('the last status is %s' % backup.status)
    return backup
