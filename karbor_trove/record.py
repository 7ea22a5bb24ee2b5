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

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import objects
from karbor_trove import values
from karbor_trove import worker

LOG = logging.getLogger(__name__)

VERSION = 1

STATUS = 'status'
WORKER = 'worker'
REASON = 'reason'
_METADATA = 'metadata'


@dataclasses.dataclass(frozen=True)
class Record:
    """One backed up instance; None in a value means that it is not known."""

    #: As it was when it was backed up.
    instance: values.Instance
    backup_name: Optional[str] = None
    #: None until Trove has answered the request for the backup.
    backup_id: Optional[str] = None
    #: GB; None until the backup is made.
    backup_size: Optional[float] = None
    #: What was there both before and after the backup was made.
    accounts: values.Accounts = values.Accounts()


def set_status(section: Any, status: str) -> None:
    """Write one of Karbor's words for the state of a resource.

    :param section: the resource's section of a checkpoint in the bank.
    """
    objects.put(section, STATUS, status)


def begin(section: Any, status: str) -> None:
    """Write that an operation works on the resource, and who carries it out.

    :param status: Karbor's word for what goes on.
    """
    objects.put(section, WORKER, worker.this())
    set_status(section, status)


def fail(section: Any, status: str, reason: str) -> None:
    """Write that an operation failed, and why.

    The reason comes first: who sees the status finds it. A bank that fails
    hides nothing of why.

    :param status: Karbor's word for it.
    :param reason: meant for the operator, in lines; it holds no secrets.
    """
    # A list is written as ASCII by every bank, a text as its locale is.
    with objects.borne('The reason was not kept: %s' % reason):
        objects.put(section, REASON, reason.split('\n'))
    with objects.borne('The status "%s" was not kept' % status):
        set_status(section, status)


def why(section: Any) -> Optional[str]:
    """Read the reason of the last failure; None: there was none."""
    lines = objects.get(section, REASON)
    return '\n'.join(lines) if isinstance(lines, list) else lines


def save(section: Any, record: Record) -> None:
    """Write the record, in the place of an earlier one."""
    instance = record.instance
    objects.put(section, _METADATA, {
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


def load(section: Any) -> Optional[Record]:
    """Read the record.

    :returns: None where nothing was written: the protect failed before it
        asked Trove for anything, or the backup was deleted already.
    :raises errors.Torn: it cannot be read.
    :raises errors.Refused: it was written by a later version.
    """
    kept = objects.get(section, _METADATA)
    if kept is None:
        return None
    # A bank gives an object that is not JSON as text; the file-system bank
    # writes in place, so a crash can leave half of one.
    if not isinstance(kept, dict) or 'instance_id' not in kept:
        raise errors.Torn('the object "%s" in the bank is torn or not a '
                          'record of a database instance' % _METADATA)
    version = kept.get('record_version', 0)
    if version > VERSION:
        raise errors.Refused(
            'the record in the bank has version %s and this release knows '
            'versions up to %d: use the release that wrote it, or a later '
            'one' % (version, VERSION))
    return _parsed(kept)


def load_backup(section: Any, instance_id: str) -> Record:
    """Read the record of an instance that has a backup.

    :raises errors.Torn: it cannot be read.
    :raises errors.Refused: there is no backup, as far as the bank knows, or
        the record was written by a later version.
    """
    kept = load(section)
    if kept is None or not kept.backup_id:
        raise errors.Refused('the checkpoint holds no backup of instance %s'
                             % instance_id)
    return kept


def forget(section: Any) -> None:
    """Remove the record and the reason; the status stays, for Karbor."""
    objects.drop(section, _METADATA)
    objects.drop(section, REASON)


def _parsed(kept: Dict[str, Any]) -> Record:
    datastore = kept.get('datastore') or {}
    access = kept.get('access') or {}
    return Record(
        instance=values.Instance(
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
        accounts=values.Accounts(_named(kept.get('databases')),
                                 _named(kept.get('users'))))


def _listed(names: Optional[Tuple[str, ...]]) -> Optional[List[str]]:
    return None if names is None else list(names)


def _named(kept: Optional[List[str]]) -> Optional[Tuple[str, ...]]:
    return None if kept is None else tuple(kept)
