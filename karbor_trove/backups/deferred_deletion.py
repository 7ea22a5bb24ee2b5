# SPDX-License-Identifier: Apache-2.0

"""Deletion of the backups of deleted checkpoints, now or in a later sweep."""

import dataclasses
import datetime
import functools
from typing import Callable, Dict, Optional

from oslo_log import log as logging

from karbor_trove.backups import adoption
from karbor_trove.backups import chain
from karbor_trove.backups import delete
from karbor_trove.bank import backup_journal
from karbor_trove.bank import manifests
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import swift

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of an attempt to delete a backup."""

    #: The journal entry, with the data that the attempt added.
    entry: backup_journal.BackupEntry
    #: Why the backup cannot be deleted now. None if nothing prevents it.
    blocker: Optional[str] = None

    @property
    def deleted(self) -> bool:
        """Return True if the backup is deleted, False if it is deferred."""
        return self.blocker is None


class BackupDeletion:
    """Deletes the backups of deleted checkpoints of one instance."""

    def __init__(
            self, journal: backup_journal.BackupJournal,
            project_id: Optional[str],
            connect: Callable[[polling.Deadline], trove_client.TroveClient],
            poller: polling.Poller) -> None:
        """Create a deletion. No request is sent yet.

        :param project_id: the project whose backups the client lists. The
            backups of other projects are deferred.
        :param connect: returns a client that sends no request after the
            deadline. An error that it raises defers the deletion.
        """
        self._journal = journal
        self._project_id = project_id
        self._manifests = manifests.ManifestStore(journal.bank,
                                                  journal.instance_id)
        self._connect = connect
        self._poller = poller
        self._backups: Dict[str, models.Backup] = {}

    def delete(self, entry: backup_journal.BackupEntry,
               timeout: float) -> Outcome:
        """Delete a backup and wait until it is deleted, or defer it.

        The journal keeps the entry of a deferred deletion. A later sweep
        tries it again.

        :param timeout: seconds that the deletion in Trove may take.
        :raises errors.BankError: the journal could not be changed. The
            backup may or may not be deleted.
        """
        if entry.deleted_at is None:
            # Mark the entry as deleted before reading other operations'
            # parent reservations. They reserve before they read this mark, so
            # at least one of the two operations sees the other.
            entry = dataclasses.replace(
                entry, deleted_at=self._poller.clock.utc().isoformat())
            self._journal.write(entry)
        outcome = self._attempt(entry, lambda: self._delete(entry, timeout))
        if outcome.deleted:
            # Delete the entry last. If this operation is interrupted before,
            # the next sweep finds the entry and finishes the deletion.
            if outcome.entry.backup_id is not None:
                self._manifests.delete(outcome.entry.backup_id)
            self._journal.delete(outcome.entry.checkpoint_id)
        return outcome

    def sweep(self, skip_checkpoint_id: Optional[str] = None) -> None:
        """Try all deferred deletions again, for 30 s at most.

        If there are none, no request is sent to Trove. If none of them is
        possible yet, the only request is one list of the backups. A failure
        is only logged, since the operation that calls this has already done
        its own work.

        :param skip_checkpoint_id: the checkpoint whose backup the calling
            operation has just tried to delete.
        """
        try:
            deferred = [entry for entry in self._journal.list_entries()
                        if entry.deleted_at
                        and entry.checkpoint_id != skip_checkpoint_id
                        and entry.is_visible_to(self._project_id)]
            if not deferred:
                return
            deadline = self._poller.deadline(timeouts.SWEEP)
            now = self._refresh(deadline, deadline).now
            # The newest first, so that each child precedes its parent.
            for entry in sorted(deferred, reverse=True,
                                key=lambda entry: entry.not_before or ''):
                outcome = self._attempt(entry, functools.partial(
                    self._check_deletable, entry, now))
                if outcome.blocker is None and deadline.remaining:
                    self.delete(outcome.entry, deadline.remaining)
        except errors.KarborTroveError as error:
            LOG.warning('The deferred deletions of instance %s could not be '
                        'tried again: %s', self._journal.instance_id, error)
        except Exception:  # A sweep must not fail the calling operation.
            LOG.exception('The sweep of the deferred deletions of instance %s '
                          'failed', self._journal.instance_id)

    def _attempt(self, entry: backup_journal.BackupEntry,
                 action: Callable[[], backup_journal.BackupEntry]) -> Outcome:
        """Run an action on an entry. If it fails, write the reason."""
        try:
            return Outcome(action())
        except errors.KarborTroveError as error:
            blocker = str(error)
            # The action may have written data to the entry before it failed.
            with storage.log_bank_errors(blocker):
                entry = self._journal.read(entry.checkpoint_id) or entry
            if isinstance(error, errors.Ambiguous):
                entry = dataclasses.replace(entry, is_ambiguous=True)
        if blocker != entry.reason:
            LOG.warning('The backup of checkpoint %s of instance %s cannot be '
                        'deleted now: %s', entry.checkpoint_id,
                        entry.instance_id, blocker)
            entry = dataclasses.replace(entry, reason=blocker)
            with storage.log_bank_errors(
                    'The deletion is deferred, but its reason could not be '
                    'written to the bank'):
                self._journal.write(entry)
        return Outcome(entry, blocker)

    def _refresh(self, deadline: polling.Deadline,
                 outage_deadline: polling.Deadline
                 ) -> trove_client.TroveClient:
        """List the backups in Trove again.

        :param outage_deadline: how long to wait for Trove during an outage.
        """
        # A request that is sent just before the deadline may end after it.
        # Its own timeout limits by how much.
        request_deadline = self._poller.deadline(
            deadline.remaining + timeouts.HTTP_READ_WITH_DEADLINE)
        client = self._poller.wait_for(
            lambda: self._connect(request_deadline), outage_deadline,
            'Trove could not be found')
        self._backups = self._poller.wait_for(
            client.list_backups, outage_deadline,
            'the backups could not be listed')
        return client

    def _check_deletable(self, entry: backup_journal.BackupEntry,
                         now: Optional[datetime.datetime]
                         ) -> backup_journal.BackupEntry:
        """Check with the last list of backups if a backup may be deleted.

        If the response to the request for the backup was lost, find the
        backup and write its id.

        :param now: Trove's time when it listed the backups. None if Trove did
            not return it.
        :returns: the entry. It has no backup id if the request created no
            backup and is settled.
        :raises errors.Busy: the backup must not be deleted now.
        :raises errors.Rejected: it is not certain which backup it is.
        """
        entries = self._journal.list_entries()
        if entry.backup_id is None:
            backup = adoption.find_created_backup(
                self._backups.values(), entry, entries)
            if backup is None:
                if not entry.is_settled(now):
                    raise errors.Busy('the response to the request for the '
                                      'backup was lost: Trove may still '
                                      'create the backup')
                return entry
            entry = dataclasses.replace(entry, backup_id=backup.id)
            self._journal.write(entry)
        blocker = chain.deletion_blocker(
            self._backups, str(entry.backup_id),
            {other.reserved_parent_id for other in entries
             if other.reserved_parent_id})
        if blocker is not None:
            raise errors.Busy(blocker)
        return entry

    def _delete(self, entry: backup_journal.BackupEntry,
                timeout: float) -> backup_journal.BackupEntry:
        deadline = self._poller.deadline(timeout)
        outage_deadline = self._poller.deadline(min(timeouts.OUTAGE, timeout))
        if not entry.is_visible_to(self._project_id):
            raise errors.Rejected(
                'the backup is in project %s, and the request came from '
                'another project' % entry.project_id)
        client = self._refresh(deadline, outage_deadline)
        entry = self._check_deletable(entry, client.now)
        if entry.backup_id is None:
            return entry
        backup = self._backups.get(entry.backup_id)
        if backup is not None:
            if backup.location and backup.location != entry.location:
                entry = dataclasses.replace(entry, location=backup.location)
                self._journal.write(entry)

            def check_again() -> None:
                now = self._refresh(deadline, outage_deadline).now
                self._check_deletable(entry, now)

            delete.delete_backup(client, backup, entry.location, check_again,
                                 outage_deadline, deadline, self._poller)
            # A sweep continues with the parent. The list is not read again, so
            # the deleted child must not block it.
            self._backups.pop(backup.id, None)
        swift.delete_leftover_object(client, entry.location, outage_deadline,
                                     self._poller)
        return entry
