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
    """Lists and shows database instances.

    Karbor creates one object of this class, with the context of the first
    user. Karbor uses this object for all users. So no data of a request may be
    stored in the object.
    """

    def __init__(self, context: Optional[karbor_types.RequestContext] = None,
                 conf: Any = None,
                 clock: polling.Clock = polling.SYSTEM_CLOCK) -> None:
        """Create the plugin with the arguments that Karbor passes.

        :param clock: the clock that limits the time for a response.
        """
        super().__init__(context, conf)
        self._clock = clock

    def get_resource_type(self) -> str:
        """Return the resource type of this plugin."""
        return str(constants.DATABASE_RESOURCE_TYPE)

    def get_parent_resource_types(self) -> Tuple[str, ...]:
        """Return the types of resources that contain instances."""
        return (constants.PROJECT_RESOURCE_TYPE,)

    def list_resources(self, context: karbor_types.RequestContext,
                       parameters: Optional[karbor_types.Parameters] = None
                       ) -> List[resource.Resource]:
        """Return the instances of the token's project.

        The list includes an instance that is not ready now, with its status.
        Otherwise such an instance would be missing from the checkpoints of its
        project. An instance with the status SHUTDOWN is included as well. Such
        an instance is being deleted, or its server is gone. Trove does not
        show which of the two is the case. The list does not include the
        temporary instances of verifications.

        :raises karbor.exception.ListProtectableResourceFailed: the list may
            be incomplete.
        """
        try:
            resources = self._connect(context).list_from_instances(
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
            instance, the id is not a UUID, or Trove did not respond.
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

        Trove lists the instances of the token's project only, and does not
        return the project of an instance. So the list of any other project is
        empty.

        :raises karbor.exception.ListProtectableResourceFailed: the list may
            be incomplete.
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
    """Replace Karbor's in-tree protectable, and return the plugin.

    Karbor has an in-tree protectable for the same type. Karbor uses the
    protectable that it loads last, and the order differs between machines
    [ProtectableRegistry, 1.6.0].

    Karbor calls this function when Karbor loads this plugin. If Karbor loads
    this plugin last, Karbor uses the returned object. If Karbor loads the
    in-tree plugin last, Karbor finds this class under the name of the in-tree
    class.
    """
    database.DatabaseInstanceProtectablePlugin = TroveInstanceProtectable
    return TroveInstanceProtectable()
