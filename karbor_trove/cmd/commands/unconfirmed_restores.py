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

"""Restores without an answer: what may have come of them, and forgetting it.

No instance is ever deleted here: one that is there is the user's.
"""

import argparse
import datetime
from typing import Any, Collection, Dict, Iterator, List, Optional, Tuple

from karbor_trove.bank import restore_journal
from karbor_trove.bank import worker
from karbor_trove.cmd.commands import checkpoints
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import lost_responses

Row = Dict[str, Any]
DISMISSED = ('project', 'instance', 'restore', 'name', 'since')


def rows(provider: providers.Provider, instance_id: str) -> Iterator[Row]:
    """Tell which restores of an instance ended without an answer."""
    notes = restore_journal.RestoreJournal(provider.bank, instance_id)
    for restore_id in notes.list_keys():
        row = {'what': 'restore', 'instance': instance_id}
        try:
            kept = notes.read(restore_id)
        except errors.Rejected as error:
            yield {**row, 'why': str(error)}
            continue
        # The list may lag behind, and show what is gone.
        if kept is not None:
            yield {**row, 'project': kept.project_id,
                   'since': kept.not_before,
                   'why': 'restore %s ended without an answer; an instance '
                          '"%s" may have come of it' % (restore_id,
                                                        kept.name)}


def sweep(loaded: List[providers.Provider], cloud: clients.Cloud,
          instance: Optional[str] = None, project: Optional[str] = None
          ) -> Tuple[List[Row], List[str]]:
    """Forget the restores that nothing came of.

    :param instance: of this original only.
    :param project: of this one only.
    :returns: a row for each, and why some could not even be looked at.
    """
    found: List[Row] = []
    refused: List[str] = []
    for provider, notes, restore_id in _left(loaded):
        if instance not in (None, notes.instance_id):
            continue
        row: Row = {'instance': notes.instance_id}
        try:
            kept = notes.read(restore_id)
            if kept is None or project not in (None, kept.project_id):
                continue
            row['project'] = kept.project_id
            outcome = _outcome(kept, cloud, provider.settings.poll_interval)
            if outcome is None:
                notes.delete(restore_id)
        except errors.KarborTroveError as error:
            # Of one that cannot be read nobody knows the project.
            if (project is not None and 'project' not in row
                    and isinstance(error, errors.Rejected)):
                continue
            outcome = 'restore %s: %s' % (restore_id, error)
            refused.append(str(error))
        found.append({**row, 'outcome': outcome or (
            'nothing came of restore %s' % restore_id)})
    return found, refused


def dismiss(loaded: List[providers.Provider], ids: Collection[str],
            force: bool) -> List[Row]:
    """Forget restores: the user knows what came of them.

    :param ids: Karbor's ids of restores.
    :param force: whether the operator says that no process works on them.
    :returns: a row for each note that was forgotten.
    :raises errors.Refused: there is no note of one of them, or it may still
        be at work; nothing was done.
    """
    left = [(notes, restore_id) for _, notes, restore_id in _left(loaded)
            if restore_id in ids]
    unknown = sorted(set(ids) - {restore_id for _, restore_id in left})
    if unknown:
        raise errors.Rejected('nothing is dismissed: no bank has a note of '
                              'restore %s' % ', '.join(unknown))
    found = []
    for notes, restore_id in left:
        kept = _readable(notes, restore_id)
        if not force and _may_run(kept):
            raise errors.Rejected(
                'nothing is dismissed: %s may still work on restore %s. '
                '--force says that no Karbor does any more; if that is wrong, '
                'nobody will know what came of it' % (
                    checkpoints.process(kept.worker), restore_id))
        found.append({'project': kept.project_id,
                      'instance': notes.instance_id, 'restore': restore_id,
                      'name': kept.name, 'since': kept.not_before})
    for notes, restore_id in left:
        notes.delete(restore_id)
    return found


def _left(loaded: List[providers.Provider]
          ) -> Iterator[Tuple[providers.Provider, restore_journal.RestoreJournal, str]]:
    seen = set()
    for provider in loaded:
        for instance_id in provider.instances():
            notes = restore_journal.RestoreJournal(provider.bank, instance_id)
            for restore_id in notes.list_keys():
                # Two providers may have one bank.
                if (instance_id, restore_id) not in seen:
                    seen.add((instance_id, restore_id))
                    yield provider, notes, restore_id


def _readable(notes: restore_journal.RestoreJournal,
              restore_id: str) -> restore_journal.RestoreEntry:
    """Read a note; of one that cannot be read nothing is known."""
    nothing = restore_journal.RestoreEntry(notes.instance_id, restore_id)
    try:
        return notes.read(restore_id) or nothing
    except errors.Rejected:
        return nothing


def _may_run(kept: restore_journal.RestoreEntry) -> bool:
    """Tell whether somebody may still look for the answer.

    The process outlives the restore, so its age counts as well.
    """
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return worker.may_be_alive(
        kept.worker) and (
        kept.not_before is None or now -
        datetime.datetime.fromisoformat(
            kept.not_before) < timeouts.RESTORE_MAY_RUN)


def _outcome(kept: restore_journal.RestoreEntry, cloud: clients.Cloud,
             interval: float) -> Optional[str]:
    """Say why a note has to stay; None: nothing came of the restore.

    :raises errors.TroveError: it could not be found out.
    """
    if kept.project_id is None or kept.not_before is None:
        raise errors.Rejected(
            'nobody knows the project or the time of it; look for an instance '
            '"%s", then dismiss the note' % kept.name)
    gateway = cloud.gateway(kept.project_id)
    found = polling.wait_for(
        lambda: _came_of(gateway, kept),
        polling.Deadline(timeouts.OUTAGE, polling.SYSTEM_CLOCK), interval,
        'Trove is away')
    if found:
        return ('instance %s may have come of restore %s; it is the user\'s, '
                'to delete or to keep: then dismiss the note' % (
                    ', '.join(found), kept.restore_id))
    return None if lost_responses.is_settled(
        kept.not_before, gateway.now) else (
            'the instance "%s" was asked for, and may still be made'
            % kept.name)


def _came_of(gateway: client.TroveClient, kept: restore_journal.RestoreEntry) -> List[str]:
    """Find instances of that name made since; a list does not tell when."""
    asked = datetime.datetime.fromisoformat(str(kept.not_before))
    found = []
    for listed in gateway.list_instances():
        if listed.name == kept.name:
            try:
                created = gateway.get_instance(listed.id).created
            except errors.NotFound:
                continue
            if created is None or created >= asked:
                found.append(listed.id)
    return found


class DismissRestores(base.Lister):
    """Delete the journal entries of unconfirmed restores.

    No instance is deleted.
    """

    COLUMNS = DISMISSED

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('ids', nargs='+', metavar='RESTORE_ID')
        parser.add_argument(
            '--force', action='store_true',
            help='Skip the check that the worker process has ended')
        return parser

    def list_rows(self, parsed_args: argparse.Namespace,
                  loaded: List[providers.Provider]) -> List[Row]:
        return dismiss(loaded, parsed_args.ids, parsed_args.force)


COMMANDS = {'deferred dismiss': DismissRestores}
