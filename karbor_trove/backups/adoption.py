# SPDX-License-Identifier: Apache-2.0

"""Adoption: the search for a backup whose request had a lost response."""

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

    A backup matches the request if both have the same instance, name and
    description. If neither the name nor the description has the id of the
    checkpoint, the time of the backup has to match too. It matches from 5
    minutes before the request to 15 minutes after the request. Trove may take
    10 minutes, and the clocks of Trove's hosts may differ by 5 minutes.

    :param backups: all backups of the project.
    :param entry: the journal entry that was written before the request.
    :param entries: all journal entries of the instance. If the entry of
        another checkpoint has the id of a backup, this backup is not adopted.
    :param earlier_ids: the ids of the backups that existed before the request.
        These backups are not adopted. None if the ids are not known.
    :returns: the backup. None if no backup matches the request. In that case
        Trove may still create the backup.
    :raises errors.Rejected: exactly one backup matches, but another request
        may have created it. There are two cases. The request of another
        checkpoint matches the backup too. Or `earlier_ids` is None, and the
        time of the backup is not in the 10 minutes after the request.
    :raises errors.Ambiguous: several backups match. Or one backup matches, and
        the entry says that several backups matched in an earlier search. In
        both cases the message names the backups that match now, and the other
        checkpoints whose requests match these backups.
    """
    # The entry of the same checkpoint in `entries` may already have the id of
    # the backup. Another operation may have adopted the backup after `entry`
    # was read.
    recorded_ids = {other.backup_id for other in entries
                    if other.checkpoint_id != entry.checkpoint_id}
    matches = [backup for backup in backups
               if entry.matches(backup) and backup.id not in recorded_ids
               and backup.id not in (earlier_ids or ())]
    # Another request may have created the backup too. But if the
    # checkpoints of both requests are deleted, both backups are to be deleted.
    # Then it does not matter which request created which backup, so the
    # earlier request adopts the backup. The later request settles later. So
    # the later request can adopt the other backup if Trove still creates it.
    other_requests = ['checkpoint %s' % other.checkpoint_id
                      for other in entries
                      if other.checkpoint_id != entry.checkpoint_id
                      and other.backup_id is None
                      and any(map(other.matches, matches))
                      and not (entry.deleted_at and other.deleted_at
                               and str(entry.time_before_request)
                               <= str(other.time_before_request))]
    if len(matches) > 1 or other_requests or matches and entry.is_ambiguous:
        # If several backups match, one of them may belong to a user, and no
        # later search can find out which. But the entries of other requests
        # can be deleted. So they alone do not make a request ambiguous.
        error_class = (
            errors.Rejected if len(matches) == 1 and not entry.is_ambiguous
            else errors.Ambiguous)
        raise error_class(
            'several backups or requests match, so no backup is adopted or '
            'deleted: %s' % ', '.join(
                ['backup %s' % backup.id for backup in matches]
                + other_requests))
    if matches and earlier_ids is None and entry.is_uncertain(matches[0]):
        raise errors.Rejected(
            'backup %s has the name and the description of the request, but '
            'its time %s differs from that of the request, %s. It may be '
            'another backup, so it is not deleted. Delete it in Trove if it '
            'is not needed' % (matches[0].id, matches[0].created,
                               entry.time_before_request))
    return matches[0] if matches else None
