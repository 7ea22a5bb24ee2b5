"""Requests of the fake Trove about configuration groups."""

import typing
import uuid

from oslo_utils import strutils

from tests.fake_trove import clock as clocks
from tests.fake_trove import cloud as clouds
from tests.fake_trove import errors
from tests.fake_trove import scheduling
from tests.fake_trove import schemas

#: The largest page of a list.
PAGE = 20
#: The keys that are in the response for one group, but not in a list.
_DETAIL_KEYS = ('values', 'instance_count', 'datastore_version_number')


class Configurations:
    """The requests under /configurations."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud

    def index(self, project_id: str, query: typing.Dict[str, str]
              ) -> typing.Tuple[clouds.State, typing.Optional[str]]:
        """Return a page in the order of ids, and the marker of the next one.

        The marker is the last id of the page. None if this is the last page.

        :param query: the query of the URL.
        """
        ids = sorted(id_ for id_, group in self._cloud.configurations.items()
                     if group.get('project_id', project_id) == project_id
                     and id_ > query.get('marker', ''))
        limit = min(int(query.get('limit', PAGE)), PAGE)
        marker = ids[limit - 1] if len(ids) > limit else None
        views = [self._view(id_) for id_ in ids[:limit]]
        return {'configurations': [
            {key: value for key, value in view.items()
             if key not in _DETAIL_KEYS} for view in views]}, marker

    def show(self, project_id: str, id_: str) -> clouds.State:
        self._get(project_id, id_)
        return {'configuration': self._view(id_)}

    def create(self, project_id: str, body: typing.Any) -> clouds.State:
        """Create a group. Its datastore version may be inactive.

        :raises errors.ErrorResponse: the request is rejected.
        """
        request = schemas.parse_configuration(body)
        version = scheduling.find_datastore(
            self._cloud, request.get('datastore', {}), is_active=False)
        self._check_values(request['values'], version)
        id_ = str(uuid.uuid4())
        self._cloud.configurations[id_] = {
            'project_id': project_id, 'name': request['name'],
            'description': request.get('description'),
            'values': request['values'],
            'created': clocks.format_time(self._cloud.clock.now()),
            'datastore_name': version['type'],
            'datastore_version_name': version['version']}
        return self.show(project_id, id_)

    def delete(self, project_id: str, id_: str) -> None:
        """Delete a group.

        :raises errors.ErrorResponse: 404 if the project has no such group. 400
            if an instance has the group.
        """
        self._get(project_id, id_)
        if self._count_instances(id_):
            raise errors.ErrorResponse(
                400, 'A configuration group cannot be deleted if it is '
                'associated with one or more non-terminated instances. Detach '
                'the configuration group from all non-terminated instances '
                'and please try again.')
        del self._cloud.configurations[id_]

    def _get(self, project_id: str, id_: str) -> clouds.State:
        group = self._cloud.configurations.get(id_)
        if group is None or group.get('project_id', project_id) != project_id:
            raise errors.ErrorResponse(
                404, 'Configuration group with ID %s could not be found.'
                % id_)
        return group

    def _view(self, id_: str) -> clouds.State:
        """Return a group as in the response for one group."""
        group = {
            'name': 'group', 'description': None, 'values': {},
            'created': clocks.format_time(clocks.EPOCH),
            'datastore_name': 'postgresql', 'datastore_version_name': '18',
            **self._cloud.configurations[id_]}
        group.pop('project_id', None)
        version = self._cloud.version(group['datastore_name'],
                                      group['datastore_version_name'])
        values = group['values']
        return {**group, 'id': id_, 'updated': group['created'],
                'values': strutils.mask_dict_password(values)
                if self._cloud.masks_values else values,
                'instance_count': self._count_instances(id_),
                'datastore_version_id': version['version_id'],
                'datastore_version_number': version['version_number']}

    def _count_instances(self, id_: str) -> int:
        return sum(instance['configuration_id'] == id_
                   for instance in self._cloud.instances.values())

    def _check_values(self, values: typing.Dict[str, typing.Any],
                      version: clouds.State) -> None:
        """Check the names and types of the values of a new group.

        :raises errors.ErrorResponse: 422. A value is not supported.
        """
        where = '%s %s' % (version['type'], version['version'])
        for name, value in values.items():
            kind = self._cloud.parameters.get(name.lower())
            if kind is None:
                raise errors.ErrorResponse(
                    422, 'The configuration parameter %s is not supported for '
                    'this datastore: %s.' % (name, where))
            if not isinstance(value, kind):
                raise errors.ErrorResponse(
                    422, 'The value provided for the configuration parameter '
                    '%s is not of type %s.' % (name, kind.__name__))
