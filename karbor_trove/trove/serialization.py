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

"""What Trove's API tells, read into values of ours."""

import datetime
from typing import Any, Dict, Optional

from karbor_trove.trove import models


def parse_instance(told: Dict[str, Any]) -> models.Instance:
    """Read what Trove's API tells of an instance.

    A list tells fewer things than a look at one instance. Absent and null
    mean the same: a replica's or configuration's key comes and goes by
    release and by state.
    """
    flavor = told.get('flavor') or {}
    datastore = told.get('datastore') or {}
    access = told.get('access') or {}
    networks = [address['network'] for address in told.get('addresses') or ()
                if address.get('network')]
    return models.Instance(
        id=told['id'],
        name=told.get('name'),
        status=told.get('status'),
        operating_status=told.get('operating_status'),
        datastore=datastore.get('type'),
        datastore_version=datastore.get('version'),
        datastore_version_number=datastore.get('version_number'),
        flavor_id=flavor.get('id'),
        volume_size=(told.get('volume') or {}).get('size'),
        region=told.get('region'),
        locality=told.get('locality'),
        configuration_id=(told.get('configuration') or {}).get('id'),
        network_id=networks[0] if networks else None,
        addresses=tuple(address['address']
                        for address in told.get('addresses') or ()),
        is_public=access.get('is_public'),
        allowed_cidrs=tuple(access.get('allowed_cidrs') or ()),
        replica_of=(told.get('replica_of') or {}).get('id'),
        cluster_id=told.get('cluster_id'),
        fault=(told.get('fault') or {}).get('message'),
        created=parse_time(told.get('created')))


def parse_backup(told: Dict[str, Any]) -> models.Backup:
    """Read what Trove's API tells of a backup."""
    return models.Backup(
        id=told['id'],
        name=told.get('name'),
        description=told.get('description'),
        status=told.get('status'),
        instance_id=told.get('instance_id'),
        parent_id=told.get('parent_id'),
        size=told.get('size'),
        created=parse_time(told.get('created')),
        location=told.get('locationRef'),
        project_id=told.get('project_id'))


def parse_time(told: Optional[str]) -> Optional[datetime.datetime]:
    """Read a time as Trove writes it: UTC without a zone; None stays None."""
    return datetime.datetime.fromisoformat(
        told).replace(microsecond=0) if told else None


def backup_arguments(request: models.BackupRequest) -> Dict[str, Any]:
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


def instance_arguments(request: models.InstanceRequest) -> Dict[str, Any]:
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
            None if request.configuration_id == models.NO_CONFIGURATION
            else request.configuration_id),
        'access': access or None,
        'region_name': request.region_name,
        'locality': request.locality,
    }


def _given(mapping: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    return {key: value for key, value in mapping.items()
            if value not in (None, '')} or None
