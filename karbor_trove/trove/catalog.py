# SPDX-License-Identifier: Apache-2.0

"""Datastore versions, flavors, configuration groups and quotas of a project.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar
from urllib import parse

from karbor_trove import errors
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import serialization

T = TypeVar('T')


class Catalog:
    """Lookups of what Trove offers to a project, such as flavors and quotas.

    Each lookup sends its request once and keeps the result. If the request
    fails, the lookup raises an error. The docstring of client.TroveClient
    lists these errors.
    """

    def __init__(self, client: trove_client.TroveClient,
                 project_id: str) -> None:
        """Create the object. No request is sent.

        :param project_id: the project whose quotas are looked up.
        """
        self._client = client
        self._project_id = project_id
        self._cache: Dict[Tuple[str, ...], Any] = {}

    def list_versions(self, datastore: str) -> List[models.DatastoreVersion]:
        """Return the active versions of a datastore.

        :param datastore: the name or the id of the datastore.
        :returns: the versions. The list is empty if there is no such
            datastore.
        """
        def request(api: Any) -> List[models.DatastoreVersion]:
            versions = [item.to_dict()
                        for item in api.datastore_versions.list(datastore)]
            # Only administrators get inactive versions, and the key "active"
            # [datastore/service.py and views.py, 26.0.0].
            return [models.DatastoreVersion(version['id'], version['name'],
                                            version.get('version'))
                    for version in versions if version.get('active', True)]

        return self._find(('versions', datastore), request) or []

    def list_flavors(self, datastore: str, version_id: str) -> Dict[str, int]:
        """Return the RAM in MB of each public flavor of a datastore version.

        The keys are the ids of the flavors. Trove does not list private
        flavors here. Nevertheless a request for an instance may have a private
        flavor [list_datastore_version_flavor_associations() in
        trove/datastore/models.py, 26.0.0].

        :param datastore: the name or the id of the datastore.
        :param version_id: the id of the datastore version.
        :returns: the RAM by flavor id. Empty if Trove does not find the
            version.
        """
        return self._find(
            ('flavors', datastore, version_id),
            lambda api: _read_flavors(api, '/datastores/%s/versions/%s/flavors'
                                      % (datastore, version_id))) or {}

    def list_public_flavors(self) -> Dict[str, int]:
        """Return the RAM in MB of each public flavor, by flavor id."""
        return self._find(('public flavors',), lambda api: _read_flavors(
            api, '/flavors')) or {}

    def find_flavor(self, flavor_ref: str) -> Optional[int]:
        """Return the RAM in MB of one flavor.

        :param flavor_ref: the id or the URL of the flavor. A request for an
            instance may have either of them.
        :returns: the RAM. None if there is no such flavor.
        """
        flavor_id = parse_flavor_id(flavor_ref)

        def request(api: Any) -> int:
            _, body = api.client.get('/flavors/%s'
                                     % parse.quote(flavor_id, ''))
            return int(body['flavor']['ram'])

        # An id that consists of dots would be removed from the path.
        return self._find(('flavor', flavor_id),
                          request) if flavor_id.strip('.') else None

    def list_volume_types(self) -> List[str]:
        """Return the volume types that Trove lists for this user.

        :returns: the names and the ids together, for example ["lvm", "1f2e",
            "ceph", "3d4c"] for two volume types.
        """
        def request(api: Any) -> List[str]:
            items = [item.to_dict() for item in api.volume_types.list()]
            return [str(item[key]) for item in items for key in ('name', 'id')]

        return self._find(('volume types',), request) or []

    def find_configuration(self, configuration_id: str
                           ) -> Optional[models.ConfigurationGroup]:
        """Return a configuration group with its values.

        None if there is no such group.
        """
        return self._find(
            ('configuration', configuration_id),
            lambda api: serialization.parse_configuration(
                api.configurations.get(configuration_id).to_dict()))

    def find_quotas(self) -> Optional[Dict[str, models.Quota]]:
        """Return the quotas of the project.

        The keys are Trove's names of the resources, such as "volumes". Before
        Xena (16.0.0), Trove returns the quotas to administrators only.

        :returns: the quotas. None if Trove does not return the quotas to this
            user.
        """
        def request(api: Any) -> Dict[str, models.Quota]:
            quotas = [item.to_dict()
                      for item in api.quota.show(self._project_id)]
            return {quota['resource']: models.Quota(
                quota['limit'], quota['in_use'] + quota['reserved'])
                for quota in quotas}

        key = ('quotas',)
        try:
            return self._find(key, request)
        except errors.Rejected:
            self._cache[key] = None
            return None

    def _find(self, key: Tuple[str, ...],
              request: Callable[[Any], T]) -> Optional[T]:
        # None is the result if Trove does not find the object.
        if key not in self._cache:
            try:
                with self._client.prepare_request(
                        'reading %s' % ' '.join(key)) as api:
                    self._cache[key] = request(api)
            except errors.NotFound:
                self._cache[key] = None
        result: Optional[T] = self._cache[key]
        return result


def parse_flavor_id(flavor_ref: str) -> str:
    """Return the id of a flavor that is given by its id or by its URL.

    Trove takes the last segment of the path. For example, the id is "2" for
    the URL "https://trove.example.com/v1.0/flavors/2".
    """
    return parse.urlsplit(flavor_ref).path.rpartition('/')[2]


def _read_flavors(api: Any, path: str) -> Dict[str, int]:
    # The client of python-troveclient 4 and 5 has no attribute `flavors`.
    _, body = api.client.get(path)
    # An id that is not a number is in str_id [Trove's flavor views].
    return {str(flavor['str_id'] or flavor['id']): flavor['ram']
            for flavor in body['flavors']}
