# SPDX-License-Identifier: Apache-2.0

"""Choice and reservation of the parent of an incremental backup."""

import dataclasses
from typing import Callable, Iterable, List, Tuple

from oslo_log import log as logging

from karbor_trove.backups import chain
from karbor_trove.bank import backup_journal
from karbor_trove import errors
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models
from karbor_trove.trove import swift

LOG = logging.getLogger(__name__)


def reserve_parent(client: trove_client.TroveClient,
                   journal: backup_journal.BackupJournal,
                   entry: backup_journal.BackupEntry,
                   list_backups: Callable[[bool], chain.Backups],
                   max_chain_length: int
                   ) -> Tuple[backup_journal.BackupEntry, List[str]]:
    """Choose the parent of a new backup, and reserve the parent.

    To reserve the parent, this function writes the journal entry of the new
    backup, with the id of the parent. Because of this entry, no delete
    operation deletes the parent while the new backup is being created.

    The new backup becomes a full one if no backup can be the parent, or if the
    parent is being deleted.

    The parent is chosen from a list of the backups that may be 30 s old. Such
    a list may lack the newest backup of the instance. So if the list lacks a
    complete backup that is in the journal, the parent is chosen from a new
    list.

    An old list may still have a backup that an operation has deleted
    meanwhile. The journal is read after the list, so the journal shows that
    this backup is deleted.

    :param journal: the backup journal of the instance.
    :param entry: the entry of the new backup. The entry is not in the journal
        yet. If the entry has a parent, this parent is replaced.
    :param list_backups: returns the backups of the project by id. With the
        argument True, the function requests a new list from Trove. With False,
        the list may be 30 s old.
    :param max_chain_length: how many backups a chain may have, the full
        backup included.
    :returns: two values. The first value is the entry as it was written to the
        journal. Its parent_id is None if the new backup becomes a full one.
        The second value has the ids of the other backups in the chain of the
        new backup. It is empty if the new backup becomes a full one.
    :raises errors.Rejected: the journal entry of the parent is corrupt, or a
        later release wrote that entry.
    :raises errors.BankError: the journal could not be read or written.
    :raises errors.KarborTroveError: the backups could not be listed.
    """
    backups = list_backups(False)
    checkpoint_ids = {str(other.backup_id): other.checkpoint_id
                      for other in journal.list_abridged()
                      if other.is_complete and not other.deleted_at}
    if not checkpoint_ids.keys() <= backups.keys():
        backups = list_backups(True)
    parent_id = chain.choose_parent(backups, checkpoint_ids, max_chain_length)
    ancestors = chain.list_chain(backups, parent_id) if parent_id else []
    if not _has_objects(client, ancestors):
        parent_id = None
    reserved = dataclasses.replace(
        entry, parent_id=parent_id,
        time_before_request=lost_responses.format_trove_time(client))
    journal.write(reserved)
    if parent_id is None:
        return reserved, []
    # Read the parent's entry after the reservation is written. A delete
    # operation marks the parent's entry as deleted before it reads the
    # reservations. So at least one of the two operations sees what the other
    # has written. No entry means that the parent is already deleted.
    parent = journal.read(checkpoint_ids[parent_id])
    if parent is None or parent.deleted_at:
        reserved = dataclasses.replace(reserved, parent_id=None)
        journal.write(reserved)
        return reserved, []
    return reserved, [backup.id for backup in ancestors]


def _has_objects(client: trove_client.TroveClient,
                 backups: Iterable[models.Backup]) -> bool:
    """Return True if Swift has the objects of all backups of a chain.

    If the object of a backup is missing, no child of this backup could be
    restored. Trove does not check whether the object exists.

    If Swift does not respond as expected, the result is True. Objects of
    storage drivers other than Swift are not checked.
    """
    for backup in backups:
        if not backup.location or not swift.is_in_swift(backup.location):
            continue
        try:
            swift.get_manifest(client, backup.location)
        except errors.NotFound as error:
            LOG.error('The next backup of instance %s is a full one: the '
                      'object of backup %s is missing, so the backup cannot '
                      'be a parent or be restored: %s', backup.instance_id,
                      backup.id, error)
            return False
        except errors.KarborTroveError as error:
            LOG.warning('Swift does not show whether the object of backup %s '
                        'exists: %s', backup.id, error)
            return True
    return True
