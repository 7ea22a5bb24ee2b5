# SPDX-License-Identifier: Apache-2.0

"""Write-ahead journal of the backups of one instance in all its checkpoints.

Each checkpoint has one entry, so two operations never write the same object.
The entries are in the root of the bank, and so outlive their checkpoints. An
entry is written before its backup is requested, because Trove may create the
backup even if the response is lost. The entry is deleted after its backup is
deleted.
"""

import dataclasses
import datetime
from typing import Optional

from karbor_trove.bank import document_store
from karbor_trove.bank import layout
from karbor_trove import karbor_types
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models

VERSION = 1


@dataclasses.dataclass(frozen=True)
class BackupEntry(document_store.StoredEntry):
    """One backup that is requested, or is going to be requested."""

    STORED_KEYS = {'is_complete': 'complete', 'deleted_at': 'deleted',
                   'is_ambiguous': 'ambiguous'}

    instance_id: str
    checkpoint_id: str
    project_id: Optional[str] = None
    backup_name: Optional[str] = None
    description: Optional[str] = None
    #: Trove's time before the request, in ISO format. None if Trove returned
    #: no time.
    not_before: Optional[str] = None
    #: None if the backup is a full one.
    parent_id: Optional[str] = None
    #: None until Trove's id of the backup is known. Until then the entry is an
    #: intent, which is written before the request is sent.
    backup_id: Optional[str] = None
    #: URL of the backup's object. None until the URL is known.
    location: Optional[str] = None
    #: Whether Trove has shown that the backup is complete. Only then may the
    #: backup become a parent.
    is_complete: bool = False
    #: When the checkpoint was deleted: our clock, UTC, in ISO format. None
    #: while the checkpoint exists.
    deleted_at: Optional[str] = None
    #: Why the backup still exists although the checkpoint is deleted. None if
    #: no reason was written.
    reason: Optional[str] = None
    #: Whether several backups once matched the request. In that case none of
    #: these backups is ever adopted.
    is_ambiguous: bool = False

    def reserves_parent(self, now: Optional[datetime.datetime]) -> bool:
        """Return True if the parent must not be deleted yet.

        The entry reserves its parent while a backup with this parent may still
        be created. Once the entry has the id of the backup, Trove lists the
        backup as a child, and the child keeps its parent from being deleted.
        A settled request creates nothing any more, even if its operation was
        interrupted and its checkpoint still exists.

        :param now: Trove's time. None if Trove returned no time.
        """
        return not (self.parent_id is None or self.backup_id or
                    self.deleted_at or self.is_settled(now))

    def is_visible_to(self, project_id: Optional[str]) -> bool:
        """Return True if Trove lists the backup for a project.

        Karbor lets administrators of other projects delete and verify
        [manager.py in services/protection, 1.6.0]. Trove lists only the
        backups of the token's project. So a backup of another project that
        is not in the list may still exist.

        :param project_id: None for a list of all projects.
        """
        # Ids are stored with dashes or without, depending on the writer.
        return project_id is None or self.project_id is None or (
            project_id.replace('-', '') == self.project_id.replace('-', ''))

    @property
    def has_unique_name(self) -> bool:
        """Return True if no other request has this name and description.

        A default name and a default description hold the id of the
        checkpoint.
        """
        return any(self.checkpoint_id in (text or '')
                   for text in (self.backup_name, self.description))

    def matches(self, backup: models.Backup) -> bool:
        """Return True if the request may have created the backup.

        If the name or the description is unique, the times do not matter.
        Otherwise the times may differ by the tolerance of the clocks, so an
        older backup with the same name may match.
        """
        return (backup.instance_id == self.instance_id
                and backup.name == self.backup_name
                and backup.description == self.description
                and (self.has_unique_name
                     or self._is_in_time(backup, timeouts.CLOCK_TOLERANCE)))

    def is_uncertain(self, backup: models.Backup) -> bool:
        """Return True if a matching backup may belong to another request.

        The match is uncertain if the time of the backup matches only with the
        tolerance of the clocks.

        :param backup: a backup for which matches() returned True.
        """
        return not (self.has_unique_name
                    or self._is_in_time(backup, datetime.timedelta(0)))

    def _is_in_time(self, backup: models.Backup,
                    tolerance: datetime.timedelta) -> bool:
        if self.not_before is None or backup.created is None:
            return False
        start = times.parse_utc(self.not_before)
        return (start - tolerance <= backup.created
                < start + timeouts.REQUEST_IN_FLIGHT + tolerance)

    def is_settled(self, now: Optional[datetime.datetime]) -> bool:
        """Return True if the request is too old to still create a backup.

        :param now: Trove's time. None if Trove returned no time.
        """
        return lost_responses.is_settled(self.not_before, now)


class BackupJournal(document_store.DocumentStore[BackupEntry]):
    """The backup journal of one instance in one bank.

    Its keys are the ids of checkpoints.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the journal. Nothing is read or written yet."""
        path = layout.instance_folder(instance_id, layout.BACKUP_JOURNAL)

        def parse(key: str, document: document_store.Document) -> BackupEntry:
            entry = BackupEntry.from_document(document)
            document_store.check_ids(
                path + key, {'instance_id': (entry.instance_id, instance_id),
                             'checkpoint_id': (entry.checkpoint_id, key)},
                {'backup_id': entry.backup_id, 'parent_id': entry.parent_id})
            return entry

        super().__init__(bank.get_sub_section(path), path, VERSION,
                         'checkpoint_id', parse, keeps_copy=True)
        self.bank = bank
        self.instance_id = instance_id

    def write(self, entry: BackupEntry) -> None:
        """Write an entry, and replace an earlier entry of its checkpoint."""
        self.write_document(entry.checkpoint_id, entry.to_document())
