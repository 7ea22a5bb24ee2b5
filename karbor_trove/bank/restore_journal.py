# SPDX-License-Identifier: Apache-2.0

"""Write-ahead journal of restore requests.

An entry is deleted when Trove has responded. An entry that still exists after
the restore has ended belongs to an interrupted restore. The entry has the name
of the instance that the request may have created.

An entry with the id of the created instance is a trace. A restore leaves a
trace if another restore to an instance with the same name is open. The other
restore may run in another process. Without the trace, the other restore could
mistake the instance for its own.

Each entry has a marker in a folder for the name of the restored instance. A
restore that is confirmed searches the other entries with the same name. The
markers show these entries, so the restore does not list the whole bank.

A second journal lists the requests for configuration groups.
"""

import dataclasses
import datetime
from typing import Dict, Iterator, List, Optional, Set

from oslo_log import log as logging

from karbor_trove.bank import document_store
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import karbor_types
from karbor_trove import timeouts
from karbor_trove import times

LOG = logging.getLogger(__name__)

VERSION = 1


@dataclasses.dataclass(frozen=True)
class RestoreEntry:
    """One request for a restored instance or for a configuration group.

    None means unknown.
    """

    #: The id of the original instance.
    instance_id: str
    #: Karbor's id of the restore.
    restore_id: str
    #: The name of the restored instance or of the group.
    name: Optional[str] = None
    #: Trove's time before the request, in ISO format. None if Trove returned
    #: no time.
    not_before: Optional[str] = None
    #: The project in which the instance or the group is created.
    project_id: Optional[str] = None
    #: The process that sends the request, see worker_process.py.
    worker: object = None
    #: The id of the restored instance (only in a trace) or of the new group.
    #: None if the id is not known yet.
    created_id: Optional[str] = None

    def check(self) -> None:
        """Check that the name is a text, and that the time can be parsed.

        The path of the entry's marker depends on the name.

        :raises ValueError: the name is not a text, or the time cannot be
            parsed.
        """
        if not isinstance(self.name, (str, type(None))):
            raise ValueError('its name is %a, which is no text' % (self.name,))
        if self.not_before is not None:
            times.parse_utc(self.not_before)

    @property
    def marker(self) -> str:
        """Return the key of the marker in the folder for the name."""
        return '%s@%s' % (self.restore_id, self.instance_id)

    def is_recent(self, now: datetime.datetime) -> bool:
        """Return True if the restore may have begun less than an hour ago.

        :param now: UTC, without a zone.
        """
        return (self.not_before is None
                or now - times.parse_utc(self.not_before)
                < timeouts.RESTORE_MAY_RUN)

    def may_run(self, now: datetime.datetime) -> bool:
        """Return True if the restore may still search for its instance.

        The restore may run if its worker process may run and if the restore
        is recent. A worker process runs longer than a restore, so the age of
        the restore counts too.

        :param now: UTC, without a zone.
        """
        return worker_process.may_be_alive(self.worker) and self.is_recent(now)

    def may_run_with(self, other: 'RestoreEntry') -> bool:
        """Return True if the restore may still run while another restore runs.

        :param other: the entry of the restore that runs now.
        """
        return self.may_run(times.parse_utc(other.not_before)
                            if other.not_before else datetime.datetime.min)

    def to_document(self) -> document_store.Document:
        """Return the JSON object that the bank stores."""
        document = dataclasses.asdict(self)
        # The path of the object has these two ids.
        del document['instance_id'], document['restore_id']
        if self.created_id is None:
            del document['created_id']
        return document

    @classmethod
    def from_document(cls, instance_id: str, restore_id: str,
                      document: document_store.Document) -> 'RestoreEntry':
        """Build an entry from what to_document() returned.

        Earlier releases wrote neither a project nor a worker. Earlier releases
        ignore the id of a created instance. So earlier releases treat a trace
        like the entry of an open restore.
        """
        return cls(instance_id, restore_id, document['name'],
                   document.get('not_before'), document.get('project_id'),
                   document.get('worker'), document.get('created_id'))


class RequestJournal(document_store.DocumentStore[RestoreEntry]):
    """A journal of the requests that restores of one instance have sent.

    Each subclass is for one kind of request. The keys of the entries are the
    ids of the restores.
    """

    #: The name of the folder with the entries, in the folder of the instance.
    folder: str

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the journal. Nothing is read or written yet.

        :param instance_id: the id of the original instance.
        """
        path = layout.instance_folder(instance_id, self.folder)

        def parse(key: str, document: document_store.Document
                  ) -> RestoreEntry:
            entry = RestoreEntry.from_document(instance_id, key, document)
            document_store.check_ids(path + key, {},
                                     {'created_id': entry.created_id})
            try:
                entry.check()
            except ValueError as error:
                raise errors.CorruptObject(
                    'the object "%s" in the bank is corrupt: %s'
                    % (path + key, error)) from error
            return entry

        super().__init__(bank.get_sub_section(path), path, VERSION, 'name',
                         parse)
        self._bank = bank
        self.instance_id = instance_id

    def write(self, entry: RestoreEntry) -> None:
        """Write an entry, and replace an earlier entry of its restore."""
        self.write_document(entry.restore_id, entry.to_document())

    def delete_entry(self, entry: RestoreEntry) -> None:
        """Delete an entry, if it exists."""
        self.delete(entry.restore_id)


class ConfigurationJournal(RequestJournal):
    """The journal of requests for configuration groups.

    An entry is deleted when Karbor's record names the group. If several
    instances of a restore share a group, the group has one entry.
    """

    folder = layout.CONFIGURATION_JOURNAL


class RestoreJournal(RequestJournal):
    """The journal of requests for restored instances.

    Each entry has a marker.
    """

    folder = layout.RESTORE_JOURNAL

    def write(self, entry: RestoreEntry) -> None:
        """Write an entry and its marker."""
        super().write(entry)
        if entry.name is not None:
            # The marker is written after the entry, because a marker without
            # an entry belongs to a closed restore.
            storage.write(_markers(self._bank, entry.name), entry.marker,
                          {'name': entry.name})

    def delete_entry(self, entry: RestoreEntry) -> None:
        """Delete an entry and its marker, if they exist."""
        super().delete_entry(entry)
        if entry.name is not None:
            storage.delete_optional(_markers(self._bank, entry.name),
                                    [entry.marker])


class RestoreIntent:
    """Writes and deletes the journal entry of one restore.

    This class implements the protocol trove.instances.InstanceIntent.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str,
                 restore_id: str, project_id: Optional[str],
                 taken_ids: Set[str]) -> None:
        """Create the object. Nothing is written yet.

        :param instance_id: the id of the original instance.
        :param project_id: the project in which the restored instance is
            created.
        :param taken_ids: the ids of the instances that this restore has
            created for any of its databases. All RestoreIntent objects of a
            restore share this set.
        """
        self._bank = bank
        self._taken_ids = taken_ids
        # The ids of the restored instances in the traces of other restores.
        self._traced_ids: Set[str] = set()
        self._created_id: Optional[str] = None
        self._journal = RestoreJournal(bank, instance_id)
        self._entry = RestoreEntry(instance_id, restore_id,
                                   project_id=project_id,
                                   worker=worker_process.current())

    def write(self, name: str, not_before: Optional[str]) -> None:
        """Write the entry before the request is sent.

        :param name: the name of the restored instance.
        :param not_before: Trove's time, in ISO format. None if Trove returned
            no time.
        :raises errors.BankError: the request must not be sent.
        """
        self._entry = dataclasses.replace(self._entry, name=name,
                                          not_before=not_before)
        self._journal.write(self._entry)

    def list_rivals(self) -> List[str]:
        """Return the other open restores that request the same name.

        The traces of closed restores are read as well, because is_taken()
        needs these traces. A trace is an entry with the id of the restored
        instance.

        :returns: a phrase for each restore, such as "restore x of instance y".
        """
        others = self._list_others()
        self._traced_ids = {entry.created_id for entry in others
                            if entry.created_id}
        return ['restore %s of instance %s' % (entry.restore_id,
                                               entry.instance_id)
                for entry in others if not entry.created_id]

    def is_taken(self, instance_id: str) -> bool:
        """Return True if another request has created an instance.

        This restore may have created the instance for another database of
        the checkpoint. Another restore may have left a trace with the id of
        the instance. Call list_rivals() first, because that method reads the
        traces.

        :param instance_id: the id of an instance that was found in Trove.
        """
        return instance_id in self._taken_ids | self._traced_ids

    def mark_created(self, instance_id: str) -> None:
        """Store the id of the created instance in memory.

        After that is_taken() returns True for the other databases of this
        restore. Nothing is written to the bank. The entry in the bank stays
        open until Karbor's record has the id.

        :param instance_id: the id of the restored instance.
        """
        self._taken_ids.add(instance_id)
        self._created_id = instance_id

    def confirm(self) -> None:
        """Delete the entry, or turn the entry into a trace.

        Call this method when Karbor's record has the id of the instance. If
        the bank fails, the entry stays until the operator sweeps the bank.
        """
        self._close(self._created_id)

    def delete(self) -> None:
        """Delete the entry, because Trove created nothing.

        If the bank fails, the entry stays until the operator sweeps the bank.
        """
        self._close(None)

    def _close(self, created_id: Optional[str]) -> None:
        """Delete the entry, or turn the entry into a trace.

        If another restore with the same name is open, the entry becomes a
        trace: it stays and gets the id of the restored instance. Otherwise the
        entry is deleted. Then the markers with this name that have no entry
        are deleted too. The traces with this name are deleted if no other
        restore with this name is open.

        :param created_id: the id of the restored instance. None if Trove
            created nothing. In that case the entry never becomes a trace.
        """
        entry = self._entry
        with storage.log_bank_errors(
                'The journal entry of restore %s of instance %s is not '
                'deleted' % (entry.restore_id, entry.instance_id)):
            # An open restore wrote its marker before its request. So the list
            # has each restore that could mistake this instance for its own.
            others = self._read_marked()
            if created_id and any(
                    other and not other.created_id
                    and other.restore_id != entry.restore_id
                    and other.may_run_with(entry)
                    for other in others.values()):
                self._journal.write(dataclasses.replace(
                    entry, created_id=created_id))
                return
            self._journal.delete_entry(entry)
            is_last = all(other is None or other.created_id
                          for other in others.values())
            for marker, other in others.items():
                if other is None:
                    storage.delete(self._get_markers(), marker)
                elif is_last:
                    RestoreJournal(self._bank, other.instance_id).delete_entry(
                        other)

    def _read_marked(self) -> Dict[str, Optional[RestoreEntry]]:
        """Return the entries of the other restores with this name, by marker.

        The entry is None if its restore is closed. The dictionary is empty if
        all markers belong to this restore, because this restore has the ids of
        its instances in memory.
        """
        keys = [key for key in storage.list_keys(self._get_markers())
                if key != self._entry.marker]
        own = self._entry.restore_id + '@'
        if all(key.startswith(own) for key in keys):
            return {}
        return {key: _read(self._bank, instance_id, restore_id)
                for key in keys
                for restore_id, _, instance_id in [key.partition('@')]
                if ids.is_uuid(instance_id)}

    def _get_markers(self) -> karbor_types.BankSection:
        return _markers(self._bank, str(self._entry.name))

    def _list_others(self) -> List[RestoreEntry]:
        """Return the other entries with this name or with an unknown name."""
        return [entry for entry in _list_entries(self._bank)
                if entry.name in (None, self._entry.name)
                and (entry.restore_id, entry.instance_id) != (
                    self._entry.restore_id, self._entry.instance_id)]


def _markers(bank: karbor_types.Bank, name: str) -> karbor_types.BankSection:
    """Return the section of the markers of the restores with a name."""
    return bank.get_sub_section(layout.restore_name_folder(name))


def _list_entries(bank: karbor_types.Bank) -> Iterator[RestoreEntry]:
    """Yield the entries of all instances.

    An entry that cannot be read is yielded without a name.
    """
    for key in storage.list_keys(bank.get_sub_section(layout.INSTANCES)):
        instance_id, _, path = key.partition('/')
        folder, _, restore_id = path.partition('/')
        if folder != layout.RESTORE_JOURNAL or not ids.is_uuid(instance_id):
            continue
        entry = _read(bank, instance_id, restore_id)
        # The list may be stale and still have a deleted object.
        if entry is not None:
            yield entry


def _read(bank: karbor_types.Bank, instance_id: str,
          restore_id: str) -> Optional[RestoreEntry]:
    """Return an entry. None if the entry does not exist.

    An entry that cannot be read is returned without a name.
    """
    try:
        return RestoreJournal(bank, instance_id).read(restore_id)
    except errors.Rejected as error:
        LOG.error('%s', error)
        return RestoreEntry(instance_id, restore_id)
