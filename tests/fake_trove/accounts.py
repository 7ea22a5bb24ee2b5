"""Requests of the fake Trove about databases and users."""

import typing

from tests.fake_trove import cloud as clouds
from tests.fake_trove import errors
from tests.fake_trove import serialization

#: The largest page of a list.
PAGE = 20
#: The last parts of the paths of these requests.
KINDS = ('databases', 'users')


class Accounts:
    """The requests under /instances/<id>/databases and .../users."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud

    def index(self, instance: clouds.State, kind: str,
              query: typing.Dict[str, str]
              ) -> typing.Tuple[clouds.State, typing.Optional[str]]:
        """Return a page in the order of names, and the marker of the next one.

        The marker is the last name of the page. None if this is the last page.

        :param kind: one of KINDS.
        :param query: the query of the URL.
        """
        self._check_available(instance)
        names = sorted(name for name in instance[kind]
                       if name > query.get('marker', ''))
        limit = min(int(query.get('limit', PAGE)), PAGE)
        marker = names[limit - 1] if len(names) > limit else None
        return {kind: [self._view(kind, name)
                       for name in names[:limit]]}, marker

    def create(self, instance: clouds.State, kind: str,
               body: typing.Any) -> None:
        """Create the databases or the users in the body of a request."""
        self._check_available(instance)
        instance[kind] = [*instance[kind],
                          *(item['name'] for item in body[kind])]

    def _view(self, kind: str, name: str) -> clouds.State:
        return {'name': name} if kind == 'databases' else {
            'name': name, 'host': '%', 'databases': []}

    def _check_available(self, instance: clouds.State) -> None:
        """Check that Trove can list the databases and users of an instance.

        :raises errors.ErrorResponse: 422. The datastore is not supported, or
            the database is not up.
        """
        type_ = instance['datastore']['type']
        if type_ not in self._cloud.release.account_datastores:
            raise errors.ErrorResponse(
                422, 'Operation not supported for datastore %s.' % type_)
        if instance['status'] not in clouds.UP:
            raise errors.ErrorResponse(
                422, 'Instance %s is not ready, status: %s.' % (
                    instance['id'],
                    serialization.status(self._cloud, instance)))
