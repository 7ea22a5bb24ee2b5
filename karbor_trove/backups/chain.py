# SPDX-License-Identifier: Apache-2.0

"""Chains of backups: checks, the choice of a parent, the order of deletion.

These functions use only their arguments. They send no requests themselves. But
a caller may pass a function `read_backup` that sends requests.
"""

from typing import Callable, Collection, Dict, Iterable, Iterator, List
from typing import Mapping, Optional, Set

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)

#: The backups of a project by id, as Trove has just listed them.
Backups = Mapping[str, models.Backup]


def walk_to_root(read_backup: Callable[[str], Optional[models.Backup]],
                 backup_id: str) -> Iterator[models.Backup]:
    """Yield the backups of a chain, from a given backup to its root.

    :param read_backup: a function that returns the backup with a given id. If
        the function returns None, no further backup is yielded.
    :param backup_id: the id of the backup that is yielded first.
    :raises errors.ResourceFailed: a backup of the chain is its own ancestor.
    """
    visited: Set[str] = set()
    next_id: Optional[str] = backup_id
    while next_id:
        if next_id in visited:
            raise errors.ResourceFailed('backup %s is its own parent'
                                        % next_id)
        visited.add(next_id)
        backup = read_backup(next_id)
        if backup is None:
            return
        yield backup
        next_id = backup.parent_id


def describe_incomplete(backup: models.Backup, newest_id: str) -> str:
    """Return the sentence that reports an incomplete backup of a chain.

    An example is "backup BACKUP_ID, in the chain of backup NEWEST_ID, is not
    COMPLETED, but FAILED". FAILED is the status of the backup.

    :param newest_id: the id of the newest backup of the chain.
    """
    return '%s is not COMPLETED, but %s' % (
        describe_link(backup.id, newest_id), backup.status)


def describe_link(backup_id: str, newest_id: str) -> str:
    """Return a phrase that names one backup of a chain.

    For the newest backup of the chain, the phrase is "backup NEWEST_ID". For
    an older backup, the phrase is "backup BACKUP_ID, in the chain of backup
    NEWEST_ID,".
    """
    if backup_id == newest_id:
        return 'backup %s' % backup_id
    return 'backup %s, in the chain of backup %s,' % (backup_id, newest_id)


def list_chain(backups: Backups, backup_id: str) -> List[models.Backup]:
    """Return the backups of a chain, if the chain can be restored.

    :param backups: the backups of the project by id.
    :param backup_id: the id of the newest backup of the chain.
    :returns: the backups from the newest one to the root. The list is empty if
        a backup of the chain is missing, is not complete, or is its own
        ancestor.
    """
    if find_chain_problem(backups.get, backup_id):
        return []
    return list(walk_to_root(backups.get, backup_id))


def find_chain_problem(read_backup: Callable[[str], Optional[models.Backup]],
                       backup_id: str) -> Optional[str]:
    """Return a phrase that says why a chain cannot be restored.

    The phrase names the backup that is missing, is not complete, or is its own
    ancestor. An example is "backup BACKUP_ID, in the chain of backup
    NEWEST_ID, was not found".

    :param read_backup: a function that returns the backup with a given id, or
        None if the backup does not exist.
    :param backup_id: the id of the newest backup of the chain.
    :returns: the phrase. None if the chain can be restored.
    """
    next_id: Optional[str] = backup_id
    try:
        for backup in walk_to_root(read_backup, backup_id):
            if not backup.is_complete:
                return describe_incomplete(backup, backup_id)
            next_id = backup.parent_id
    except errors.ResourceFailed as error:
        return str(error)
    return ('%s was not found' % describe_link(next_id, backup_id)
            if next_id else None)


def list_failed_children(backups: Backups, backup_id: str) -> List[str]:
    """Return the ids of the failed children of a backup.

    A failed child has the status FAILED. If the data of a backup is damaged,
    every child of this backup fails. So the caller does not use a backup with
    a failed child as a parent.

    :param backups: the backups of the project by id.
    """
    return sorted(backup.id for backup in backups.values()
                  if backup.parent_id == backup_id
                  and backup.status == 'FAILED')


def choose_parent(backups: Backups, recorded_ids: Collection[str],
                  max_chain_length: int) -> Optional[str]:
    """Return the id of the parent for the next incremental backup.

    Only the newest complete backup of the instance can become the parent.

    :param backups: the backups of the project by id.
    :param recorded_ids: the ids of the instance's complete backups that belong
        to existing checkpoints. All other backups are ignored.
    :param max_chain_length: how many backups a chain may have, the full
        backup included.
    :returns: the id of the parent. None if there is no complete backup, or if
        the newest complete backup has a failed child, a chain of the maximum
        length, or a chain that cannot be restored. In these cases the next
        backup has to be a full one.
    """
    # Look up the recorded backups, because the project may have many more.
    complete = [backup for backup in map(backups.get, recorded_ids)
                if backup is not None and backup.is_complete
                and backup.created is not None]
    unusable = set(recorded_ids) - {backup.id for backup in complete}
    if unusable:
        LOG.warning('Backups are not used as parents: %s', ', '.join(
            '%s is %s' % (id_, backups[id_].status) if id_ in backups
            else '%s was not found' % id_ for id_ in sorted(unusable)))
    if not complete:
        return None
    # Trove's times are whole seconds, so a child may have the same time as its
    # parent. The chain of the child is longer, so a backup with a longer chain
    # counts as newer. Only the chains of the backups with the newest time are
    # read, because there may be many checkpoints.
    newest_time = max(backup.created for backup in complete
                      if backup.created is not None)
    newest = max((backup for backup in complete
                  if backup.created == newest_time),
                 key=lambda backup: len(list_chain(backups, backup.id)))
    failed_ids = list_failed_children(backups, newest.id)
    problem = ('its child %s has failed' % ', '.join(failed_ids)
               if failed_ids else find_chain_problem(backups.get, newest.id))
    if problem:
        LOG.warning('The next backup is a full one: backup %s is not used as '
                    'a parent, because %s', newest.id, problem)
        return None
    chain = list_chain(backups, newest.id)
    return newest.id if len(chain) < max_chain_length else None


def find_deletion_blocker(backups: Backups, backup_id: str,
                          reserved_ids: Collection[str],
                          children: Optional[Iterable[models.Backup]] = None
                          ) -> Optional[str]:
    """Return the reason why a backup must not be deleted now.

    There are three possible reasons:

    * Trove works on the backup. Trove would respond to the deletion with HTTP
      500.
    * The backup has children. Trove would delete the children as well.
    * The backup is reserved as the parent of a backup that is being created.

    :param backups: the backups of the project by id.
    :param reserved_ids: the ids of the backups that are reserved as parents.
    :param children: the children of the backup. None to search `backups` for
        them.
    :returns: the reason. None if the backup may be deleted, or if `backups`
        does not have this backup.
    """
    backup = backups.get(backup_id)
    if backup is None:
        return None
    if backup.is_running:
        return 'the backup is %s' % backup.status
    if children is None:
        children = [child for child in backups.values()
                    if child.parent_id == backup_id]
    child_ids = sorted(child.id for child in children)
    if child_ids:
        return 'the backup has children: %s' % ', '.join(child_ids)
    if backup_id in reserved_ids:
        return 'an incremental backup with this parent is being created'
    return None


def list_chain_ids(backups: Backups, backup_id: str,
                   recorded_parents: Mapping[str, Optional[str]]
                   ) -> List[str]:
    """Return the ids of the backups of a chain, from one backup to its root.

    The list ends early at a backup whose parent is not known.

    :param backups: the backups of the project by id, as Trove listed them.
    :param backup_id: the id of the backup that is the first in the result.
    :param recorded_parents: the ids of the parents in the backup journal, by
        the id of the child. The value for a full backup is None. This argument
        is used only for backups that `backups` does not have.
    """
    # A dictionary keeps the order, unlike a set. The loop also ends at a
    # backup that is its own ancestor.
    ids: Dict[str, None] = {}
    next_id: Optional[str] = backup_id
    while next_id and next_id not in ids:
        ids[next_id] = None
        backup = backups.get(next_id)
        next_id = (backup.parent_id if backup
                   else recorded_parents.get(next_id))
    return list(ids)


def sort_ids_children_first(backups: Backups, backup_ids: Iterable[str]
                            ) -> List[str]:
    """Return ids of backups, sorted so that each child precedes its parent.

    :param backups: the backups of the project by id, with their parents.
    """
    return sorted(backup_ids, reverse=True, key=lambda backup_id: len(
        list_chain_ids(backups, backup_id, {})))


def check_chain(read_backup: Callable[[str], Optional[models.Backup]],
                backup_id: str) -> None:
    """Check that a new backup can be restored, with all backups of its chain.

    :param read_backup: a function that returns the backup with a given id, as
        Trove shows the backup now. The function returns None if Trove has just
        responded that the backup does not exist.
    :param backup_id: the id of the new backup.
    :raises errors.ResourceFailed: a backup of the chain was deleted, is not
        complete, or is its own ancestor.
    """
    reason = find_chain_problem(read_backup, backup_id)
    if reason is not None:
        raise errors.ResourceFailed('the new backup cannot be restored: %s'
                                    % reason)
