# SPDX-License-Identifier: Apache-2.0

"""`checkpoint`: checkpoints that a crash interrupted."""

import argparse
import dataclasses
import datetime
import time
from typing import Any, Dict, List, Optional, Sequence

from karbor.common import constants
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph

from karbor_trove.bank import backup_journal
from karbor_trove.bank import layout
from karbor_trove.bank import omissions
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import karbor_database
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import timeouts

#: The statuses of a resource that show that the checkpoint's operation has
#: started on the resource, by the status of the checkpoint.
_STARTED_STATUSES: Dict[str, Sequence[str]] = {
    constants.CHECKPOINT_STATUS_PROTECTING: (
        constants.RESOURCE_STATUS_PROTECTING,
        constants.RESOURCE_STATUS_AVAILABLE,
        constants.RESOURCE_STATUS_ERROR),
    constants.CHECKPOINT_STATUS_DELETING: (
        constants.RESOURCE_STATUS_DELETING,
        constants.RESOURCE_STATUS_DELETED,
        constants.RESOURCE_STATUS_ERROR),
}


class CheckpointListing(base.Action):
    """Carries out the command "checkpoint show"."""

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        checkpoint = providers.get_checkpoint(all_providers, parsed_args.id)
        rows = [_resource_row(checkpoint, *resource)
                for resource in checkpoint.list_resources()]
        return [{'checkpoint': checkpoint.id,
                 'status': checkpoint.status or 'corrupt', **row}
                for row in rows or [{}]]


class CheckpointReset(base.Action):
    """Carries out the command "checkpoint reset"."""

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        checkpoint = providers.get_checkpoint(all_providers, parsed_args.id)
        index = _check_resettable(checkpoint, parsed_args.force)
        backup_copy = '%s@%s' % (
            layout.CHECKPOINT_INDEX, datetime.datetime.now(
                datetime.timezone.utc).strftime('%Y-%m-%dT%H-%M-%SZ'))
        storage.write(checkpoint.section, backup_copy, index)
        # Delete the identities of the worker process. Otherwise a later reset
        # would take the next delete operation for ended.
        for resource_id in checkpoint.list_resource_ids():
            storage.delete(checkpoint.resource_section(resource_id),
                           layout.WORKER)
        write_missing_indices(checkpoint, index)
        new_index = dict(index, status=constants.CHECKPOINT_STATUS_ERROR)
        if not new_index.get('resource_graph'):
            # The operation ended before Karbor had written the resources.
            # Karbor's delete operation needs a list of the resources.
            new_index['resource_graph'] = graph.serialize_resource_graph([])
        storage.write(checkpoint.section, layout.CHECKPOINT_INDEX, new_index)
        return [{'checkpoint': checkpoint.id, 'was': index['status'],
                 'status': new_index['status'], 'backup_copy': backup_copy}]


@dataclasses.dataclass(frozen=True)
class WorkerCheck:
    """Whether the worker process of an operation has ended."""

    has_ended: bool
    #: Why the process may still run. Empty if it has ended.
    doubt: str = ''


def check_worker(checkpoint: providers.Checkpoint) -> WorkerCheck:
    """Check whether the process of the checkpoint's operation has ended.

    One process works on all resources of a checkpoint. So one resource is
    enough: the operation has started on this resource, and the process that
    works on this resource has ended.
    """
    has_ended = has_started = False
    for resource_id in checkpoint.list_resource_ids():
        # With any other status, the identity belongs to an earlier operation.
        is_started = checkpoint.read_object(resource_id, layout.STATUS) in (
            _STARTED_STATUSES[str(checkpoint.status)])
        has_started = has_started or is_started
        identity = checkpoint.read_object(resource_id, layout.WORKER)
        if identity is None:
            continue
        if worker_process.may_be_alive(identity):
            doubt = _check_other_host(identity)
            if doubt:
                return WorkerCheck(False, doubt)
        has_ended = has_ended or is_started
    if has_ended:
        return WorkerCheck(True)
    doubt = 'the bank does not name the process of its operation'
    # A plugin of another resource type notes its status and no process.
    return WorkerCheck(False, doubt) if has_started else _check_silence(
        checkpoint, doubt)


def _check_other_host(identity: object) -> str:
    """Return why a process that cannot be seen here may still run.

    Karbor's database has the time of the last heartbeat of each service.

    :returns: the doubt. "" if the service of the process has ended.
    """
    doubt = '%s may still work on it' % worker_process.describe(identity)
    host = worker_process.find_other_host(identity)
    if host is None:
        return doubt
    try:
        age = karbor_database.find_heartbeat_age(host)
    except errors.Rejected as error:
        return '%s (%s). Run this command on that host' % (doubt, error)
    if age is None:
        return ('%s. Karbor knows no protection service with the host "%s". '
                'Run this command on that host' % (doubt, host))
    if age > timeouts.WORKER_SILENT:
        return ''
    return ('%s. The protection service with the host "%s" was alive %s ago. '
            'Run this command on that host'
            % (doubt, host, base.Duration(age).human_readable()))


def _check_silence(checkpoint: providers.Checkpoint,
                   doubt: str) -> WorkerCheck:
    """Check whether an operation without a process started long ago.

    A killed service may have written nothing but the status of the checkpoint.
    """
    timestamp = (checkpoint.index or {}).get('timestamp')
    age: Optional[datetime.timedelta]
    try:
        if timestamp and (checkpoint.status
                          == constants.CHECKPOINT_STATUS_PROTECTING):
            age = datetime.timedelta(seconds=time.time() - int(timestamp))
        else:
            age = karbor_database.find_operation_age(
                checkpoint.id, str(checkpoint.status))
    except errors.Rejected as error:
        return WorkerCheck(False, '%s, and its start is not known: %s'
                           % (doubt, error))
    if age is None:
        return WorkerCheck(False, '%s, and Karbor\'s database does not have '
                           'its start' % doubt)
    return WorkerCheck(True) if age > timeouts.WORKER_SILENT else (
        WorkerCheck(False, '%s, which started %s ago. It is reset without '
                    '--force after %s if it notes nothing' % (
                        doubt, base.Duration(age).human_readable(),
                        base.Duration(
                            timeouts.WORKER_SILENT).human_readable())))


def _check_resettable(checkpoint: providers.Checkpoint,
                      force: bool) -> Dict[str, Any]:
    """Return index.json of a checkpoint if the checkpoint can be reset.

    :param force: whether the operator states that the worker process has
        ended.
    :raises errors.Rejected: the checkpoint is not interrupted, or its
        operation may still run.
    """
    if checkpoint.index is None:
        raise errors.CorruptObject(
            'checkpoint %s is not reset: its index in the bank is corrupt'
            % checkpoint.id)
    # Karbor has written "error-deleting", so Karbor's operation has ended.
    if checkpoint.status == constants.CHECKPOINT_STATUS_ERROR_DELETING:
        return checkpoint.index
    # Karbor deletes the index files after it has written "deleted". A process
    # that was killed in between leaves a checkpoint that is listed for ever
    # [Checkpoint.delete() in 1.6.0].
    if checkpoint.is_deleted and _list_indices(checkpoint, checkpoint.index):
        if force:
            return checkpoint.index
        raise errors.Rejected(
            'checkpoint %s is not reset: it is deleted, but Karbor still '
            'lists it. Make sure that no process deletes it now, then use '
            '--force and delete it again' % checkpoint.id)
    if checkpoint.status not in _STARTED_STATUSES:
        raise errors.Rejected(
            'checkpoint %s is not reset: it is %s. Only a checkpoint that is '
            'protecting, deleting or error-deleting can be reset'
            % (checkpoint.id, checkpoint.status))
    check = check_worker(checkpoint)
    if not check.has_ended and not force:
        raise errors.Rejected(
            'checkpoint %s is not reset: %s. Make sure that the process has '
            'ended, then use --force. If it has not, it works on the '
            'checkpoint while the checkpoint is deleted'
            % (checkpoint.id, check.doubt))
    return checkpoint.index


def write_missing_indices(checkpoint: providers.Checkpoint,
                          index: Dict[str, Any]) -> None:
    """Write the index files with which Karbor lists a checkpoint.

    Karbor writes a checkpoint before the index files of the checkpoint. So a
    crash in between leaves a checkpoint without index files. Karbor's delete
    operation fails on such a checkpoint, and leaves it as it was
    [Checkpoint.delete() in 1.6.0].

    :param index: the content of the checkpoint's object index.json.
    """
    section = checkpoint.provider.bank.get_sub_section(layout.INDICES)
    for path in _index_paths(checkpoint, index):
        storage.write(section, path, checkpoint.id)


def _list_indices(checkpoint: providers.Checkpoint,
                  index: Dict[str, Any]) -> List[str]:
    """Return the paths of the checkpoint's index files in the bank.

    Karbor lists a checkpoint with these index files.

    :param index: the content of the checkpoint's object index.json.
    """
    section = checkpoint.provider.bank.get_sub_section(layout.INDICES)
    return [path for path in _index_paths(checkpoint, index)
            if storage.read(section, path) is not None]


def _index_paths(checkpoint: providers.Checkpoint,
                 index: Dict[str, Any]) -> Sequence[str]:
    paths = karbor_checkpoint.Checkpoint
    project, timestamp = index['project_id'], index['timestamp']
    for name in project, index['provider_id'], index['protection_plan']['id']:
        ids.check_path_part(name, 'project, provider or plan')
    return (
        paths._get_checkpoint_path_by_provider(
            index['provider_id'], project, timestamp, checkpoint.id),
        paths._get_checkpoint_path_by_date(
            index['created_at'], project, timestamp, checkpoint.id),
        paths._get_checkpoint_path_by_plan(
            index['protection_plan']['id'], project, index['created_at'],
            timestamp, checkpoint.id))


def _resource_row(checkpoint: providers.Checkpoint, type_: str,
                  resource_id: str) -> base.Row:
    try:
        identity = checkpoint.read_object(resource_id, layout.WORKER)
    except errors.Rejected as error:
        return {'type': type_, 'resource': resource_id, 'note': str(error)}
    row: base.Row = {
        'type': type_, 'resource': resource_id,
        'resource_status': checkpoint.read_object(resource_id,
                                                  layout.STATUS),
        'worker': identity and '%s, %s' % (
            worker_process.describe(identity), 'may be running'
            if worker_process.may_be_alive(identity) else 'ended')}
    if type_ == constants.DATABASE_RESOURCE_TYPE:
        row.update(_backup_columns(checkpoint, resource_id))
    return row


def _backup_columns(checkpoint: providers.Checkpoint,
                    instance_id: str) -> base.Row:
    """Return the columns of the backup, from the record and the journal."""
    section = checkpoint.resource_section(instance_id)
    row: base.Row = {
        'reason': resource_status.read_failure_reason(section),
        'long_reason': resource_status.read_long_reason(section)}
    try:
        backup_record = record.read(section, instance_id)
        if backup_record is not None:
            row['record'] = backup_record.backup_id
        else:
            omission = omissions.read(section, instance_id)
            if omission is not None:
                row.update(reason=omission.reason, note='left out: the '
                           'checkpoint has no backup of this instance')
        entry = backup_journal.BackupJournal(
            checkpoint.provider.bank, instance_id).read(checkpoint.id)
    except errors.Rejected as error:
        return {**row, 'note': str(error)}
    if entry is not None:
        row.update(journal=entry.backup_id, parent=entry.parent_id)
        row['note'] = row.get('note') or _describe_entry(entry)
    return row


def _describe_entry(entry: backup_journal.BackupEntry) -> Any:
    if entry.reason:
        return entry.reason
    if entry.deleted_at:
        return 'deleted %s' % entry.deleted_at
    if entry.is_complete:
        return None
    return ('not complete yet' if entry.backup_id
            else 'requested, backup not known yet')
