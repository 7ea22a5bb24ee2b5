# SPDX-License-Identifier: Apache-2.0

"""Markers of the complete backups of an instance, and of its omissions.

Each complete backup whose checkpoint exists has a marker. The key of the
marker has the ids of the checkpoint, of the backup and of its parent. So one
list of keys shows all these backups, and an operation reads only the few
journal entries that have no marker.

Each existing checkpoint that left the instance out has an omission marker. The
key of this marker has the id of the checkpoint and the time. The same list of
keys shows these markers.
"""

import dataclasses
import datetime
from typing import Collection, List, NamedTuple, Optional, Union

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import ids
from karbor_trove import karbor_types

# An omission marker has this word in its key, in place of the id of a backup.
_OMITTED = 'omitted'
# Karbor allows no ":" in a key [Bank._KEY_VALIDATION in
# protection/bank_plugin.py, 1.6.0].
_TIME = '%Y-%m-%dT%H-%M-%SZ'


@dataclasses.dataclass(frozen=True)
class BackupMarker:
    """The marker of a complete backup, with the ids that are in its key."""

    checkpoint_id: str
    backup_id: str
    #: None if the backup is a full backup.
    parent_id: Optional[str] = None

    @property
    def key(self) -> str:
        """Return CHECKPOINT@BACKUP, or CHECKPOINT@BACKUP@PARENT."""
        return '@'.join(filter(None, (
            self.checkpoint_id, self.backup_id, self.parent_id)))


@dataclasses.dataclass(frozen=True)
class OmissionMarker:
    """The marker of an omission, with the data that is in its key."""

    checkpoint_id: str
    #: When the checkpoint left the instance out: UTC, without a zone, in whole
    #: seconds.
    omitted_at: datetime.datetime

    @property
    def key(self) -> str:
        """Return CHECKPOINT@omitted@TIME, with "-" for ":" in the time."""
        return '@'.join((self.checkpoint_id, _OMITTED,
                         self.omitted_at.strftime(_TIME)))


class Markers(NamedTuple):
    """All markers of an instance, of both kinds."""

    backups: List[BackupMarker]
    omissions: List[OmissionMarker]


def parse_key(key: str) -> Optional[BackupMarker]:
    """Return the backup marker with a key. None for any other key.

    The ids are checked, because a user may be able to write into the bank.
    """
    checkpoint_id, *backup_ids = key.split('@')
    if (ids.is_path_part(checkpoint_id) and len(backup_ids) in (1, 2)
            and all(map(ids.is_uuid, backup_ids))):
        return BackupMarker(checkpoint_id, *backup_ids)
    return None


def parse_omission_key(key: str) -> Optional[OmissionMarker]:
    """Return the omission marker with a key. None for any other key."""
    checkpoint_id, _, rest = key.partition('@')
    word, _, time = rest.partition('@')
    if not ids.is_path_part(checkpoint_id) or word != _OMITTED:
        return None
    try:
        return OmissionMarker(checkpoint_id,
                              datetime.datetime.strptime(time, _TIME))
    except ValueError:
        return None


class BackupMarkers:
    """The markers of one instance in one bank.

    Every method that reads or writes raises errors.BankError if the bank
    fails.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the object. Nothing is read or written yet.

        :param instance_id: the id of the original instance.
        """
        self._section = bank.get_sub_section(
            layout.instance_folder(instance_id, layout.BACKUP_MARKERS))

    def list_markers(self) -> Markers:
        """Return all markers. Only the keys are listed, no object is read.

        Other keys are ignored.
        """
        keys = storage.list_keys(self._section)
        return Markers(list(filter(None, map(parse_key, keys))),
                       list(filter(None, map(parse_omission_key, keys))))

    def write(self, marker: Union[BackupMarker, OmissionMarker]) -> None:
        """Write a marker. Only its key matters, its content is never read."""
        storage.write(self._section, marker.key,
                      {'checkpoint_id': marker.checkpoint_id})

    def delete(self, checkpoint_ids: Collection[str]) -> None:
        """Delete the backup markers and the omission markers of checkpoints.

        An absent marker is no error.
        """
        for key in storage.list_keys(self._section):
            if key.partition('@')[0] in checkpoint_ids:
                storage.delete(self._section, key)

    def delete_of_backups(self, checkpoint_ids: Collection[str]) -> None:
        """Delete the backup markers of checkpoints.

        The omission markers of these checkpoints stay. An absent marker is no
        error.
        """
        for key in storage.list_keys(self._section):
            marker = parse_key(key)
            if marker is not None and marker.checkpoint_id in checkpoint_ids:
                storage.delete(self._section, key)
