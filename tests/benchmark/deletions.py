"""Checks of the deletions by several protection services."""

import collections
import pathlib
import re
from typing import Any, Dict, Iterable, Set

from karbor_trove.bank import backup_journal
from karbor_trove import karbor_types

#: The log line of the start of a deletion [operations/state_changes.py].
_START = re.compile(r'Deleting the backup of instance \S+ in checkpoint (\S+) '
                    r'has started,')


def find_hosts(directory: pathlib.Path, hosts: Iterable[str]
               ) -> Dict[str, Set[str]]:
    """Return the services that have deleted each checkpoint, by its id.

    :param directory: has the log of each service.
    :param hosts: the names of the services.
    """
    found: Dict[str, Set[str]] = collections.defaultdict(set)
    for host in hosts:
        for match in _START.finditer(
                (directory / ('%s.log' % host)).read_text()):
            found[match[1]].add(host)
    return dict(found)


def check_left(bank: karbor_types.Bank, backups: Dict[str, Dict[str, Any]]
               ) -> None:
    """Check that the journal lets a later operation delete each backup.

    A later operation deletes the backup of an entry only if the entry has the
    time at which its checkpoint was deleted.

    :param backups: the backups of deleted checkpoints that Trove still has,
        by id.
    :raises AssertionError: a backup has no entry, or more than one, or its
        checkpoint is not marked as deleted.
    """
    for id_, backup in backups.items():
        entries = [entry for entry in backup_journal.BackupJournal(
            bank, backup['instance_id']).list_entries()
            if entry.backup_id == id_]
        assert len(entries) == 1 and entries[0].deleted_at is not None, (
            id_, backup, entries)
