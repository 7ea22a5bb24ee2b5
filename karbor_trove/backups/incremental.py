# SPDX-License-Identifier: Apache-2.0

"""Choice and reservation of the parent of an incremental backup."""

import dataclasses
from typing import Iterable

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
                   entry: backup_journal.BackupEntry, backups: chain.Backups,
                   max_chain_length: int) -> backup_journal.BackupEntry:
    """Choose the parent of a new backup, and reserve the parent.

    To reserve the parent, this function writes the journal entry of the new
    backup, with the id of the parent. Because of this entry, no delete
    operation deletes the parent while the new backup is being created.

    The new backup becomes a full one if no backup can be the parent, or if the
    parent is being deleted.

    :param journal: the backup journal of the instance.
    :param entry: the entry of the new backup, without a parent. The entry is
        not in the journal yet.
    :param backups: the backups of the project, as Trove has just listed them.
    :param max_chain_length: how many backups a chain may have, the full
        backup included.
    :returns: the entry as it was written to the journal. Its parent_id is None
        if the new backup becomes a full one.
    :raises errors.Rejected: the journal entry of the parent is corrupt, or a
        later release wrote that entry.
    :raises errors.BankError: the journal could not be read or written.
    """
    checkpoint_ids = {str(other.backup_id): other.checkpoint_id
                      for other in journal.list_abridged()
                      if other.is_complete and not other.deleted_at}
    parent_id = chain.choose_parent(backups, checkpoint_ids, max_chain_length)
    if parent_id and not _has_objects(client, chain.list_chain(backups,
                                                               parent_id)):
        parent_id = None
    reserved = dataclasses.replace(
        entry, parent_id=parent_id,
        time_before_request=lost_responses.format_trove_time(client))
    journal.write(reserved)
    if parent_id is None:
        return reserved
    # Read the parent's entry after the reservation is written. A delete
    # operation marks the parent's entry as deleted before it reads the
    # reservations. So at least one of the two operations sees what the other
    # has written. No entry means that the parent is already deleted.
    parent = journal.read(checkpoint_ids[parent_id])
    if parent is None or parent.deleted_at:
        reserved = dataclasses.replace(reserved, parent_id=None)
        journal.write(reserved)
    return reserved


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
