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

"""What the bank keeps of one instance in one checkpoint.

Two objects in the resource's section, under the names and with the keys that
Karbor's in-tree plugin uses: `status`, and `metadata` as a superset of its
own, so that either plugin can read what the other wrote. Two are ours alone:
`worker`, and the `reason` of a failure, which Karbor's API has no place for.
"""

import dataclasses
from typing import Any, Dict, List, Optional, Tuple

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove.trove import models

VERSION = 1


@dataclasses.dataclass(frozen=True)
class BackupRecord:
    """One backed up instance; None in a value means that it is not known."""

    #: As it was when it was backed up.
    instance: models.Instance
    backup_name: Optional[str] = None
    #: None until Trove has answered the request for the backup.
    backup_id: Optional[str] = None
    #: GB; None until the backup is made.
    backup_size: Optional[float] = None
    #: What was there both before and after the backup was made.
    accounts: models.Accounts = models.Accounts()


def write(section: Any, record: BackupRecord) -> None:
    """Write the record, in the place of an earlier one."""
    instance = record.instance
    storage.write(section, layout.BACKUP_RECORD, {
        # The five keys of the in-tree plugin; it reads flavor['id'].
        'instance_id': instance.id,
        'datastore': {'type': instance.datastore,
                      'version': instance.datastore_version,
                      'version_number': instance.datastore_version_number},
        'flavor': {'id': instance.flavor_id},
        'size': instance.volume_size,
        'backup_id': record.backup_id,
        # Ours.
        'record_version': VERSION,
        'name': instance.name,
        'network_id': instance.network_id,
        'access': {'is_public': instance.is_public,
                   'allowed_cidrs': list(instance.allowed_cidrs)},
        'configuration_id': instance.configuration_id,
        'region': instance.region,
        'locality': instance.locality,
        'replica_of': instance.replica_of,
        'backup_name': record.backup_name,
        'backup_size': record.backup_size,
        'databases': _listed(record.accounts.databases),
        'users': _listed(record.accounts.users),
    })


def read(section: Any) -> Optional[BackupRecord]:
    """Read the record.

    :returns: None where nothing was written: the protect failed before it
        asked Trove for anything, or the backup was deleted already.
    :raises errors.Torn: it cannot be read.
    :raises errors.Refused: it was written by a later version.
    """
    kept = storage.read(section, layout.BACKUP_RECORD)
    if kept is None:
        return None
    # A bank gives an object that is not JSON as text; the file-system bank
    # writes in place, so a crash can leave half of one.
    if not isinstance(kept, dict) or 'instance_id' not in kept:
        raise errors.CorruptObject('the object "%s" in the bank is torn or not a '
                                   'record of a database instance' % layout.BACKUP_RECORD)
    version = kept.get('record_version', 0)
    if version > VERSION:
        raise errors.Rejected(
            'the record in the bank has version %s and this release knows '
            'versions up to %d: use the release that wrote it, or a later '
            'one' % (version, VERSION))
    return _parsed(kept)


def read_backup(section: Any, instance_id: str) -> BackupRecord:
    """Read the record of an instance that has a backup.

    :raises errors.Torn: it cannot be read.
    :raises errors.Refused: there is no backup, as far as the bank knows, or
        the record was written by a later version.
    """
    kept = read(section)
    if kept is None or not kept.backup_id:
        raise errors.Rejected('the checkpoint holds no backup of instance %s'
                              % instance_id)
    return kept


def delete(section: Any) -> None:
    """Remove the record and the reason; the status stays, for Karbor."""
    storage.delete(section, layout.BACKUP_RECORD)
    storage.delete(section, layout.FAILURE_REASON)


def _parsed(kept: Dict[str, Any]) -> BackupRecord:
    datastore = kept.get('datastore') or {}
    access = kept.get('access') or {}
    return BackupRecord(
        instance=models.Instance(
            id=kept['instance_id'],
            name=kept.get('name'),
            datastore=datastore.get('type'),
            datastore_version=datastore.get('version'),
            datastore_version_number=datastore.get('version_number'),
            flavor_id=(kept.get('flavor') or {}).get('id'),
            volume_size=kept.get('size'),
            region=kept.get('region'),
            locality=kept.get('locality'),
            configuration_id=kept.get('configuration_id'),
            network_id=kept.get('network_id'),
            is_public=access.get('is_public'),
            allowed_cidrs=tuple(access.get('allowed_cidrs') or ()),
            replica_of=kept.get('replica_of')),
        backup_name=kept.get('backup_name'),
        backup_id=kept.get('backup_id'),
        backup_size=kept.get('backup_size'),
        accounts=models.Accounts(_named(kept.get('databases')),
                                 _named(kept.get('users'))))


def _listed(names: Optional[Tuple[str, ...]]) -> Optional[List[str]]:
    return None if names is None else list(names)


def _named(kept: Optional[List[str]]) -> Optional[Tuple[str, ...]]:
    return None if kept is None else tuple(kept)
