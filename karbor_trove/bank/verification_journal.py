# SPDX-License-Identifier: Apache-2.0

"""Write-ahead journal of the temporary instances that verifications create.

Each verification has one entry. The verification writes the entry before it
requests the temporary instance, and deletes the entry after it has deleted the
instance. If the verification is killed, the entry remains. A later operation
then finds the instance through the entry, and deletes the instance.
"""

import dataclasses
import datetime
from typing import ContextManager, Optional, Sequence

from karbor_trove.bank import document_store
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove import karbor_types
from karbor_trove import times
from karbor_trove.trove import lost_responses

VERSION = 1


@dataclasses.dataclass(frozen=True)
class TemporaryInstanceEntry(document_store.StoredEntry):
    """The journal entry of the temporary instance of one verification.

    A field is None if its value is not known.
    """

    STORED_KEYS = {'ends_by': 'until', 'time_before_request': 'not_before',
                   'abandoned_reason': 'left'}

    verification_id: str
    #: The project in which the instance is created.
    project_id: Optional[str]
    #: The process that runs the verification, see worker_process.py.
    worker: object
    #: The time by which the verification has ended for certain, in ISO format:
    #: the time of the machine of the worker, in UTC.
    ends_by: str
    #: The name of the temporary instance. No other instance has this name.
    name: Optional[str] = None
    #: Trove's time before the request, in ISO format. None if Trove returned
    #: no time.
    time_before_request: Optional[str] = None
    #: The id of the temporary instance. None until the id is known.
    instance_id: Optional[str] = None
    #: Why the instance may still exist although the verification has ended.
    #: None if the verification runs, or was killed.
    abandoned_reason: Optional[str] = None

    def is_abandoned(self, now: datetime.datetime) -> bool:
        """Return True if no running verification uses the temporary instance.

        The result is True in three cases. The entry has the reason why the
        verification did not delete the instance. The worker process of the
        verification has ended. Or the time `ends_by` has passed. Every
        verification ends before this time.

        :param now: the time of this machine, in UTC, without a zone.
        """
        return (self.abandoned_reason is not None
                or not worker_process.may_be_alive(self.worker)
                or times.parse_utc(self.ends_by) <= now)

    def is_settled(self, trove_now: Optional[datetime.datetime],
                   now: datetime.datetime) -> bool:
        """Return True if the request can no longer create the instance.

        The result is True in two cases:

        * By Trove's clock, the request was sent at least 15 minutes ago.
        * By the clock of this machine, `ends_by` was at least 15 minutes ago.
          Every verification ends before `ends_by`. This case is needed if
          Trove returned no time.

        :param trove_now: Trove's time. None if Trove returned no time.
        :param now: the time of this machine, in UTC, without a zone.
        """
        return (lost_responses.is_settled(self.time_before_request, trove_now)
                or lost_responses.is_settled(self.ends_by, now))


class VerificationJournal(
        document_store.DocumentStore[TemporaryInstanceEntry]):
    """The verification journal of one original instance in one bank.

    The key of an entry is the id of its verification.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the object. Nothing is read or written yet.

        :param instance_id: the id of the original instance.
        :raises errors.Rejected: the instance id is not a UUID.
        """
        path = layout.instance_folder(instance_id, layout.VERIFICATION_JOURNAL)

        def parse(key: str, document: document_store.Document
                  ) -> TemporaryInstanceEntry:
            entry = TemporaryInstanceEntry.from_document(document)
            document_store.check_ids(
                path + key,
                {'verification_id': (entry.verification_id, key)},
                {'instance_id': entry.instance_id})
            return entry

        super().__init__(bank.get_sub_section(path), path, VERSION, 'until',
                         parse, keeps_copy=True)
        self.instance_id = instance_id

    def write(self, entry: TemporaryInstanceEntry) -> None:
        """Write an entry, and replace an earlier entry of its verification.

        :raises errors.BankError: the entry may be written nevertheless.
        """
        self.write_document(entry.verification_id, entry.to_document())


class TemporaryInstanceIntent:
    """Writes and deletes the journal entry of one temporary instance.

    This class implements the protocol trove.instances.InstanceIntent. Only
    write() raises bank errors. The other methods only log a bank error,
    because the name that write() has stored is enough to find and delete the
    instance.
    """

    def __init__(self, journal: VerificationJournal,
                 entry: TemporaryInstanceEntry) -> None:
        """Create the object. Nothing is written yet.

        :param entry: the entry, with None as the name. write() adds the name.
        """
        self._journal = journal
        self._entry = entry
        self._is_written = False

    def write(self, name: str, time_before_request: Optional[str]) -> None:
        """Write the journal entry before the request for the instance is sent.

        :param name: the name of the temporary instance.
        :param time_before_request: Trove's time before the request, in ISO
            format. None if Trove returned no time.
        :raises errors.BankError: the entry may be missing, so the request must
            not be sent.
        """
        self._entry = dataclasses.replace(
            self._entry, name=name, time_before_request=time_before_request)
        self._journal.write(self._entry)
        self._is_written = True

    def list_unconfirmed_requests(self) -> Sequence[str]:
        """Return (), because no other request is for this instance name.

        The name of a temporary instance is unique.
        """
        return ()

    def is_taken(self, instance_id: str) -> bool:
        """Return False, because no other request has created the instance.

        The name is unique. So an instance with this name belongs to this
        request.
        """
        return False

    def mark_created(self, instance_id: str) -> None:
        """Write the id of the temporary instance to the journal entry.

        A bank error is only logged.
        """
        self._replace(dataclasses.replace(self._entry,
                                          instance_id=instance_id))

    def mark_abandoned(self, reason: str) -> None:
        """Write to the journal entry why the instance was not deleted.

        If the journal has no entry, nothing is written. In that case no
        instance was requested, or Trove rejected the request. A bank error is
        only logged.

        :param reason: one sentence for the operator.
        """
        if self._is_written:
            self._replace(dataclasses.replace(self._entry,
                                              abandoned_reason=reason))

    def delete(self) -> None:
        """Delete the journal entry.

        Call this method if the instance does not exist and cannot be created
        any more. A bank error is only logged.
        """
        self._is_written = False
        with self._log_bank_errors():
            self._journal.delete(self._entry.verification_id)

    def _replace(self, entry: TemporaryInstanceEntry) -> None:
        self._entry = entry
        with self._log_bank_errors():
            self._journal.write(entry)

    def _log_bank_errors(self) -> ContextManager[None]:
        return storage.log_bank_errors(
            'The journal entry of verification %s of instance %s was not '
            'changed' % (self._entry.verification_id,
                         self._journal.instance_id))
