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

"""Checkpoints that a crash has left: what is known of them, and a way out."""

import argparse
import datetime
from typing import Any, Dict, List, Optional

from karbor.common import constants
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph

from karbor_trove.bank import backup_journal
from karbor_trove.bank import layout
from karbor_trove.bank import record
from karbor_trove.bank import status
from karbor_trove.bank import storage
from karbor_trove.bank import worker
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import providers
from karbor_trove import errors

Row = Dict[str, Any]
COLUMNS = ('checkpoint', 'status', 'type', 'resource', 'resource_status',
           'worker', 'record', 'journal', 'parent', 'note', 'reason')
RESET = ('checkpoint', 'was', 'status', 'backup_copy')
# What shows of a resource that the operation has begun on it.
_BEGUN = {
    constants.CHECKPOINT_STATUS_PROTECTING: (
        constants.RESOURCE_STATUS_PROTECTING,
        constants.RESOURCE_STATUS_AVAILABLE,
        constants.RESOURCE_STATUS_ERROR),
    constants.CHECKPOINT_STATUS_DELETING: (
        constants.RESOURCE_STATUS_DELETING,
        constants.RESOURCE_STATUS_DELETED,
        constants.RESOURCE_STATUS_ERROR),
}


def show(found: providers.Checkpoint) -> List[Row]:
    """Tell what the bank knows of each resource of a checkpoint."""
    rows = [_shown(found, *resource) for resource in found.resources]
    return [{'checkpoint': found.id, 'status': found.status or 'torn', **row}
            for row in rows or [{}]]


def reset(found: providers.Checkpoint, force: bool) -> Row:
    """Make a checkpoint that a crash has left `error`, so that it can go.

    :param force: whether the operator says that no process works on it.
    :raises errors.Refused: it is not stuck, or its operation may still run.
    """
    if found.index is None:
        raise errors.CorruptObject('the index of checkpoint %s in the bank is torn'
                                   % found.id)
    was = found.status
    # Where Karbor could write that, the operation has ended.
    if was != constants.CHECKPOINT_STATUS_ERROR_DELETING:
        if was not in _BEGUN:
            raise errors.Rejected(
                'checkpoint %s is %s; only one that is protecting, deleting '
                'or error-deleting can be reset' % (found.id, was))
        doubt = _why_it_may_run(found)
        if doubt and not force:
            raise errors.Rejected(
                'checkpoint %s is not reset: %s. --force says that no Karbor '
                'works on it any more; if that is wrong, it will do so beside '
                'the deletion' % (found.id, doubt))
    kept = '%s@%s' % (layout.CHECKPOINT_INDEX, datetime.datetime.now(
        datetime.timezone.utc).strftime('%Y-%m-%dT%H-%M-%SZ'))
    storage.write(found.section, kept, found.index)
    # Else they would testify that the deletion to come has ended, too.
    for _, id_ in found.resources:
        storage.delete(found.section_of(id_), layout.WORKER)
    _complete_indices(found)
    index = dict(found.index, status=constants.CHECKPOINT_STATUS_ERROR)
    if not index.get('resource_graph'):
        # It ended before Karbor knew what to protect; its deletion wants one.
        index['resource_graph'] = graph.serialize_resource_graph([])
    storage.write(found.section, layout.CHECKPOINT_INDEX, index)
    return {'checkpoint': found.id, 'was': was, 'status': index['status'],
            'backup_copy': kept}


def may_run(found: providers.Checkpoint, instance_id: str) -> bool:
    """Tell whether an operation may be at work on an instance right now."""
    return (found.status in (None, *_BEGUN)
            and worker.may_be_alive(found.kept(instance_id, layout.WORKER)))


def _why_it_may_run(found: providers.Checkpoint) -> Optional[str]:
    """Look for a witness that the operation's process is gone.

    One is enough, whatever the other resources are: all of a checkpoint are
    worked on by one process.

    :returns: None: it is gone.
    """
    witness = False
    for _, id_ in found.resources:
        named = found.kept(id_, layout.WORKER)
        if named is None:
            continue
        if worker.may_be_alive(named):
            return '%s may still work on it' % process(named)
        # A worker that an earlier operation has left says nothing.
        if found.kept(id_, layout.STATUS) in _BEGUN[str(found.status)]:
            witness = True
    return None if witness else (
        'nothing in the bank tells which process works on it')


def _complete_indices(found: providers.Checkpoint) -> None:
    """Write what a crash between checkpoint and indices has left out.

    Karbor's deletion fails where one is missing, and a failed deletion is
    stuck again [Checkpoint.delete() in 1.6.0].
    """
    index: Any = found.index
    paths = karbor_checkpoint.Checkpoint
    section = found.provider.bank.get_sub_section(layout.INDICES)
    project, time = index['project_id'], index['timestamp']
    for path in (
            paths._get_checkpoint_path_by_provider(
                index['provider_id'], project, time, found.id),
            paths._get_checkpoint_path_by_date(
                index['created_at'], project, time, found.id),
            paths._get_checkpoint_path_by_plan(
                index['protection_plan']['id'], project, index['created_at'],
                time, found.id)):
        storage.write(section, path, found.id)


def _shown(found: providers.Checkpoint, type_: str, id_: str) -> Row:
    named = found.kept(id_, layout.WORKER)
    row: Row = {
        'type': type_, 'resource': id_,
        'resource_status': found.kept(id_, layout.STATUS),
        'worker': named and '%s, %s' % (
            process(named), 'may live' if worker.may_be_alive(named) else 'gone')}
    if type_ == constants.DATABASE_RESOURCE_TYPE:
        row.update(_backup(found, id_))
    return row


def _backup(found: providers.Checkpoint, instance_id: str) -> Row:
    """Tell what record and ledger know of the backup."""
    row: Row = {'reason': status.read_failure_reason(found.section_of(instance_id))}
    try:
        kept = record.read(found.section_of(instance_id))
        row['record'] = kept and kept.backup_id
        entry = backup_journal.BackupJournal(found.provider.bank,
                                             instance_id).read(found.id)
    except errors.Rejected as error:
        return {**row, 'note': str(error)}
    if entry is not None:
        row.update(journal=entry.backup_id, parent=entry.parent_id,
                   note=entry.reason or (
                       'deleted %s' % entry.deleted_at if entry.deleted_at else
                       None if entry.is_complete else
                       'not complete yet' if entry.backup_id else
                       'asked for, not known yet'))
    return row


def process(named: Any) -> str:
    """Name the process that the bank tells of."""
    if not isinstance(named, dict):
        return 'an unknown process'
    return 'process %s on %s' % (named.get('pid'), named.get('host'))


class ShowCheckpoint(base.Lister):
    """Show what the bank holds of each resource of a checkpoint."""

    COLUMNS = COLUMNS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('id', metavar='CHECKPOINT_ID')
        return parser

    def list_rows(self, parsed_args: argparse.Namespace,
                  loaded: List[providers.Provider]) -> List[Row]:
        return show(providers.find(loaded, parsed_args.id))


class ResetCheckpoint(base.Lister):
    """Set an interrupted checkpoint to "error", so that it can be deleted.

    The checkpoint has to be protecting, deleting or error-deleting, and its
    operation has to have ended. The previous index stays in the bank.
    """

    COLUMNS = RESET

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('id', metavar='CHECKPOINT_ID')
        parser.add_argument(
            '--force', action='store_true',
            help='Skip the check that the worker process has ended')
        return parser

    def list_rows(self, parsed_args: argparse.Namespace,
                  loaded: List[providers.Provider]) -> List[Row]:
        return [reset(providers.find(loaded, parsed_args.id),
                      parsed_args.force)]


COMMANDS = {'checkpoint show': ShowCheckpoint,
            'checkpoint reset': ResetCheckpoint}
