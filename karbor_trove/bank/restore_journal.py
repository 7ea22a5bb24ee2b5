# SPDX-License-Identifier: Apache-2.0

"""Write-ahead journals of the requests that restores send.

The restore journal lists requests for instances. An entry is written before
its request is sent. The entry is deleted when Karbor's record has the id of
the restored instance, or when Trove has rejected the request. An entry that
still exists after the restore belongs to an unconfirmed restore. The entry has
the name of the instance that the request may have created.

An entry with the id of the restored instance is a trace. An entry without this
id is open. A restore leaves a trace if another restore to the same instance
name has an open entry. The other restore may run in another process. Without
the trace, the other restore could mistake the instance for its own.

Each entry has a marker in a folder for the name of the restored instance. A
restore that closes its entry reads the other entries with the same name. The
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
    #: In a trace, the id of the restored instance. In an entry of a
    #: configuration group, the id of the new group. None in an open entry of
    #: an instance, and in an entry of a group until Trove has responded.
    created_id: Optional[str] = None

    def check(self) -> None:
        """Check that the name is a text, and that the time can be parsed.

        The name and the time may also be None. The path of the entry's marker
        depends on the name.

        :raises ValueError: the name is not a text, or the time cannot be
            parsed.
        """
        if not isinstance(self.name, (str, type(None))):
            raise ValueError('its name is %a, which is no text' % (self.name,))
        if self.not_before is not None:
            times.parse_utc(self.not_before)

    @property
    def marker(self) -> str:
        """Return the key of this entry's marker, which is RESTORE@INSTANCE.

        The two words stand for the ids of the restore and of the original
        instance. The key has no folder. The folder is the result of
        layout.restore_name_folder() for the name of the restored instance.
        """
        return '%s@%s' % (self.restore_id, self.instance_id)

    def is_recent(self, now: datetime.datetime) -> bool:
        """Return True if the request may be less than an hour old.

        :param now: the time to compare with, in UTC, without a zone.
        """
        return (self.not_before is None
                or now - times.parse_utc(self.not_before)
                < timeouts.RESTORE_MAY_RUN)

    def may_run(self, now: datetime.datetime) -> bool:
        """Return True if the restore may still search for its instance.

        This is so if its worker process may still run, and if the restore is
        recent. The worker process alone does not show it, because it runs
        longer than a restore.

        :param now: see is_recent().
        """
        return worker_process.may_be_alive(self.worker) and self.is_recent(now)

    def may_run_with(self, other: 'RestoreEntry') -> bool:
        """Return True if the restore may still run during another restore.

        The restore has to be recent at the time of the other request. If that
        time is not known, the restore counts as recent.

        :param other: the entry of the other restore.
        """
        return self.may_run(times.parse_utc(other.not_before)
                            if other.not_before else datetime.datetime.min)

    def to_document(self) -> document_store.Document:
        """Return the JSON object for the bank, without a version."""
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

        The entries of earlier releases have no project and no worker. Earlier
        releases ignore created_id, so they treat a trace as an open entry.

        :param instance_id: the id of the original instance.
        """
        return cls(instance_id, restore_id, document['name'],
                   document.get('not_before'), document.get('project_id'),
                   document.get('worker'), document.get('created_id'))


class RequestJournal(document_store.DocumentStore[RestoreEntry]):
    """A journal of the requests that the restores of one instance send.

    The instance is the original instance. Each subclass is for one kind of
    request. The keys of the entries are the ids of the restores.
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
            entry.check()
            return entry

        super().__init__(bank.get_sub_section(path), path, VERSION, 'name',
                         parse)
        self._bank = bank
        self.instance_id = instance_id

    def write(self, entry: RestoreEntry) -> None:
        """Write an entry, and replace an earlier entry of its restore."""
        self.write_document(entry.restore_id, entry.to_document())

    def delete_entry(self, entry: RestoreEntry) -> None:
        """Delete an entry. An absent entry is no error."""
        self.delete(entry.restore_id)


class ConfigurationJournal(RequestJournal):
    """The journal of requests for configuration groups.

    An entry is deleted when Karbor's record names the group, or when Trove has
    rejected the request. If several instances of a restore share a group, the
    group has one entry.
    """

    folder = layout.CONFIGURATION_JOURNAL


class RestoreJournal(RequestJournal):
    """The journal of requests for restored instances.

    Each entry with a name has a marker.
    """

    folder = layout.RESTORE_JOURNAL

    def write(self, entry: RestoreEntry) -> None:
        """Write an entry and its marker."""
        super().write(entry)
        if entry.name is not None:
            # The marker is written after the entry, because other restores
            # delete a marker without an entry.
            storage.write(_markers(self._bank, entry.name), entry.marker,
                          {'name': entry.name})

    def delete_entry(self, entry: RestoreEntry) -> None:
        """Delete an entry and its marker. An absent object is no error."""
        super().delete_entry(entry)
        if entry.name is not None:
            storage.delete_optional(_markers(self._bank, entry.name),
                                    [entry.marker])


class RestoreIntent:
    """Writes and deletes the journal entry of one restored instance.

    This class implements the protocol trove.instances.InstanceIntent.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str,
                 restore_id: str, project_id: Optional[str],
                 taken_ids: Set[str]) -> None:
        """Create the object. Nothing is written yet.

        :param instance_id: the id of the original instance.
        :param project_id: the project in which the restored instance is
            created.
        :param taken_ids: the ids of all instances that this restore has
            created so far. All RestoreIntent objects of a restore share this
            set.
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
        :raises errors.BankError: the entry may not be written, so the request
            must not be sent.
        """
        self._entry = dataclasses.replace(self._entry, name=name,
                                          not_before=not_before)
        self._journal.write(self._entry)

    def list_rivals(self) -> List[str]:
        """Return the open entries of other requests for the same name.

        An entry that cannot be read counts too, because its name may be the
        same. This method also reads the traces, which is_taken() needs.

        :returns: a phrase for each entry, such as "restore x of instance y".
        :raises errors.BankError: the entries could not be read.
        """
        others = self._list_others()
        self._traced_ids = {entry.created_id for entry in others
                            if entry.created_id}
        return ['restore %s of instance %s' % (entry.restore_id,
                                               entry.instance_id)
                for entry in others if not entry.created_id]

    def is_taken(self, instance_id: str) -> bool:
        """Return True if an instance may belong to another request.

        The other request is a request of this restore for another original
        instance, or a request of another restore that has left a trace. Call
        list_rivals() first, because that method reads the traces.

        :param instance_id: the id of an instance that was found in Trove.
        """
        return instance_id in self._taken_ids | self._traced_ids

    def mark_created(self, instance_id: str) -> None:
        """Store the id of the created instance in memory.

        After that is_taken() returns True for this id, also in the other
        RestoreIntent objects of this restore. Nothing is written to the bank.
        The entry in the bank stays open until confirm() is called.

        :param instance_id: the id of the restored instance.
        """
        self._taken_ids.add(instance_id)
        self._created_id = instance_id

    def confirm(self) -> None:
        """Delete the entry, or turn the entry into a trace.

        Call this method when Karbor's record has the id of the instance. If
        the bank fails, the error is only logged, and the entry stays until
        `karbor-trove-manage deferred dismiss` deletes it.
        """
        self._close(self._created_id)

    def delete(self) -> None:
        """Delete the entry. Call this method if Trove created nothing.

        If the bank fails, the error is only logged, and the entry stays until
        `karbor-trove-manage deferred sweep` deletes it.
        """
        self._close(None)

    def _close(self, created_id: Optional[str]) -> None:
        """Delete the entry, or turn the entry into a trace.

        If another restore with the same name has an open entry and may still
        run, the entry becomes a trace: it stays, and gets the id of the
        restored instance. Otherwise the entry is deleted. In that case the
        markers with this name that have no entry are deleted too. If also no
        other entry with this name is open, the traces with this name are
        deleted.

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
        """Return the other entries with this name, by the key of the marker.

        An entry is None if only its marker exists. The dictionary is empty if
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
        """Return the other entries with this name or with an unknown name.

        The entries are those of all instances in the bank.
        """
        return [entry for entry in _list_entries(self._bank)
                if entry.name in (None, self._entry.name)
                and (entry.restore_id, entry.instance_id) != (
                    self._entry.restore_id, self._entry.instance_id)]


def _markers(bank: karbor_types.Bank, name: str) -> karbor_types.BankSection:
    """Return the folder of the markers for a name of a restored instance."""
    return bank.get_sub_section(layout.restore_name_folder(name))


def _list_entries(bank: karbor_types.Bank) -> Iterator[RestoreEntry]:
    """Yield the entries of all restore journals in the bank.

    If an entry cannot be read, its name is None in the yielded entry.
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

    If the entry cannot be read, its name is None in the returned entry.
    """
    try:
        return RestoreJournal(bank, instance_id).read(restore_id)
    except errors.Rejected as error:
        LOG.error('%s', error)
        return RestoreEntry(instance_id, restore_id)
