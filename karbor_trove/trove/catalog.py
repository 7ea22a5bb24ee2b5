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

"""What a cloud offers a tenant: flavors, versions, quotas, and the like."""

from typing import Any, Dict, List, Optional, Tuple

from karbor_trove import errors
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models


class Catalog:
    """Asks each thing once."""

    def __init__(self, gateway: trove_client.TroveClient, project_id: str) -> None:
        """Make it; nothing is asked yet."""
        self._gateway = gateway
        self._project_id = project_id
        self._known: Dict[Tuple[str, ...], Any] = {}

    def list_versions(self, datastore: str) -> List[models.DatastoreVersion]:
        """List the active versions of a datastore.

        :returns: empty where there is no such datastore.
        """
        def ask(client: Any) -> List[models.DatastoreVersion]:
            # Only administrators are told of others, and which those are
            # [datastore/service.py and views.py, 26.0.0].
            return [
                models.DatastoreVersion(
                    told['id'],
                    told['name'],
                    told.get('version')) for told in (
                    one.to_dict() for one in (
                        client.datastore_versions.list(datastore))) if told.get(
                    'active',
                    True)]

        return self._once(('versions', datastore), ask) or []

    def list_flavors(self, datastore: str, version_id: str) -> Dict[str, int]:
        """List the flavors that a version can have: the RAM, MB, by the id."""
        def ask(client: Any) -> Dict[str, int]:
            # Ids that are no numbers are told apart [Trove's flavor views].
            return {str(told['str_id'] or told['id']): told['ram']
                    for told in (one.to_dict() for one in (
                        client.flavors
                        .list_datastore_version_associated_flavors(
                            datastore, version_id)))}

        return self._once(('flavors', datastore, version_id), ask) or {}

    def get_configuration(self, configuration_id: str
                      ) -> Optional[Tuple[str, str]]:
        """Tell the datastore and version of a group; None: there is none."""
        def ask(client: Any) -> Tuple[str, str]:
            told = client.configurations.get(configuration_id).to_dict()
            return told['datastore_name'], told['datastore_version_name']

        found: Optional[Tuple[str, str]] = self._once(
            ('configuration', configuration_id), ask)
        return found

    def get_quotas(self) -> Optional[Dict[str, models.Quota]]:
        """Tell the project's quotas; None: Trove does not tell a tenant.

        It does since Yoga (16.0.0), as its policy allows.
        """
        def ask(client: Any) -> Dict[str, models.Quota]:
            return {told['resource']: models.Quota(
                told['limit'], told['in_use'] + told['reserved'])
                for told in (one.to_dict() for one
                             in client.quota.show(self._project_id))}

        try:
            found: Optional[Dict[str, models.Quota]
                            ] = self._once(('quotas',), ask)
        except errors.Rejected:
            self._known['quotas',] = found = None
        return found

    def _once(self, what: Tuple[str, ...], ask: Any) -> Any:
        if what not in self._known:
            try:
                with self._gateway.call('looking at %s'
                                        % ' '.join(what)) as client:
                    self._known[what] = ask(client)
            except errors.NotFound:
                self._known[what] = None
        return self._known[what]
