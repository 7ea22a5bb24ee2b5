"""Small stateful fakes of the clients of Nova, Cinder and Glance.

Trove's package has fakes too. They lack state that the tests need, and some
calls of Trove fail with them. Trove's API does not show all that Trove
requests from the services, for example the type of a volume. The fakes write
such values to Trove's log, so that tests can check them.
"""

import dataclasses
import time
from typing import Any
import uuid

from cinderclient import exceptions as cinder_exceptions
import eventlet
from novaclient import api_versions
from novaclient import exceptions as nova_exceptions
from oslo_log import log

from tests.sandbox.services import cloud
from tests.sandbox.services import losses
from tests.sandbox.services import network
from tests.sandbox.services import virtual_machines

LOG = log.getLogger(__name__)

#: Seconds that a server needs for a reboot or a resize.
REBOOT_SECONDS = 2.0


@dataclasses.dataclass
class Flavor:
    """A flavor of Nova. The unit of `ram` is MB."""

    id: str
    name: str
    ram: int
    vcpus: int = 1
    disk: int = 10
    ephemeral: int = 0
    links: 'list[Any]' = dataclasses.field(default_factory=list)
    is_public: bool = True


@dataclasses.dataclass
class Thing:
    """A resource with an id and a name."""

    name: str
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))


@dataclasses.dataclass
class Server(Thing):
    """A server of Nova for one instance."""

    flavor: 'dict[str, str]' = dataclasses.field(default_factory=dict)
    status: str = 'ACTIVE'
    instance_id: str = ''
    host: str = 'sandbox'
    created: str = dataclasses.field(
        default_factory=lambda: time.strftime('%Y-%m-%dT%H:%M:%SZ',
                                              time.gmtime()))

    def _change(self, status: str, final: str) -> None:
        """Set a status, and the final status REBOOT_SECONDS later."""
        def finish() -> None:
            self.status = final

        self.status = status
        eventlet.spawn_after(REBOOT_SECONDS, finish)

    def reboot(self) -> None:
        self._change('REBOOT', 'ACTIVE')

    def resize(self, flavor_id: str) -> None:
        self.flavor = {'id': str(flavor_id)}
        self._change('RESIZE', 'VERIFY_RESIZE')

    def confirm_resize(self) -> None:
        self.status = 'ACTIVE'

    def _vanish(self) -> None:
        """Delete the database and then the server."""
        virtual_machines.discard(self.instance_id)
        virtual_machines.misbehave('delete', self.name)
        del NOVA.servers.things[self.id]

    def delete(self) -> None:
        self.status = 'SHUTDOWN'
        eventlet.spawn_n(self._vanish)


@dataclasses.dataclass
class Volume(Thing):
    """A volume of Cinder. The unit of `size` is GB."""

    size: int = 0
    volume_type: 'str | None' = None
    status: str = 'available'

    def delete(self) -> None:
        del CINDER.volumes.things[self.id]


@dataclasses.dataclass
class ServerGroup(Thing):
    """A server group of Nova. Trove creates one for a locality."""

    policies: 'list[str]' = dataclasses.field(default_factory=list)
    members: 'list[str]' = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class VolumeType(Thing):
    """A volume type of Cinder."""

    is_public: bool = True
    description: str = ''


class Things:
    """A resource manager, as in the clients of Nova and Cinder.

    :param kind: the class of the resources.
    :param missing: the class of the client's exception NotFound.
    """

    def __init__(self, kind: Any, missing: Any) -> None:
        self._kind = kind
        self._missing = missing
        self.things: dict[str, Any] = {}

    def _keep(self, thing: Any) -> Any:
        return self.things.setdefault(thing.id, thing)

    def create(self, **fields: Any) -> Any:
        known = {field.name for field in dataclasses.fields(self._kind)}
        return self._keep(self._kind(
            **{key: fields[key] for key in known & fields.keys()}))

    def get(self, thing_id: Any) -> Any:
        if str(thing_id) not in self.things:
            # Trove depends on exactly this message.
            raise self._missing(404, 'Not found')
        return self.things[str(thing_id)]

    def list(self, search_opts: 'dict[str, Any] | None' = None,
             **_: Any) -> Any:
        wanted = (search_opts or {}).get('name')
        return [thing for thing in self.things.values()
                if wanted in (None, thing.name)]

    def delete(self, thing_id: str) -> None:
        del self.things[thing_id]


class Flavors(Things):
    """The flavors of Nova."""

    def list(self, search_opts: 'dict[str, Any] | None' = None,
             is_public: 'bool | None' = True, **_: Any) -> Any:
        """Return the flavors that Nova lists for an administrator.

        :param is_public: True returns only public flavors. Trove uses this
            default [flavor/models.py, 26.0]. None returns private flavors too.
        """
        return [flavor for flavor in super().list(search_opts)
                if is_public in (None, flavor.is_public)]


def _show(server: Server) -> Server:
    """Return a server as Nova shows it.

    Its status is ERROR if a test has broken the server.
    """
    if losses.is_broken_server(server.instance_id):
        return dataclasses.replace(server, status='ERROR')
    return server


class Servers(Things):
    """The servers of Nova. A server that a test has lost is not found."""

    def get(self, thing_id: Any) -> Any:
        server = super().get(thing_id)
        if losses.is_lost_server(server.instance_id):
            raise self._missing(404, 'Not found')
        return _show(server)

    def list(self, search_opts: 'dict[str, Any] | None' = None,
             **_: Any) -> Any:
        return [_show(server) for server in super().list(search_opts)
                if not losses.is_lost_server(server.instance_id)]

    def create(self, name: str, image: str, flavor: str,  # type: ignore
               nics: Any = None, meta: Any = None,
               availability_zone: 'str | None' = None, **_: Any) -> Any:
        server = Server(name, flavor={'id': str(flavor)},
                        instance_id=meta['trove_instance_id'])
        LOG.info('Server created for %s in zone %s', server.instance_id,
                 availability_zone)
        for nic in nics or []:
            network.CLIENT.attach(nic['port-id'], server.id)
        return self._keep(server)


class Volumes(Things):
    """The volumes of Cinder."""

    def create(self, **fields: Any) -> Any:
        LOG.info('Volume created for %s of type %s',
                 fields['name'].replace('trove-', ''), fields['volume_type'])
        return super().create(**fields)


class Nova:
    """A client of Nova, for all tenants."""

    #: Trove compares this version with the versions that its calls need.
    api_version = api_versions.APIVersion('2.57')

    def __init__(self) -> None:
        self.servers = Servers(Server, nova_exceptions.NotFound)
        self.server_groups = Things(ServerGroup, nova_exceptions.NotFound)
        self.flavors = Flavors(Flavor, nova_exceptions.NotFound)
        for flavors, is_public in ((cloud.FLAVORS, True),
                                   (cloud.PRIVATE_FLAVORS, False)):
            for flavor_id, (name, ram) in flavors.items():
                self.flavors.create(id=flavor_id, name=name, ram=ram,
                                    is_public=is_public)


class Cinder:
    """A client of Cinder, for all tenants."""

    def __init__(self) -> None:
        self.volumes = Volumes(Volume, cinder_exceptions.NotFound)
        self.volume_types = Things(VolumeType, cinder_exceptions.NotFound)
        for name in cloud.VOLUME_TYPES:
            self.volume_types.create(id=name, name=name)


class Images:
    """The images of Glance. Each id exists."""

    def get(self, image_id: str) -> Thing:
        return Thing('image', image_id)


class Glance:
    """A client of Glance."""

    images = Images()


NOVA = Nova()
CINDER = Cinder()
GLANCE = Glance()


def nova(context: Any, region_name: 'str | None' = None,
         password: 'str | None' = None) -> Nova:
    """Return the client of Nova, for Trove's option remote_nova_client."""
    return NOVA


def cinder(context: Any, region_name: 'str | None' = None) -> Cinder:
    """Return the client of Cinder, for Trove's option remote_cinder_client."""
    return CINDER


def glance(context: Any, region_name: 'str | None' = None) -> Glance:
    """Return the client of Glance, for Trove's option remote_glance_client."""
    return GLANCE
