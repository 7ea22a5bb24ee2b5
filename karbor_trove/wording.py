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

"""Requests in the words of python-troveclient's managers."""

from typing import Any, Dict, Optional

from karbor_trove import choices
from karbor_trove import values


def backup_arguments(request: values.BackupRequest) -> Dict[str, Any]:
    """Say what backup is wanted; what is None is not sent.

    A parent is always named: left to itself Trove takes anybody's newest
    [Backup.create in trove/backup/models.py, 26.0.0].
    """
    return {
        'name': request.name,
        'instance': request.instance_id,
        'description': request.description,
        'parent_id': request.parent_id,
        'incremental': True if request.parent_id else None,
        'storage_driver': request.storage_driver,
        'swift_container': request.swift_container,
    }


def restore_arguments(request: values.InstanceRequest) -> Dict[str, Any]:
    """Say what instance is wanted; what is None is not sent.

    The datastore is always named: without it Trove takes the cloud's default
    one, refuses it when its type differs and takes another version unchecked
    [trove/instance/service.py]. The network goes by `net-id`, the only key
    that every release knows.
    """
    access: Dict[str, Any] = {}
    if request.is_public is not None:
        access['is_public'] = request.is_public
    if request.allowed_cidrs:
        access['allowed_cidrs'] = list(request.allowed_cidrs)
    volume = {'size': request.volume_size, 'type': request.volume_type}
    nic = {'net-id': request.net_id, 'subnet_id': request.subnet_id,
           'ip_address': request.ip_address}
    return {
        'name': request.name,
        'flavor_id': request.flavor_id,
        # Where no size was ever told, the datastore has no volumes.
        'volume': _given(volume) if request.volume_size else None,
        'restorePoint': {'backupRef': request.backup_id},
        'availability_zone': request.availability_zone,
        'datastore': request.datastore,
        'datastore_version': request.datastore_version,
        'datastore_version_number': request.datastore_version_number,
        'nics': [_given(nic)] if _given(nic) else None,
        'configuration': (
            None if request.configuration_id == choices.NO_CONFIGURATION
            else request.configuration_id),
        'access': access or None,
        'region_name': request.region_name,
        'locality': request.locality,
    }


def _given(mapping: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    return {key: value for key, value in mapping.items()
            if value not in (None, '')} or None
