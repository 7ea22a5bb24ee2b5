# SPDX-License-Identifier: Apache-2.0

"""Deletion, at once or in a sweep, of the backups of deleted checkpoints."""

import dataclasses
import datetime
import random
from typing import Callable, Iterable, Iterator, List, Mapping, Optional, Set
from typing import Tuple

from oslo_log import log as logging

from karbor_trove.backups import adoption
from karbor_trove.backups import chain
from karbor_trove.backups import delete
from karbor_trove.backups import last_backup
from karbor_trove.bank import backup_journal
from karbor_trove.bank import manifests
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import backup_polls
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import swift

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of one attempt to delete a backup."""

    #: The journal entry, with the data that the attempt added, such as the id
    #: of the backup.
    entry: backup_journal.BackupEntry
    #: Why the backup is not deleted. None if the backup is deleted, or was
    #: never created.
    blocker: Optional[str] = None
    #: Whether the attempt failed. False if the backup only has to wait, such
    #: as for the deletion of its children.
    has_failed: bool = False
    #: Whether delete_all() gave up this attempt, or did not make it, because
    #: Trove is unavailable.
    is_outage: bool = False

    @property
    def deleted(self) -> bool:
        """Return True if the backup is deleted, or was never created."""
        return self.blocker is None


class _RemainingBackups(Mapping[str, models.Backup]):
    """The backups of a list, without those that do not exist any more.

    Several deletions share the list. So a deletion does not remove a deleted
    backup from the list, but adds its id to a set of its own.
    """

    def __init__(self, listed: backup_polls.BackupList, gone: Set[str]
                 ) -> None:
        """Create the object.

        :param listed: the backups of the project, as Trove listed them.
        :param gone: the ids of the backups that do not exist any more. Ids
            may be added later.
        """
        self._listed = listed
        self._gone = gone

    def __getitem__(self, backup_id: str) -> models.Backup:
        if backup_id in self._gone:
            raise KeyError(backup_id)
        return self._listed[backup_id]

    def __iter__(self) -> Iterator[str]:
        return (id_ for id_ in self._listed if id_ not in self._gone)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def list_children(self, backup_id: str) -> List[models.Backup]:
        """Return the children of a backup."""
        return [child for child in self._listed.children.get(backup_id, ())
                if child.id not in self._gone]


class BackupDeletion:
    """Deletes backups of one instance after the deletion of their checkpoints.

    If a backup cannot be deleted now, its deletion is deferred. The entry of
    the backup then stays in the journal, and a later sweep tries the deletion
    again.
    """

    def __init__(
            self, journal: backup_journal.BackupJournal,
            project_id: Optional[str],
            connect: Callable[[polling.Deadline], trove_client.TroveClient],
            poller: polling.Poller,
            polls: Optional[backup_polls.BackupPolls] = None,
            keeps_last: bool = True,
            request_id: Optional[str] = None) -> None:
        """Create the object. No request is sent yet.

        :param journal: the backup journal of the instance.
        :param project_id: the id of the project whose backups the client
            lists. The deletion of a backup of another project is deferred.
            None if the client lists the backups of all projects.
        :param connect: returns a client that sends no request after the given
            deadline. If `connect` raises errors.Unreachable, it is called
            again for up to 60 s, and then the deletion is deferred. After any
            other errors.KarborTroveError the deletion is deferred at once.
        :param polls: the polls that this deletion shares with other deletions
            of the project. None if there are no other deletions.
        :param keeps_last: whether the last complete backup of the instance is
            kept if an existing checkpoint that is newer than this backup left
            the instance out. If False, this backup is deleted too.
        :param request_id: Karbor's id of the user's request, for the log. None
            if an operator deletes the backups with a command.
        """
        self._keeps_last = keeps_last
        self._request_id = request_id
        self._polls = polls or backup_polls.BackupPolls(poller)
        self._journal = journal
        self._project_id = project_id
        self._manifests = manifests.ManifestStore(journal.bank,
                                                  journal.instance_id)
        self._connect = connect
        # This clock is paused while the bank is used. So its deadlines limit
        # only Trove and Swift. Otherwise a slow bank would leave no time for
        # requests to Trove.
        self._clock = polling.PausableClock(poller.clock)
        self._poller = polling.Poller(poller.interval, self._clock)
        # This clock also runs while the bank is used.
        self._wall_clock = poller.clock
        # The ids of the backups that do not exist any more. Trove never uses
        # an id again.
        self._gone: Set[str] = set()
        # The backups that Trove listed last, by id.
        self._backups = _RemainingBackups(backup_polls.BackupList(),
                                          self._gone)
        # The client that has listed these backups.
        self._client: trove_client.TroveClient
        # The outage of Swift that this object has already waited for. None if
        # there was no such outage.
        self._swift_error: Optional[errors.DeadlineExceeded] = None
        # The outage of Trove that kept the backups from being listed. None if
        # there was no such outage.
        self._outage: Optional[errors.DeadlineExceeded] = None

    def delete(self, entry: backup_journal.BackupEntry,
               timeout: float) -> Outcome:
        """Delete the backup of an entry, or defer its deletion.

        If the backup can be deleted now, this method waits until the backup is
        deleted.

        :param entry: the journal entry of the backup. This method first marks
            the entry. The mark says that the checkpoint is deleted.
        :param timeout: seconds that Trove and Swift may take. The time that
            the bank takes does not count.
        :returns: the outcome. If the deletion is deferred, the outcome has the
            reason.
        :raises errors.BankError: the journal could not be changed. The
            backup may or may not be deleted.
        """
        return self._try_to_delete(self._mark_checkpoint_deleted(entry),
                                   timeout, None)

    def delete_all(self, entries: Iterable[backup_journal.BackupEntry],
                   timeout: float) -> Iterator[Outcome]:
        """Delete the backups of several entries, and yield their outcomes.

        First, each entry is marked in the journal. The mark says that the
        checkpoint of the entry is deleted. Then the backups are deleted,
        children before their parents. A deletion that is not possible now is
        deferred.

        If Trove is unavailable for one backup, the remaining deletions are not
        tried. If the bank fails for one backup, the remaining deletions are
        tried nevertheless.

        The journal is read once for all entries. For each entry without a
        backup id, the journal is read again.

        This method also deletes the marker objects that an earlier release may
        have left in the bank for the entries.

        :param timeout: seconds that Trove and Swift may take for each backup.
            The time that the bank takes does not count.
        :raises errors.BankError: the journal could not be read, or the marker
            objects could not be deleted.
        """
        marked = []
        for entry in sort_entries_children_first(entries):
            try:
                marked.append(self._mark_checkpoint_deleted(entry))
            except errors.BankError as error:
                yield Outcome(entry, str(error), has_failed=True)
        # An earlier release may have marked an entry as deleted and left the
        # marker of the entry. This marker hides the entry from the sweeps of
        # operations.
        self._journal.delete_markers(marked)
        journal = self._journal.list_abridged()
        for entry in marked:
            if self._outage is not None:
                yield Outcome(entry, str(self._outage), True, is_outage=True)
                continue
            try:
                # An entry without a backup id is of a request with a lost
                # response. The search for its backup needs a journal that is
                # read after the backups are listed. With None, the journal is
                # read then.
                outcome = self._try_to_delete(
                    entry, timeout, journal if entry.backup_id else None)
                yield dataclasses.replace(
                    outcome, is_outage=self._outage is not None)
            except errors.BankError as error:
                yield Outcome(entry, str(error), has_failed=True)

    def _mark_checkpoint_deleted(self, entry: backup_journal.BackupEntry
                                 ) -> backup_journal.BackupEntry:
        """Mark the checkpoint of an entry as deleted in the journal.

        If the entry already has the mark, nothing is written.

        A protect operation may want the backup as a parent at the same time.
        The protect operation first writes its parent reservation, and then
        reads this mark. A delete operation first writes this mark, and then
        reads the parent reservations. So at least one of the two operations
        sees what the other has written.

        :returns: the entry with the mark.
        :raises errors.BankError: the mark may be written nevertheless.
        """
        if entry.deleted_at is None:
            entry = dataclasses.replace(
                entry, deleted_at=self._poller.clock.utc().isoformat())
            self._journal.write(entry)
        return entry

    def sweep(self, skip_checkpoint_id: Optional[str] = None) -> None:
        """Try all deferred deletions of the instance again, within limits.

        There are three limits of time:

        * Trove and Swift together may take 30 s. The time that the bank takes
          does not count.
        * No deletion is tried later than 60 s after the sweep has read the
          backups and the journal. The time that the bank takes counts.
        * After the deletions, the bank may take 30 s to store why the other
          deletions are still deferred.

        If there are no deferred deletions, no request is sent to Trove. If no
        deferred deletion is possible yet, the backups are listed once, and no
        deletion is requested.

        A failure is only logged, because the operation that calls this method
        has already done its own work.

        :param skip_checkpoint_id: the id of a checkpoint. The calling
            operation has just tried to delete the backup of this checkpoint.
            The sweep tries this backup again only after it has deleted another
            backup, which may have been a child of this backup. None to try all
            backups.
        """
        try:
            entries = self._journal.correct_markers()
            deferred = [entry for entry in entries
                        if entry.deleted_at
                        and entry.is_visible_to(self._project_id)]
            if any(entry.checkpoint_id != skip_checkpoint_id
                   for entry in deferred):
                self._sweep(deferred, entries, skip_checkpoint_id)
        except errors.KarborTroveError as error:
            LOG.warning('The deferred deletions of instance %s could not be '
                        'tried again: %s', self._journal.instance_id, error)
        except Exception:  # A sweep must not fail the calling operation.
            LOG.exception('The sweep of the deferred deletions of instance %s '
                          'failed', self._journal.instance_id)

    def _sweep(self, deferred: List[backup_journal.BackupEntry],
               entries: List[backup_journal.BackupEntry],
               skip_checkpoint_id: Optional[str]) -> None:
        """Do the work of sweep() if there are deferred deletions.

        The journal is not read again before each deletion. Each deferred entry
        has the mark that its checkpoint is deleted. If a protect operation
        reserves such a backup as a parent during the sweep, the protect
        operation sees the mark and creates a full backup.

        If a deferred entry has no backup id, and a backup in Trove may belong
        to this entry, the journal is read once more. This is done after Trove
        has listed the backups.

        :param deferred: the entries of the deferred deletions.
        :param entries: all entries of the journal.
        :param skip_checkpoint_id: see sweep().
        :raises errors.KarborTroveError: the backups could not be listed, or
            the journal could not be read again.
        """
        deadline = self._poller.deadline(timeouts.SWEEP)
        now = self._update_backup_list(deadline, deadline).last_response_time
        if any(entry.backup_id is None and entry.matches(backup)
               for entry in deferred for backup in self._backups.values()):
            # The entry of a backup is written before the backup is created. So
            # a journal that is read after the list has the entries of all
            # backups in the list that Karbor created.
            with self._clock.pause():
                entries = self._journal.list_abridged()
        end = polling.Deadline(timeouts.SWEEP_WITH_BANK, self._wall_clock)
        blockers: List[Tuple[backup_journal.BackupEntry,
                             errors.KarborTroveError]] = []
        any_deleted = False
        for entry in self._sort(deferred, entries):
            if entry.checkpoint_id == skip_checkpoint_id and not any_deleted:
                continue
            if not end.remaining:
                # The next sweep tries the deletions in another order.
                break
            try:
                entry = self._check_deletable(
                    self._add_backup_id(entry, now, entries), now, entries)
            except errors.KarborTroveError as error:
                blockers.append((entry, error))
                continue
            if deadline.remaining:
                # If this deletion never ends, half of the time remains for
                # the other deletions.
                outcome = self._try_to_delete(entry, deadline.remaining / 2,
                                              entries)
                any_deleted = any_deleted or outcome.deleted
        # The reasons are written last, so that a slow bank does not keep
        # backups from being deleted. The next sweep writes the reasons that
        # remain.
        end = polling.Deadline(timeouts.SWEEP, self._wall_clock)
        for entry, blocker in blockers:
            if end.remaining:
                self._defer(entry, blocker)

    def _sort(self, deferred: List[backup_journal.BackupEntry],
              entries: List[backup_journal.BackupEntry]
              ) -> List[backup_journal.BackupEntry]:
        """Return deferred deletions in the order in which a sweep tries them.

        Backups that Trove does not list come last. Trove has deleted them, and
        at most their objects in Swift remain. All other entries come first.

        In each of these two groups, the chains are in random order. In a fixed
        order, deletions that always fail could use up the time of every sweep.
        In each chain, a child precedes its parent.

        :param deferred: the entries to sort.
        :param entries: all entries of the journal. For a backup that Trove
            does not list, the id of the parent is taken from its entry.
        """
        parents = {_get_key(entry): entry.parent_id for entry in entries}
        chains = {_get_key(entry): chain.list_chain_ids(
            self._backups, _get_key(entry), parents) for entry in deferred}
        ranks = {ids[-1]: random.random() for ids in chains.values()}
        return sorted(deferred, key=lambda entry: (
            entry.backup_id is not None
            and entry.backup_id not in self._backups,
            ranks[chains[_get_key(entry)][-1]],
            -len(chains[_get_key(entry)])))

    def _try_to_delete(
            self, entry: backup_journal.BackupEntry, timeout: float,
            entries: Optional[List[backup_journal.BackupEntry]]) -> Outcome:
        """Delete a backup. If this fails, write the reason to the journal.

        When the backup is deleted, its manifest and its journal entry are
        deleted too.

        :param entry: the entry of the backup, with the mark that its
            checkpoint is deleted.
        :param timeout: seconds that Trove and Swift may take.
        :param entries: all entries of the journal, read after the mark was
            written. None if this method has to read the journal.
        :raises errors.BankError: the backup is deleted, but its entry may
            remain.
        """
        try:
            entry = self._delete(entry, timeout, entries)
        except errors.KarborTroveError as error:
            # The attempt may have written data to the journal before it
            # failed.
            with self._clock.pause(), storage.log_bank_errors(str(error)):
                entry = self._journal.read(entry.checkpoint_id) or entry
            return self._defer(entry, error)
        # Delete the entry last. If this operation is interrupted before, the
        # next sweep finds the entry and finishes the deletion.
        with self._clock.pause():
            if entry.backup_id is not None:
                self._manifests.delete(entry.backup_id)
            self._journal.delete(entry.checkpoint_id)
        return Outcome(entry)

    def _defer(self, entry: backup_journal.BackupEntry,
               error: errors.KarborTroveError) -> Outcome:
        """Write to the journal why a backup is not deleted yet.

        Nothing is written if the entry already has this reason. A bank error
        is only logged.

        :param error: what prevents the deletion. If the error is an
            errors.Busy, the attempt does not count as failed.
        :returns: the outcome of the attempt, with the reason.
        """
        blocker = str(error)
        if isinstance(error, errors.Ambiguous):
            entry = dataclasses.replace(entry, is_ambiguous=True)
        if blocker != entry.reason:
            LOG.warning('The backup of checkpoint %s of instance %s cannot be '
                        'deleted now: %s', entry.checkpoint_id,
                        entry.instance_id, blocker)
            entry = dataclasses.replace(entry, reason=blocker)
            with self._clock.pause(), storage.log_bank_errors(
                    'The deletion is deferred, but its reason could not be '
                    'written to the bank'):
                self._journal.write(entry)
        return Outcome(entry, blocker,
                       has_failed=not isinstance(error, errors.Busy))

    def _update_backup_list(self, deadline: polling.Deadline,
                            outage_deadline: polling.Deadline
                            ) -> trove_client.TroveClient:
        """Read a new list of the backups from Trove.

        The list is stored in this object, together with the client that has
        requested the list. The following deletions use both.

        :param deadline: the deadline of the following deletions.
        :param outage_deadline: when to stop waiting for the list during an
            outage.
        :returns: the client. Its attribute `last_response_time` is Trove's
            time when Trove listed the backups.
        :raises errors.KarborTroveError: the backups could not be listed.
        """
        # The last request of a wait is sent at the deadline. So the client
        # needs a later deadline. The additional time is the read timeout of
        # one request.
        request_deadline = self._poller.deadline(
            deadline.remaining + timeouts.HTTP_READ_WITH_DEADLINE)
        try:
            client = self._poller.wait_for(
                lambda: self._connect(request_deadline), outage_deadline,
                'Trove could not be found')
            self._backups = _RemainingBackups(self._polls.list_backups(
                client, outage_deadline), self._gone)
        except errors.DeadlineExceeded as error:
            # If the error has no cause, no request was sent, because earlier
            # requests took all the time.
            if error.__cause__ is not None:
                self._outage = error
            raise
        self._client = client
        return client

    def _add_backup_id(self, entry: backup_journal.BackupEntry,
                       now: Optional[datetime.datetime],
                       entries: List[backup_journal.BackupEntry]
                       ) -> backup_journal.BackupEntry:
        """Return an entry, completed with the id of its backup if possible.

        An entry that already has the id is returned unchanged. If the response
        to the request for the backup was lost, the entry has no id. In that
        case this method searches for the backup in the newest list of backups.
        If the backup is found, its id is written to the journal.

        :param now: Trove's time when Trove listed the backups. None if Trove
            returned no time.
        :param entries: all entries of the journal, read after Trove listed the
            backups.
        :returns: the entry. Its backup id is None if no backup was found and
            the request is settled. Then there is no backup to delete.
        :raises errors.Busy: no backup was found, but Trove may still create
            the backup.
        :raises errors.Rejected: several backups match the request. Or one
            backup matches, but another request may have created this backup.
        :raises errors.BankError: the id could not be written.
        """
        if entry.backup_id is not None:
            return entry
        backup = adoption.find_created_backup(
            self._backups.values(), entry, entries)
        if backup is None:
            if not entry.is_settled(now):
                raise errors.Busy('the response to the request for the '
                                  'backup was lost: Trove may still '
                                  'create the backup')
            return entry
        entry = dataclasses.replace(entry, backup_id=backup.id)
        with self._clock.pause():
            self._journal.write(entry)
        return entry

    def _check_deletable(self, entry: backup_journal.BackupEntry,
                         now: Optional[datetime.datetime],
                         entries: List[backup_journal.BackupEntry]
                         ) -> backup_journal.BackupEntry:
        """Check that the backup of an entry may be deleted now.

        The check uses the newest list of backups. If the list lacks a child
        that is in the journal, this method reads the child from Trove, to find
        out whether the child exists.

        :param entry: the entry. If the entry has no backup id, nothing is
            checked, because there is no backup.
        :param now: Trove's time when Trove listed the backups. None if Trove
            returned no time.
        :param entries: all entries of the journal.
        :returns: the entry, unchanged.
        :raises errors.Busy: the backup must not be deleted now. The message
            has the reason.
        :raises errors.KarborTroveError: Trove did not respond as expected, so
            it is not known whether the backup has children.
        """
        if entry.backup_id is None:
            return entry
        blocker = chain.find_deletion_blocker(
            self._backups, entry.backup_id,
            {str(other.parent_id) for other in entries
             if other.reserves_parent(now)},
            self._backups.list_children(entry.backup_id))
        if blocker is not None:
            raise errors.Busy(blocker)
        # A child may be younger than the list, or a deletion between two
        # pages of the list may have hidden the child.
        children = [other.backup_id for other in entries
                    if other.parent_id == entry.backup_id and other.backup_id
                    and other.backup_id not in self._backups
                    and self._exists(other.backup_id)]
        if children:
            raise errors.Busy('the backup has children: %s'
                              % ', '.join(sorted(children)))
        reason = last_backup.find_reason_to_keep(
            entry, self._backups, entries, self._journal.omission_markers
        ) if self._keeps_last else None
        if reason is not None:
            raise errors.Busy(reason)
        return entry

    def _exists(self, backup_id: str) -> bool:
        """Return True if a backup exists in Trove.

        If Trove has already responded that the backup does not exist, no
        further request is sent. The backup cannot appear later, because Trove
        never uses an id again.

        :raises errors.KarborTroveError: Trove did not respond as expected, so
            it is not known whether the backup exists.
        """
        if backup_id not in self._gone:
            try:
                self._client.get_backup(backup_id)
                return True
            except errors.NotFound:
                self._gone.add(backup_id)
        return False

    def _delete(self, entry: backup_journal.BackupEntry, timeout: float,
                entries: Optional[List[backup_journal.BackupEntry]]
                ) -> backup_journal.BackupEntry:
        """Delete a backup in Trove, and its object in Swift.

        :param entry: the entry of the backup, with the mark that its
            checkpoint is deleted.
        :param timeout: seconds that Trove and Swift may take.
        :param entries: all entries of the journal, read after the mark was
            written. None if this method has to read the journal.
        :returns: the entry, with the id and the location of the backup if
            these are known. The id is None if the backup was never created.
        :raises errors.KarborTroveError: the backup or its object may still
            exist.
        """
        deadline = self._poller.deadline(timeout)
        outage_deadline = self._poller.deadline(min(timeouts.OUTAGE, timeout))
        if not entry.is_visible_to(self._project_id):
            raise errors.Rejected(
                'the backup is in project %s, and the request came from '
                'another project' % entry.project_id)

        def check() -> backup_journal.BackupEntry:
            nonlocal entries
            now = self._update_backup_list(
                deadline, outage_deadline).last_response_time
            list_deadline = self._create_list_deadline()
            if entries is None:
                with self._clock.pause():
                    entries = self._journal.list_abridged()
            completed_entry = self._add_backup_id(entry, now, entries)
            if not list_deadline.remaining:
                # A user may have created a child while the bank was slow.
                now = self._update_backup_list(
                    deadline, outage_deadline).last_response_time
            return self._check_deletable(completed_entry, now, entries)

        entry = check()
        if entry.backup_id is None:
            return entry
        backup = self._backups.get(entry.backup_id)
        if backup is None:
            if self._poller.wait_for(
                    lambda: [self._exists(str(entry.backup_id))],
                    outage_deadline, 'backup %s could not be read'
                    % entry.backup_id) == [True]:
                raise errors.Busy('Trove did not list backup %s, although it '
                                  'exists' % entry.backup_id)
        else:
            if backup.location and backup.location != entry.location:
                entry = dataclasses.replace(entry, location=backup.location)
                list_deadline = self._create_list_deadline()
                with self._clock.pause():
                    self._journal.write(entry)
                if not list_deadline.remaining:
                    check()
            delete.delete_backup(
                self._client, backup,
                None if self._is_overdue(entry) else entry.location, check,
                outage_deadline, deadline, self._poller, self._polls)
            LOG.info('Backup %s of instance %s in checkpoint %s is deleted, '
                     'request %s', backup.id, entry.instance_id,
                     entry.checkpoint_id, self._request_id or 'none')
            # A sweep continues with the parent. The list is not read again, so
            # the deleted child must not block its parent.
            self._gone.add(backup.id)
        self._delete_object(entry, outage_deadline)
        return entry

    def _create_list_deadline(self) -> polling.Deadline:
        """Return the deadline until which a new list of backups is trusted.

        Call this method when the backups have just been listed. The deadline
        is 1 s after the call, and is not extended by requests to the bank.
        After the deadline, the list may lack a child that a user has just
        created.
        """
        return polling.Deadline(timeouts.CHILDREN_CHECK_VALID,
                                self._wall_clock)

    def _is_overdue(self, entry: backup_journal.BackupEntry) -> bool:
        """Return True if the deletion must not wait for Swift any longer.

        The deletion waits for Swift for a day after the checkpoint was
        deleted. Without this limit, a host that can never connect to Swift
        would delete no backups. These backups would use up the quota.
        """
        return entry.deleted_at is not None and (
            self._poller.clock.utc()
            - times.parse_utc(entry.deleted_at)
            >= timeouts.SWIFT_OUTAGE)

    def _delete_object(self, entry: backup_journal.BackupEntry,
                       outage_deadline: polling.Deadline) -> None:
        """Delete the object of a deleted backup, if Trove left it in Swift.

        If an earlier call has already waited for Swift in vain, this call
        raises an error at once.

        :param outage_deadline: when to stop waiting for Swift during an
            outage.
        :raises errors.KarborTroveError: the object may still exist.
        """
        if self._swift_error is not None and swift.is_in_swift(
                entry.location):
            # The next backup does not wait for the same outage once more.
            raise errors.Unreachable(
                'Swift is unavailable and may still hold %s: %s'
                % (entry.location, self._swift_error))
        try:
            swift.delete_leftover_object(
                self._client, entry.location, outage_deadline, self._poller)
        except errors.DeadlineExceeded as error:
            self._swift_error = error
            raise


def sort_entries_children_first(entries: Iterable[backup_journal.BackupEntry]
                                ) -> List[backup_journal.BackupEntry]:
    """Return journal entries, sorted so that each child precedes its parent.

    The order follows from the ids of the parents in the entries. The times of
    the backups are not used, because two backups may have the same time.
    Trove's times are whole seconds.
    """
    entries = list(entries)
    parents = {_get_key(entry): entry.parent_id for entry in entries}
    return sorted(entries, reverse=True, key=lambda entry: len(
        chain.list_chain_ids({}, _get_key(entry), parents)))


def _get_key(entry: backup_journal.BackupEntry) -> str:
    """Return the id of the backup of an entry.

    If the entry has no such id, the id of its checkpoint is returned. The
    result is unique in the journal of an instance.
    """
    return entry.backup_id or entry.checkpoint_id
