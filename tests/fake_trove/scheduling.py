"""Whether Trove takes a request for a new instance, and what it makes."""

import typing
import uuid

from tests.fake_trove import cloud as clouds
from tests.fake_trove import errors
from tests.fake_trove import schemas


def placed(cloud: clouds.Cloud, project_id: str, body: typing.Any
           ) -> clouds.State:
    """The state of the instance that is asked for, in Trove's own order.

    :raises refusals.Refused: nothing that shows has been made then
    """
    asked = schemas.instance(body, cloud.release)
    datastore = _datastore(cloud, asked.get('datastore', {}))
    network_id = _network(asked.get('nics', []))
    flavor_id = str(asked.get('flavorRef')).rsplit('/', 1)[-1]
    if flavor_id not in cloud.flavors:
        raise errors.Refused(
            400, 'Resource %s cannot be found.' % flavor_id)
    size = _volume_size(cloud, asked)
    backup: clouds.State = {'databases': [], 'users': []}
    if 'restorePoint' in asked:
        backup = _backup(cloud, project_id, asked['restorePoint']['backupRef'],
                         datastore, size)
    _check_quotas(cloud, project_id, size, cloud.flavors[flavor_id])
    configuration_id = asked.get('configuration')
    if configuration_id and configuration_id not in cloud.configurations:
        # Trove has begun the instance's row by then, and forgets it there.
        cloud.ghosts[str(uuid.uuid4())] = project_id
        raise errors.not_found(configuration_id)
    return {'name': asked['name'], 'flavor_id': flavor_id,
            'datastore': datastore, 'volume_size': size,
            'network_id': network_id, 'access': asked.get('access'),
            'configuration_id': configuration_id,
            'locality': asked.get('locality'),
            'region': asked.get('region_name', 'RegionOne'),
            'databases': backup['databases'], 'users': backup['users']}


def _datastore(cloud: clouds.Cloud, asked: typing.Dict[str, str]
               ) -> clouds.State:
    """The version asked for; the cloud's own where nothing was."""
    type_ = asked.get('type', next(iter(cloud.datastores)))
    if type_ not in cloud.datastores:
        raise errors.Refused(
            404, "Datastore '%s' cannot be found." % type_)
    version = asked.get('version', cloud.datastores[type_][0])
    if version not in cloud.datastores[type_]:
        raise errors.Refused(
            400, "Datastore version '%s' cannot be found." % version)
    if (type_, version) in cloud.inactive_versions:
        raise errors.Refused(
            400, "Datastore version '%s' is not active." % version)
    return cloud.version(type_, version)


def _network(nics: typing.List[typing.Dict[str, str]]
             ) -> typing.Optional[str]:
    """Without nics there will be no address."""
    if not nics:
        return None
    nic = nics[0]
    network = nic.get('network_id', nic.get('net-id'))
    if not network and 'subnet_id' not in nic:
        raise errors.Refused(400, 'network or subnet not provided')
    if 'ip_address' in nic and 'subnet_id' not in nic:
        raise errors.Refused(400, 'subnet not provided')
    return network or clouds.NETWORK


def _volume_size(cloud: clouds.Cloud, asked: clouds.State) -> int:
    if 'volume' not in asked:
        raise errors.Refused(400, 'Volume size was not specified.')
    size = int(asked['volume']['size'])
    if size > cloud.max_volume_size:
        raise errors.Refused(
            413, "Volume 'size' cannot exceed maximum of %d GB, %s cannot be "
            'accepted.' % (cloud.max_volume_size, size))
    return size


def _backup(cloud: clouds.Cloud, project_id: str, backup_id: str,
            datastore: clouds.State, size: int) -> clouds.State:
    backup = cloud.backups.get(backup_id)
    if backup is None or backup['project_id'] != project_id:
        raise errors.not_found(backup_id)
    if backup['status'] not in ('COMPLETED', 'RESTORED'):
        raise errors.Refused(
            409, 'Unable to create instance because backup %s is not '
            'completed. Actual state: %s.' % (backup_id, backup['status']))
    if backup['size'] > size:
        raise errors.Refused(
            403, 'Backup is too large for given flavor or volume. Backup '
            'size: %s GBs. Available size: %s GBs.' % (backup['size'], size))
    if backup['datastore']['type'] != datastore['type']:
        raise errors.Refused(
            400, 'The datastore from which the backup was taken, %s, does '
            'not match the destination datastore of %s.' % (
                backup['datastore']['type'], datastore['type']))
    return backup


def _check_quotas(cloud: clouds.Cloud, project_id: str, size: int, ram: int
                  ) -> None:
    """An instance that is being deleted counts no more."""
    there = [of for of in cloud.instances.values()
             if of['project_id'] == project_id and not of['deleting']]
    used = {'instances': len(there) + 1,
            'volumes': sum(of['volume_size'] for of in there) + size,
            'ram': sum(cloud.flavors.get(of['flavor_id'], 0)
                       for of in there) + ram}
    over = [key for key in used if used[key] > cloud.quotas.get(
        key, used[key])]
    if over:
        raise errors.quota(over)
