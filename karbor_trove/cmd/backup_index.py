# SPDX-License-Identifier: Apache-2.0

"""Index of all backups in the banks, for the search for orphans."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Set

from karbor.common import constants

from karbor_trove.backups import adoption
from karbor_trove.bank import backup_journal
from karbor_trove.bank import layout
from karbor_trove.bank import record
from karbor_trove.bank import storage
from karbor_trove.cmd import progress
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove.trove import models


class OpenRequest(NamedTuple):
    """A request to Trove that may have created a backup.

    The backup journal has an entry for the request. The entry does not have
    the id of a backup. So it is not known whether Trove created a backup.
    """

    entry: backup_journal.BackupEntry
    #: All entries of the same journal.
    journal_entries: List[backup_journal.BackupEntry]

    def may_have_created(self, backup: models.Backup) -> bool:
        """Return True if the request may have created a backup.

        The instance, the name and the description of the backup have to be
        those of the request. This is enough in two cases:

        * The name or the description has the id of the request's checkpoint.
        * The time of the request is not known.

        Otherwise the backup has to be created between 5 minutes before and 15
        minutes after the request. Trove may take 10 minutes, and the clocks of
        Trove's hosts may differ by 5 minutes.
        """
        entry = self.entry
        return entry.matches(backup) or (
            entry.time_before_request is None
            and (entry.instance_id, entry.backup_name, entry.description)
            == (backup.instance_id, backup.name, backup.description))


class BackupWithoutCheckpoint(NamedTuple):
    """A backup whose checkpoint is not in the bank any more.

    The backup journal in the bank of `provider` still has an entry of the
    backup.
    """

    provider: providers.Provider
    entry: backup_journal.BackupEntry


class BackupIndex:
    """An index of all backups that the banks of all providers record.

    The constructor reads the banks. A later change of a bank does not change
    the attributes of this object.
    """

    def __init__(self, all_providers: Iterable[providers.Provider]) -> None:
        """Read the backup records and the backup journals of all banks."""
        self._providers = list(all_providers)
        #: The ids of the backups in the backup records, and in the journal
        #: entries that `without_checkpoint` does not have.
        self.recorded_ids: Set[str] = set()
        self._open_requests: List[OpenRequest] = []
        #: The journal entries whose checkpoint is not in the bank, by the id
        #: of the backup.
        self.without_checkpoint: Dict[str, BackupWithoutCheckpoint] = {}
        #: The reason why an instance's record or journal cannot be read, by
        #: the id of the instance. The unreadable object may have the id of any
        #: backup of the instance.
        self.unreadable: Dict[str, str] = {}
        #: The ids of the resources that an operation may be protecting now. If
        #: the resources of an operation are not known, the set also has None.
        self.protecting: Set[Optional[str]] = set()
        for provider in self._providers:
            self._read_checkpoints(provider)
            self._read_journals(provider)

    def find_checkpoint(self, checkpoint_id: str
                        ) -> Optional[providers.Checkpoint]:
        """Search all banks for a checkpoint, and return the checkpoint.

        :returns: None if no bank has the checkpoint, or if the checkpoint is
            deleted.
        """
        for provider in self._providers:
            checkpoint = provider.find_checkpoint(checkpoint_id)
            if checkpoint and not checkpoint.is_deleted:
                return checkpoint
        return None

    def list_requests_for(self, backup: models.Backup
                          ) -> List[backup_journal.BackupEntry]:
        """List the requests that may have created a backup.

        :returns: the journal entries of the requests. An entry that already
            has the id of a backup is not included.
        """
        return [request.entry for request in self._open_requests
                if request.may_have_created(backup)]

    def may_be_adopted(self, backup: models.Backup,
                       backups: Iterable[models.Backup]) -> bool:
        """Return True if an operation may adopt a backup, now or later.

        An operation adopts a backup if a request with a lost response has
        created it. The result is True in two cases:

        * A request may have created the backup, and an operation on the
          checkpoint of this request may still be running.
        * The backup is the only one that matches a request, and no other
          request may have created it. So a later operation can adopt the
          backup.

        :param backups: all backups in Trove.
        """
        for request in self._open_requests:
            entry = request.entry
            if not request.may_have_created(backup):
                continue
            if self.may_be_in_use(entry.checkpoint_id, entry.instance_id):
                return True
            try:
                if adoption.find_created_backup(
                        backups, entry, request.journal_entries) == backup:
                    return True
            except errors.Rejected:
                # Several backups match the request.
                continue
        return False

    def may_be_in_use(self, checkpoint_id: str, instance_id: str) -> bool:
        """Return True if an operation may be working on an instance now.

        Only protect and delete operations of the checkpoint with the id
        `checkpoint_id` count. If no bank has this checkpoint, or if this
        checkpoint is deleted, the result is False.
        """
        checkpoint = self.find_checkpoint(checkpoint_id)
        return checkpoint is not None and checkpoint.may_be_in_use(
            instance_id)

    def may_be_recorded(self, checkpoint_id: str,
                        backup: models.Backup) -> bool:
        """Return True if a backup may belong to a checkpoint.

        The backup journal of an instance has one entry for each checkpoint.
        The result is True if the entry of this checkpoint has the id of the
        backup, or has no id yet.

        This method reads the entry directly. A list of the journal could lack
        an entry that was written to Swift a moment ago.
        """
        for provider in self._providers:
            entry = backup_journal.BackupJournal(
                provider.bank, str(backup.instance_id)).read(checkpoint_id)
            if entry and entry.backup_id in (None, backup.id):
                return True
        return False

    def _read_checkpoints(self, provider: providers.Provider) -> None:
        for checkpoint in provider.list_checkpoints():
            if checkpoint.is_deleted:
                continue
            if checkpoint.status in (
                    None, constants.CHECKPOINT_STATUS_PROTECTING):
                self.protecting.update({
                    resource_id for _, resource_id
                    in checkpoint.list_resources()} or {None})
            for key in storage.list_keys(checkpoint.section):
                folder, _, name = key.rpartition('/')
                if (key.startswith(layout.RESOURCE_DATA)
                        and name == layout.BACKUP_RECORD):
                    self._read_record(checkpoint,
                                      folder[len(layout.RESOURCE_DATA):])

    def _read_record(self, checkpoint: providers.Checkpoint,
                     resource_id: str) -> None:
        try:
            document = checkpoint.read_object(resource_id,
                                              layout.BACKUP_RECORD)
        except errors.Rejected as error:
            self.unreadable[resource_id] = str(error)
            return
        if not isinstance(document, dict):
            self.unreadable[resource_id] = (
                'its record in checkpoint %s is corrupt' % checkpoint.id)
        elif document.get('record_version', 0) > record.VERSION:
            self.unreadable[resource_id] = (
                'its record in checkpoint %s was written by a later release'
                % checkpoint.id)
        elif document.get('backup_id'):
            # If the resource is no database instance, this is the id of
            # something else. Such an id does no harm here.
            self.recorded_ids.add(document['backup_id'])

    def _read_journals(self, provider: providers.Provider) -> None:
        for instance_id in progress.track(
                provider.list_instance_ids(),
                'Reading the backup journals of instances'):
            journal = backup_journal.BackupJournal(provider.bank, instance_id)
            entries, unreadable = journal.read_all()
            for error in unreadable.values():
                self.unreadable[instance_id] = str(error)
            for entry in entries:
                if entry.backup_id is None:
                    self._open_requests.append(OpenRequest(entry, entries))
                elif entry.deleted_at or provider.find_checkpoint(
                        entry.checkpoint_id):
                    self.recorded_ids.add(entry.backup_id)
                else:
                    self.without_checkpoint[entry.backup_id] = (
                        BackupWithoutCheckpoint(provider, entry))
