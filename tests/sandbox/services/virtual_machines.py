"""The machines that databases run on, and what they say of themselves."""

import dataclasses
import functools
import re
import time
from typing import Any, ClassVar

from oslo_utils import timeutils
from trove.common import context
from trove.conductor import api as conductor
from trove.instance.service_status import ServiceStatuses

from tests.sandbox.services import network
from tests.sandbox.services import postgres
from tests.sandbox.services import postgres_binaries


class Misbehaved(Exception):
    """What was asked for cannot be done, or a name asked for a failure."""


def misbehave(deed: str, name: str) -> None:
    """Do what a name asks for: fail, hang, or take longer."""
    slow = re.search(rf'slow-{deed}-(\d+)', name)
    if slow:
        time.sleep(int(slow[1]))
    if f'fail-{deed}' in name:
        raise Misbehaved(f'the name {name!r} asks for a failed {deed}')
    while f'hang-{deed}' in name:
        time.sleep(3600)


@dataclasses.dataclass
class Machine:
    """The machine of one instance.

    The launcher sets what all have in common: tools, port and
    prepare_seconds, which a machine needs before it makes its database.

    :param settings: of the configuration group: name -> value.
    :param ready: the database was up once; its state is told from then on.
    """

    tools: ClassVar[postgres_binaries.Programs]
    port: ClassVar[int]
    prepare_seconds: ClassVar[float]

    instance_id: str
    settings: dict[str, object] = dataclasses.field(default_factory=dict)
    ready: bool = False

    @functools.cached_property
    def server(self) -> postgres.Server:
        address = network.CLIENT.address(f'trove-{self.instance_id}')
        return postgres.Server(
            self.tools, self.tools.home / self.instance_id, address,
            self.port)


_MACHINES: dict[str, Machine] = {}


def machine(instance_id: str) -> Machine:
    return _MACHINES.setdefault(instance_id, Machine(instance_id))


def discard(instance_id: str) -> None:
    """End the database of an instance and remove its data."""
    gone = _MACHINES.pop(instance_id, None)
    if gone is not None:
        gone.server.discard()


def report(request: Any, reporting: Machine, status: Any) -> None:
    """Tell the conductor how a database is."""
    conductor.API(request).heartbeat(
        reporting.instance_id, {'service_status': status.description},
        sent=timeutils.utcnow_ts(microsecond=True))


def keep_reporting(seconds: float) -> None:
    """Report the state of every database, for ever."""
    request = context.TroveContext()
    while True:
        time.sleep(seconds)
        for reporting in list(_MACHINES.values()):
            if reporting.ready:
                report(request, reporting,
                       ServiceStatuses.HEALTHY if reporting.server.running
                       else ServiceStatuses.SHUTDOWN)
