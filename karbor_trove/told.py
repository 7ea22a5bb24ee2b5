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

from karbor_trove import values


def instance_from(told: Dict[str, Any]) -> values.Instance:
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
    return values.Instance(
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
        created=moment(told.get('created')))


def backup_from(told: Dict[str, Any]) -> values.Backup:
    """Read what Trove's API tells of a backup."""
    return values.Backup(
        id=told['id'],
        name=told.get('name'),
        description=told.get('description'),
        status=told.get('status'),
        instance_id=told.get('instance_id'),
        parent_id=told.get('parent_id'),
        size=told.get('size'),
        created=moment(told.get('created')),
        location=told.get('locationRef'),
        project_id=told.get('project_id'))


def moment(told: Optional[str]) -> Optional[datetime.datetime]:
    """Read a time as Trove writes it: UTC without a zone; None stays None."""
    return datetime.datetime.fromisoformat(
        told).replace(microsecond=0) if told else None
