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

"""What waits in the ledgers of deleted checkpoints, and taking it away."""

import argparse
import functools
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from karbor.common import constants

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import backup_journal
from karbor_trove.bank import verification_journal
from karbor_trove.bank import worker
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import providers
from karbor_trove.cmd.commands import unconfirmed_restores
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import client
from karbor_trove.verification import cleanup

Row = Dict[str, Any]
COLUMNS = ('what', 'project', 'instance', 'checkpoint', 'backup', 'since',
           'why')
SWEPT = ('project', 'instance', 'checkpoint', 'backup', 'outcome')


def waiting_rows(loaded: List[providers.Provider]) -> List[Row]:
    """Tell what is not finished: backups, requests and (test) restores."""
    rows: Dict[Tuple[str, ...], Row] = {}
    for provider in loaded:
        for instance_id in provider.instances():
            # Two providers may have one bank.
            for row in (*_of_backups(provider, instance_id),
                        *unconfirmed_restores.rows(provider, instance_id),
                        *_of_rehearsals(provider, instance_id)):
                rows.setdefault((instance_id, row['what'],
                                 row.get('checkpoint', row['why'])), row)
    return list(rows.values())


def sweep(loaded: List[providers.Provider], cloud: clients.Cloud,
          instance: Optional[str] = None, project: Optional[str] = None,
          force: bool = False) -> Tuple[List[Row], Optional[str]]:
    """Take what can go now: backups, and notes that nothing came of.

    :param instance: of this one only.
    :param project: of this one only.
    :param force: whether the operator says that no verification lives.
    :returns: what was tried with its outcome, and why some could not even be
        tried; None: all could.
    """
    rows: List[Row] = []
    refused: Dict[str, None] = {}
    # Two providers may have one bank.
    seen: Set[Tuple[str, str]] = set()
    for provider in loaded:
        for instance_id in provider.instances():
            if instance not in (None, instance_id):
                continue
            try:
                for entry in _deferred(provider, instance_id, project):
                    if (instance_id, entry.checkpoint_id) not in seen:
                        seen.add((instance_id, entry.checkpoint_id))
                        rows.append(_removed(provider, cloud, entry, refused))
                rows += _swept_rehearsals(provider, cloud, instance_id,
                                          project, force)
            except errors.BankError as error:
                refused[str(error)] = None
    told, unseen = unconfirmed_restores.sweep(loaded, cloud, instance, project)
    refused.update(dict.fromkeys(unseen))
    return [*rows, *told], '; '.join(refused) or None


def _removed(provider: providers.Provider, cloud: clients.Cloud,
             entry: backup_journal.BackupEntry, refused: Dict[str, None]) -> Row:
    try:
        outcome = remove(provider, cloud, entry)
    except errors.KarborTroveError as error:
        outcome = str(error)
        refused[outcome] = None
    return {**_named(entry), 'outcome': outcome or 'deleted'}


def _swept_rehearsals(provider: providers.Provider, cloud: clients.Cloud,
                      original: str, project: Optional[str], force: bool
                      ) -> Iterator[Row]:
    """Delete the instances of test restores that nobody sees to."""
    notes = verification_journal.VerificationJournal(provider.bank, original)
    for one in sorted({str(note.project_id) for note in notes.list_entries()
                       if project in (None, note.project_id)}):
        left = cleanup.TemporaryInstanceCleanup(
            provider.bank, original, one,
            functools.partial(_gateway, cloud, one),
            polling.Poller(provider.settings.poll_interval)
        ).run(provider.settings.delete_timeout, force)
        yield {'project': one, 'instance': original, 'outcome':
               '; '.join(left) or 'what test restores left is gone'}


def remove(provider: providers.Provider, cloud: clients.Cloud,
           entry: backup_journal.BackupEntry) -> Optional[str]:
    """Delete a backup if it can go now; else it is noted in the ledger.

    :returns: why it is still there; None: it is gone.
    :raises errors.TroveError: Karbor's user cannot get at it; nothing was
        changed.
    :raises errors.BankFailed: perhaps it is gone all the same.
    """
    if entry.project_id is None:
        raise errors.Rejected('nobody knows the project of backup %s'
                              % entry.backup_id)
    cloud.gateway(entry.project_id)
    deletion = deferred_deletion.BackupDeletion(
        backup_journal.BackupJournal(provider.bank, entry.instance_id),
        entry.project_id,
        functools.partial(_gateway, cloud, entry.project_id),
        polling.Poller(provider.settings.poll_interval))
    return deletion.delete(entry, provider.settings.delete_timeout).blocker


def _gateway(cloud: clients.Cloud, project: str,
             _: polling.Deadline) -> client.TroveClient:
    """Reach a project's; one gateway serves all of a command."""
    return cloud.gateway(project)


def _deferred(provider: providers.Provider, instance_id: str,
              project: Optional[str]) -> List[backup_journal.BackupEntry]:
    """Find what waits, the youngest first: no parent before its child."""
    return sorted(
        (entry for entry in backup_journal.BackupJournal(provider.bank,
                                                         instance_id).list_entries()
         if project in (None, entry.project_id) and _why(provider, entry)),
        reverse=True, key=lambda entry: entry.not_before or '')


def _why(provider: providers.Provider,
         entry: backup_journal.BackupEntry) -> Optional[str]:
    """Say why the backup of a deleted checkpoint waits; None: that lives.

    Karbor's in-tree plugin does not know the ledger: it deletes a checkpoint
    and its backup, and leaves the entry as it was.
    """
    if entry.deleted_at:
        return entry.reason or 'its deletion was interrupted'
    found = provider.checkpoint(entry.checkpoint_id)
    return ('the checkpoint was deleted by another plugin' if found and (
        found.status == constants.CHECKPOINT_STATUS_DELETED) else None)


def _of_backups(
        provider: providers.Provider,
        instance_id: str) -> Iterator[Row]:
    entries, unreadable = backup_journal.BackupJournal(provider.bank,
                                                       instance_id).read_all()
    for checkpoint_id, error in unreadable.items():
        yield {'what': 'backup', 'instance': instance_id,
               'checkpoint': checkpoint_id, 'why': str(error)}
    for entry in entries:
        why = _why(provider, entry)
        if why:
            yield {'what': 'backup', **_named(entry), 'why': why,
                   'since': entry.deleted_at or entry.not_before}
        elif entry.backup_id is None:
            yield {'what': 'request', **_named(entry),
                   'since': entry.not_before,
                   'why': 'the backup "%s" was asked for, and nobody knows '
                          'yet whether it was made' % entry.backup_name}


def _of_rehearsals(provider: providers.Provider,
                   instance_id: str) -> Iterator[Row]:
    notes, unreadable = verification_journal.VerificationJournal(provider.bank,
                                                                 instance_id).read_all()
    for error in unreadable.values():
        yield {'what': 'temporary instance', 'instance': instance_id, 'why': str(error)}
    for note in notes:
        what = 'verification %s made a temporary instance "%s"%s: ' % (
            note.verification_id, note.name,
            ' (%s)' % note.instance_id if note.instance_id else '')
        yield {'what': 'temporary instance', 'project': note.project_id,
               'instance': instance_id, 'since': note.not_before,
               'why': what + (note.abandoned_reason or (
                   'it was interrupted' if not worker.may_be_alive(note.worker)
                   else 'it is at work until %s, or was interrupted'
                   % note.ends_by))}


def _named(entry: backup_journal.BackupEntry) -> Row:
    return {'project': entry.project_id, 'instance': entry.instance_id,
            'checkpoint': entry.checkpoint_id, 'backup': entry.backup_id}


class ListDeferred(base.Lister):
    """List deferred deletions, open requests and what crashes left.

    These are backups of deleted checkpoints, requests for backups and
    restores without a response, and temporary instances of verifications.
    """

    COLUMNS = COLUMNS

    def list_rows(self, parsed_args: argparse.Namespace,
                  loaded: List[providers.Provider]) -> List[Row]:
        return waiting_rows(loaded)


class SweepDeferred(base.Lister):
    """Try all deferred deletions again.

    Also deletes the temporary instances of verifications that have ended,
    and the journal entries of restores that created no instance.
    """

    COLUMNS = SWEPT

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('--instance', metavar='ID',
                            help='Only of this original instance')
        parser.add_argument('--project', metavar='ID',
                            help='Only of this project')
        parser.add_argument(
            '--force', action='store_true',
            help='Skip the check that verifications have ended')
        return parser

    def list_rows(self, parsed_args: argparse.Namespace,
                  loaded: List[providers.Provider]) -> List[Row]:
        rows, problem = sweep(loaded, clients.Cloud(), parsed_args.instance,
                              parsed_args.project, parsed_args.force)
        self.problems += [problem] if problem else []
        return rows


COMMANDS = {'deferred list': ListDeferred, 'deferred sweep': SweepDeferred}
