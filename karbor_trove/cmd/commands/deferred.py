# SPDX-License-Identifier: Apache-2.0

"""`deferred list`, `sweep` and `release`: unfinished work of operations."""

import argparse
import dataclasses
from typing import Iterator, List, Mapping, Optional

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import backup_journal
from karbor_trove.bank import verification_journal
from karbor_trove.bank import worker_process
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd.commands import unconfirmed_restores
from karbor_trove.cmd import progress
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import times
from karbor_trove.verification import cleanup


class DeferredListing(base.Action):
    """Carries out the command "deferred list".

    The command lists deferred deletions, and requests whose result is not
    known.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]
                  ) -> Iterator[base.Row]:
        for provider in providers.list_one_per_bank(all_providers):
            for instance_id in progress.track(
                    provider.list_instance_ids(),
                    'Reading the journals of instances'):
                yield from _list_backups(provider, instance_id)
                yield from unconfirmed_restores.list_rows(provider,
                                                          instance_id)
                yield from unconfirmed_restores.list_group_rows(
                    provider, instance_id)
                yield from _list_temporary_instances(provider, instance_id)


class DeferredSweep(base.Action):
    """Carries out the command "deferred sweep".

    The command tries all deferred deletions again. The command also deletes
    temporary instances that verifications have left, and journal entries of
    restores that have created no instance.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]
                  ) -> Iterator[base.Row]:
        project_id = parsed_args.project
        project_clients = clients.ProjectClients()
        # Why Trove could not be reached. None if Trove was never unavailable.
        # The command waits for Trove only once, and not again for each
        # instance.
        self._outage: Optional[str] = None
        for provider in providers.list_one_per_bank(all_providers):
            for instance_id in progress.track(
                    provider.list_instance_ids(),
                    'Sweeping the journals of instances', is_slow=True):
                if parsed_args.instance not in (None, instance_id):
                    continue
                try:
                    yield from self._sweep_backups(
                        provider, project_clients, instance_id, project_id)
                    yield from self._sweep_temporary_instances(
                        provider, project_clients, instance_id, project_id,
                        parsed_args.force)
                except errors.BankError as error:
                    self.problems.append(str(error))
        for result in unconfirmed_restores.sweep(
                all_providers, project_clients, parsed_args.instance,
                project_id):
            yield result.row
            self.problems += [result.problem] if result.problem else []

    def _sweep_backups(self, provider: providers.Provider,
                       project_clients: clients.ProjectClients,
                       instance_id: str, project_id: Optional[str]
                       ) -> Iterator[base.Row]:
        journal = backup_journal.BackupJournal(provider.bank, instance_id)
        entries, unreadable = journal.read_all()
        self._report_unreadable(instance_id, project_id, unreadable)
        deferred = [entry for entry in entries
                    if project_id in (None, entry.project_id)
                    and _check_deferral(provider, entry).is_deferred]
        for project in {entry.project_id: None for entry in deferred}:
            of_project = [entry for entry in deferred
                          if entry.project_id == project]
            for deletion in (
                    [_describe(entry, self._outage, True)
                     for entry in of_project] if self._outage
                    else delete_backups(provider, project_clients, journal,
                                        of_project)):
                if deletion.is_outage:
                    self._outage = deletion.blocker
                self.problems += ([deletion.problem] if deletion.problem
                                  else [])
                yield {**_entry_columns(deletion.entry),
                       'outcome': deletion.blocker or 'deleted'}

    def _report_unreadable(self, instance_id: str, project_id: Optional[str],
                           unreadable: Mapping[str, errors.Rejected]) -> None:
        """Add a problem for each journal entry that cannot be read.

        The project of such an entry is not known. So no problem is added if
        the operator has chosen a project.

        :param project_id: the project that the operator has chosen. None if
            the operator sweeps all projects.
        :param unreadable: why an entry cannot be read, by the key of the
            entry.
        """
        if project_id is None:
            self.problems += ['instance %s is not swept completely: %s'
                              % (instance_id, error)
                              for error in unreadable.values()]

    def _sweep_temporary_instances(self, provider: providers.Provider,
                                   project_clients: clients.ProjectClients,
                                   instance_id: str, project_id: Optional[str],
                                   force: bool) -> Iterator[base.Row]:
        journal = verification_journal.VerificationJournal(provider.bank,
                                                           instance_id)
        entries, unreadable = journal.read_all()
        self._report_unreadable(instance_id, project_id, unreadable)
        for project in sorted({str(entry.project_id) for entry in entries
                               if project_id in (None, entry.project_id)}):
            instance_cleanup = cleanup.TemporaryInstanceCleanup(
                provider.bank, instance_id, project,
                lambda deadline: project_clients.get(project),
                provider.poller)
            leftovers = instance_cleanup.run(provider.settings.delete_timeout,
                                             force)
            self.problems += ['instance %s: %s' % (instance_id, failure)
                              for failure in instance_cleanup.failures]
            yield {'project': project, 'instance': instance_id,
                   'outcome': '; '.join(leftovers)
                   or 'the temporary instances are deleted'}


class DeferredRelease(base.Action):
    """Carries out the command "deferred release".

    The command deletes backups with a deferred deletion. If later checkpoints
    left an instance out, a sweep keeps the last complete backup of the
    instance. This command deletes this backup too.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]
                  ) -> Iterator[base.Row]:
        """Delete the chosen backups, and yield one row for each backup.

        Without --yes, no backup is deleted.

        :raises errors.Rejected: a chosen id is not the id of a backup with a
            deferred deletion. Nothing was deleted.
        """
        chosen = [
            (provider, journal, entries)
            for provider in providers.list_one_per_bank(all_providers)
            for instance_id in progress.track(
                provider.list_instance_ids(),
                'Reading the journals of instances')
            for journal in [backup_journal.BackupJournal(provider.bank,
                                                         instance_id)]
            for entries in [[entry for entry in journal.list_entries()
                             if entry.backup_id in parsed_args.ids
                             and _check_deferral(provider, entry).is_deferred]]
            if entries]
        unknown_ids = set(parsed_args.ids) - {
            entry.backup_id for _, _, entries in chosen for entry in entries}
        if unknown_ids:
            raise errors.Rejected(
                'nothing is deleted, because these are no deferred deletions: '
                'backup %s' % ', '.join(sorted(unknown_ids)))
        project_clients = clients.ProjectClients()
        for provider, journal, entries in progress.track(
                chosen, 'Deleting the backups of instances',
                is_slow=parsed_args.yes):
            if not parsed_args.yes:
                for entry in entries:
                    yield {**_entry_columns(entry),
                           'outcome': 'would be deleted'}
                continue
            for deletion in delete_backups(provider, project_clients, journal,
                                           entries, keeps_last=False):
                self.problems += ([deletion.problem] if deletion.problem
                                  else [])
                yield {**_entry_columns(deletion.entry),
                       'outcome': deletion.blocker or 'deleted'}


@dataclasses.dataclass(frozen=True)
class Deletion:
    """The result of an attempt to delete a backup."""

    entry: backup_journal.BackupEntry
    #: Why the backup is not deleted. None if the backup is deleted.
    blocker: Optional[str]
    #: A sentence for stderr. None if nothing failed.
    problem: Optional[str]
    #: Whether Trove did not respond.
    is_outage: bool = False


def delete_backups(provider: providers.Provider,
                   project_clients: clients.ProjectClients,
                   journal: backup_journal.BackupJournal,
                   entries: List[backup_journal.BackupEntry],
                   keeps_last: bool = True) -> Iterator[Deletion]:
    """Delete the backups of journal entries, or defer their deletion.

    If a deletion fails, the result of the backup has the error, and no
    exception is raised.

    :param journal: the backup journal of the instance. All entries belong to
        this instance.
    :param entries: at least one entry. All entries belong to one project.
    :param keeps_last: whether the last complete backup of the instance is kept
        if an existing checkpoint that is newer than this backup left the
        instance out. If False, this backup is deleted too.
    :returns: one result for each entry.
    """
    remaining = {entry.checkpoint_id: entry for entry in entries}
    try:
        project_id = entries[0].project_id
        if project_id is None:
            raise errors.Rejected('the journal has no project for it')
        client = project_clients.get(project_id, provider.settings.swift)
        for outcome in deferred_deletion.BackupDeletion(
                journal, project_id, lambda deadline: client, provider.poller,
                keeps_last=keeps_last).delete_all(
                    entries, provider.settings.delete_timeout):
            del remaining[outcome.entry.checkpoint_id]
            yield _describe(outcome.entry, outcome.blocker,
                            outcome.has_failed, outcome.is_outage)
    except errors.KarborTroveError as error:
        for entry in remaining.values():
            yield _describe(entry, str(error), has_failed=True)


def _describe(entry: backup_journal.BackupEntry, blocker: Optional[str],
              has_failed: bool, is_outage: bool = False) -> Deletion:
    return Deletion(entry, blocker, '%s of instance %s is not deleted: %s' % (
        'backup %s' % entry.backup_id if entry.backup_id
        else 'the backup of checkpoint %s' % entry.checkpoint_id,
        entry.instance_id, blocker) if has_failed else None, is_outage)


@dataclasses.dataclass(frozen=True)
class _Deferral:
    """The result of _check_deferral(): whether a deletion is deferred."""

    #: True if the deletion has begun, or if the checkpoint of the backup is
    #: deleted.
    is_deferred: bool
    #: Why the backup still exists. Empty if the deletion is not deferred.
    reason: str = ''


def _check_deferral(provider: providers.Provider,
                    entry: backup_journal.BackupEntry) -> _Deferral:
    """Return whether the deletion of a backup is deferred, and why.

    The deletion is deferred in two cases:

    * The journal entry says that the deletion has begun. The entry would not
      exist if the deletion had ended.
    * The checkpoint of the backup is deleted.

    :param provider: the provider whose bank has the journal entry.
    :param entry: the journal entry of the backup.
    """
    if entry.deleted_at:
        return _Deferral(True, entry.reason or 'its deletion was interrupted')
    # Karbor's in-tree plugin does not know the journal. When the in-tree
    # plugin deletes the backup of a checkpoint, the journal entry stays as it
    # is. A checkpoint that is missing proves nothing, because the bank may
    # have lost the checkpoint.
    checkpoint = provider.find_checkpoint(entry.checkpoint_id)
    if checkpoint and checkpoint.is_deleted:
        return _Deferral(True, 'the checkpoint was deleted by another plugin')
    return _Deferral(False)


def _list_backups(provider: providers.Provider,
                  instance_id: str) -> Iterator[base.Row]:
    entries, unreadable = backup_journal.BackupJournal(
        provider.bank, instance_id).read_all()
    for checkpoint_id, error in unreadable.items():
        yield {'what': 'backup', 'instance': instance_id,
               'checkpoint': checkpoint_id, 'why': str(error)}
    for entry in entries:
        deferral = _check_deferral(provider, entry)
        if deferral.is_deferred:
            yield {'what': 'backup', **_entry_columns(entry),
                   'since': times.add_zone(entry.deleted_at
                                           or entry.time_before_request),
                   'why': deferral.reason}
        elif entry.backup_id is None:
            yield {'what': 'request', **_entry_columns(entry),
                   'since': times.add_zone(entry.time_before_request),
                   'why': 'the backup "%s" was requested, and it is not yet '
                          'known whether Trove has created it'
                          % entry.backup_name}


def _list_temporary_instances(provider: providers.Provider,
                              instance_id: str) -> Iterator[base.Row]:
    entries, unreadable = verification_journal.VerificationJournal(
        provider.bank, instance_id).read_all()
    row = {'what': 'temporary instance', 'instance': instance_id}
    for error in unreadable.values():
        yield {**row, 'why': str(error)}
    for entry in entries:
        if entry.abandoned_reason:
            reason = entry.abandoned_reason
        elif worker_process.may_be_alive(entry.worker):
            reason = ('it runs until %s, or was interrupted'
                      % times.add_zone(entry.ends_by))
        else:
            reason = 'it was interrupted'
        yield {**row, 'project': entry.project_id,
               'since': times.add_zone(entry.time_before_request),
               'why': 'verification %s created a temporary instance "%s"%s: '
                      '%s' % (entry.verification_id, entry.name,
                              ' (%s)' % entry.instance_id
                              if entry.instance_id else '', reason)}


def _entry_columns(entry: backup_journal.BackupEntry) -> base.Row:
    return {'project': entry.project_id, 'instance': entry.instance_id,
            'checkpoint': entry.checkpoint_id, 'backup': entry.backup_id}
