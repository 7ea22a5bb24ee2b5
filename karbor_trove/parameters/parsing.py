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

"""Karbor's flat strings in, typed requests out.

Karbor checks the names of parameters only: neither their values, nor that a
required one is there, and the dashboard sends "" for a field left empty
[api/v1 of Karbor 1.6.0; karbor-dashboard 1.5.1].
"""

import dataclasses
from typing import Any, Collection, List, Mapping, Optional

from karbor_trove.parameters import fields
from karbor_trove.trove import models

_PROTECT = {'backup_name': fields.TEXT, 'description': fields.TEXT,
            'incremental': fields.BOOLEAN}


def parse_protect(parameters: Mapping[str, Any], checkpoint_id: str,
                  instance_id: str, storage_driver: Optional[str] = None,
                  swift_container: Optional[str] = None
                   ) -> models.BackupRequest:
    """Say what backup a protect asks for.

    :param parameters: Karbor's, of this resource; a name or a description
        that is absent, None or "" is made from the two ids.
    :param storage_driver: as the operator set it; None: Trove's own.
    :param swift_container: likewise.
    :raises errors.Refused: it names each value that is not allowed.
    """
    given = fields.parse_fields(parameters, _PROTECT)
    return models.BackupRequest(
        instance_id=instance_id,
        name=given.get('backup_name',
                       'karbor-%s-%s' % (checkpoint_id, instance_id)),
        description=given.get(
            'description', 'Karbor checkpoint %s of database instance %s'
            % (checkpoint_id, instance_id)),
        storage_driver=storage_driver,
        swift_container=swift_container)


def is_incremental(parameters: Mapping[str, Any]) -> bool:
    """Tell whether the plan wants a backup that hangs on the last one.

    :param parameters: Karbor's; absent, None and "" mean no.
    :raises errors.Refused: it names each value that is not allowed.
    """
    return bool(fields.parse_fields(parameters, _PROTECT).get('incremental'))


def parse_restore(parameters: Mapping[str, Any],
                  original: models.Instance, backup_id: Optional[str],
                  checkpoint_id: str) -> models.InstanceRequest:
    """Say what instance a restore asks for: as the original, but for choices.

    :param parameters: Karbor's, of this resource; what is absent, None or ""
        is as recorded. A name that nobody knows is made from the two ids.
    :param kept: see record.load_backup().
    :raises errors.Refused: it names each value that is not allowed, also a
        recorded one that nothing was given in place of.
    """
    recorded = {
        'name': original.name or '%s@%s' % (checkpoint_id, original.id),
        'flavor_id': original.flavor_id,
        'volume_size': original.volume_size,
        'net_id': original.network_id,
        'datastore_version': original.datastore_version,
    }
    given = fields.parse_fields(parameters, fields.RESTORE_FIELDS, 'restore_', recorded)
    return models.InstanceRequest(**{
        **recorded,
        'original_id': original.id,
        'backup_id': str(backup_id),
        'datastore': original.datastore,
        # It belongs to the version that is named.
        'datastore_version_number': (
            None if 'datastore_version' in given
            else original.datastore_version_number),
        'configuration_id': original.configuration_id,
        'is_public': original.is_public,
        'allowed_cidrs': original.allowed_cidrs,
        **given})


def unknown_resources(parameters: Mapping[str, Any], resource_type: str,
                      ids: Collection[str]) -> List[str]:
    """List the resources that something was given for, and that are not there.

    Karbor would take no notice of it [resource_flow.py, 1.6.0].

    :param parameters: Karbor's, of a whole restore.
    :param ids: of the resources of this type.
    """
    mark = resource_type + '#'
    return sorted(key[len(mark):] for key in parameters
                  if key.startswith(mark) and key[len(mark):] not in ids)


def restore_description(parameters: Mapping[str, Any]) -> str:
    """Give the user's words about the restored instance, or "".

    They go to Karbor's own record, which takes any text.
    """
    return str(parameters.get('restore_description') or '')


def build_temporary_instance_request(
        original: models.Instance,
        backup_id: Optional[str],
        checkpoint_id: str,
        verification_id: str,
        flavor_id: Optional[str],
        net_id: Optional[str]) -> models.InstanceRequest:
    """Say what instance a test restore makes.

    As the original, but for the provider file; nobody is let in from
    outside, and the original's address is not asked for.

    :param kept: see record.load_backup().
    """
    as_recorded = parse_restore({}, original, backup_id, checkpoint_id)
    return dataclasses.replace(
        as_recorded,
        name=models.temporary_instance_name(
            verification_id,
            as_recorded.original_id),
        flavor_id=flavor_id or as_recorded.flavor_id,
        net_id=net_id or as_recorded.net_id,
        is_public=None,
        allowed_cidrs=())
