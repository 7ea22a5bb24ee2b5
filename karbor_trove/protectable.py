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

"""The protectable OS::Trove::Instance: what Karbor can list and show."""

from typing import Any, List, Optional, Tuple

from karbor.common import constants
from karbor import exception
from karbor import resource
from karbor.services.protection import protectable_plugin
from karbor.services.protection.protectable_plugins import database

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import connect
from karbor_trove.trove import models


class TroveInstanceProtectable(
        protectable_plugin.ProtectablePlugin):
    """Lists and shows database instances.

    Karbor keeps one object for all its users, made with the context of the
    first: nothing of a request may stay on it.
    """

    def __init__(self, context: Any = None, conf: Any = None,
                 clock: polling.Clock = polling.SYSTEM_CLOCK) -> None:
        """Make it, as Karbor does.

        :param clock: the time that the limit of an answer uses.
        """
        super().__init__(context, conf)
        self._clock = clock

    def get_resource_type(self) -> str:
        """Name the type of the resources."""
        return str(constants.DATABASE_RESOURCE_TYPE)

    def get_parent_resource_types(self) -> Tuple[str, ...]:
        """Name the types that an instance can be found under."""
        return (constants.PROJECT_RESOURCE_TYPE,)

    def list_resources(self, context: Any,
                       parameters: Optional[Any] = None
                       ) -> List[resource.Resource]:
        """List the instances of the token's project.

        One that is not ready now is listed with its status: it must not drop
        out of its project's checkpoints. One being deleted is not, nor is
        one that a verification makes for a while.

        :raises karbor.exception.ListProtectableResourceFailed: the list may
            not be whole.
        """
        try:
            instances = self._gateway(context).list_instances()
        except errors.KarborTroveError as error:
            raise exception.ListProtectableResourceFailed(
                type=self.get_resource_type(), reason=str(error)) from error
        return [self._resource(instance) for instance in instances
                if not instance.is_being_deleted
                and not instance.is_temporary]

    def show_resource(self, context: Any, resource_id: str,
                      parameters: Optional[Any] = None) -> resource.Resource:
        """Show one instance, whatever its status.

        :raises karbor.exception.ProtectableResourceNotFound: it is not there,
            or nobody could tell.
        """
        try:
            instance = self._gateway(context).get_instance(resource_id)
        except errors.KarborTroveError as error:
            raise exception.ProtectableResourceNotFound(
                id=resource_id, type=self.get_resource_type(),
                reason=str(error)) from error
        return self._resource(instance)

    def get_dependent_resources(self, context: Any, parent_resource: Any
                                ) -> List[resource.Resource]:
        """List the instances of a project.

        Trove does not tell an instance's project and lists those of the
        token's only, so of any other project nothing is known here.

        :raises karbor.exception.ListProtectableResourceFailed: as the list.
        """
        if parent_resource.id != context.project_id:
            return []
        return self.list_resources(context)

    def _gateway(self, context: Any) -> client.TroveClient:
        return connect.connect(context,
                               polling.Deadline(timeouts.LISTING, self._clock))

    def _resource(self, instance: models.Instance) -> resource.Resource:
        return resource.Resource(
            type=self.get_resource_type(), id=instance.id, name=instance.name,
            extra_info={'status': instance.status,
                        'datastore': instance.datastore,
                        'version': instance.datastore_version,
                        'volume_size': instance.volume_size})


def instance_protectable() -> TroveInstanceProtectable:
    """Put ours in the place of Karbor's own protectable, and give it.

    Karbor keeps the protectable that is loaded last for a type, in an order
    that differs by machine, and has an in-tree one for the same type
    [ProtectableRegistry, 1.6.0]. This entry point is called when ours is
    loaded: loaded last, its object stays; loaded first, Karbor's own entry
    point finds our class under the name that it looks up.
    """
    database.DatabaseInstanceProtectablePlugin = TroveInstanceProtectable
    return TroveInstanceProtectable()
