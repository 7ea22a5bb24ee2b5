# SPDX-License-Identifier: Apache-2.0

"""`checkpoint accept`: failed checkpoints whose backups are complete.

A checkpoint can fail although all its backups are complete in Trove. Karbor
restores only from checkpoints with the status "available". So the command sets
this status.
"""

import argparse
import dataclasses
import datetime
from typing import Dict, List, Optional

from karbor.common import constants

from karbor_trove.backups import chain
from karbor_trove.bank import backup_journal
from karbor_trove.bank import layout
from karbor_trove.bank import omissions
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd.commands import checkpoints
from karbor_trove.cmd import interrupts
from karbor_trove.cmd import progress
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import timeouts
from karbor_trove.trove import models
from karbor_trove.verification import baseline


@dataclasses.dataclass(frozen=True)
class _Database:
    """The data about one instance of a checkpoint, from the bank and Trove."""

    section: karbor_types.BankSection
    journal: backup_journal.BackupJournal
    #: The journal entry, with the id of the backup if the bank has this id.
    #: None if the checkpoint left the instance out before this command.
    entry: Optional[backup_journal.BackupEntry] = None
    #: None if the bank has no backup record of the instance.
    backup_record: Optional[record.BackupRecord] = None
    #: None if Trove does not list the backup.
    backup: Optional[models.Backup] = None
    #: Why the checkpoint has no complete backup of the instance. None if the
    #: checkpoint has such a backup, or an omission.
    problem: Optional[str] = None
    #: None if the checkpoint did not leave the instance out before this
    #: command.
    omission: Optional[omissions.Omission] = None


class CheckpointAcceptance(base.Action):
    """Carries out the command "checkpoint accept".

    The command sets the status of a failed checkpoint to "available".
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        """Accept a checkpoint, and return one row for each database instance.

        :raises errors.Rejected: the checkpoint is not accepted. Its status was
            not changed.
        """
        checkpoint = providers.get_checkpoint(all_providers, parsed_args.id)
        try:
            return _accept(checkpoint, parsed_args.without)
        except errors.KarborTroveError as error:
            raise errors.Rejected('checkpoint %s is not accepted: %s' % (
                checkpoint.id, error)) from error


def _accept(checkpoint: providers.Checkpoint,
            without: List[str]) -> List[base.Row]:
    _check_ended(checkpoint)
    instance_ids = [id_ for type_, id_ in checkpoint.list_resources()
                    if type_ == constants.DATABASE_RESOURCE_TYPE]
    unknown_ids = sorted(set(without) - set(instance_ids))
    if unknown_ids:
        raise errors.Rejected('it has no database instance %s'
                              % ', '.join(unknown_ids))
    provider = checkpoint.provider
    project_id = str((checkpoint.index or {}).get('project_id'))
    client = clients.ProjectClients().get(project_id, provider.settings.swift)
    backups = provider.poller.wait_for(
        client.list_backups, provider.poller.deadline(timeouts.OUTAGE),
        'the backups could not be listed')
    databases = {
        id_: _read(checkpoint, id_, project_id, backups)
        for id_ in progress.track(
            instance_ids, 'Reading the backup journals of instances')}
    problems = [
        *('instance %s: %s' % (id_, database.problem)
          for id_, database in databases.items()
          if database.problem and id_ not in without),
        *_list_other_problems(checkpoint)]
    if problems:
        raise errors.Rejected('; '.join(problems))
    left_out = {id_ for id_, database in databases.items()
                if database.omission} | set(without)
    if left_out >= set(instance_ids):
        raise errors.Rejected('no database of it has a backup')
    for id_, backup in progress.track(
            [(id_, database.backup) for id_, database in databases.items()
             if id_ not in left_out and database.backup is not None],
            'Reading the manifests of backups', is_slow=True):
        baseline.record_manifest(
            client, provider.bank, id_, backup, provider.settings.verify_level,
            provider.poller)
    _write(checkpoint, databases, without)
    return [{'checkpoint': checkpoint.id,
             'status': constants.CHECKPOINT_STATUS_AVAILABLE,
             'instance': id_,
             'backup': database.backup.id if (
                 database.backup and id_ not in left_out) else None,
             'outcome': 'left out' if id_ in left_out else 'complete'}
            for id_, database in databases.items()]


def _write(checkpoint: providers.Checkpoint, databases: Dict[str, _Database],
           without: List[str]) -> None:
    """Write to the bank that a checkpoint is accepted.

    The function writes the objects of the instances first, and the status of
    the checkpoint last. An interrupt between these writes would do harm: an
    instance that the operator leaves out would lose its backup record,
    although the checkpoint is not accepted. So Ctrl-C and SIGTERM take effect
    only after all writes.

    :param databases: the data about each instance, by the id of the instance.
    :param without: the ids of the instances that the operator leaves out.
    :raises errors.Rejected: the checkpoint has changed since it was read.
    """
    with interrupts.defer():
        for id_, database in databases.items():
            _check_unchanged(checkpoint)
            if id_ in without:
                _leave_out(checkpoint, id_, database)
            elif database.omission:
                # An interrupted deletion may have deleted the marker of the
                # omission.
                omissions.write(database.section, database.omission)
            else:
                _complete(database)
        _check_unchanged(checkpoint)
        assert checkpoint.index is not None
        checkpoints.write_index_files(checkpoint, checkpoint.index)
        storage.write(checkpoint.section, layout.CHECKPOINT_INDEX, dict(
            checkpoint.index, status=constants.CHECKPOINT_STATUS_AVAILABLE))


def _check_ended(checkpoint: providers.Checkpoint) -> None:
    """Check that the protect operation of a checkpoint has ended.

    If the status of the checkpoint is "protecting", check_worker() decides.

    If the status is "error", the operation has usually ended. Karbor writes
    "error" after all resources of the flow have ended [flows/protect.py,
    1.6.0]. But if a resource still has the status "protecting", its worker
    process may still run. So the function checks this process. The bank has
    the identity of the process. `checkpoint reset` also writes "error", and it
    deletes the identity. So after a reset, the operation counts as ended.

    :raises errors.Rejected: the operation may still run, the checkpoint has
        another status, or its index is corrupt.
    """
    if checkpoint.index is None:
        raise errors.CorruptObject('its index in the bank is corrupt')
    if checkpoint.status == constants.CHECKPOINT_STATUS_PROTECTING:
        check = checkpoints.check_worker(checkpoint)
        if not check.has_ended:
            raise errors.Rejected(
                '%s. Make sure that the process has ended, then use '
                '"checkpoint reset --force" first' % check.doubt)
        return
    if checkpoint.status != constants.CHECKPOINT_STATUS_ERROR:
        raise errors.Rejected(
            'it is %s. Only a checkpoint that is error or protecting can be '
            'accepted' % checkpoint.status)
    for resource_id in checkpoint.list_resource_ids():
        identity = checkpoint.read_object(resource_id, layout.WORKER)
        if (identity is not None and worker_process.may_be_alive(identity)
                and checkpoint.read_object(resource_id, layout.STATUS)
                == constants.RESOURCE_STATUS_PROTECTING):
            raise errors.Rejected('%s may still work on resource %s' % (
                worker_process.describe(identity), resource_id))


def _check_unchanged(checkpoint: providers.Checkpoint) -> None:
    """Check that a checkpoint has not changed since it was read.

    Call this function after each long task, and before each write. A changed
    index shows that a delete operation has started, because Karbor changes the
    index first. After that, a write could overwrite the status of the deleted
    checkpoint. A write could also overwrite a journal entry that says that the
    deletion of a backup has begun.

    :raises errors.Rejected: the index has changed, or the checkpoint does not
        exist any more.
    """
    current = checkpoint.provider.find_checkpoint(checkpoint.id)
    if current is None or current.index != checkpoint.index:
        raise errors.Rejected('it has changed since it was read')


def _read(checkpoint: providers.Checkpoint, instance_id: str, project_id: str,
          backups: chain.Backups) -> _Database:
    """Return the data about one instance, from the bank and Trove.

    :param project_id: the project of the checkpoint.
    :param backups: the backups of the project, as Trove has just listed them.
    :raises errors.Rejected: an object in the bank cannot be read, or
        `instance_id` is not the id of an instance.
    """
    journal = backup_journal.BackupJournal(checkpoint.provider.bank,
                                           instance_id)
    database = _Database(checkpoint.get_resource_section(instance_id), journal)
    backup_record = record.read(database.section, instance_id)
    # Karbor's in-tree plugin writes no journal entry.
    entry = journal.read(checkpoint.id) or backup_journal.BackupEntry(
        instance_id, checkpoint.id, project_id)
    if backup_record is None:
        omission = omissions.read(database.section, instance_id)
        if omission is not None:
            return dataclasses.replace(database, omission=omission)
    elif entry.backup_id is None:
        entry = dataclasses.replace(entry, backup_id=backup_record.backup_id)
    database = dataclasses.replace(database, backup_record=backup_record,
                                   entry=entry)
    backup_id = entry.backup_id
    return dataclasses.replace(
        database, backup=backups.get(str(backup_id)),
        problem=_find_problem(database, instance_id, backups))


def _find_problem(database: _Database, instance_id: str,
                  backups: chain.Backups) -> Optional[str]:
    """Return why the backup of an instance cannot be restored.

    :param database: what the bank stores about the instance.
    :param backups: the backups of the project in Trove.
    :returns: a phrase such as "no backup is known". None if the backup can be
        restored.
    """
    entry = database.entry
    if entry is None or entry.backup_id is None:
        reason = resource_status.read_failure_reason(database.section)
        return 'no backup is known%s' % (
            ': ' + ' '.join(reason.split('\n')) if reason else '')
    if entry.deleted_at is not None:
        return 'the deletion of backup %s has begun' % entry.backup_id
    if database.backup_record is None:
        return 'the bank has no record of backup %s' % entry.backup_id
    backup = backups.get(entry.backup_id)
    if backup is not None and backup.instance_id != instance_id:
        return 'backup %s is of instance %s' % (backup.id, backup.instance_id)
    return chain.find_chain_problem(backups.get, entry.backup_id)


def _list_other_problems(checkpoint: providers.Checkpoint) -> List[str]:
    """Return a phrase for each failed resource that is no database.

    A resource without a status has not failed. A plugin that does nothing,
    such as the passthrough plugin, writes no status.
    """
    return ['resource %s of type %s is %s' % (resource_id, type_, status)
            for type_, resource_id in checkpoint.list_resources()
            if type_ != constants.DATABASE_RESOURCE_TYPE
            for status in [checkpoint.read_object(resource_id, layout.STATUS)]
            if status not in (None, constants.RESOURCE_STATUS_AVAILABLE)]


def _complete(database: _Database) -> None:
    """Write to the bank that the backup of an instance is complete.

    A protect operation writes the same at its end: the journal entry, the
    backup record and the resource status. This function also deletes the
    failure reason.
    """
    entry, backup, backup_record = (database.entry, database.backup,
                                    database.backup_record)
    assert entry and backup and backup_record
    database.journal.write(dataclasses.replace(
        entry, is_complete=True, location=backup.location))
    record.write(database.section, dataclasses.replace(
        backup_record, backup_id=backup.id, backup_size=backup.size))
    storage.delete_optional(database.section, [layout.FAILURE_REASON])
    resource_status.set_status(database.section,
                               constants.RESOURCE_STATUS_AVAILABLE)


def _leave_out(checkpoint: providers.Checkpoint, instance_id: str,
               database: _Database) -> None:
    """Write to the bank that the checkpoint leaves an instance out.

    An omission replaces the backup record.

    If the bank has the id of a backup, this backup may still exist in Trove.
    So the function writes the journal entry of the backup. With this entry,
    the deletion of the checkpoint also deletes the backup.
    """
    if database.entry is not None and database.entry.backup_id is not None:
        database.journal.write(database.entry)
    reason = 'the operator accepted the checkpoint without this instance%s' % (
        ': ' + database.problem if database.problem else '')
    record.delete(database.section)
    timestamp = int((checkpoint.index or {}).get('timestamp') or 0)
    omissions.write(database.section, omissions.Omission(
        instance_id, checkpoint.id, datetime.datetime.fromtimestamp(
            timestamp, datetime.timezone.utc).replace(tzinfo=None).isoformat(),
        reason))
    resource_status.mark_failed(
        database.section, constants.RESOURCE_STATUS_ERROR, reason)
