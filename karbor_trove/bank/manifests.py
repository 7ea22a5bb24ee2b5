# SPDX-License-Identifier: Apache-2.0

"""Manifests of backups in the bank.

A manifest has the etag and the size of each object that a backup consists of
in Swift. The values are those of the time when the backup was complete. A
backup with children still exists after its checkpoint is deleted. So the
manifests are at the top of the bank, and not in the sections of checkpoints.
"""

from karbor_trove.bank import document_store
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import karbor_types
from karbor_trove.trove import models

VERSION = 1


class ManifestStore(document_store.DocumentStore[models.BackupManifest]):
    """The manifests of the backups of one instance, in one bank.

    The key of a manifest is the id of its backup.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str) -> None:
        """Create the object. Nothing is read or written yet.

        :param instance_id: the id of the original instance.
        :raises errors.Rejected: the instance id is not a UUID.
        """
        path = layout.instance_folder(instance_id, layout.MANIFESTS)
        super().__init__(bank.get_sub_section(path), path, VERSION, 'whole',
                         lambda _, document: _from_document(document))

    def delete(self, key: str) -> None:
        """Delete the manifest of a backup. An absent manifest is no error.

        If the bank returns a stale list, the manifest may remain. A manifest
        that remains does no harm.

        :param key: the id of the backup.
        :raises errors.BankError: the manifest may be deleted nevertheless.
        """
        storage.delete_optional(self._section, [key])

    def write(self, backup_id: str, manifest: models.BackupManifest) -> None:
        """Write the manifest of a backup, and replace an earlier manifest.

        :raises errors.BankError: the manifest may be written nevertheless.
        """
        self.write_document(backup_id, _to_document(manifest))


def _to_document(manifest: models.BackupManifest) -> document_store.Document:
    return {'whole': _to_json(manifest.backup_object),
            'segments': [_to_json(segment) for segment in manifest.segments]}


def _to_json(info: models.ObjectInfo) -> document_store.Document:
    return {'name': info.name, 'etag': info.etag, 'bytes': info.bytes}


def _from_document(document: document_store.Document) -> models.BackupManifest:
    return models.BackupManifest(
        models.ObjectInfo(**document['whole']),
        tuple(models.ObjectInfo(**segment)
              for segment in document['segments']))
