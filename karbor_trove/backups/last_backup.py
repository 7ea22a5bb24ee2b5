# SPDX-License-Identifier: Apache-2.0

"""Decision whether the last complete backup of an instance is kept.

The result of each function depends only on the arguments. No function sends a
request.
"""

import datetime
from typing import Iterable, Optional, Tuple

from karbor_trove.backups import chain
from karbor_trove.bank import backup_journal
from karbor_trove.bank import instance_markers
from karbor_trove import timeouts

#: The text names only the backup. So the text is the same in each sweep, and
#: no sweep writes the journal entry again.
_REASON = (
    'it is the last complete backup of the instance, and later checkpoints '
    'left the instance out: it is deleted as soon as a later checkpoint has a '
    'complete backup, or with "karbor-trove-manage deferred release %s '
    '--yes". Until then restore it with "openstack database instance create '
    'NAME --backup %s --flavor FLAVOR --size GB --datastore DATASTORE '
    '--datastore-version VERSION --nic net-id=NETWORK"')


def find_reason_to_keep(
        entry: backup_journal.BackupEntry, backups: chain.Backups,
        entries: Iterable[backup_journal.BackupEntry],
        omissions: Iterable[instance_markers.OmissionMarker]) -> Optional[str]:
    """Return why a backup is kept although its checkpoint is deleted.

    If an instance cannot be backed up any more, new checkpoints may leave the
    instance out. Retention would then delete all complete backups of the
    instance, one after the other. To prevent this, a backup is kept if two
    conditions are met:

    * The journal has no newer backup that is complete and can be restored. A
      newer backup counts even if its deletion is deferred.
    * A checkpoint that still exists left the instance out after the backup
      was created. An omission up to 5 minutes before the backup counts too,
      because the clocks may differ.

    :param entry: the journal entry of the backup.
    :param backups: the backups of the project, as Trove has just listed them.
    :param entries: all entries of the journal.
    :param omissions: the omissions of the instance in existing checkpoints.
    :returns: the reason. None if there is no reason to keep the backup.
    """
    backup_id = str(entry.backup_id)
    time_key = _find_time_key(backups, backup_id)
    if (time_key is None
            or not any(omission.omitted_at + timeouts.CLOCK_TOLERANCE
                       > time_key[0]
                       for omission in omissions
                       if omission.checkpoint_id != entry.checkpoint_id)):
        return None
    for other in entries:
        if other.is_complete and other.backup_id:
            other_key = _find_time_key(backups, other.backup_id)
            if other_key is not None and other_key > time_key:
                return None
    return _REASON % (backup_id, backup_id)


def _find_time_key(backups: chain.Backups, backup_id: str
                   ) -> Optional[Tuple[datetime.datetime, int]]:
    """Return a key for comparisons. A newer backup has a greater key.

    The key is the time of the backup, and then the length of its chain.
    Trove's times are whole seconds, so two backups may have the same time. In
    that case the backup with the longer chain is newer, because a child has a
    longer chain than its parent. A backup without a time counts as older than
    all others.

    :returns: the key. None if the backup cannot be restored.
    """
    links = chain.list_chain(backups, backup_id)
    if not links:
        return None
    return links[0].created or datetime.datetime.min, len(links)
