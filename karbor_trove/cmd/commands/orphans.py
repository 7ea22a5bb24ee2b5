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

"""Backups of Karbor's in Trove that no checkpoint knows."""

import argparse
import dataclasses
import re
from typing import Any, Collection, Dict, Iterator, List, Optional, Tuple

from karbor_trove.backups import chain
from karbor_trove.bank import backup_journal
from karbor_trove.cmd import backup_index
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd.commands import deferred
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import models

Row = Dict[str, Any]
COLUMNS = ('project', 'instance', 'backup', 'name', 'status', 'created',
           'size', 'why')
DELETED = ('project', 'instance', 'backup', 'name', 'outcome')
# As parameters.py and Karbor's in-tree plugin make them.
_OURS = (re.compile(r'karbor-([0-9a-f-]{36})-([0-9a-f-]{36})'),
         re.compile(r'Karbor checkpoint ([0-9a-f-]{36}) of database instance '
                    r'([0-9a-f-]{36})'))
_IN_TREE = 'backup%s'


@dataclasses.dataclass(frozen=True)
class Orphan:
    """A backup that nobody knows."""

    backup: models.Backup
    why: str
    #: Whether it is Karbor's for certain; else it has to be named to go.
    certain: bool
    provider: providers.Provider
    #: What is left of it in a ledger; None: nothing.
    entry: Optional[backup_journal.BackupEntry] = None

    @property
    def row(self) -> Row:
        """Give what an operator wants to see."""
        backup = self.backup
        return {'project': backup.project_id, 'instance': backup.instance_id,
                'backup': backup.id, 'name': backup.name,
                'status': backup.status, 'size': backup.size,
                'created': backup.created and backup.created.isoformat(),
                'why': self.why}


class Search:
    """One look at Trove and at all banks."""

    def __init__(self, loaded: List[providers.Provider],
                 cloud: clients.Cloud) -> None:
        """Look: at Trove first, since a bank knows of a backup before Trove.

        :raises errors.TroveError: Trove does not tell the backups of all
            projects.
        """
        self._loaded = loaded
        self._gateway: client.TroveClient = cloud.gateway()
        self.backups: Dict[str, models.Backup] = polling.wait_for(
            lambda: self._gateway.list_backups(all_projects=True),
            polling.Deadline(timeouts.OUTAGE, polling.SYSTEM_CLOCK),
            loaded[0].settings.poll_interval, 'Trove is away')
        self._known = backup_index.Knowledge(loaded)
        self.orphans = {orphan.backup.id: orphan for orphan in self._find()}

    @property
    def complaint(self) -> Optional[str]:
        """Tell whose backups are left out; None: nobody's."""
        return '; '.join(
            'the backups of instance %s are left out: %s' % item
            for item in sorted(self._known.unreadable.items())) or None

    def _find(self) -> Iterator[Orphan]:
        for backup in self.backups.values():
            if (backup.id in self._known.backups
                    or backup.instance_id in self._known.unreadable):
                continue
            if backup.id in self._known.lost:
                provider, entry = self._known.lost[backup.id]
                yield Orphan(backup, 'the bank has no checkpoint %s any more'
                             % entry.checkpoint_id, True, provider, entry)
                continue
            found = self._asked_for(backup) or self._named(backup)
            if found and not self._known.will_be_found(
                    backup, self.backups.values()):
                yield Orphan(backup, *found, provider=self._loaded[0])

    def _asked_for(self, backup: models.Backup
                   ) -> Optional[Tuple[str, bool]]:
        """Judge one by requests without an answer; None: it fits none."""
        requests = self._known.requests_of(backup)
        return ('it may have come of the request of checkpoint %s, and cannot '
                'be told from others' % ' or '.join(
                    entry.checkpoint_id for entry in requests),
                False) if requests else None

    def _named(self, backup: models.Backup) -> Optional[Tuple[str, bool]]:
        """Judge one by its name; None: it is known, or not Karbor's."""
        instance_id = str(backup.instance_id)
        for pattern, told in zip(_OURS, (backup.name, backup.description)):
            match = pattern.fullmatch(told or '')
            if match and match[2] == instance_id:
                return self._of_checkpoint(match[1], backup)
        if backup.name != _IN_TREE % instance_id or self._is_new(backup) or (
                self._known.protecting & {None, instance_id}):
            return None
        return 'no checkpoint knows it', True

    def _of_checkpoint(self, checkpoint_id: str, backup: models.Backup
                       ) -> Optional[Tuple[str, bool]]:
        if (self._known.may_work(checkpoint_id, str(backup.instance_id))
                or self._known.knows(checkpoint_id, backup)):
            return None
        if self._known.checkpoint(checkpoint_id):
            return 'checkpoint %s does not know it' % checkpoint_id, False
        return 'there is no checkpoint %s any more' % checkpoint_id, True

    def _is_new(self, backup: models.Backup) -> bool:
        """Tell whether the bank's lists may not show yet who knows it."""
        now = self._gateway.now
        return (now is None or backup.created is None
                or now - backup.created < timeouts.REQUEST_IN_FLIGHT)


def delete(search: Search, cloud: clients.Cloud, ids: Collection[str],
           really: bool) -> Tuple[List[Row], Optional[str]]:
    """Delete orphans; what cannot go now is left alone, or noted.

    :param ids: of those to delete; none: all that are Karbor's for certain.
    :param really: False: only tell what would be done.
    :returns: a row for each, and why some could not even be tried.
    :raises errors.Refused: one of the ids is no orphan's; nothing was done.
    """
    strangers = sorted(set(ids) - set(search.orphans))
    if strangers:
        raise errors.Rejected('not deleted, since no orphan: backup %s'
                              % ', '.join(strangers))
    there = dict(search.backups)
    rows = []
    refused: Dict[str, None] = {}
    for id_ in chain.children_first(there, ids or [
            id_ for id_, orphan in search.orphans.items() if orphan.certain]):
        orphan = search.orphans[id_]
        outcome = chain.deletion_blocker(there, id_, ())
        try:
            if outcome is None and really:
                outcome = deferred.remove(orphan.provider, cloud,
                                          _entry(orphan))
        except errors.KarborTroveError as error:
            outcome = str(error)
            refused[outcome] = None
        if outcome is None:
            del there[id_]
        rows.append({**orphan.row, 'outcome': outcome or (
            'deleted' if really else 'would be deleted')})
    return rows, '; '.join(refused) or None


def _entry(orphan: Orphan) -> backup_journal.BackupEntry:
    # Under its own id: what the ledger has under the checkpoint's is another
    # one's.
    return orphan.entry or backup_journal.BackupEntry(
        str(orphan.backup.instance_id), orphan.backup.id,
        orphan.backup.project_id, orphan.backup.name,
        backup_id=orphan.backup.id, is_complete=True)


class ListOrphans(base.Lister):
    """List Karbor's backups that no checkpoint and no journal knows.

    The backups of all projects are compared with the banks of all providers.
    """

    COLUMNS = COLUMNS

    def list_rows(self, parsed_args: argparse.Namespace,
                  loaded: List[providers.Provider]) -> List[Row]:
        search = Search(loaded, clients.Cloud())
        self.problems += [search.complaint] if search.complaint else []
        return [orphan.row for orphan in search.orphans.values()]


class DeleteOrphans(base.Lister):
    """Delete orphans, or with no --yes show what would be deleted."""

    COLUMNS = DELETED

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'ids', nargs='*', metavar='BACKUP_ID',
            help='By default all orphans that Karbor created for certain')
        parser.add_argument('--yes', action='store_true',
                            help='Delete. Without it nothing is deleted')
        return parser

    def list_rows(self, parsed_args: argparse.Namespace,
                  loaded: List[providers.Provider]) -> List[Row]:
        cloud = clients.Cloud()
        rows, problem = delete(Search(loaded, cloud), cloud,
                               parsed_args.ids, parsed_args.yes)
        self.problems += [problem] if problem else []
        return rows


COMMANDS = {'orphans list': ListOrphans, 'orphans delete': DeleteOrphans}
