# SPDX-License-Identifier: Apache-2.0

"""Write-ahead journal of the backups of one instance in all its checkpoints.

Each checkpoint has an entry of its own, so two protect operations never write
the same entry. An entry is written before its backup is requested, because
Trove may create the backup even if the response is lost. The entry is deleted
after its backup is deleted. The checkpoint may be deleted before its backup.
So the entries are at the top of the bank, and not in the checkpoint.

Most entries are of complete backups. Such an entry does not change until its
checkpoint is deleted. The entry has a marker, and most operations read only
the key of the marker. instance_markers.py describes the markers.
"""

import dataclasses
import datetime
import random
from typing import Dict, Iterable, List, Optional

from oslo_log import log as logging

from karbor_trove.bank import document_store
from karbor_trove.bank import instance_markers
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import karbor_types
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)

VERSION = 1
#: The maximum number of markers that a sweep compares with their entries.
CHECKED_MARKERS = 5
#: The maximum number of markers that a sweep writes, and also the maximum
#: number that a sweep deletes. The bank of an earlier release has no markers.
#: One sweep would take too long if it wrote all of them.
MAX_CORRECTIONS = 50


@dataclasses.dataclass(frozen=True)
class BackupEntry(document_store.StoredEntry):
    """The journal entry of one backup.

    The entry is written before the backup is requested, and is deleted after
    the backup is deleted.
    """

    STORED_KEYS = {'time_before_request': 'not_before',
                   'is_complete': 'complete', 'deleted_at': 'deleted',
                   'is_ambiguous': 'ambiguous'}

    instance_id: str
    checkpoint_id: str
    project_id: Optional[str] = None
    backup_name: Optional[str] = None
    description: Optional[str] = None
    #: Trove's time before the request, in ISO format. None if Trove returned
    #: no time.
    time_before_request: Optional[str] = None
    #: None if the backup is a full one.
    parent_id: Optional[str] = None
    #: None until Trove's id of the backup is known. Until then the entry is an
    #: intent, which is written before the request is sent.
    backup_id: Optional[str] = None
    #: URL of the backup's object. None until the URL is known.
    location: Optional[str] = None
    #: Whether Trove has returned the backup as complete. Only a complete
    #: backup may become a parent.
    is_complete: bool = False
    #: When the checkpoint was deleted, in ISO format: the time of the machine
    #: that wrote the entry, in UTC. None while the checkpoint exists.
    deleted_at: Optional[str] = None
    #: Why the backup still exists although the checkpoint is deleted. None if
    #: no reason was written.
    reason: Optional[str] = None
    #: Whether several backups once matched the request. In that case none of
    #: these backups is ever adopted.
    is_ambiguous: bool = False

    @property
    def may_have_marker(self) -> bool:
        """Return True if the backup is complete and its checkpoint exists.

        Only such an entry may have a marker. Operations do not read an entry
        with a marker, so an entry must not change while it has a marker. The
        entry of a complete backup does not change until the checkpoint is
        deleted.
        """
        return (self.is_complete and self.backup_id is not None
                and self.deleted_at is None)

    def reserves_parent(self, now: Optional[datetime.datetime]) -> bool:
        """Return True if this entry keeps the parent backup from deletion.

        The parent is needed while Trove may still create the incremental
        backup of this entry. The result is False in each of these cases:

        * The entry is of a full backup, which has no parent.
        * The entry has the id of the backup. Trove then lists the backup as a
          child, and a parent with a child is not deleted.
        * The checkpoint is deleted, so the backup is not needed.
        * The request is settled, so it creates nothing any more. If an
          operation is interrupted, its reservation ends in this way.

        :param now: Trove's time. None if Trove returned no time. In that case
            no request counts as settled.
        """
        return not (self.parent_id is None or self.backup_id or
                    self.deleted_at or self.is_settled(now))

    def is_visible_to(self, project_id: Optional[str]) -> bool:
        """Return True if Trove lists this backup for a project.

        Trove lists only the backups of the project of the Keystone token. But
        Karbor lets an administrator delete and verify checkpoints of other
        projects [manager.py in services/protection, 1.6.0]. Trove's list for
        the administrator then lacks a backup that may exist.

        If the project of the backup is not known, the result is True.

        :param project_id: the id of the project whose backups Trove lists.
            None if Trove lists the backups of all projects.
        """
        return project_id is None or self.project_id is None or (
            ids.is_same_project(project_id, self.project_id))

    @property
    def has_unique_name(self) -> bool:
        """Return True if no other request has the same name and description.

        The result is True if the name or the description of the backup has the
        id of the checkpoint. The default name and the default description have
        this id. A name that a user has chosen may lack the id.
        """
        return any(self.checkpoint_id in (text or '')
                   for text in (self.backup_name, self.description))

    def matches(self, backup: models.Backup) -> bool:
        """Return True if the request of this entry may have created a backup.

        The backup has to have the instance, the name and the description of
        the request. If has_unique_name is True, nothing else is compared.

        If has_unique_name is False, the time of the backup is compared too.
        The backup has to be created in the 10 minutes after the request. The
        clocks of Trove's hosts may differ, so the backup may also be up to 5
        minutes too early or too late. If the time of the request or of the
        backup is not known, the backup does not match.

        :param backup: a backup that Trove returned.
        """
        return (backup.instance_id == self.instance_id
                and backup.name == self.backup_name
                and backup.description == self.description
                and (self.has_unique_name
                     or self._is_in_time(backup, timeouts.CLOCK_TOLERANCE)))

    def is_uncertain(self, backup: models.Backup) -> bool:
        """Return True if a matching backup may belong to another request.

        The result is True if two conditions are met: has_unique_name is False,
        and the backup was not created in the 10 minutes after the request.
        matches() also accepts a backup that was created up to 5 minutes before
        or after these 10 minutes, because the clocks of Trove's hosts may
        differ by 5 minutes.

        :param backup: a backup for which matches() returned True.
        """
        return not (self.has_unique_name
                    or self._is_in_time(backup, datetime.timedelta(0)))

    def _is_in_time(self, backup: models.Backup,
                    tolerance: datetime.timedelta) -> bool:
        if self.time_before_request is None or backup.created is None:
            return False
        start = times.parse_utc(self.time_before_request)
        return (start - tolerance <= backup.created
                < start + timeouts.REQUEST_IN_FLIGHT + tolerance)

    def is_settled(self, now: Optional[datetime.datetime]) -> bool:
        """Return True if the request is too old to still create a backup.

        The result is True if the request was sent at least 15 minutes ago. If
        the time of the request is not known, the result is False.

        :param now: Trove's time. If Trove returned no time, `now` is None and
            the result is False.
        """
        return lost_responses.is_settled(self.time_before_request, now)


class BackupJournal(document_store.DocumentStore[BackupEntry]):
    """The backup journal of one instance in one bank.

    The key of an entry is the id of its checkpoint.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the object. Nothing is read or written yet.

        :param instance_id: the id of the original instance.
        :raises errors.Rejected: the instance id is not a UUID.
        """
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
        self._markers = instance_markers.MarkerStore(bank, instance_id)
        #: The omissions of the instance in existing checkpoints. The last
        #: list_abridged() or correct_markers() found them. The list is empty
        #: before the first call of these methods.
        self.omission_markers: List[instance_markers.OmissionMarker] = []

    def write(self, entry: BackupEntry) -> None:
        """Write an entry, and write or delete its marker.

        An earlier entry of the checkpoint is replaced. What happens to the
        marker depends on the entry:

        * Complete backup of an existing checkpoint: the marker is written
          after the entry.
        * Entry that is marked as deleted: the marker is deleted before the
          entry is written. Operations have to read this entry, and they do not
          read an entry with a marker. After the write, the marker is deleted
          once more, because a sweep may have written it again.
        * Any other entry: no marker is written or deleted.

        If this process ends before the last step, the marker may be missing or
        wrong. A later sweep corrects the marker.

        :raises errors.BankError: the marker could not be deleted before the
            entry was written, or the bank reported an error for the entry. The
            entry may be written nevertheless. If a later step for the marker
            fails, the error is only logged.
        """
        if entry.deleted_at is not None:
            self._markers.delete([entry.checkpoint_id])
        self.write_document(entry.checkpoint_id, entry.to_document())
        # The entry is written, so a bank error must not fail the operation.
        # The next sweep corrects the marker.
        with storage.log_bank_errors(
                'The marker of checkpoint %s of instance %s may be wrong'
                % (entry.checkpoint_id, self.instance_id)):
            if entry.deleted_at is not None:
                self._markers.delete([entry.checkpoint_id])
            elif entry.may_have_marker:
                self._write_marker(entry)

    def delete(self, key: str) -> None:
        """Delete the entry of a checkpoint, and the markers of the checkpoint.

        If the bank has a copy of the entry, the copy is deleted too. An absent
        object is no error. If a marker cannot be deleted, the error is only
        logged.

        :param key: the id of the checkpoint.
        :raises errors.Rejected: the key cannot be a single part of a path.
        :raises errors.BankError: the entry may be deleted nevertheless.
        """
        super().delete(key)
        with storage.log_bank_errors(
                'The marker of checkpoint %s of instance %s is not deleted'
                % (key, self.instance_id)):
            self._markers.delete([key])

    def delete_markers(self, entries: Iterable[BackupEntry]) -> None:
        """Delete the markers of several entries. The entries themselves stay.

        If a checkpoint of these entries has an omission marker, this marker is
        deleted too. An absent marker is no error.

        :raises errors.BankError: some of the markers may be deleted.
        """
        self._markers.delete([entry.checkpoint_id for entry in entries])

    def list_abridged(self) -> List[BackupEntry]:
        """Return all readable entries. An entry with a marker is abridged.

        An abridged entry is built from the key of the marker, and the entry in
        the bank is not read. The abridged entry has the ids of the instance,
        the checkpoint, the backup and the parent. is_complete is True, and all
        other fields have defaults. Never write an abridged entry to the bank.

        Each marker gives an abridged entry, even if the bank does not list the
        entry itself. A list of Swift may be stale and lack an existing entry.

        This method also stores the omission markers of the instance in
        `omission_markers`.

        :raises errors.BankError: the bank did not return all entries.
        """
        marked = self._list_from_markers()
        return [*marked.values(), *self.read_all(marked)[0]]

    def correct_markers(self) -> List[BackupEntry]:
        """Correct wrong and missing markers, and return all readable entries.

        Earlier releases write and delete entries without their markers. So
        this method makes two corrections:

        * Each complete backup of an existing checkpoint has to have a marker.
          Up to 50 missing markers are written.
        * A marker is wrong if its entry is deleted or marked as deleted. Up to
          50 wrong markers are deleted.

        An entry with a marker is returned abridged, as by list_abridged(). But
        up to 5 of these entries, chosen at random, are read to find wrong
        markers. These entries are returned in full.

        This method also stores the omission markers of the instance in
        `omission_markers`.

        :raises errors.BankError: the bank did not return all entries. An error
            of the bank during the corrections is only logged.
        """
        marked = self._list_from_markers()
        # List the keys of the entries after the markers. In the reverse order,
        # an entry and a marker that are written between the two lists would
        # look like a marker without an entry.
        keys = set(self.list_keys())
        marked_keys = sorted(marked.keys() & keys)
        checked_keys = random.sample(
            marked_keys, min(CHECKED_MARKERS, len(marked_keys)))
        read_keys = sorted({*checked_keys, *(keys - marked.keys())})
        entries = {entry.checkpoint_id: entry
                   for entry in self.read_entries(read_keys)[0]}
        wrong_keys = [key for key in marked if key not in keys or (
            key in entries and not entries[key].may_have_marker)]
        unmarked = [entry for key, entry in entries.items()
                    if key not in marked and entry.may_have_marker]
        with storage.log_bank_errors(
                'The markers of instance %s are not corrected'
                % self.instance_id):
            if wrong_keys:
                LOG.info('%d markers of instance %s have to be deleted, '
                         'because their backups are deleted or are to be '
                         'deleted',
                         len(wrong_keys), self.instance_id)
                self._markers.delete_backup_markers(
                    wrong_keys[:MAX_CORRECTIONS])
            for entry in unmarked[:MAX_CORRECTIONS]:
                self._write_marker(entry)
        return list({**marked, **entries}.values())

    def _list_from_markers(self) -> Dict[str, BackupEntry]:
        """Return an abridged entry for each complete backup that has a marker.

        This method lists the keys of the markers, and reads no entry. So an
        abridged entry has only the ids of the instance, the checkpoint, the
        backup and the parent.

        This method also stores the omission markers of the instance in
        `omission_markers`.

        :returns: the abridged entries, by the id of the checkpoint.
        :raises errors.BankError: the bank did not return a list.
        """
        marker_list = self._markers.list_markers()
        self.omission_markers = marker_list.omission_markers
        return {marker.checkpoint_id: BackupEntry(
            self.instance_id, marker.checkpoint_id, is_complete=True,
            backup_id=marker.backup_id, parent_id=marker.parent_id)
            for marker in marker_list.backup_markers}

    def _write_marker(self, entry: BackupEntry) -> None:
        """Write the marker of an entry, but do not leave a wrong marker.

        Another operation may change the entry in the bank at the same time. So
        this method reads the entry after it has written the marker. If this
        read shows that the entry is absent, marked as deleted, or unreadable,
        the marker is wrong, and this method deletes the marker.

        :param entry: an entry that is in the bank.
        :raises errors.BankError: the marker may be missing, or may be wrong.
        """
        self._markers.write(instance_markers.BackupMarker(
            entry.checkpoint_id, str(entry.backup_id), entry.parent_id))
        try:
            current = self.read(entry.checkpoint_id)
        except errors.Rejected as error:
            LOG.error('%s', error)
            current = None
        if current is None or not current.may_have_marker:
            self._markers.delete_backup_markers([entry.checkpoint_id])
