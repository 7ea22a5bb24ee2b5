"""Requests of the fake Trove about flavors, versions, types and quotas."""

import typing

from tests.fake_trove import cloud as clouds
from tests.fake_trove import errors


class Catalog:
    """The requests about flavors, datastores, volume types and quotas."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud

    def get(self, project_id: str, parts: typing.Sequence[str],
            is_admin: bool) -> typing.Optional[clouds.State]:
        """Return the response to a GET request.

        None if the path does not belong to this class.

        :param parts: the parts of the path, for example ['flavors', '2'].
        :param is_admin: True if the token has the role admin.
        :raises errors.ErrorResponse: 404 if the item does not exist. 403 for
            quotas if only an administrator may read them, as before Xena.
        """
        kind, rest = parts[0], parts[1:]
        if kind == 'datastores' and len(rest) in (2, 4):
            if rest[0] not in self._cloud.datastores:
                raise errors.not_found('Datastore ' + rest[0])
            return self._flavors() if len(rest) == 4 else {'versions': [
                self._version(rest[0], name)
                for name in self._cloud.datastores[rest[0]]
                if self._cloud.shows_inactive_versions or (
                    rest[0], name) not in self._cloud.inactive_versions]}
        if kind == 'volume-types' and not rest:
            return {'volume_types': [
                {'id': 'id-of-' + name, 'name': name}
                for name in sorted(self._cloud.volume_types)]}
        if kind == 'flavors' and not rest:
            return self._flavors()
        if kind == 'flavors' and len(rest) == 1:
            if rest[0] not in self._cloud.accepted_flavors:
                raise errors.not_found(rest[0])
            return {'flavor': self._flavor(rest[0])}
        if kind == 'mgmt' and rest == ['quotas', project_id]:
            return {'quotas': self._quotas(project_id, is_admin)}
        return None

    def _flavors(self) -> clouds.State:
        return {'flavors': [self._flavor(id_) for id_ in self._cloud.flavors]}

    def _flavor(self, id_: str) -> clouds.State:
        return {'id': int(id_) if id_.isdigit() else None, 'str_id': id_,
                'name': 'flavor-' + id_,
                'ram': self._cloud.accepted_flavors[id_]}

    def _version(self, datastore: str, name: str) -> clouds.State:
        version = self._cloud.version(datastore, name)
        item = {'id': version['version_id'], 'name': name, 'version': name}
        if self._cloud.shows_inactive_versions:
            item['active'] = (
                datastore, name) not in self._cloud.inactive_versions
        return item

    def _quotas(self, project_id: str, is_admin: bool
                ) -> typing.List[clouds.State]:
        if not self._cloud.shows_quotas or not (
                is_admin or self._cloud.release.tenant_quotas):
            raise errors.ErrorResponse(403, 'Policy does not allow it.')
        instances = [instance for instance in self._cloud.instances.values()
                     if instance['project_id'] == project_id]
        flavors = self._cloud.accepted_flavors
        used = {'instances': len(instances),
                'volumes': sum(instance['volume_size']
                               for instance in instances),
                'ram': sum(flavors.get(instance['flavor_id'], 0)
                           for instance in instances),
                'backups': len(self._cloud.backups)}
        return [{'resource': resource, 'in_use': in_use, 'reserved': 0,
                 'limit': self._cloud.quotas.get(resource, -1)}
                for resource, in_use in used.items()]
