# SPDX-License-Identifier: Apache-2.0

"""Write-ahead journals of the requests that a restore sends.

The restore journal lists requests for instances. A restore writes an entry
before it sends the request. The entry has the name of the requested instance.
The entry is open while it lacks the id of the restored instance. The restore
closes the entry when Karbor's record has this id, or when Trove has rejected
the request. If the entry is still open after the restore, the restore is an
unconfirmed restore.

To close an entry, the restore deletes the entry or turns the entry into a
trace. A trace is an entry with the id of the restored instance. A trace is
needed if another restore with the same instance name has an open entry.
Without the trace, the other restore could use the instance by mistake. The
other restore may run in another process.

Each entry has a marker in a folder for the name of the restored instance.
Before a restore closes its entry, the restore reads the other entries with the
same name. The markers show these entries, so the restore does not list the
whole bank.

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
    """The journal entry of one request that a restore sends to Trove.

    The request is for a restored instance or for a configuration group. A
    field is None if its value is not known.
    """

    #: The id of the original instance.
    instance_id: str
    #: Karbor's id of the restore.
    restore_id: str
    #: The name of the restored instance or of the group.
    name: Optional[str] = None
    #: Trove's time before the request, in ISO format. None if Trove returned
    #: no time.
    time_before_request: Optional[str] = None
    #: The project in which the instance or the group is created.
    project_id: Optional[str] = None
    #: The process that sends the request, see worker_process.py.
    worker: object = None
    #: In a trace, the id of the restored instance. In an entry of a
    #: configuration group, the id of the new group. None in an open entry of
    #: an instance, and in an entry of a group until Trove has responded.
    created_id: Optional[str] = None

    def check(self) -> None:
        """Check that the name and the time of the request can be used.

        The name has to be a text, because the path of the entry's marker
        depends on the name. The time has to be a text that can be parsed. Both
        may also be None.

        :raises ValueError: the name is not a text, or the time cannot be
            parsed.
        """
        if not isinstance(self.name, (str, type(None))):
            raise ValueError('its name is %a, which is no text' % (self.name,))
        if self.time_before_request is not None:
            times.parse_utc(self.time_before_request)

    @property
    def marker(self) -> str:
        """Return the key of the marker of this entry: RESTORE@INSTANCE.

        The two words stand for the id of the restore and the id of the
        original instance. The marker is in the folder that
        layout.restore_name_folder() returns for the name of the entry.
        """
        return '%s@%s' % (self.restore_id, self.instance_id)

    def is_recent(self, now: datetime.datetime) -> bool:
        """Return True if the request is less than an hour old.

        If the time of the request is not known, the result is True.

        :param now: the time to compare with, in UTC, without a zone.
        """
        return (self.time_before_request is None
                or now - times.parse_utc(self.time_before_request)
                < timeouts.RESTORE_MAY_RUN)

    def may_run(self, now: datetime.datetime) -> bool:
        """Return True if the restore may still search for its instance.

        A restore searches for its instance after a lost response. The result
        is True if two conditions are met:

        * The worker process of the restore may still run.
        * The request is less than an hour old, or its time is not known. This
          condition is needed because a worker process runs longer than a
          restore.

        :param now: the time to compare with, in UTC, without a zone.
        """
        return worker_process.may_be_alive(self.worker) and self.is_recent(now)

    def may_run_during(self, other: 'RestoreEntry') -> bool:
        """Return True if the restores of two entries may run at the same time.

        The result is True if two conditions are met:

        * The worker process of this entry's restore may still run.
        * The request of `other` was sent less than an hour after the request
          of this entry, or before it. If the time of one request is not known,
          this condition is met.
        """
        return self.may_run(
            times.parse_utc(other.time_before_request)
            if other.time_before_request else datetime.datetime.min)

    def to_document(self) -> document_store.Document:
        """Return the entry as a JSON object for the bank, without a version.

        The JSON object lacks the ids of the instance and of the restore,
        because the path of the entry in the bank has these ids.
        """
        document = {'not_before' if name == 'time_before_request' else name:
                    value for name, value in dataclasses.asdict(self).items()}
        # The path of the object has these two ids.
        del document['instance_id'], document['restore_id']
        if self.created_id is None:
            del document['created_id']
        return document

    @classmethod
    def from_document(cls, instance_id: str, restore_id: str,
                      document: document_store.Document) -> 'RestoreEntry':
        """Build an entry from a JSON object.

        The entries of earlier releases have no project and no worker. A trace
        has the key created_id, and an open entry lacks this key. Earlier
        releases ignore this key, so they treat a trace as an open entry.

        :param instance_id: the id of the original instance.
        :param document: a JSON object as to_document() returns it.
        :raises KeyError: the JSON object has no key `name`.
        """
        return cls(instance_id, restore_id, document['name'],
                   document.get('not_before'), document.get('project_id'),
                   document.get('worker'), document.get('created_id'))


class RequestJournal(document_store.DocumentStore[RestoreEntry]):
    """Base class of the journals that list requests of restores.

    A journal has the requests of all restores of one original instance. Each
    subclass is for one kind of request. The key of an entry is the id of the
    restore.
    """

    #: The name of the folder with the entries, in the folder of the instance.
    folder: str

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the object. Nothing is read or written yet.

        :param instance_id: the id of the original instance.
        :raises errors.Rejected: the instance id is not a UUID.
        """
        path = layout.instance_folder(instance_id, self.folder)

        def parse(key: str, document: document_store.Document
                  ) -> RestoreEntry:
            entry = RestoreEntry.from_document(instance_id, key, document)
            document_store.check_ids(path + key, {},
                                     {'created_id': entry.created_id})
            entry.check()
            return entry

        super().__init__(bank.get_sub_section(path), path, VERSION, 'name',
                         parse)
        self._bank = bank
        self.instance_id = instance_id

    def write(self, entry: RestoreEntry) -> None:
        """Write an entry, and replace an earlier entry of its restore.

        :raises errors.BankError: the entry may be written nevertheless.
        """
        self.write_document(entry.restore_id, entry.to_document())

    def delete_entry(self, entry: RestoreEntry) -> None:
        """Delete an entry. An absent entry is no error.

        :raises errors.BankError: the entry may be deleted nevertheless.
        """
        self.delete(entry.restore_id)


class ConfigurationJournal(RequestJournal):
    """The journal of the requests for configuration groups.

    A restore writes an entry before it requests a group. The restore deletes
    the entry when Karbor's record names the group, or when Trove has rejected
    the request. If several instances of a restore share a group, the group has
    one entry.
    """

    folder = layout.CONFIGURATION_JOURNAL


class RestoreJournal(RequestJournal):
    """The journal of the requests for restored instances.

    Each entry with the name of a restored instance has a marker. Other
    restores with the same instance name find the entry through its marker.
    """

    folder = layout.RESTORE_JOURNAL

    def write(self, entry: RestoreEntry) -> None:
        """Write an entry, and then its marker.

        An earlier entry of the same restore is replaced. An entry without a
        name has no marker.

        :raises errors.BankError: one of the objects, or both, may be written
            nevertheless.
        """
        super().write(entry)
        if entry.name is not None:
            # The marker is written after the entry, because other restores
            # delete a marker without an entry.
            storage.write(_get_marker_section(self._bank, entry.name),
                          entry.marker, {'name': entry.name})

    def delete_entry(self, entry: RestoreEntry) -> None:
        """Delete an entry and its marker. An absent object is no error.

        :raises errors.BankError: one of the objects, or both, may be deleted
            nevertheless.
        """
        super().delete_entry(entry)
        if entry.name is not None:
            storage.delete_optional(
                _get_marker_section(self._bank, entry.name), [entry.marker])


class RestoreIntent:
    """Writes and deletes the journal entry of one restored instance.

    This class implements the protocol trove.instances.InstanceIntent. A
    restore uses one object of this class for each instance that it requests.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str,
                 restore_id: str, project_id: Optional[str],
                 created_ids: Set[str]) -> None:
        """Create the object. Nothing is written yet.

        :param instance_id: the id of the original instance.
        :param restore_id: Karbor's id of the restore.
        :param project_id: the project in which the restored instance is
            created. None if the project is not known.
        :param created_ids: the ids of all instances that this restore has
            created so far. All RestoreIntent objects of a restore share this
            set. mark_created() adds an id to the set.
        """
        self._bank = bank
        self._created_ids = created_ids
        # The ids of the restored instances in the traces of other restores.
        self._traced_ids: Set[str] = set()
        self._created_id: Optional[str] = None
        self._journal = RestoreJournal(bank, instance_id)
        self._entry = RestoreEntry(instance_id, restore_id,
                                   project_id=project_id,
                                   worker=worker_process.current())

    def write(self, name: str, time_before_request: Optional[str]) -> None:
        """Write the journal entry before the request for the instance is sent.

        :param name: the name of the restored instance.
        :param time_before_request: Trove's time before the request, in ISO
            format. None if Trove returned no time.
        :raises errors.BankError: the entry may be missing, so the request must
            not be sent.
        """
        self._entry = dataclasses.replace(
            self._entry, name=name, time_before_request=time_before_request)
        self._journal.write(self._entry)

    def list_unconfirmed_requests(self) -> List[str]:
        """Return the other open requests for an instance with the same name.

        A request is open if its journal entry lacks the id of the restored
        instance. If an entry cannot be read, its request counts as open,
        because the name may be the same.

        An entry with the id of the restored instance is a trace. This method
        also stores the instance ids of all traces with the same name.
        is_taken() uses the stored ids.

        :returns: a phrase for each request, such as "restore x of instance y".
        :raises errors.BankError: the entries could not be read.
        """
        others = self._list_others()
        self._traced_ids = {entry.created_id for entry in others
                            if entry.created_id}
        return ['restore %s of instance %s' % (entry.restore_id,
                                               entry.instance_id)
                for entry in others if not entry.created_id]

    def is_taken(self, instance_id: str) -> bool:
        """Return True if another request is known to have created an instance.

        The result is True if this restore has created the instance for another
        original instance, or if another restore has left a trace. A trace is a
        journal entry with the id of the instance. Call
        list_unconfirmed_requests() first, because that method reads the
        traces.

        :param instance_id: the id of an instance that was found in Trove.
        """
        return instance_id in self._created_ids | self._traced_ids

    def mark_created(self, instance_id: str) -> None:
        """Store the id of the restored instance in memory.

        From then on, is_taken() returns True for this id in all RestoreIntent
        objects of this restore. Nothing is written to the bank. Until
        confirm() is called, the entry in the bank lacks the id.
        """
        self._created_ids.add(instance_id)
        self._created_id = instance_id

    def confirm(self) -> None:
        """Delete the journal entry, or keep the entry as a trace.

        Call this method when Karbor's record has the id of the restored
        instance. The entry becomes a trace if another restore with the same
        instance name has an open entry and may still run. This method then
        adds the id of the restored instance to the entry of this restore. In
        all other cases the entry is deleted.

        If the bank fails, the error is only logged. The entry then stays until
        `karbor-trove-manage deferred dismiss` deletes the entry.
        """
        self._close(self._created_id)

    def delete(self) -> None:
        """Delete the entry. Call this method if Trove created nothing.

        If the bank fails, the error is only logged. The entry then stays until
        `karbor-trove-manage deferred sweep` deletes the entry.
        """
        self._close(None)

    def _close(self, created_id: Optional[str]) -> None:
        """Delete the journal entry, or turn the entry into a trace.

        The entry of this restore becomes a trace if another restore with the
        same instance name has an open entry and may still run. The trace stays
        in the journal, and has the id of the restored instance. From this id
        the other restore knows that it did not create the instance.

        In all other cases the entry is deleted. If other restores have markers
        for the same instance name, this method then also cleans up:

        * Each marker without an entry is deleted.
        * If no other entry with this name is open, the traces with this name
          are deleted.

        If the bank fails, the error is only logged.

        :param created_id: the id of the restored instance. None if Trove
            created nothing. In that case the entry never becomes a trace.
        """
        entry = self._entry
        with storage.log_bank_errors(
                'The journal entry of restore %s of instance %s is not '
                'deleted' % (entry.restore_id, entry.instance_id)):
            # An open restore wrote its marker before its request. So the list
            # has each restore that could mistake this instance for its own.
            others = self._read_others_by_marker()
            if created_id and any(
                    other and not other.created_id
                    and other.restore_id != entry.restore_id
                    and other.may_run_during(entry)
                    for other in others.values()):
                self._journal.write(dataclasses.replace(
                    entry, created_id=created_id))
                return
            self._journal.delete_entry(entry)
            is_last = all(other is None or other.created_id
                          for other in others.values())
            for marker, other in others.items():
                if other is None:
                    storage.delete(self._get_marker_section(), marker)
                elif is_last:
                    RestoreJournal(self._bank, other.instance_id).delete_entry(
                        other)

    def _read_others_by_marker(self) -> Dict[str, Optional[RestoreEntry]]:
        """Return the other journal entries with the same instance name.

        Each of these entries has a marker in the folder of the name. This
        method lists the markers, and reads these entries. If all markers
        belong to this restore, the result is empty. In that case no entry has
        to be read, because this restore has the ids of its own instances in
        memory.

        :returns: the entries, by the key of the marker. The value is None if
            there is a marker but no entry.
        :raises errors.BankError: the entries could not be read.
        """
        keys = [key for key in storage.list_keys(self._get_marker_section())
                if key != self._entry.marker]
        own = self._entry.restore_id + '@'
        if all(key.startswith(own) for key in keys):
            return {}
        return {key: _read(self._bank, instance_id, restore_id)
                for key in keys
                for restore_id, _, instance_id in [key.partition('@')]
                if ids.is_uuid(instance_id)}

    def _get_marker_section(self) -> karbor_types.BankSection:
        return _get_marker_section(self._bank, str(self._entry.name))

    def _list_others(self) -> List[RestoreEntry]:
        """Return the other entries that may have the same instance name.

        An entry without a known name is returned too, because its name may be
        the same. This method reads the restore journals of all instances in
        the bank. So the result may have entries of this restore for other
        original instances.

        :raises errors.BankError: the entries could not be read.
        """
        return [entry for entry in _list_entries(self._bank)
                if entry.name in (None, self._entry.name)
                and (entry.restore_id, entry.instance_id) != (
                    self._entry.restore_id, self._entry.instance_id)]


def _get_marker_section(bank: karbor_types.Bank,
                        name: str) -> karbor_types.BankSection:
    """Return the section with the markers for one instance name.

    :param name: the name of a restored instance.
    """
    return bank.get_sub_section(layout.restore_name_folder(name))


def _list_entries(bank: karbor_types.Bank) -> Iterator[RestoreEntry]:
    """Yield the entries of the restore journals of all instances in the bank.

    If an entry cannot be read, this function yields an entry that has only the
    ids of the instance and of the restore.

    :raises errors.BankError: the entries could not be read.
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
    """Return an entry of a restore journal. None if there is no such entry.

    If the entry cannot be read, the error is logged. In that case the returned
    entry has only the ids of the instance and of the restore.

    :param instance_id: the id of the original instance.
    :raises errors.BankError: the bank failed.
    """
    try:
        return RestoreJournal(bank, instance_id).read(restore_id)
    except errors.Rejected as error:
        LOG.error('%s', error)
        return RestoreEntry(instance_id, restore_id)
