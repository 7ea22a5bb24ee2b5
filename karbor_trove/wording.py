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

from typing import Any, Dict, List

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
    original = request.original
    access: Dict[str, Any] = {}
    if original.is_public is not None:
        access['is_public'] = original.is_public
    if original.allowed_cidrs:
        access['allowed_cidrs'] = list(original.allowed_cidrs)
    nics: List[Dict[str, str]] = []
    if original.network_id:
        nics.append({'net-id': original.network_id})
    return {
        'name': request.name,
        'flavor_id': original.flavor_id,
        'volume': ({'size': original.volume_size}
                   if original.volume_size else None),
        'restorePoint': {'backupRef': request.backup_id},
        'datastore': original.datastore,
        'datastore_version': original.datastore_version,
        'datastore_version_number': original.datastore_version_number,
        'nics': nics or None,
        'configuration': original.configuration_id,
        'access': access or None,
    }
