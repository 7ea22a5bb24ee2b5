# SPDX-License-Identifier: Apache-2.0

"""`deferred dismiss`, and the restores in `deferred list` and `sweep`.

No instance and no configuration group is deleted here. The instances and the
groups that a restore has created belong to the user.
"""

import argparse
import dataclasses
import datetime
from typing import Iterator, List, Optional, Tuple, Type, TypeVar

from karbor_trove.bank import restore_journal
from karbor_trove.bank import worker_process
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import interrupts
from karbor_trove.cmd import progress
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import lost_responses


Journal = TypeVar('Journal', bound=restore_journal.RequestJournal)


class RestoreDismissal(base.Action):
    """Carries out the command "deferred dismiss".

    The command deletes journal entries of unconfirmed restores.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        """Delete the journal entries of the chosen restores.

        If the entry of one restore must not be deleted, no entry is deleted.

        :returns: one row for each deleted entry.
        :raises errors.Rejected: a chosen restore has no entry. Or a chosen
            restore may still run, and --force is missing.
        """
        matches = [
            (journal, restore_id)
            for kind in (restore_journal.RestoreJournal,
                         restore_journal.ConfigurationJournal)
            for _, journal, restore_id in _list_journals(all_providers, kind)
            if restore_id in parsed_args.ids]
        unknown = set(parsed_args.ids) - {
            restore_id for _, restore_id in matches}
        if unknown:
            raise errors.Rejected(
                'no entry is deleted: no bank has an entry of restore %s'
                % ', '.join(sorted(unknown)))
        rows = []
        entries = []
        for journal, restore_id in matches:
            entry = _read_or_build(journal, restore_id)
            entries.append((journal, entry))
            if not parsed_args.force and entry.may_run(_now()):
                raise errors.Rejected(
                    'no entry is deleted: %s may still work on restore %s. '
                    'Make sure that the process has ended, then use --force. '
                    'If it has not, the name of the instance that the '
                    'restore creates is lost'
                    % (worker_process.describe(entry.worker), restore_id))
            rows.append({'project': entry.project_id,
                         'instance': journal.instance_id,
                         'restore': restore_id, 'name': entry.name,
                         'since': times.add_zone(entry.time_before_request)})
        with interrupts.defer():
            for journal, entry in entries:
                journal.delete_entry(entry)
        return rows


def list_rows(provider: providers.Provider,
              instance_id: str) -> Iterator[base.Row]:
    """Yield one row for each unconfirmed restore of an instance.

    An entry that cannot be read has a row too.

    :param provider: the provider whose bank has the restore journal.
    :param instance_id: the id of the original instance.
    """
    entries, unreadable = restore_journal.RestoreJournal(
        provider.bank, instance_id).read_all()
    row = {'what': 'restore', 'instance': instance_id}
    for restore_id, error in unreadable.items():
        yield {**row, 'restore': restore_id, 'why': str(error)}
    for entry in entries:
        # A trace belongs to a restore whose instance is known. So a trace has
        # no row.
        if entry.created_id is None:
            yield {**row, 'project': entry.project_id,
                   'restore': entry.restore_id,
                   'since': times.add_zone(entry.time_before_request),
                   'why': 'restore %s got no response; it may have created '
                          'an instance "%s"' % (entry.restore_id, entry.name)}


def list_group_rows(provider: providers.Provider,
                    instance_id: str) -> Iterator[base.Row]:
    """Yield one row for each configuration group that is not confirmed.

    A restore has requested such a group, and Karbor's record of the restore
    does not have the group yet. An entry that cannot be read has a row too.

    :param provider: the provider whose bank has the journal.
    :param instance_id: the id of the original instance.
    """
    entries, unreadable = restore_journal.ConfigurationJournal(
        provider.bank, instance_id).read_all()
    row = {'what': 'configuration group', 'instance': instance_id}
    for restore_id, error in unreadable.items():
        yield {**row, 'restore': restore_id, 'why': str(error)}
    for entry in entries:
        yield {**row, 'project': entry.project_id,
               'restore': entry.restore_id,
               'since': times.add_zone(entry.time_before_request),
               'why': 'restore %s has not reported configuration group "%s" '
                      'yet. %s' % (
                          entry.restore_id, entry.name,
                          'The id of the group is %s' % entry.created_id
                          if entry.created_id else
                          'If the group exists, its description names '
                          'the restore')}


@dataclasses.dataclass(frozen=True)
class SweepResult:
    """What sweep() found out about one unconfirmed restore."""

    row: base.Row
    #: Why the restore could not be checked. Empty if it was checked.
    problem: str = ''


def sweep(all_providers: List[providers.Provider],
          project_clients: clients.ProjectClients,
          instance_id: Optional[str] = None,
          project_id: Optional[str] = None) -> Iterator[SweepResult]:
    """Delete the journal entries of restores that have created no instance.

    For each unconfirmed restore, the function searches Trove for the instance
    that the restore may have created. If Trove has no such instance and cannot
    create it later, the entry is deleted. Otherwise the entry stays, and the
    result says why.

    A trace is the journal entry of a restore whose instance is known. The
    function also deletes each trace whose restore began more than an hour ago.
    It yields no SweepResult for a trace.

    :param instance_id: the id of the only original instance whose entries are
        swept. None for the entries of all original instances.
    :param project_id: the id of the only project whose entries are swept. None
        for the entries of all projects.
    """
    for provider, journal, restore_id in _list_journals(
            all_providers, restore_journal.RestoreJournal):
        if instance_id not in (None, journal.instance_id):
            continue
        entry = None
        problem = ''
        try:
            entry = journal.read(restore_id)
            # The list of entries may be stale, and may still have an entry
            # that is deleted.
            if entry is None or project_id not in (None, entry.project_id):
                continue
            if entry.created_id is not None:
                if not entry.is_recent(_now()):
                    journal.delete_entry(entry)
                continue
            check = _check(entry, provider, project_clients)
            outcome = check.outcome
            if check.has_created_none:
                journal.delete_entry(entry)
        except errors.KarborTroveError as error:
            # The project of an entry that cannot be read is not known.
            if (entry is None and project_id is not None
                    and isinstance(error, errors.Rejected)):
                continue
            problem = str(error)
            outcome = 'restore %s: %s' % (restore_id, error)
        yield SweepResult({'project': entry and entry.project_id,
                           'instance': journal.instance_id,
                           'restore': restore_id, 'outcome': outcome},
                          problem)


def _list_journals(all_providers: List[providers.Provider],
                   kind: Type[Journal]) -> Iterator[
        Tuple[providers.Provider, Journal, str]]:
    """Yield the provider, the journal and the restore id of each entry.

    :param kind: the class of the journals to read, such as RestoreJournal.
    """
    for provider in providers.list_one_per_bank(all_providers):
        for instance_id in progress.track(
                provider.list_instance_ids(),
                'Reading the restore journals of instances'):
            journal = kind(provider.bank, instance_id)
            for restore_id in journal.list_keys():
                yield provider, journal, restore_id


def _read_or_build(journal: restore_journal.RequestJournal,
                   restore_id: str) -> restore_journal.RestoreEntry:
    """Return an entry of a journal.

    If the entry is absent or cannot be read, return an entry that has only the
    ids of the instance and of the restore.
    """
    unknown = restore_journal.RestoreEntry(journal.instance_id, restore_id)
    try:
        return journal.read(restore_id) or unknown
    except errors.Rejected:
        return unknown


def _now() -> datetime.datetime:
    """Return the time of this machine: UTC, without a zone."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


@dataclasses.dataclass(frozen=True)
class _Check:
    """The result of the search for the instance of a restore."""

    #: True if the restore has created no instance, and will not create an
    #: instance later.
    has_created_none: bool
    #: A sentence for the operator.
    outcome: str


def _check(entry: restore_journal.RestoreEntry, provider: providers.Provider,
           project_clients: clients.ProjectClients) -> _Check:
    """Search for the instance that a restore may have created.

    :param entry: the journal entry of the restore.
    :raises errors.KarborTroveError: the search was not possible.
    """
    if entry.project_id is None or entry.time_before_request is None:
        raise errors.Rejected(
            'the journal has no project or no time for it. Search for an '
            'instance "%s", then use "deferred dismiss"' % entry.name)
    client = project_clients.get(entry.project_id)
    time_before_request = times.parse_utc(entry.time_before_request)
    instance_ids = provider.poller.wait_for(
        lambda: _find_instances(client, entry.name, time_before_request),
        provider.poller.deadline(timeouts.OUTAGE), 'Trove is unavailable')
    if instance_ids:
        return _Check(False, (
            'restore %s may have created instance %s. It belongs to the '
            'user, who decides whether to delete it. Then use "deferred '
            'dismiss"' % (entry.restore_id, ', '.join(instance_ids))))
    if lost_responses.is_settled(entry.time_before_request,
                                 client.last_response_time):
        return _Check(True, 'restore %s has created no instance'
                      % entry.restore_id)
    return _Check(False, 'Trove may still create the instance "%s" of '
                  'restore %s' % (entry.name, entry.restore_id))


def _find_instances(client: trove_client.TroveClient, name: Optional[str],
                    time_before_request: datetime.datetime) -> List[str]:
    """Return the ids of the instances that a request may have created.

    Such an instance has the name in the request, and was created no earlier
    than 5 minutes before `time_before_request`. If the creation time of an
    instance is not known, only the name has to match.

    :param name: the name in the request.
    :param time_before_request: a time before the request was sent: UTC,
        without a zone.
    """
    instance_ids = []
    for instance in client.list_instances():
        if instance.name != name:
            continue
        try:
            # A list of instances has no creation times.
            created = client.get_instance(instance.id).created
        except errors.NotFound:
            continue
        if created is None or (
                created >= time_before_request - timeouts.CLOCK_TOLERANCE):
            instance_ids.append(instance.id)
    return instance_ids
