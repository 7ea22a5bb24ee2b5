# SPDX-License-Identifier: Apache-2.0

"""Adoption: the search for a backup whose create request got no response."""

from typing import Collection, Iterable, Optional

from karbor_trove.bank import backup_journal
from karbor_trove import errors
from karbor_trove.trove import models


def find_created_backup(
        backups: Iterable[models.Backup], entry: backup_journal.BackupEntry,
        entries: Collection[backup_journal.BackupEntry],
        earlier_ids: Optional[Collection[str]] = None
        ) -> Optional[models.Backup]:
    """Find the backup that a request with a lost response created.

    :param backups: all backups of the project.
    :param entry: the journal entry that was written before this request.
    :param entries: all journal entries of the instance. A backup that another
        checkpoint's entry records is not adopted.
    :param earlier_ids: the ids of the backups that existed before the
        request. None if these ids are not known.
    :returns: the backup. None if Trove has not created a backup so far.
    :raises errors.Rejected: an open request of another checkpoint matches the
        backup as well, or the backup may be older than the request. The
        message names the backup and the checkpoint.
    :raises errors.Ambiguous: several backups match, or the entry records
        that several backups matched in an earlier search. The message names
        these backups.
    """
    # An entry of the same checkpoint may have the backup's id already: another
    # operation may have adopted it since this entry was read.
    recorded_ids = {other.backup_id for other in entries
                    if other.checkpoint_id != entry.checkpoint_id}
    matches = [backup for backup in backups
               if entry.matches(backup) and backup.id not in recorded_ids
               and backup.id not in (earlier_ids or ())]
    # If both checkpoints are deleted, both backups are to be deleted. In that
    # case it does not matter which of the two requests created this backup.
    # The earlier request adopts first. The later request stays open for longer
    # and still adopts the other backup, whenever Trove creates that backup.
    rivals = ['checkpoint %s' % other.checkpoint_id for other in entries
              if other.checkpoint_id != entry.checkpoint_id
              and other.backup_id is None
              and any(map(other.matches, matches))
              and not (entry.deleted_at and other.deleted_at
                       and str(entry.not_before) <= str(other.not_before))]
    if len(matches) > 1 or rivals or matches and entry.is_ambiguous:
        # One of several backups may be a user's, and that never changes. Rival
        # requests can all be deleted one day. So rivals alone do not make a
        # request ambiguous.
        error_class = (
            errors.Rejected if len(matches) == 1 and not entry.is_ambiguous
            else errors.Ambiguous)
        raise error_class(
            'several backups or requests match, so no backup is adopted or '
            'deleted: %s' % ', '.join(
                ['backup %s' % backup.id for backup in matches] + rivals))
    if matches and earlier_ids is None and entry.is_uncertain(matches[0]):
        raise errors.Rejected(
            'backup %s has the name and the description of the request, but '
            'its time %s differs from that of the request, %s. It may be '
            'another backup, so it is not deleted. Delete it in Trove if it '
            'is not needed' % (matches[0].id, matches[0].created,
                               entry.not_before))
    return matches[0] if matches else None
