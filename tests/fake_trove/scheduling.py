"""Checks of a request for an instance, and the state of the new instance."""

import typing
import uuid

from tests.fake_trove import cloud as clouds
from tests.fake_trove import errors
from tests.fake_trove import schemas


def build_state(cloud: clouds.Cloud, project_id: str, body: typing.Any
                ) -> clouds.State:
    """Check a request for an instance, and return the state of the instance.

    The checks are in the same order as in Trove.

    :param body: the body of the request.
    :raises errors.ErrorResponse: the request is rejected. In this case the API
        shows no new instance.
    """
    request = schemas.parse_instance(body, cloud.release)
    datastore = find_datastore(cloud, request.get('datastore', {}))
    network_id = _find_network_id(request.get('nics', []))
    flavor_id = str(request.get('flavorRef')).rsplit('/', 1)[-1]
    flavors = cloud.accepted_flavors
    if flavor_id not in flavors:
        raise errors.ErrorResponse(
            400, 'Resource %s cannot be found.' % flavor_id)
    size = _find_volume_size(cloud, request)
    backup: clouds.State = {'databases': [], 'users': []}
    if 'restorePoint' in request:
        backup = _find_backup(
            cloud, project_id, request['restorePoint']['backupRef'],
            datastore, size)
    _check_quotas(cloud, project_id, size, flavors[flavor_id])
    configuration_id = request.get('configuration')
    if configuration_id and configuration_id not in cloud.configurations:
        # Before this check, Trove has written a row for the instance. Trove
        # does not remove this row, and pages count it.
        cloud.ghosts[str(uuid.uuid4())] = project_id
        raise errors.not_found(configuration_id)
    return {'name': request['name'], 'flavor_id': flavor_id,
            'datastore': datastore, 'volume_size': size,
            'network_id': network_id, 'access': request.get('access'),
            'configuration_id': configuration_id,
            'locality': request.get('locality'),
            'region': request.get('region_name', 'RegionOne'),
            'databases': backup['databases'], 'users': backup['users']}


def find_datastore(cloud: clouds.Cloud, datastore: typing.Dict[str, str],
                   is_active: bool = True) -> clouds.State:
    """Return the requested datastore version.

    By default this is the default version of the datastore, or of the default
    datastore.

    :param datastore: the property `datastore` of a request.
    :param is_active: True to reject an inactive version.
    :raises errors.ErrorResponse: 404 for an unknown datastore. 400 for an
        unknown version, or for an inactive version that is rejected.
    """
    type_ = datastore.get('type', next(iter(cloud.datastores)))
    if type_ not in cloud.datastores:
        raise errors.ErrorResponse(
            404, "Datastore '%s' cannot be found." % type_)
    version = datastore.get('version', cloud.datastores[type_][0])
    version = next((name for name in cloud.datastores[type_]
                    if cloud.version(type_, name)['version_id'] == version),
                   version)
    if version not in cloud.datastores[type_]:
        raise errors.ErrorResponse(
            400, "Datastore version '%s' cannot be found." % version)
    if is_active and (type_, version) in cloud.inactive_versions:
        raise errors.ErrorResponse(
            400, "Datastore version '%s' is not active." % version)
    return cloud.version(type_, version)


def _find_network_id(nics: typing.List[typing.Dict[str, str]]
                     ) -> typing.Optional[str]:
    """Return the id of the network of a new instance.

    None if the request has no nic. Then the instance has no address.

    :raises errors.ErrorResponse: 400. A required key of the nic is missing.
    """
    if not nics:
        return None
    nic = nics[0]
    network = nic.get('network_id', nic.get('net-id'))
    if not network and 'subnet_id' not in nic:
        raise errors.ErrorResponse(400, 'network or subnet not provided')
    if 'ip_address' in nic and 'subnet_id' not in nic:
        raise errors.ErrorResponse(400, 'subnet not provided')
    return network or clouds.NETWORK


def _find_volume_size(cloud: clouds.Cloud, request: clouds.State) -> int:
    """Return the requested volume size in GB.

    :raises errors.ErrorResponse: the size or the volume type is rejected.
    """
    if 'volume' not in request:
        raise errors.ErrorResponse(400, 'Volume size was not specified.')
    size = int(request['volume']['size'])
    if size > cloud.max_volume_size:
        raise errors.ErrorResponse(
            413, "Volume 'size' cannot exceed maximum of %d GB, %s cannot be "
            'accepted.' % (cloud.max_volume_size, size))
    if cloud.volume_types and (
            request['volume'].get('type') not in cloud.volume_types):
        raise errors.ErrorResponse(
            400, 'Only specific volume types are allowed for a datastore '
            'version. You must specify a valid volume type.')
    return size


def _find_backup(cloud: clouds.Cloud, project_id: str, backup_id: str,
                 datastore: clouds.State, size: int) -> clouds.State:
    """Return the state of the backup that is to be restored.

    :param datastore: the datastore version of the new instance.
    :param size: the volume size of the new instance in GB.
    :raises errors.ErrorResponse: the backup cannot be restored.
    """
    backup = cloud.backups.get(backup_id)
    if backup is None or backup['project_id'] != project_id:
        raise errors.not_found(backup_id)
    if backup['status'] not in ('COMPLETED', 'RESTORED'):
        raise errors.ErrorResponse(
            409, 'Unable to create instance because backup %s is not '
            'completed. Actual state: %s.' % (backup_id, backup['status']))
    if backup['size'] > size:
        raise errors.ErrorResponse(
            403, 'Backup is too large for given flavor or volume. Backup '
            'size: %s GBs. Available size: %s GBs.' % (backup['size'], size))
    if backup['datastore']['type'] != datastore['type']:
        raise errors.ErrorResponse(
            400, 'The datastore from which the backup was taken, %s, does '
            'not match the destination datastore of %s.' % (
                backup['datastore']['type'], datastore['type']))
    return backup


def _check_quotas(cloud: clouds.Cloud, project_id: str, size: int, ram: int
                  ) -> None:
    """Check that a new instance exceeds no quota of its project.

    Instances that are being deleted do not count.

    :param size: the volume size of the new instance in GB.
    :param ram: the RAM of the new instance in MB.
    :raises errors.ErrorResponse: 413. A quota is exceeded.
    """
    instances = [instance for instance in cloud.instances.values()
                 if instance['project_id'] == project_id
                 and not instance['deleting']]
    used = {'instances': len(instances) + 1,
            'volumes': sum(instance['volume_size']
                           for instance in instances) + size,
            'ram': sum(cloud.accepted_flavors.get(instance['flavor_id'], 0)
                       for instance in instances) + ram}
    exceeded = [key for key in used if used[key] > cloud.quotas.get(
        key, used[key])]
    if exceeded:
        raise errors.quota_exceeded(exceeded)
