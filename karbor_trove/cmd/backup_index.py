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

"""What the banks know of Trove's backups."""

from typing import Collection, Dict, Iterable, List, Optional, Set, Tuple

from karbor.common import constants

from karbor_trove.backups import adoption
from karbor_trove.bank import backup_journal
from karbor_trove.bank import layout
from karbor_trove.bank import record
from karbor_trove.bank import storage
from karbor_trove.cmd.commands import checkpoints
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove.trove import models


class Knowledge:
    """All banks together, as they are when this is made."""

    def __init__(self, loaded: Iterable[providers.Provider]) -> None:
        """Read every record and every ledger."""
        self._loaded = list(loaded)
        #: The ids that a checkpoint's record or a ledger knows.
        self.backups: Set[str] = set()
        #: Requests that no backup is known of, each with all entries of its
        #: ledger.
        self.intents: List[Tuple[backup_journal.BackupEntry,
                                 List[backup_journal.BackupEntry]]] = []
        #: Backup id -> entry of a checkpoint that is gone from its bank.
        self.lost: Dict[str,
                        Tuple[providers.Provider,
                              backup_journal.BackupEntry]] = {}
        #: Instance id -> what of it cannot be read: all of its backups may be
        #: known there.
        self.unreadable: Dict[str, str] = {}
        #: Instances that a checkpoint is being made of; None: of any.
        self.protecting: Set[Optional[str]] = set()
        for provider in self._loaded:
            self._read_checkpoints(provider)
            self._read_ledgers(provider)

    def checkpoint(self, checkpoint_id: str) -> Optional[providers.Checkpoint]:
        """Find a checkpoint that was not deleted, in any bank."""
        for provider in self._loaded:
            found = provider.checkpoint(checkpoint_id)
            if found and found.status != constants.CHECKPOINT_STATUS_DELETED:
                return found
        return None

    def requests_of(self, backup: models.Backup) -> List[backup_journal.BackupEntry]:
        """Find the requests that a backup may have come of."""
        return [entry for entry, _ in self.intents if _may_be(entry, backup)]

    def will_be_found(self, backup: models.Backup,
                      backups: Collection[models.Backup]) -> bool:
        """Tell whether its request will lead to a backup.

        :param backups: all that Trove has.
        """
        for entry, entries in self.intents:
            if not _may_be(entry, backup):
                continue
            if self.may_work(entry.checkpoint_id, entry.instance_id):
                return True
            try:
                if adoption.find_created_backup(
                        backups, entry, entries) == backup:
                    return True
            except errors.Rejected:
                # It cannot be told from others.
                continue
        return False

    def may_work(self, checkpoint_id: str, instance_id: str) -> bool:
        """Tell whether an operation of a checkpoint may still be running."""
        found = self.checkpoint(checkpoint_id)
        return found is not None and checkpoints.may_run(found, instance_id)

    def knows(self, checkpoint_id: str, backup: models.Backup) -> bool:
        """Ask the ledgers of one checkpoint, without a list of what is there.

        A list of Swift may lag behind, and not show what was written last.
        """
        for provider in self._loaded:
            entry = backup_journal.BackupJournal(
                provider.bank, str(
                    backup.instance_id)).read(checkpoint_id)
            if entry and entry.backup_id in (None, backup.id):
                return True
        return False

    def _read_checkpoints(self, provider: providers.Provider) -> None:
        for found in provider.checkpoints():
            if found.status == constants.CHECKPOINT_STATUS_DELETED:
                continue
            if found.status in (None, constants.CHECKPOINT_STATUS_PROTECTING):
                self.protecting.update(
                    {id_ for _, id_ in found.resources} or {None})
            for name in storage.list_keys(found.section):
                id_, _, key = name[len(layout.RESOURCE_DATA):].partition('/')
                if (name.startswith(layout.RESOURCE_DATA)
                        and key == layout.BACKUP_RECORD):
                    self._read_record(found, id_)

    def _read_record(self, found: providers.Checkpoint, id_: str) -> None:
        kept = found.kept(id_, layout.BACKUP_RECORD)
        if not isinstance(kept, dict):
            self.unreadable[id_] = 'its record in checkpoint %s is torn' % (
                found.id)
        elif kept.get('record_version', 0) > record.VERSION:
            self.unreadable[id_] = (
                'its record in checkpoint %s is of a later release' % found.id)
        elif kept.get('backup_id'):
            # Of another type it is the id of something else, and harmless.
            self.backups.add(kept['backup_id'])

    def _read_ledgers(self, provider: providers.Provider) -> None:
        for instance_id in provider.instances():
            ledger = backup_journal.BackupJournal(provider.bank, instance_id)
            entries, unreadable = ledger.read_all()
            for error in unreadable.values():
                self.unreadable[instance_id] = str(error)
            for entry in entries:
                if entry.backup_id is None:
                    self.intents.append((entry, entries))
                elif entry.deleted_at or provider.checkpoint(
                        entry.checkpoint_id):
                    self.backups.add(entry.backup_id)
                else:
                    self.lost[entry.backup_id] = provider, entry


def _may_be(entry: backup_journal.BackupEntry, backup: models.Backup) -> bool:
    return entry.matches(backup) or (
        entry.not_before is None
        and (entry.instance_id, entry.backup_name, entry.description)
        == (backup.instance_id, backup.name, backup.description))
