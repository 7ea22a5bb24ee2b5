# SPDX-License-Identifier: Apache-2.0

"""Markers of the complete backups of an instance, and of its omissions.

Each complete backup whose checkpoint exists has a backup marker. The key of
this marker has the id of the checkpoint, the id of the backup and the id of
its parent. So one list of keys shows all these backups. An operation then
reads only the few journal entries that have no marker.

Each existing checkpoint that left the instance out has an omission marker. The
key of this marker has the id of the checkpoint and the time of the omission.
The same list of keys shows the omission markers.
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
    """The marker of a complete backup.

    The fields are the ids that the key of the marker has.
    """

    checkpoint_id: str
    backup_id: str
    #: None if the backup is a full backup.
    parent_id: Optional[str] = None

    @property
    def key(self) -> str:
        """Return the key of the marker in the bank.

        The key is CHECKPOINT@BACKUP for a full backup, and
        CHECKPOINT@BACKUP@PARENT for an incremental backup. The three words
        stand for ids.
        """
        return '@'.join(filter(None, (
            self.checkpoint_id, self.backup_id, self.parent_id)))


@dataclasses.dataclass(frozen=True)
class OmissionMarker:
    """The marker of an omission: a checkpoint left an instance out.

    The fields are the data that the key of the marker has.
    """

    checkpoint_id: str
    #: When the checkpoint left the instance out: UTC, without a zone, in whole
    #: seconds.
    omitted_at: datetime.datetime

    @property
    def key(self) -> str:
        """Return the key of the marker in the bank: CHECKPOINT@omitted@TIME.

        CHECKPOINT stands for the id of the checkpoint. TIME is a time such as
        "2026-01-01T12-00-00Z". The time has "-" in place of ":", because
        Karbor allows no ":" in a key.
        """
        return '@'.join((self.checkpoint_id, _OMITTED,
                         self.omitted_at.strftime(_TIME)))


class MarkerList(NamedTuple):
    """The backup markers and omission markers that list_markers() returns."""

    backup_markers: List[BackupMarker]
    omission_markers: List[OmissionMarker]


def parse_key(key: str) -> Optional[BackupMarker]:
    """Build the backup marker that belongs to the given key.

    The ids in the key are checked, because a user may be able to write into
    the bank.

    :param key: such as CHECKPOINT@BACKUP@PARENT. The words stand for ids.
    :returns: the marker. None if the key is not the key of a backup marker.
    """
    checkpoint_id, *backup_ids = key.split('@')
    if (ids.is_path_part(checkpoint_id) and len(backup_ids) in (1, 2)
            and all(map(ids.is_uuid, backup_ids))):
        return BackupMarker(checkpoint_id, *backup_ids)
    return None


def parse_omission_key(key: str) -> Optional[OmissionMarker]:
    """Build the omission marker that belongs to the given key.

    :param key: such as CHECKPOINT@omitted@2026-01-01T12-00-00Z. The word
        CHECKPOINT stands for an id.
    :returns: the marker. None if the key is not the key of an omission marker.
    """
    checkpoint_id, _, rest = key.partition('@')
    word, _, time = rest.partition('@')
    if not ids.is_path_part(checkpoint_id) or word != _OMITTED:
        return None
    try:
        return OmissionMarker(checkpoint_id,
                              datetime.datetime.strptime(time, _TIME))
    except ValueError:
        return None


class MarkerStore:
    """The folder in the bank with all markers of one instance.

    The folder has the backup markers and the omission markers. Every method
    that reads or writes raises errors.BankError if the bank fails.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the object. Nothing is read or written yet.

        :param instance_id: the id of the original instance.
        :raises errors.Rejected: the instance id is not a UUID.
        """
        self._section = bank.get_sub_section(
            layout.instance_folder(instance_id, layout.INSTANCE_MARKERS))

    def list_markers(self) -> MarkerList:
        """Return all backup markers and all omission markers of the instance.

        This method lists the keys of the markers, and reads no object. Keys of
        other objects are ignored.

        :raises errors.BankError: the bank did not return a list.
        """
        keys = storage.list_keys(self._section)
        return MarkerList(list(filter(None, map(parse_key, keys))),
                          list(filter(None, map(parse_omission_key, keys))))

    def write(self, marker: Union[BackupMarker, OmissionMarker]) -> None:
        """Write a marker to the bank.

        Operations use only the key of a marker. The content is never read.

        :raises errors.BankError: the marker may be written nevertheless.
        """
        storage.write(self._section, marker.key,
                      {'checkpoint_id': marker.checkpoint_id})

    def delete(self, checkpoint_ids: Collection[str]) -> None:
        """Delete the backup markers and the omission markers of checkpoints.

        An absent marker is no error.

        :raises errors.BankError: some of the markers may be deleted.
        """
        for key in storage.list_keys(self._section):
            if key.partition('@')[0] in checkpoint_ids:
                storage.delete(self._section, key)

    def delete_backup_markers(self, checkpoint_ids: Collection[str]) -> None:
        """Delete the backup markers of checkpoints.

        The omission markers of these checkpoints stay. An absent marker is no
        error.

        :raises errors.BankError: some of the markers may be deleted.
        """
        for key in storage.list_keys(self._section):
            marker = parse_key(key)
            if marker is not None and marker.checkpoint_id in checkpoint_ids:
                storage.delete(self._section, key)
