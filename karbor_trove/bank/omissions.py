# SPDX-License-Identifier: Apache-2.0

"""Omissions: instances that a checkpoint left out.

An omission is an object in the section of the instance in the checkpoint. Each
omission also has a marker in the folder of the instance, at the top of the
bank. Operations that delete backups read only the marker.
"""

import contextlib
import dataclasses
from typing import Optional

from karbor_trove.bank import document_store
from karbor_trove.bank import instance_markers
from karbor_trove.bank import layout
from karbor_trove.bank import resource_status
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import times

VERSION = 1


@dataclasses.dataclass(frozen=True)
class Omission(document_store.StoredEntry):
    """One instance that a checkpoint left out, and the reason."""

    STORED_KEYS = {'omitted_at': 'at'}

    instance_id: str
    checkpoint_id: str
    #: When the checkpoint left the instance out, in UTC and in ISO format. A
    #: protect operation writes Trove's time, or the time of its machine if
    #: Trove returned no time. If the operator left the instance out, this is
    #: the time when the checkpoint was created.
    omitted_at: str
    #: Why the checkpoint has no backup of the instance. One or more lines.
    reason: str


def write(section: karbor_types.BankSection, omission: Omission) -> None:
    """Write an omission and its marker.

    The marker is written first. If this process ends between the two writes,
    only the marker exists. Because of the marker, the last backup of the
    instance may be kept longer than necessary. The marker is deleted together
    with the checkpoint.

    :param section: the section of the instance in the checkpoint.
    :raises errors.BankError: the marker, or both objects, may be written
        nevertheless.
    """
    instance_markers.MarkerStore(section.bank, omission.instance_id).write(
        instance_markers.OmissionMarker(
            omission.checkpoint_id, times.parse_utc(omission.omitted_at)))
    _store(section, omission.instance_id).write_document(
        layout.OMISSION, omission.to_document())


def read(section: karbor_types.BankSection,
         instance_id: str) -> Optional[Omission]:
    """Return the omission of an instance from a checkpoint.

    :param section: the section of the instance in the checkpoint.
    :returns: the omission. None if the section has no omission.
    :raises errors.CorruptObject: the omission is corrupt, or names another
        instance.
    :raises errors.Rejected: a later release wrote the omission.
    :raises errors.BankError: the omission could not be read.
    """
    return _store(section, instance_id).read(layout.OMISSION)


def delete_markers(bank: karbor_types.Bank, instance_id: str,
                   checkpoint_id: str) -> None:
    """Delete the markers that one checkpoint has for one instance.

    A checkpoint can have a marker for a backup and a marker for an omission.
    This function deletes both. An absent marker is no error.

    :raises errors.BankError: the markers may be deleted nevertheless.
    """
    instance_markers.MarkerStore(bank, instance_id).delete([checkpoint_id])


def find_left_out_reason(section: karbor_types.BankSection,
                         instance_id: str) -> Optional[str]:
    """Return why an available checkpoint has no backup of an instance.

    The result is the reason in the omission. If the omission is absent,
    corrupt, or from a later release, the result is the failure reason of the
    instance. The checkpoints of earlier releases have only a failure reason.

    :param section: the section of the instance in the checkpoint.
    :returns: the reason. None if the checkpoint has a backup record of the
        instance, or if no reason is found.
    :raises errors.BankError: the bank failed.
    """
    if storage.read(section, layout.BACKUP_RECORD) is not None:
        return None
    omission: Optional[Omission] = None
    with contextlib.suppress(errors.Rejected):
        omission = read(section, instance_id)
    return (resource_status.read_failure_reason(section) if omission is None
            else omission.reason)


def _store(section: karbor_types.BankSection, instance_id: str
           ) -> document_store.DocumentStore[Omission]:
    def parse(key: str, document: document_store.Document) -> Omission:
        omission = Omission.from_document(document)
        document_store.check_ids(
            key, {'instance_id': (omission.instance_id, instance_id)}, {})
        return omission

    return document_store.DocumentStore(section, '', VERSION, 'reason', parse)
