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

"""What an incremental backup is going to hang on, noted before it is made."""

import dataclasses
from typing import Optional

from karbor_trove.backups import adoption
from karbor_trove.backups import chain
from karbor_trove.bank import backup_journal
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import client
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models


def reserve_parent(gateway: client.TroveClient, ledger: backup_journal.BackupJournal,
                   entry: backup_journal.BackupEntry, backups: chain.Backups,
                   longest: int) -> backup_journal.BackupEntry:
    """Write an intent that names its parent; a full backup names none.

    :param entry: the intent as it would be of a full backup; nothing is
        written yet.
    :param backups: as the gateway has just listed them.
    :param longest: how many backups a chain may have, the full one counted.
    :returns: what was written.
    """
    ours = {str(known.backup_id): known for known in ledger.list_entries()
            if known.complete and not known.deleted}
    parent_id = chain.choose_parent(backups, list(ours), longest)
    claimed = dataclasses.replace(entry, parent_id=parent_id,
                                  not_before=lost_responses.trove_time(gateway))
    ledger.write(claimed)
    if parent_id is None:
        return claimed
    # Who deletes writes so before the look at our claim: one of both sees the
    # other. Without an entry the parent has gone already.
    known = ledger.read(ours[parent_id].checkpoint_id)
    if known is None or known.deleted:
        claimed = dataclasses.replace(claimed, parent_id=None)
        ledger.write(claimed)
    return claimed


def create_backup(gateway: client.TroveClient, ledger: backup_journal.BackupJournal,
                  entry: backup_journal.BackupEntry, request: models.BackupRequest,
                  interval: float, clock: polling.Clock) -> models.Backup:
    """Ask for a backup, and find it when the answer is lost.

    :param entry: the intent, in the ledger already; it leaves the ledger
        when Trove refuses.
    :param interval: seconds between two looks.
    :raises errors.Unreachable: nothing was found; it may still come.
    :raises errors.Refused: Trove refused, or several may be the one.
    :raises errors.BankFailed: what came of it could not be told.
    """
    def find() -> Optional[models.Backup]:
        try:
            return adoption.find_created_backup(
                gateway.list_backups().values(), entry, ledger.list_entries())
        except errors.Ambiguous:
            ledger.write(dataclasses.replace(entry, ambiguous=True))
            raise

    try:
        return gateway.create_backup(request)
    except errors.Unreachable as lost:
        return lost_responses.recover(find, lost,
                                      polling.Poller(interval, clock))
    except errors.KarborTroveError:
        with storage.log_bank_errors('The request of checkpoint %s, which Trove '
                                     'refused, is left' % entry.checkpoint_id):
            ledger.delete(entry)
        raise


def get_complete_backup(gateway: client.TroveClient,
                        backup_id: str) -> Optional[models.Backup]:
    """See whether a backup is complete.

    :returns: None while that may still come.
    :raises errors.Failed: it will not.
    """
    backup = gateway.get_backup(backup_id)
    if backup.is_failed:
        raise errors.ResourceFailed('backup %s ended as %s' % (backup_id,
                                                               backup.status))
    return backup if backup.is_complete else None
