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

"""Decisions on chains of incremental backups; no input, no output."""

from typing import Collection, Iterable, List, Mapping, Optional

from karbor_trove import errors
from karbor_trove.trove import models

Backups = Mapping[str, models.Backup]


def walk_to_root(backups: Backups, backup_id: str) -> Optional[List[str]]:
    """Follow a backup to the full one that it hangs on.

    :returns: the ids, from this backup to the full one; None where a link is
        missing or not complete, or the chain bites its own tail.
    """
    chain: List[str] = []
    next_id: Optional[str] = backup_id
    while next_id is not None:
        backup = backups.get(next_id)
        if backup is None or not backup.is_complete or next_id in chain:
            return None
        chain.append(next_id)
        next_id = backup.parent_id
    return chain


def choose_parent(backups: Backups, ours: Collection[str],
                  longest: int) -> Optional[str]:
    """Choose what an incremental backup hangs on.

    :param ours: the ids that live checkpoints in this bank know; nobody
        else's is a parent.
    :param longest: how many backups a chain may have, the full one counted.
    :returns: the newest complete one; None for a full backup: there is none,
        its chain is broken, or the chain is long enough.
    """
    complete = [backup for backup in backups.values()
                if backup.id in ours and backup.is_complete
                and backup.created is not None]
    if not complete:
        return None
    # Of two of the same second, the one that hangs on the other is newer.
    newest = max(complete, key=lambda backup: (
        backup.created, len(walk_to_root(backups, backup.id) or ())))
    chain = walk_to_root(backups, newest.id)
    return newest.id if chain and len(chain) < longest else None


def deletion_blocker(backups: Backups, backup_id: str,
                     claimed: Collection[str]) -> Optional[str]:
    """Say why a backup must not be deleted now.

    Trove deletes all children with a backup, and answers 500 while it runs.

    :param claimed: the ids that backups being made are going to hang on.
    :returns: None when it may go.
    """
    backup = backups.get(backup_id)
    if backup is None:
        return None
    if backup.is_running:
        return 'the backup is %s' % backup.status
    children = sorted(child.id for child in backups.values()
                      if child.parent_id == backup_id)
    if children:
        return 'backup %s hangs on it' % ', '.join(children)
    if backup_id in claimed:
        return 'an incremental backup that is being made hangs on it'
    return None


def children_first(backups: Backups, ids: Iterable[str]) -> List[str]:
    """Put ids in an order in which no parent comes before its child."""
    def depth(backup_id: str) -> int:
        seen: List[str] = []
        next_id: Optional[str] = backup_id
        while next_id in backups and next_id not in seen:
            seen.append(str(next_id))
            next_id = backups[str(next_id)].parent_id
        return len(seen)

    return sorted(ids, key=depth, reverse=True)


def check_chain(backup_id: str, backups: Backups) -> None:
    """See that a complete backup still has all that it hangs on.

    :param backups: as they are now.
    :raises errors.Failed: it has not.
    """
    if walk_to_root(backups, backup_id) is None:
        raise errors.ResourceFailed('backup %s hangs on one that was deleted '
                                    'meanwhile' % backup_id)
