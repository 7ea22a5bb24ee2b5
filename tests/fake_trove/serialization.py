"""JSON of instances and backups in the responses of the fake Trove."""

import typing

from tests.fake_trove import clock as clocks
from tests.fake_trove import cloud as clouds

SWIFT_URL = 'http://swift.example.com'
URL = 'http://trove.example.com:8779/v1.0'


def _links(kind: str, of: clouds.State, id_: str
           ) -> typing.List[typing.Dict[str, str]]:
    """Return the value of the key `links` of an item.

    :param of: the state of an instance or backup in the same project.
    """
    return [{'rel': 'self', 'href': '/'.join(
        (URL, of['project_id'], kind, id_))}]


def _reference(kind: str, of: clouds.State, id_: str) -> clouds.State:
    """Return the JSON of a reference to an item, with its id and links."""
    return {'id': id_, 'links': _links(kind, of, id_)}


def status(cloud: clouds.Cloud, instance: clouds.State) -> str:
    """Return the status of an instance that the API shows.

    While a backup of the instance is running, the status is BACKUP, unless
    Trove is changing or deleting the instance.
    """
    if instance['deleting'] or instance['status'] not in (
            'ACTIVE', 'HEALTHY', 'SHUTDOWN'):
        return str(instance['status'])
    if cloud.has_running_backup(instance['id']):
        return 'BACKUP'
    if instance['status'] == 'ACTIVE':
        return cloud.release.ready
    return str(instance['status'])


def operating_status(cloud: clouds.Cloud, instance: clouds.State) -> str:
    """Return the operating status that the API shows.

    This is the status of the database. It is empty while the instance is not
    up.
    """
    if instance['operating_status'] is not None:
        return str(instance['operating_status'])
    return 'HEALTHY' if instance['status'] in ('ACTIVE', 'HEALTHY') else ''


def instance_item(cloud: clouds.Cloud, of: clouds.State) -> clouds.State:
    """Return an instance as in a list.

    :param of: the state of the instance.
    """
    item: clouds.State = {
        'id': of['id'], 'name': of['name'], 'status': status(cloud, of),
        'links': _links('instances', of, of['id']),
        'flavor': _reference('flavors', of, of['flavor_id']),
        'datastore': {key: of['datastore'][key]
                      for key in ('type', 'version')},
        'region': of['region'], 'volume': {'size': of['volume_size']},
        'access': dict(of['access'] or {})}
    if cloud.release.operating_status:
        item['operating_status'] = operating_status(cloud, of)
    if of['network_id'] and of['status'] != 'BUILD':
        address = '10.0.0.%d' % (int(of['id'][:2], 16) or 1)
        item['ip'] = [address]
        item['addresses'] = [{'address': address, 'type': 'private',
                              'network': of['network_id']}]
        item['access'] = of['access'] or {'is_public': False}
    if of['replica_of']:
        item['replica_of'] = _reference('instances', of, of['replica_of'])
    replicas = [other['id'] for other in cloud.instances.values()
                if other['replica_of'] == of['id']]
    if replicas:
        item['replicas'] = [_reference('instances', of, id_)
                            for id_ in replicas]
    return item


def instance_detail(cloud: clouds.Cloud, of: clouds.State) -> clouds.State:
    """Return an instance as in the response to a request with its id.

    :param of: the state of the instance.
    """
    detail = instance_item(cloud, of)
    detail.update(created=clocks.format_time(of['created']),
                  updated=clocks.format_time(of['updated']),
                  service_status_updated=clocks.format_time(of['updated']))
    if cloud.release.version_number:
        detail['datastore']['version_number'] = (
            of['datastore']['version_number'])
    if of['status'] in clouds.UP:
        detail['volume']['used'] = 0.1
    if of['fault']:
        detail['fault'] = {'message': of['fault'], 'details': None,
                           'created': clocks.format_time(of['updated'])}
    if of['configuration_id']:
        detail['configuration'] = _reference(
            'configurations', of, of['configuration_id'])
        detail['configuration']['name'] = 'configuration'
    for key in ('locality', 'cluster_id'):
        if of[key]:
            detail[key] = of[key]
    return detail


def location(of: clouds.State) -> typing.Optional[str]:
    """Return the URL of a backup's object in Swift.

    None if the backup has no object.

    :param of: the state of the backup.
    """
    if of['status'] in clouds.RUNNING + ('FAILED',):
        return None
    return '%s/v1/AUTH_%s/%s/%s.tar.gz' % (
        SWIFT_URL, of['project_id'],
        of['swift_container'] or 'database_backups',
        of['id'])


def backup(cloud: clouds.Cloud, of: clouds.State) -> clouds.State:
    """Return a backup, as in a list and in the response for one backup.

    :param of: the state of the backup.
    """
    view: clouds.State = {
        key: of[key] for key in (
            'id', 'name', 'description', 'instance_id', 'size', 'status',
            'parent_id')}
    view.update(locationRef=location(of),
                created=clocks.format_time(of['created']),
                updated=clocks.format_time(of['updated']),
                datastore={key: of['datastore'][key]
                           for key in ('type', 'version', 'version_id')})
    if cloud.release.backup_project:
        view['project_id'] = of['project_id']
    return view
