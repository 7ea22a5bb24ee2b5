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

"""Backups leave Trove and Swift: now, or when they can."""

import dataclasses
import datetime
import functools
from typing import Callable, Dict, Optional, Tuple

from oslo_log import log as logging

from karbor_trove.backups import adoption
from karbor_trove.backups import chain
from karbor_trove.backups import delete
from karbor_trove.bank import backup_journal
from karbor_trove.bank import manifests
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import options
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import models
from karbor_trove.trove import swift

LOG = logging.getLogger(__name__)

#: What is known of an entry now, and why its backup waits; None: it need not.
_Outcome = Tuple[backup_journal.BackupEntry, Optional[str]]


class BackupDeletion:
    """Removes what deleted checkpoints of one instance have left."""

    def __init__(self,
                 ledger: backup_journal.BackupJournal,
                 project_id: Optional[str],
                 connect: Callable[[polling.Deadline],
                                   client.TroveClient],
                 settings: options.Settings,
                 clock: polling.Clock) -> None:
        """Make it; nothing is asked of Trove yet.

        :param project_id: whose backups the gateway shows; no others go.
        :param connect: gives a gateway that asks until then; what it raises
            puts off.
        """
        self._ledger = ledger
        self._project_id = project_id
        self._contents = manifests.ManifestStore(ledger.bank, ledger.instance_id)
        self._connect = connect
        self._interval = settings.poll_interval
        self._clock = clock
        self._backups: Dict[str, models.Backup] = {}

    def delete(self, entry: backup_journal.BackupEntry,
               within: float) -> Optional[str]:
        """Delete a backup and wait until it is gone, if it can go now.

        What cannot go is noted in the bank, and taken by a later sweep.

        :param within: seconds that the deletion itself may take.
        :returns: why the backup is still there; None when it is gone.
        :raises errors.BankFailed: that it has to go, or is gone, is not noted.
        """
        if entry.deleted is None:
            # Written before the look at the claims of others, who write
            # theirs before they look at this: one of both sees the other.
            entry = dataclasses.replace(
                entry, deleted=self._clock.utc().isoformat())
            self._ledger.write(entry)
        entry, reason = self._outcome(
            entry, lambda: self._delete(entry, within))
        if reason is None:
            # The entry last: who is interrupted here finds it again.
            if entry.backup_id is not None:
                self._contents.delete(entry.backup_id)
            self._ledger.delete(entry)
        return reason

    def sweep(self, but: Optional[str] = None) -> None:
        """Remove what can go now, in 30 s at the most.

        Where nothing waits, nothing is asked of Trove; where all has to wait
        on, its backups are listed once. A failure is logged and no more: the
        operation that this rides on has done its work.

        :param but: the checkpoint whose backup was tried just before.
        """
        try:
            deferred = [entry for entry in self._ledger.list_entries()
                        if entry.deleted and entry.checkpoint_id != but
                        and entry.is_visible_to(self._project_id)]
            if not deferred:
                return
            deadline = polling.Deadline(timeouts.SWEEP, self._clock)
            now = self._refresh(deadline, deadline).now
            # The youngest first: no parent comes before its child.
            for entry in sorted(deferred, reverse=True,
                                key=lambda one: one.not_before or ''):
                entry, reason = self._outcome(
                    entry, functools.partial(self._decide, entry, now))
                if reason is None and deadline.remaining:
                    self.delete(entry, deadline.remaining)
        except errors.KarborTroveError as error:
            LOG.warning('What waits of instance %s was not looked at: %s',
                        self._ledger.instance_id, error)
        except Exception:  # A sweep fails nothing that it rides on.
            LOG.exception('Sweeping up after deleted checkpoints of instance '
                          '%s failed', self._ledger.instance_id)

    def _outcome(
        self,
        entry: backup_journal.BackupEntry,
        attempt: Callable[[],
                          _Outcome]) -> _Outcome:
        """Note why something has to wait, whoever says so."""
        try:
            entry, reason = attempt()
        except errors.KarborTroveError as error:
            reason = str(error)
            # What was found out before it failed is in the bank already.
            with storage.log_bank_errors(reason):
                entry = self._ledger.read(entry.checkpoint_id) or entry
            if isinstance(error, errors.Ambiguous):
                entry = dataclasses.replace(entry, ambiguous=True)
        if reason is not None and reason != entry.reason:
            LOG.warning('Checkpoint %s of instance %s still has its backup: '
                        '%s', entry.checkpoint_id, entry.instance_id, reason)
            entry = dataclasses.replace(entry, reason=reason)
            with storage.log_bank_errors('That it waits is noted, but not why'):
                self._ledger.write(entry)
        return entry, reason

    def _refresh(self, deadline: polling.Deadline,
                 away: polling.Deadline) -> client.TroveClient:
        """List what Trove has, as it is now."""
        # A look that begins in time may end after it, but not for ever.
        until = polling.Deadline(
            deadline.remaining +
            timeouts.HTTP_READ_WITH_DEADLINE,
            self._clock)
        gateway = polling.wait_for(lambda: self._connect(until), away,
                                   self._interval, 'Trove could not be found')
        self._backups = polling.wait_for(
            gateway.list_backups, away, self._interval, 'Trove is away')
        return gateway

    def _decide(self, entry: backup_journal.BackupEntry,
                now: Optional[datetime.datetime]) -> _Outcome:
        """Say by the last look why a backup has to wait; None: it need not.

        :param now: Trove's time at that look.
        """
        entries = self._ledger.list_entries()
        if entry.backup_id is None:
            found = adoption.find_created_backup(
                self._backups.values(), entry, entries)
            if found is None:
                return entry, (
                    None if entry.is_settled(now)
                    else 'the backup was asked for, and may still be made')
            entry = dataclasses.replace(entry, backup_id=found.id)
            self._ledger.write(entry)
        return entry, chain.deletion_blocker(
            self._backups, str(entry.backup_id),
            {other.reserved_parent_id for other in entries if other.reserved_parent_id})

    def _delete(self, entry: backup_journal.BackupEntry, within: float) -> _Outcome:
        deadline = polling.Deadline(within, self._clock)
        away = polling.Deadline(min(timeouts.OUTAGE, within), self._clock)
        if not entry.is_visible_to(self._project_id):
            return entry, ('the backup is in project %s, and this was asked '
                           'from another' % entry.project_id)
        gateway = self._refresh(deadline, away)
        entry, reason = self._decide(entry, gateway.now)
        if reason is not None or entry.backup_id is None:
            return entry, reason
        backup = self._backups.get(entry.backup_id)
        if backup is not None:
            if backup.location and backup.location != entry.location:
                entry = dataclasses.replace(entry, location=backup.location)
                self._ledger.write(entry)
            delete.delete_backup(
                gateway, backup, entry.location,
                functools.partial(self._recheck, entry, deadline, away), away,
                deadline, self._interval)
            # Else what it hung on would wait for it once more.
            self._backups.pop(backup.id, None)
        swift.delete_leftover_object(
            gateway, entry.location, away,
            polling.Poller(self._interval, self._clock))
        return entry, None

    def _recheck(self, entry: backup_journal.BackupEntry, deadline: polling.Deadline,
                 away: polling.Deadline) -> None:
        """Look whether a backup may still go; errors.Busy: it may not."""
        _, reason = self._decide(entry, self._refresh(deadline, away).now)
        if reason is not None:
            raise errors.Busy(reason)
