# SPDX-License-Identifier: Apache-2.0

"""Backup record of one instance in one checkpoint.

The record is the object `metadata` in the section of the instance. The record
has all keys that Karbor's in-tree Trove plugin uses, and more keys. So each of
the two plugins can read the records of the other plugin.
"""

import dataclasses
from typing import List, Optional, Tuple

from karbor_trove.bank import document_store
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.trove import models

VERSION = 1


@dataclasses.dataclass(frozen=True)
class BackupRecord:
    """What a checkpoint stores about an instance and its backup.

    A field is None if its value is not known.
    """

    #: The instance as Trove returned it before the backup was requested.
    instance: models.Instance
    backup_name: Optional[str] = None
    #: None until Trove has responded to the request for the backup.
    backup_id: Optional[str] = None
    #: GB. None until the backup is complete.
    backup_size: Optional[float] = None
    #: The configuration group of the instance, with its values. None if the
    #: instance had no group, or if Trove did not return the group.
    configuration: Optional[models.ConfigurationGroup] = None
    #: The accounts that existed both before and after the backup.
    accounts: models.Accounts = models.Accounts()

    def to_document(self) -> document_store.Document:
        """Return the record as the JSON object that the bank stores."""
        instance = self.instance
        return {
            # The five keys of Karbor's in-tree plugin. It reads flavor['id'].
            'instance_id': instance.id,
            'datastore': {'type': instance.datastore,
                          'version': instance.datastore_version,
                          'version_number': instance.datastore_version_number,
                          'version_id': instance.datastore_version_id},
            'flavor': {'id': instance.flavor_id},
            'size': instance.volume_size,
            'backup_id': self.backup_id,
            # Our own keys.
            'record_version': VERSION,
            'name': instance.name,
            'network_id': instance.network_id,
            'access': {'is_public': instance.is_public,
                       'allowed_cidrs': list(instance.allowed_cidrs)},
            'configuration_id': instance.configuration_id,
            'configuration': _to_configuration(self.configuration),
            'region': instance.region,
            'locality': instance.locality,
            'replica_of': instance.replica_of,
            'backup_name': self.backup_name,
            'backup_size': self.backup_size,
            'databases': _to_list(self.accounts.databases),
            'users': _to_list(self.accounts.users),
        }

    @classmethod
    def from_document(cls, document: document_store.Document
                      ) -> 'BackupRecord':
        """Build a record from the JSON object that the bank stores.

        The key instance_id has to exist, and all other keys may be missing. If
        the object has a configuration group, the group must have all its keys.

        :param document: the JSON object. It was written by this plugin or by
            Karbor's in-tree plugin.
        :raises KeyError: the key instance_id or a key of the configuration
            group is missing.
        :raises AttributeError: a value has a wrong type.
        :raises TypeError: a value has a wrong type.
        """
        datastore = document.get('datastore') or {}
        access = document.get('access') or {}
        return cls(
            instance=models.Instance(
                id=document['instance_id'],
                name=document.get('name'),
                datastore=datastore.get('type'),
                datastore_version=datastore.get('version'),
                datastore_version_number=datastore.get('version_number'),
                datastore_version_id=datastore.get('version_id'),
                flavor_id=(document.get('flavor') or {}).get('id'),
                volume_size=document.get('size'),
                region=document.get('region'),
                locality=document.get('locality'),
                configuration_id=document.get('configuration_id'),
                network_id=document.get('network_id'),
                is_public=access.get('is_public'),
                allowed_cidrs=tuple(access.get('allowed_cidrs') or ()),
                replica_of=document.get('replica_of')),
            backup_name=document.get('backup_name'),
            backup_id=document.get('backup_id'),
            backup_size=document.get('backup_size'),
            configuration=_from_configuration(
                document.get('configuration_id'),
                document.get('configuration')),
            accounts=models.Accounts(_to_tuple(document.get('databases')),
                                     _to_tuple(document.get('users'))))


def write(section: karbor_types.BankSection, record: BackupRecord) -> None:
    """Write the record of an instance, and replace an earlier record.

    :param section: the section of the instance in the checkpoint.
    :raises errors.BankError: the record may be written nevertheless.
    """
    storage.write(section, layout.BACKUP_RECORD, record.to_document())


def read(section: karbor_types.BankSection,
         instance_id: str) -> Optional[BackupRecord]:
    """Return the record of an instance. None if there is no record.

    There is no record in three cases. The checkpoint left the instance out.
    The protect operation failed before it requested the backup. Or the delete
    operation has deleted the record.

    :param section: the section of the instance in the checkpoint.
    :raises errors.CorruptObject: the record is corrupt, or names another
        instance.
    :raises errors.Rejected: a later release wrote the record.
    :raises errors.BankError: the record could not be read.
    """
    document = storage.read(section, layout.BACKUP_RECORD)
    if document is None:
        return None
    # The bank returns an object that is not JSON as text. Karbor's file-system
    # bank writes in place, so a crash can leave half of an object.
    if not isinstance(document, dict) or 'instance_id' not in document:
        raise errors.CorruptObject(
            'the object "%s" in the bank is corrupt or not the record of a '
            'database instance' % layout.BACKUP_RECORD)
    try:
        document_store.check_version(
            layout.BACKUP_RECORD, document.get('record_version', 0), VERSION)
        record = BackupRecord.from_document(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise errors.CorruptObject(
            'the object "%s" in the bank is corrupt: %s'
            % (layout.BACKUP_RECORD, error)) from error
    document_store.check_ids(
        layout.BACKUP_RECORD,
        {'instance_id': (record.instance.id, instance_id)},
        {'backup_id': record.backup_id})
    return record


def read_backup(section: karbor_types.BankSection,
                instance_id: str) -> BackupRecord:
    """Return the record of an instance that has a backup in the checkpoint.

    The returned record always has the id of the backup.

    :param section: the section of the instance in the checkpoint.
    :raises errors.CorruptObject: the record is corrupt, or names another
        instance.
    :raises errors.Rejected: there is no record, the record has no backup id,
        or a later release wrote the record.
    :raises errors.BankError: the record could not be read.
    """
    record = read(section, instance_id)
    if record is None or not record.backup_id:
        raise errors.Rejected('the checkpoint holds no backup of instance %s'
                              % instance_id)
    return record


def delete(section: karbor_types.BankSection) -> None:
    """Delete the record, the failure reason and the omission of an instance.

    The other objects of the section stay, such as the resource status. The
    marker of the omission is not in the section, and stays too.

    :param section: the section of the instance in the checkpoint.
    :raises errors.BankError: some of the objects may be deleted.
    """
    storage.delete(section, layout.BACKUP_RECORD)
    storage.delete_optional(section, [layout.FAILURE_REASON, layout.OMISSION])


def _to_configuration(group: Optional[models.ConfigurationGroup]
                      ) -> Optional[document_store.Document]:
    return None if group is None else {
        'name': group.name, 'datastore': group.datastore,
        'datastore_version': group.datastore_version,
        'values': dict(group.values)}


def _from_configuration(group_id: Optional[str],
                        document: Optional[document_store.Document]
                        ) -> Optional[models.ConfigurationGroup]:
    # Records of earlier releases have only the id of the group.
    return models.ConfigurationGroup(
        str(group_id), document['name'], document['datastore'],
        document['datastore_version'], document['values']
        ) if document else None


def _to_list(names: Optional[Tuple[str, ...]]) -> Optional[List[str]]:
    return None if names is None else list(names)


def _to_tuple(names: Optional[List[str]]) -> Optional[Tuple[str, ...]]:
    return None if names is None else tuple(names)
