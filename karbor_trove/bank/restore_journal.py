# SPDX-License-Identifier: Apache-2.0

"""Write-ahead journal of restore requests.

An entry is deleted when Trove has responded. An entry that still exists after
the restore has ended belongs to an interrupted restore. The entry has the name
of the instance that the request may have created.
"""

import dataclasses
from typing import Iterator, List, Optional, Set

from oslo_log import log as logging

from karbor_trove.bank import document_store
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import karbor_types

LOG = logging.getLogger(__name__)

VERSION = 1


@dataclasses.dataclass(frozen=True)
class RestoreEntry:
    """One request for a restored instance. None means unknown."""

    #: Of the original instance.
    instance_id: str
    #: Karbor's id of the restore.
    restore_id: str
    #: Of the restored instance.
    name: Optional[str] = None
    #: Trove's time before the request, in ISO format. None if Trove returned
    #: no time.
    not_before: Optional[str] = None
    #: Where the restored instance is created.
    project_id: Optional[str] = None
    #: The process that sends the request, see worker_process.py.
    worker: object = None

    def to_document(self) -> document_store.Document:
        """Return the JSON object that the bank stores."""
        document = dataclasses.asdict(self)
        # The path of the object has them.
        del document['instance_id'], document['restore_id']
        return document

    @classmethod
    def from_document(cls, instance_id: str, restore_id: str,
                      document: document_store.Document) -> 'RestoreEntry':
        """Build an entry from what to_document() returned.

        Earlier releases wrote neither a project nor a worker.
        """
        return cls(instance_id, restore_id, document['name'],
                   document.get('not_before'), document.get('project_id'),
                   document.get('worker'))


class RestoreJournal(document_store.DocumentStore[RestoreEntry]):
    """The restore journal of one instance in one bank.

    Its keys are the ids of restores.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the journal. Nothing is read or written yet.

        :param instance_id: of the original instance.
        """
        path = layout.instance_folder(instance_id, layout.RESTORE_JOURNAL)
        super().__init__(
            bank.get_sub_section(path), path, VERSION, 'name',
            lambda key, document: RestoreEntry.from_document(
                instance_id, key, document))
        self.instance_id = instance_id

    def write(self, entry: RestoreEntry) -> None:
        """Write an entry."""
        self.write_document(entry.restore_id, entry.to_document())


class RestoreIntent:
    """The entry of one restore. See trove.instances.InstanceIntent."""

    def __init__(self, bank: karbor_types.Bank, instance_id: str,
                 restore_id: str, project_id: Optional[str],
                 taken_ids: Set[str]) -> None:
        """Create the intent. Nothing is written yet.

        :param instance_id: of the original instance.
        :param project_id: where the restored instance is created.
        :param taken_ids: the instances that this restore has created for any
            of its databases. All intents of a restore share it.
        """
        self._bank = bank
        self._taken_ids = taken_ids
        self._journal = RestoreJournal(bank, instance_id)
        self._entry = RestoreEntry(instance_id, restore_id,
                                   project_id=project_id,
                                   worker=worker_process.current())

    def write(self, name: str, not_before: Optional[str]) -> None:
        """Write the entry before the request is sent."""
        self._entry = dataclasses.replace(self._entry, name=name,
                                          not_before=not_before)
        self._journal.write(self._entry)

    def list_rivals(self) -> List[str]:
        """Return the other open restores of an instance with this name."""
        return ['restore %s of instance %s' % (entry.restore_id,
                                               entry.instance_id)
                for entry in _list_open(self._bank)
                if entry.name in (None, self._entry.name)
                and (entry.restore_id, entry.instance_id) != (
                    self._entry.restore_id, self._entry.instance_id)]

    def is_taken(self, instance_id: str) -> bool:
        """Return True if this restore created it for another database."""
        return instance_id in self._taken_ids

    def mark_created(self, instance_id: str) -> None:
        """Remember the id, so that no other database of the restore uses it.

        Nothing is written. The entry stays until Karbor's record has the id.
        """
        self._taken_ids.add(instance_id)

    def delete(self) -> None:
        """Delete the entry.

        At that time Karbor's record has the instance, or Trove created none.
        If the bank fails, the entry stays until an operator's sweep.
        """
        entry = self._entry
        with storage.log_bank_errors(
                'The journal entry of restore %s of instance %s is not '
                'deleted' % (entry.restore_id, entry.instance_id)):
            self._journal.delete(entry.restore_id)


def _list_open(bank: karbor_types.Bank) -> Iterator[RestoreEntry]:
    """Yield the entries of all instances. Unreadable ones have no name."""
    for key in storage.list_keys(bank.get_sub_section(layout.INSTANCES)):
        instance_id, _, path = key.partition('/')
        folder, _, restore_id = path.partition('/')
        if folder != layout.RESTORE_JOURNAL or not ids.is_uuid(instance_id):
            continue
        try:
            entry = RestoreJournal(bank, instance_id).read(restore_id)
        except errors.Rejected as error:
            LOG.error('%s', error)
            entry = RestoreEntry(instance_id, restore_id)
        # The list may be stale and still have a deleted object.
        if entry is not None:
            yield entry
