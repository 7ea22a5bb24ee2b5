# SPDX-License-Identifier: Apache-2.0

"""Protectable plugin for OS::Trove::Instance."""

from typing import Any, List, Optional, Tuple

from karbor.common import constants
from karbor import exception
from karbor import resource
from karbor.services.protection import protectable_plugin
from karbor.services.protection.protectable_plugins import database

from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import karbor_types
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import connect
from karbor_trove.trove import models


class TroveInstanceProtectable(protectable_plugin.ProtectablePlugin):
    """Lists and shows the instances of Trove for Karbor.

    Karbor creates one object of this class for the first request, with the
    context of that request. Later Karbor uses the same object for all users.
    So the object must not store data of a request.
    """

    def __init__(self, context: Optional[karbor_types.RequestContext] = None,
                 conf: Any = None,
                 clock: polling.Clock = polling.SYSTEM_CLOCK) -> None:
        """Create the plugin. Karbor passes the first two arguments.

        :param clock: measures how long Trove takes to respond.
        """
        super().__init__(context, conf)
        self._clock = clock

    def get_resource_type(self) -> str:
        """Return the resource type of this plugin."""
        return str(constants.DATABASE_RESOURCE_TYPE)

    def get_parent_resource_types(self) -> Tuple[str, ...]:
        """Return the resource types whose resources contain instances."""
        return (constants.PROJECT_RESOURCE_TYPE,)

    def list_resources(self, context: karbor_types.RequestContext,
                       parameters: Optional[karbor_types.Parameters] = None
                       ) -> List[resource.Resource]:
        """Return the instances of the project of the user's token.

        The list has the instances of every status. An instance that is missing
        in this list would also be missing in the checkpoints of its project.

        The status SHUTDOWN has two meanings: Trove is deleting the instance,
        or the server of the instance is gone. Trove does not show which of the
        two is the case. So the list has instances with this status too.

        The list does not have the temporary instances of verifications.

        :raises karbor.exception.ListProtectableResourceFailed: Trove did not
            return the whole list.
        """
        try:
            resources = self._connect(context).map_instances(
                self._build_unless_temporary)
        except errors.KarborTroveError as error:
            raise exception.ListProtectableResourceFailed(
                type=self.get_resource_type(), reason=str(error)) from error
        return [listed for listed in resources if listed is not None]

    def show_resource(self, context: karbor_types.RequestContext,
                      resource_id: str,
                      parameters: Optional[karbor_types.Parameters] = None
                      ) -> resource.Resource:
        """Return one instance, whatever its status.

        :raises karbor.exception.ProtectableResourceNotFound: there is no such
            instance, the id is not a UUID, or Trove did not return the
            instance.
        """
        try:
            ids.check_uuid(resource_id, 'database instance')
            instance = self._connect(context).get_instance(resource_id)
        except errors.KarborTroveError as error:
            raise exception.ProtectableResourceNotFound(
                id=resource_id, type=self.get_resource_type(),
                reason=str(error)) from error
        return self._build_resource(instance)

    def get_dependent_resources(self, context: karbor_types.RequestContext,
                                parent_resource: karbor_types.Resource
                                ) -> List[resource.Resource]:
        """Return the instances of a project.

        Trove lists only the instances of the project of the user's token. So
        the result is empty for any other project.

        :param parent_resource: the project.
        :raises karbor.exception.ListProtectableResourceFailed: Trove did not
            return the whole list.
        """
        if parent_resource.id != context.project_id:
            return []
        return self.list_resources(context)

    def _connect(self, context: karbor_types.RequestContext
                 ) -> trove_client.TroveClient:
        return connect.connect(context,
                               polling.Deadline(timeouts.LISTING, self._clock))

    def _build_unless_temporary(self, instance: models.Instance
                                ) -> Optional[resource.Resource]:
        return None if instance.is_temporary else self._build_resource(
            instance)

    def _build_resource(self, instance: models.Instance) -> resource.Resource:
        return resource.Resource(
            type=self.get_resource_type(), id=instance.id, name=instance.name,
            extra_info={'status': instance.status,
                        'datastore': instance.datastore,
                        'version': instance.datastore_version,
                        'volume_size': instance.volume_size})


def instance_protectable() -> TroveInstanceProtectable:
    """Return the plugin, and replace Karbor's own plugin for instances.

    Karbor has a plugin of its own for the same resource type. Karbor uses the
    plugin that it loads last. The order of loading differs between machines
    [ProtectableRegistry, 1.6.0].

    Karbor calls this function when it loads the plugin of this package. There
    are two cases:

    * This plugin is loaded last. Karbor uses the returned object.
    * Karbor's own plugin is loaded last. Karbor then looks up the class
      DatabaseInstanceProtectablePlugin. This function has replaced that class
      by TroveInstanceProtectable, so Karbor uses TroveInstanceProtectable.
    """
    database.DatabaseInstanceProtectablePlugin = TroveInstanceProtectable
    return TroveInstanceProtectable()
