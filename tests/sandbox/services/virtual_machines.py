"""Virtual machines of the instances, and the statuses that they report.

In the sandbox, a virtual machine is only a PostgreSQL server with an address
of its own.
"""

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
    """Error: a name requests a failure, or a request cannot be fulfilled."""


def misbehave(task: str, name: str) -> None:
    """Fail, hang or wait if a name requests this for a task.

    :param task: for example 'backup', for the words slow-backup-5, fail-backup
        and hang-backup in the name.
    :param name: the name of an instance or of a backup, or both names.
    :raises Misbehaved: the name requests a failure.
    """
    slow = re.search(rf'slow-{task}-(\d+)', name)
    if slow:
        time.sleep(int(slow[1]))
    if f'fail-{task}' in name:
        raise Misbehaved(f'the name {name!r} requests a failed {task}')
    while f'hang-{task}' in name:
        time.sleep(3600)


@dataclasses.dataclass
class Machine:
    """The virtual machine of one instance.

    The launcher sets the class attributes `tools`, `port` (the port of all
    databases) and `prepare_seconds` (the time before a machine creates its
    database).

    :param settings: the values of the configuration group, as {name: value}.
    :param ready: True as soon as the database was up once. From then on the
        machine reports the status of the database.
    """

    tools: ClassVar[postgres_binaries.Programs]
    port: ClassVar[int]
    prepare_seconds: ClassVar[float]

    instance_id: str
    settings: dict[str, object] = dataclasses.field(default_factory=dict)
    ready: bool = False

    @functools.cached_property
    def server(self) -> postgres.Server:
        """The PostgreSQL server of this machine. It need not run."""
        address = network.CLIENT.get_or_reserve_address(
            f'trove-{self.instance_id}')
        return postgres.Server(
            self.tools, self.tools.home / self.instance_id, address,
            self.port)


_MACHINES: dict[str, Machine] = {}


def machine(instance_id: str) -> Machine:
    """Return the machine of an instance. The first call creates it."""
    return _MACHINES.setdefault(instance_id, Machine(instance_id))


def discard(instance_id: str) -> None:
    """Remove the machine of an instance, with its database and data."""
    removed = _MACHINES.pop(instance_id, None)
    if removed is not None:
        removed.server.discard()


def report(request: Any, reporting: Machine, status: Any) -> None:
    """Report the status of a database to Trove's conductor.

    :param request: Trove's context of a request.
    :param reporting: the machine of the database.
    :param status: an item of ServiceStatuses.
    """
    conductor.API(request).heartbeat(
        reporting.instance_id, {'service_status': status.description},
        sent=timeutils.utcnow_ts(microsecond=True))


def keep_reporting(seconds: float) -> None:
    """Report the statuses of all databases repeatedly, without end.

    :param seconds: the pause between two reports.
    """
    request = context.TroveContext()
    while True:
        time.sleep(seconds)
        for reporting in list(_MACHINES.values()):
            if reporting.ready:
                report(request, reporting,
                       ServiceStatuses.HEALTHY if reporting.server.running
                       else ServiceStatuses.SHUTDOWN)
