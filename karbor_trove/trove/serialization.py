# SPDX-License-Identifier: Apache-2.0

"""Conversion of Trove's JSON to models, and of requests to arguments.

The functions parse_instance(), parse_backup() and parse_configuration() build
models. The other functions build arguments for the methods of
python-troveclient.
"""

import dataclasses
import datetime
import json
from typing import Any, Dict, Optional

from oslo_utils import strutils

from karbor_trove import times
from karbor_trove.trove import models
from karbor_trove.trove import transport


@transport.read_response()
def parse_instance(data: Dict[str, Any]) -> models.Instance:
    """Return the instance that a response of Trove's API describes.

    If a key other than "id" is absent or null, the attribute is None or empty.
    A list has fewer keys for an instance than the response for a single
    instance. The keys for the source of a replica and for the configuration
    group depend on the release of Trove and on the status of the instance.

    :param data: the JSON object of one instance.
    :raises troveclient.exceptions.ResponseFormatError: the JSON does not
        describe an instance.
    """
    flavor = data.get('flavor') or {}
    datastore = data.get('datastore') or {}
    access = data.get('access') or {}
    addresses = data.get('addresses') or ()
    networks = [address['network'] for address in addresses
                if address.get('network')]
    return models.Instance(
        id=data['id'],
        name=data.get('name'),
        status=data.get('status'),
        operating_status=data.get('operating_status'),
        datastore=datastore.get('type'),
        datastore_version=datastore.get('version'),
        datastore_version_number=datastore.get('version_number'),
        flavor_id=flavor.get('id'),
        volume_size=(data.get('volume') or {}).get('size'),
        region=data.get('region'),
        locality=data.get('locality'),
        configuration_id=(data.get('configuration') or {}).get('id'),
        network_id=networks[0] if networks else None,
        addresses=tuple(address['address'] for address in addresses),
        is_public=access.get('is_public'),
        allowed_cidrs=tuple(access.get('allowed_cidrs') or ()),
        replica_of=(data.get('replica_of') or {}).get('id'),
        cluster_id=data.get('cluster_id'),
        fault=(data.get('fault') or {}).get('message'),
        created=_parse_time(data.get('created')))


@transport.read_response()
def parse_backup(data: Dict[str, Any]) -> models.Backup:
    """Return the backup that a response of Trove's API describes.

    :param data: the JSON object of one backup.
    :raises troveclient.exceptions.ResponseFormatError: the JSON does not
        describe a backup.
    """
    return models.Backup(
        id=data['id'],
        name=data.get('name'),
        description=data.get('description'),
        status=data.get('status'),
        instance_id=data.get('instance_id'),
        parent_id=data.get('parent_id'),
        size=data.get('size'),
        created=_parse_time(data.get('created')),
        location=data.get('locationRef'),
        project_id=data.get('project_id'),
        datastore_version_id=(data.get('datastore') or {}).get('version_id'))


@transport.read_response()
def parse_configuration(data: Dict[str, Any]) -> models.ConfigurationGroup:
    """Return the configuration group that a response of Trove's API describes.

    The function masks values that look like passwords. Older releases of Trove
    do not mask these values, and the bank must not contain passwords.

    :param data: the JSON object of one configuration group.
    :raises troveclient.exceptions.ResponseFormatError: the JSON does not
        describe a configuration group.
    """
    return models.ConfigurationGroup(
        id=data['id'],
        name=data['name'],
        datastore=data['datastore_name'],
        datastore_version=data['datastore_version_name'],
        values=strutils.mask_dict_password(data.get('values') or {}),
        description=data.get('description'))


def _parse_time(text: Optional[str]) -> Optional[datetime.datetime]:
    return times.parse_utc(text) if text else None


def backup_arguments(request: models.BackupRequest) -> Dict[str, Any]:
    """Return the arguments of troveclient's method that creates a backup.

    The caller does not send arguments that are None. For an incremental
    backup, the arguments always have the id of the parent. Without this id,
    Trove would use the newest backup of the instance as the parent, even if
    Karbor did not create that backup [Backup.create in trove/backup/models.py,
    26.0.0].
    """
    arguments = dataclasses.asdict(request)
    arguments['instance'] = arguments.pop('instance_id')
    arguments['incremental'] = True if request.parent_id else None
    return arguments


def configuration_arguments(request: models.ConfigurationRequest
                            ) -> Dict[str, Any]:
    """Return the arguments of the method that creates a configuration group.

    The method belongs to python-troveclient. It needs the argument `values` as
    JSON text. Other arguments of the result may be None. The caller has to
    remove them.
    """
    arguments = dataclasses.asdict(request)
    arguments['values'] = json.dumps(arguments['values'])
    return arguments


def instance_arguments(request: models.InstanceRequest) -> Dict[str, Any]:
    """Return the arguments of troveclient's method that creates an instance.

    Arguments of the result may be None. The caller has to remove them.

    Most fields of the request are arguments with the same name. Some arguments
    need an explanation:

    * The datastore and its version are sent. Without them, Trove would use the
      default datastore and its default version. Trove rejects a backup of
      another datastore. But Trove accepts a backup of another version without
      a check [trove/instance/service.py].
    * If the id of the datastore version is recorded, the id is sent instead of
      the name, because an operator may change the name.
    * The network is sent as `net-id`, because this is the only key that every
      release of Trove knows.
    """
    arguments = dataclasses.asdict(request)
    del arguments['original_id']
    version_id = arguments.pop('datastore_version_id')
    if version_id:
        arguments.update(datastore_version=version_id,
                         datastore_version_number=None)
    volume = {'size': arguments.pop('volume_size'),
              'type': arguments.pop('volume_type')}
    # If Trove never returned a size, the datastore has no volumes.
    arguments['volume'] = _without_empty(volume) if volume['size'] else None
    arguments['restorePoint'] = {'backupRef': arguments.pop('backup_id')}
    nic = _without_empty({'net-id': arguments.pop('net_id'),
                          'subnet_id': arguments.pop('subnet_id'),
                          'ip_address': arguments.pop('ip_address')})
    arguments['nics'] = [nic] if nic else None
    configuration_id = arguments.pop('configuration_id')
    if configuration_id != models.NO_CONFIGURATION:
        arguments['configuration'] = configuration_id
    access = {'is_public': arguments.pop('is_public'),
              'allowed_cidrs': list(arguments.pop('allowed_cidrs')) or None}
    arguments['access'] = _without_empty(access) or None
    return arguments


def _without_empty(mapping: Dict[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in mapping.items()
            if value not in (None, '')}
