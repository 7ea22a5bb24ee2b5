# SPDX-License-Identifier: Apache-2.0

"""`orphans`: backups that Karbor created and that belong to no checkpoint."""

import argparse
import dataclasses
import re
from typing import Dict, Iterator, List, Optional

from karbor_trove.backups import chain
from karbor_trove.bank import backup_journal
from karbor_trove.cmd import backup_index
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd.commands import deferred
from karbor_trove.cmd import progress
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import models

# The default name and the default description of a backup that the protection
# plugin creates [parameters/parsing.py].
_NAME = re.compile(r'karbor-([0-9a-f-]{36})-([0-9a-f-]{36})')
_DESCRIPTION = re.compile(r'Karbor checkpoint ([0-9a-f-]{36}) of database '
                          r'instance ([0-9a-f-]{36})')
# The name of a backup that Karbor's in-tree plugin creates.
_IN_TREE_NAME = 'backup%s'


@dataclasses.dataclass(frozen=True)
class Orphan:
    """A backup that Karbor created and that belongs to no checkpoint."""

    backup: models.Backup
    reason: str
    #: Whether it is certain that Karbor created the backup. If this is not
    #: certain, the backup is deleted only if the operator passes its id.
    is_certain: bool
    #: The provider whose settings and bank are used for the deletion.
    provider: providers.Provider
    #: The journal entry of the backup. None if no journal has such an entry.
    entry: Optional[backup_journal.BackupEntry] = None

    def to_row(self) -> base.Row:
        """Return the backup as a row of the output."""
        backup = self.backup
        return {'project': backup.project_id, 'instance': backup.instance_id,
                'backup': backup.id, 'name': backup.name,
                'status': backup.status,
                'size_gb': base.build_size(backup.size),
                'created': backup.created
                and times.format_utc(backup.created),
                'reason': self.reason}


class OrphanSearch:
    """Searches for the orphans of all projects when the object is created."""

    def __init__(self, all_providers: List[providers.Provider],
                 project_clients: clients.ProjectClients) -> None:
        """List the backups in Trove, read the banks, and find the orphans.

        Karbor writes to the bank before Trove creates a backup. The banks are
        read after the backups were listed, so the banks know each listed
        backup of Karbor. A backup that is created during the search is not
        mistaken for an orphan.

        :raises errors.KarborTroveError: the backups of all projects could not
            be listed, or a bank could not be read.
        """
        self._provider = all_providers[0]
        self._client = project_clients.get()
        poller = self._provider.poller
        self.backups = poller.wait_for(
            lambda: self._client.list_backups(all_projects=True),
            poller.deadline(timeouts.OUTAGE), 'Trove is unavailable')
        self._index = backup_index.BackupIndex(all_providers)
        #: The orphans, by the id of the backup.
        self.orphans: Dict[str, Orphan] = {
            orphan.backup.id: orphan
            for orphan in map(self._find_orphan, progress.track(
                list(self.backups.values()), 'Checking backups'))
            if orphan}

    def check_number(self, backup_ids: List[str],
                     confirmed: Optional[int]) -> None:
        """Check the number with which the operator confirms the deletion.

        Many orphans may mean that a bank is missing. So if more than half of
        Karbor's backups in Trove are orphans, the operator has to type the
        number of orphans. For the half and for the typed number, two kinds of
        orphans count: those that Karbor has certainly created, and those that
        the operator has chosen.

        :param backup_ids: the ids of the backups that the operator has chosen.
        :param confirmed: the typed number. None if the operator has typed
            none.
        :raises errors.Rejected: the number is wrong, or is required and
            missing.
        """
        number = len(set(backup_ids) | {
            id_ for id_, orphan in self.orphans.items() if orphan.is_certain})
        total = len(self.orphans) + len(
            self._index.recorded_ids & self.backups.keys()
            - self.orphans.keys())
        if confirmed == number or (confirmed is None and 2 * number <= total):
            return
        raise errors.Rejected(
            'nothing is deleted: %d of the %d backups of Karbor in Trove are '
            'orphans that Karbor certainly created or that you have chosen. '
            'If this is more than half of them, a bank or a provider file is '
            'probably missing. Check all of them and the output of "orphans '
            'list", then use "--orphans %d"'
            % (number, total, number))

    @property
    def problems(self) -> List[str]:
        """Return one sentence for each instance that was not searched.

        For such an instance, a backup record or a journal entry in the bank
        cannot be read.
        """
        return ['the backups of instance %s are not included: %s' % item
                for item in sorted(self._index.unreadable.items())]

    def _find_orphan(self, backup: models.Backup) -> Optional[Orphan]:
        """Check whether a backup is an orphan.

        :returns: the backup as an Orphan. None if the backup is no orphan.
        """
        if (backup.id in self._index.recorded_ids
                or backup.instance_id in self._index.unreadable):
            return None
        recorded = self._index.without_checkpoint.get(backup.id)
        if recorded:
            return Orphan(
                backup, 'the bank no longer has the checkpoint %s'
                % recorded.entry.checkpoint_id, True, recorded.provider,
                recorded.entry)
        orphan = self._find_by_request(backup) or self._find_by_name(backup)
        if orphan and self._index.may_be_adopted(backup,
                                                 self.backups.values()):
            return None
        return orphan

    def _find_by_request(self, backup: models.Backup) -> Optional[Orphan]:
        """Check whether an open request may have created a backup.

        A request is open if its journal entry does not have the id of a
        backup.

        :returns: the backup as an Orphan. None if no open request may have
            created the backup.
        """
        requests = self._index.list_requests_for(backup)
        if not requests:
            return None
        return Orphan(
            backup, 'the request of checkpoint %s may have created it, but '
            'more than one backup or request matches' % ' or '.join(
                entry.checkpoint_id for entry in requests),
            False, self._provider)

    def _find_by_name(self, backup: models.Backup) -> Optional[Orphan]:
        """Check whether a backup is an orphan, by its name and description.

        By default, the protection plugin writes the ids of the checkpoint and
        of the instance into the name, and also into the description. Karbor's
        in-tree plugin uses the name "backup", followed by the id of the
        instance. The name or the description has to have such a form.

        :returns: the backup as an Orphan. None if neither the name nor the
            description matches, or if the backup may belong to a checkpoint.
        """
        instance_id = str(backup.instance_id)
        for pattern, text in ((_NAME, backup.name),
                              (_DESCRIPTION, backup.description)):
            match = pattern.fullmatch(text or '')
            if match and match[2] == instance_id:
                return self._check_checkpoint(match[1], backup)
        if (backup.name != _IN_TREE_NAME % instance_id
                or self._is_new(backup)
                or self._index.protecting & {None, instance_id}):
            return None
        return Orphan(
            backup, 'no checkpoint knows it. Its name is that of Karbor\'s '
            'in-tree plugin, but a user may have chosen it',
            False, self._provider)

    def _check_checkpoint(self, checkpoint_id: str, backup: models.Backup
                          ) -> Optional[Orphan]:
        """Check whether a backup is an orphan, by the id of its checkpoint.

        :param checkpoint_id: the id of the checkpoint in the name or the
            description of the backup.
        :returns: the backup as an Orphan. None if the bank records the backup
            for the checkpoint, or if an operation may still work on the
            checkpoint.
        """
        if (self._index.may_be_in_use(checkpoint_id, str(backup.instance_id))
                or self._index.may_be_recorded(checkpoint_id, backup)):
            return None
        if self._index.find_checkpoint(checkpoint_id):
            return Orphan(backup, 'checkpoint %s does not know it'
                          % checkpoint_id, False, self._provider)
        return Orphan(backup, 'no bank has the checkpoint %s'
                      % checkpoint_id, True, self._provider)

    def _is_new(self, backup: models.Backup) -> bool:
        """Return True if a backup may be less than 15 minutes old.

        The checkpoint of such a backup may not be in the banks' lists yet. If
        the age is not known, the result is True.
        """
        now = self._client.last_response_time
        return (now is None or backup.created is None
                or now - backup.created < (timeouts.REQUEST_IN_FLIGHT
                                           + timeouts.CLOCK_TOLERANCE))


class OrphanListing(base.Action):
    """Carries out the command "orphans list".

    The command lists the orphans of all projects.
    """

    NEEDS_ALL_BANKS = True

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        search = OrphanSearch(all_providers, clients.ProjectClients())
        self.problems += search.problems
        return [orphan.to_row() for orphan in search.orphans.values()]


class OrphanDeletion(base.Action):
    """Carries out the command "orphans delete".

    The command deletes orphans in Trove.
    """

    NEEDS_ALL_BANKS = True

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]
                  ) -> Iterator[base.Row]:
        """Delete the chosen orphans, and yield one row for each orphan.

        If the operator has chosen no orphans, the method chooses the orphans
        that Karbor has certainly created. Without --yes, no backup is deleted.

        :raises errors.Rejected: a chosen id is not the id of an orphan, or
            check_number() refuses the number of orphans. Nothing was deleted.
        """
        project_clients = clients.ProjectClients()
        search = OrphanSearch(all_providers, project_clients)
        unknown_ids = set(parsed_args.ids) - search.orphans.keys()
        if unknown_ids:
            raise errors.Rejected('nothing is deleted, because these are no '
                                  'orphans: backup %s'
                                  % ', '.join(sorted(unknown_ids)))
        search.check_number(parsed_args.ids, parsed_args.orphans)
        remaining = dict(search.backups)
        for backup_id in progress.track(chain.sort_ids_children_first(
                remaining, list(dict.fromkeys(parsed_args.ids)) or [
                    id_ for id_, orphan in search.orphans.items()
                    if orphan.is_certain]), 'Deleting backups', is_slow=True):
            orphan = search.orphans[backup_id]
            blocker = chain.find_deletion_blocker(remaining, backup_id, ())
            if blocker is None and parsed_args.yes:
                entry = _to_entry(orphan)
                [deletion] = deferred.delete_backups(
                    orphan.provider, project_clients,
                    backup_journal.BackupJournal(orphan.provider.bank,
                                                 entry.instance_id), [entry])
                blocker = deletion.blocker
                self.problems += ([deletion.problem] if deletion.problem
                                  else [])
            if blocker is None:
                del remaining[backup_id]
            yield {**orphan.to_row(), 'outcome': blocker or (
                'deleted' if parsed_args.yes else 'would be deleted')}


def _to_entry(orphan: Orphan) -> backup_journal.BackupEntry:
    """Return the journal entry for the deletion of an orphan.

    If no journal has an entry of the orphan, a new entry is built. The key of
    an entry is normally the id of its checkpoint. The key of the new entry is
    the id of the backup. So the new entry does not replace an entry of another
    backup of the same checkpoint.
    """
    return orphan.entry or backup_journal.BackupEntry(
        str(orphan.backup.instance_id), orphan.backup.id,
        orphan.backup.project_id, orphan.backup.name,
        backup_id=orphan.backup.id, is_complete=True)
