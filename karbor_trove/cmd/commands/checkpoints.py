# SPDX-License-Identifier: Apache-2.0

"""`checkpoint list`, `show` and `reset`: the checkpoints in the banks."""

import argparse
import dataclasses
import datetime
import time
from typing import Any, Dict, List, Optional, Sequence

from karbor.common import constants
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph
from oslo_config import cfg

from karbor_trove.bank import backup_journal
from karbor_trove.bank import layout
from karbor_trove.bank import omissions
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import interrupts
from karbor_trove.cmd import karbor_database
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import timeouts
from karbor_trove import times

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


#: The statuses of checkpoints that list_living_checkpoints() may leave out.
#: Such a checkpoint is deleted, or Karbor crashed while it created the
#: checkpoint.
_UNLISTED_STATUSES = (constants.CHECKPOINT_STATUS_PROTECTING,
                      constants.CHECKPOINT_STATUS_DELETED)
#: The status that the commands show if index.json is corrupt.
_CORRUPT = 'corrupt'


class CheckpointListing(base.Action):
    """Carries out the command "checkpoint list".

    The command lists the checkpoints in all banks.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        if parsed_args.instance is not None:
            ids.check_uuid(parsed_args.instance, 'database instance')
        rows = []
        for provider in providers.list_one_per_bank(all_providers):
            for checkpoint in (
                    provider.list_checkpoints()
                    if parsed_args.status in _UNLISTED_STATUSES
                    else provider.list_living_checkpoints()):
                if checkpoint.index is None:
                    self.problems.append(
                        'checkpoint %s: its index in the bank is corrupt, so '
                        'its project and its databases are not known'
                        % checkpoint.id)
                if _is_chosen(checkpoint, parsed_args):
                    rows.append(_checkpoint_row(checkpoint))
        return sorted(rows, key=lambda row: row['created'] or '')


class CheckpointResources(base.Action):
    """Carries out the command "checkpoint show".

    The command lists the resources of one checkpoint.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        checkpoint = providers.get_checkpoint(all_providers, parsed_args.id)
        rows = [_resource_row(checkpoint, *resource)
                for resource in checkpoint.list_resources()]
        return [{**_description_columns(checkpoint), **row}
                for row in rows or [{}]]


class CheckpointReset(base.Action):
    """Carries out the command "checkpoint reset".

    The command sets the status of an interrupted checkpoint to "error". Then
    the checkpoint can be deleted.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        checkpoint = providers.get_checkpoint(all_providers, parsed_args.id)
        index = _check_resettable(checkpoint, parsed_args.force)
        backup_copy = '%s@%s' % (
            layout.CHECKPOINT_INDEX, datetime.datetime.now(
                datetime.timezone.utc).strftime('%Y-%m-%dT%H-%M-%SZ'))
        new_index = dict(index, status=constants.CHECKPOINT_STATUS_ERROR)
        if not new_index.get('resource_graph'):
            # The operation ended before Karbor had written the resources.
            # Karbor's delete operation needs a list of the resources, which
            # may be empty.
            new_index['resource_graph'] = graph.serialize_resource_graph([])
        # This block deletes the identities of the worker process. If the reset
        # was interrupted after that, the operator could repeat the reset only
        # with --force.
        with interrupts.defer():
            _check_unchanged(checkpoint, index)
            storage.write(checkpoint.section, backup_copy, index)
            # If the identities of the worker process stayed, a later reset
            # would conclude from them that the next delete operation has
            # ended.
            for resource_id in checkpoint.list_resource_ids():
                storage.delete(checkpoint.get_resource_section(resource_id),
                               layout.WORKER)
            write_index_files(checkpoint, index)
            _check_unchanged(checkpoint, index)
            storage.write(checkpoint.section, layout.CHECKPOINT_INDEX,
                          new_index)
        return [{'checkpoint': checkpoint.id, 'was': index['status'],
                 'status': new_index['status'], 'backup_copy': backup_copy}]


@dataclasses.dataclass(frozen=True)
class WorkerCheck:
    """The result of check_worker(): whether an operation has ended."""

    has_ended: bool
    #: Why the process may still run. Empty if it has ended.
    doubt: str = ''


def check_worker(checkpoint: providers.Checkpoint) -> WorkerCheck:
    """Check whether the operation on a checkpoint has ended.

    One worker process works on all resources of an operation. For each
    resource, the bank may have the identity of the process that last worked on
    the resource. The first of these rules that applies decides:

    1. If one of these processes may still run, the operation may still run.
    2. If none of these processes runs any more, and the operation has started
       on a resource of one of them, the operation has ended.
    3. If the operation has started only on resources without an identity, the
       operation may still run.
    4. If the operation has started on no resource, _check_age() decides by the
       age of the operation.

    :param checkpoint: a checkpoint with the status "protecting" or "deleting".
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
    # The plugin of another resource type writes a status, but no identity of
    # its process. So the process of an operation that has started on such a
    # resource may still run.
    return WorkerCheck(False, doubt) if has_started else _check_age(
        checkpoint, doubt)


def _check_other_host(identity: object) -> str:
    """Return why a worker process may still run.

    A command cannot see whether a process on another host has ended. So the
    function reads the last heartbeat of the process's service from Karbor's
    database. If the service has sent no heartbeat for 10 minutes, the process
    has ended. If the process is on this host, may_be_alive() has seen it, so
    it may still run, and the database is not read.

    :param identity: the identity of the process. may_be_alive() has returned
        True for this identity.
    :returns: a phrase. "" if the process has ended.
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


def _check_age(checkpoint: providers.Checkpoint, doubt: str) -> WorkerCheck:
    """Check whether an operation is so old that it has ended.

    Use this function if the operation has not reached any resource yet. Such
    an operation has written only the status of the checkpoint. If this was
    more than 10 minutes ago, the service must have been killed before it
    reached a resource. So the operation has ended. If the start is not known,
    the operation may still run.

    If the option max_concurrent_operations is set, the operation may still run
    at any age, because it may wait in Karbor's queue [ProtectionManager in
    manager.py, 1.6.0].

    :param doubt: why the worker process is not known. The reason in the result
        begins with this phrase.
    """
    cfg.CONF.import_opt('max_concurrent_operations',
                        'karbor.services.protection.manager')
    if cfg.CONF.max_concurrent_operations:
        return WorkerCheck(False, '%s, and the operation may still wait '
                           'because of max_concurrent_operations in '
                           'karbor.conf' % doubt)
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


def _may_run(checkpoint: providers.Checkpoint) -> Optional[bool]:
    """Return True if an operation may be working on a checkpoint now.

    The operation is a protect operation or a delete operation. None if the
    status of the checkpoint is not known.
    """
    if checkpoint.status is None:
        return None
    return (checkpoint.status in _STARTED_STATUSES
            and not check_worker(checkpoint).has_ended)


def _is_chosen(checkpoint: providers.Checkpoint,
               parsed_args: argparse.Namespace) -> bool:
    """Return True if "checkpoint list" has to list a checkpoint.

    The options --status, --project and --instance decide. Without --status,
    deleted checkpoints are left out. --project and --instance do not leave out
    a corrupt checkpoint, because such a checkpoint may belong to any project
    and instance.
    """
    if parsed_args.status is None:
        if checkpoint.is_deleted:
            return False
    elif parsed_args.status != (checkpoint.status or _CORRUPT):
        return False
    if checkpoint.index is None:
        return True
    return (parsed_args.project in (None, checkpoint.index.get('project_id'))
            and (parsed_args.instance is None
                 or parsed_args.instance in _list_instance_ids(checkpoint)))


def _list_instance_ids(checkpoint: providers.Checkpoint) -> List[str]:
    return [resource_id for type_, resource_id in checkpoint.list_resources()
            if type_ == constants.DATABASE_RESOURCE_TYPE]


def _checkpoint_row(checkpoint: providers.Checkpoint) -> base.Row:
    """Return the row of a checkpoint for "checkpoint list"."""
    index = checkpoint.index or {}
    instance_ids = _list_instance_ids(checkpoint)
    return {**_description_columns(checkpoint),
            'provider': checkpoint.provider.id,
            'plan': (index.get('protection_plan') or {}).get('id'),
            'databases': None if checkpoint.index is None
            else len(instance_ids),
            'instances': ' '.join(instance_ids) or None}


def _description_columns(checkpoint: providers.Checkpoint) -> base.Row:
    """Return the columns that "checkpoint list" and "checkpoint show" share.

    These columns describe the checkpoint itself, such as its id, project and
    status.
    """
    return {'checkpoint': checkpoint.id,
            'project': (checkpoint.index or {}).get('project_id'),
            'status': checkpoint.status or _CORRUPT,
            'created': checkpoint.created
            and times.format_utc(checkpoint.created),
            'may_run': _may_run(checkpoint)}


def _check_resettable(checkpoint: providers.Checkpoint,
                      force: bool) -> Dict[str, Any]:
    """Check that a checkpoint can be reset, and return its index.json.

    A checkpoint can be reset in these cases:

    * Its status is "error-deleting": its deletion has failed.
    * Its status is "protecting" or "deleting". Without `force`, check_worker()
      has to find that its operation has ended.
    * It is deleted, Karbor still lists it, and `force` is True.

    :param force: True if the operator states that no process works on the
        checkpoint any more.
    :returns: the content of the object index.json, which describes the
        checkpoint.
    :raises errors.Rejected: none of these cases applies, or the index.json is
        corrupt.
    """
    if checkpoint.index is None:
        raise errors.CorruptObject(
            'checkpoint %s is not reset: its index in the bank is corrupt'
            % checkpoint.id)
    # Karbor has written "error-deleting", so Karbor's operation has ended.
    if checkpoint.status == constants.CHECKPOINT_STATUS_ERROR_DELETING:
        return checkpoint.index
    # Karbor deletes the index files after it has written "deleted". If the
    # process is killed in between, Karbor lists the checkpoint for ever
    # [Checkpoint.delete() in 1.6.0].
    if checkpoint.is_deleted and _list_index_files(checkpoint,
                                                   checkpoint.index):
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


def _check_unchanged(checkpoint: providers.Checkpoint,
                     index: Dict[str, Any]) -> None:
    """Check that the index.json of a checkpoint has not changed.

    While a command runs, another command may reset the same checkpoint, and a
    user may then delete the checkpoint. Karbor then writes the status
    "deleting", and this status must not be overwritten.

    :param index: the content of index.json when the calling command read it.
    :raises errors.Rejected: index.json has changed since then.
    """
    if storage.read(checkpoint.section, layout.CHECKPOINT_INDEX) != index:
        raise errors.Rejected(
            'checkpoint %s is not reset: its index in the bank has just '
            'changed. Another command or Karbor works on the checkpoint. See '
            '"checkpoint show"' % checkpoint.id)


def write_index_files(checkpoint: providers.Checkpoint,
                      index: Dict[str, Any]) -> None:
    """Write the three index files of a checkpoint.

    Karbor reads the index files to list its checkpoints. Karbor writes them
    after the object index.json. So a crash in between leaves a checkpoint
    without index files. Karbor's delete operation fails on such a checkpoint,
    and changes nothing [Checkpoint.delete() in 1.6.0].

    An index file that exists is replaced by the same content.

    :param index: the content of index.json, which decides the paths of the
        index files.
    """
    section = checkpoint.provider.bank.get_sub_section(layout.INDICES)
    for path in _index_paths(checkpoint, index):
        storage.write(section, path, checkpoint.id)


def _list_index_files(checkpoint: providers.Checkpoint,
                      index: Dict[str, Any]) -> List[str]:
    """Return the paths of the existing index files of a checkpoint.

    Karbor reads the index files to list its checkpoints. A checkpoint has
    three index files, and any of them may be missing.

    :param index: the content of index.json, which decides the paths of the
        index files.
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
    """Return the columns of "checkpoint show" about a backup.

    The values are from the backup record, the failure reason, the omission and
    the backup journal. If the record, the omission or the journal cannot be
    read, the column "note" has the error.

    :param instance_id: the id of the instance of the backup.
    """
    section = checkpoint.get_resource_section(instance_id)
    row: base.Row = {
        'reason': resource_status.read_failure_reason(section),
        'long_reason': resource_status.read_long_reason(section)}
    try:
        backup_record = record.read(section, instance_id)
        if backup_record is not None:
            row.update(record=backup_record.backup_id,
                       size_gb=base.build_size(backup_record.backup_size))
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
        row.update(journal=entry.backup_id, parent=entry.parent_id,
                   requested=times.add_zone(entry.time_before_request),
                   note=row.get('note') or _describe_entry(entry))
    return row


def _describe_entry(entry: backup_journal.BackupEntry) -> Any:
    if entry.reason:
        return entry.reason
    if entry.deleted_at:
        return 'deleted %s' % times.add_zone(entry.deleted_at)
    if entry.is_complete:
        return None
    return ('not complete yet' if entry.backup_id
            else 'requested, backup not known yet')
