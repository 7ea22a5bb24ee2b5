# SPDX-License-Identifier: Apache-2.0

"""Markers of the complete backups of an instance.

Each complete backup whose checkpoint exists has a marker. The key of the
marker has the ids of the checkpoint, of the backup and of its parent. So one
list of keys shows all these backups, and an operation reads only the few
journal entries that have no marker.
"""

import dataclasses
from typing import Collection, List, Optional

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import ids
from karbor_trove import karbor_types


@dataclasses.dataclass(frozen=True)
class BackupMarker:
    """The ids that the key of a marker consists of."""

    checkpoint_id: str
    backup_id: str
    #: None if the backup is a full backup.
    parent_id: Optional[str] = None

    @property
    def key(self) -> str:
        """Return the key of the marker."""
        return '@'.join(filter(None, (
            self.checkpoint_id, self.backup_id, self.parent_id)))


def parse_key(key: str) -> Optional[BackupMarker]:
    """Return the marker with a key. None if no marker can have the key.

    The ids are checked, because a user may be able to write to the bank.
    """
    checkpoint_id, *backup_ids = key.split('@')
    if (ids.is_path_part(checkpoint_id) and len(backup_ids) in (1, 2)
            and all(map(ids.is_uuid, backup_ids))):
        return BackupMarker(checkpoint_id, *backup_ids)
    return None


class BackupMarkers:
    """The markers of one instance in one bank.

    Every method raises errors.BankError if the bank fails.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the object. Nothing is read or written yet."""
        self._section = bank.get_sub_section(
            layout.instance_folder(instance_id, layout.BACKUP_MARKERS))

    def list_markers(self) -> List[BackupMarker]:
        """Return all markers, from their keys. No object is read."""
        return [marker for marker in map(
            parse_key, storage.list_keys(self._section)) if marker]

    def write(self, marker: BackupMarker) -> None:
        """Write a marker."""
        storage.write(self._section, marker.key,
                      {'checkpoint_id': marker.checkpoint_id})

    def delete(self, checkpoint_ids: Collection[str]) -> None:
        """Delete the markers of checkpoints. An absent marker is no error."""
        for key in storage.list_keys(self._section):
            if key.partition('@')[0] in checkpoint_ids:
                storage.delete(self._section, key)
