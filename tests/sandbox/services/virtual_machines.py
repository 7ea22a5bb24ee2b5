"""The machines on which databases run, and their status reports."""

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
    """A request cannot be fulfilled, or a name requests a failure."""


def misbehave(task: str, name: str) -> None:
    """Fail, hang or take longer if the name contains a word for that."""
    slow = re.search(rf'slow-{task}-(\d+)', name)
    if slow:
        time.sleep(int(slow[1]))
    if f'fail-{task}' in name:
        raise Misbehaved(f'the name {name!r} requests a failed {task}')
    while f'hang-{task}' in name:
        time.sleep(3600)


@dataclasses.dataclass
class Machine:
    """The machine of one instance.

    The launcher sets the class attributes: tools, port and prepare_seconds,
    the time before a machine creates its database.

    :param settings: name -> value, from the configuration group.
    :param ready: whether the database was up once. From then on its status
        is reported.
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
    removed = _MACHINES.pop(instance_id, None)
    if removed is not None:
        removed.server.discard()


def report(request: Any, reporting: Machine, status: Any) -> None:
    """Report the status of a database to the conductor."""
    conductor.API(request).heartbeat(
        reporting.instance_id, {'service_status': status.description},
        sent=timeutils.utcnow_ts(microsecond=True))


def keep_reporting(seconds: float) -> None:
    """Report the status of every database repeatedly, without end."""
    request = context.TroveContext()
    while True:
        time.sleep(seconds)
        for reporting in list(_MACHINES.values()):
            if reporting.ready:
                report(request, reporting,
                       ServiceStatuses.HEALTHY if reporting.server.running
                       else ServiceStatuses.SHUTDOWN)
