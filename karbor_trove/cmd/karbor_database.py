# SPDX-License-Identifier: Apache-2.0

"""Ages of heartbeats and operations, read from Karbor's database."""

import datetime
from typing import Callable, Optional, Sequence, TypeVar

from karbor import context as karbor_context
from karbor import db
from oslo_config import cfg
from oslo_utils import timeutils

from karbor_trove import errors

T = TypeVar('T')

_PROTECTION = 'karbor-protection'


def find_heartbeat_age(host: str) -> Optional[datetime.timedelta]:
    """Return the time since the last heartbeat of a protection service.

    A service writes a heartbeat to the database every report_interval seconds.

    :param host: the value of the option "host" in the service's karbor.conf.
    :returns: None if the database has no protection service with this host.
    :raises errors.Rejected: the database cannot be read.
    """
    times = [service.updated_at or service.created_at for service in _read(
        lambda: db.service_get_all_by_args(
            karbor_context.get_admin_context(), host, _PROTECTION))]
    return _find_age(times)


def find_operation_age(checkpoint_id: str, status: str
                       ) -> Optional[datetime.timedelta]:
    """Return how long ago the last operation on a checkpoint started.

    :param status: the status that the checkpoint has during the operation,
        such as "deleting".
    :returns: None if the database has no record of such an operation.
    :raises errors.Rejected: the database cannot be read.
    """
    times = [log.started_at for log in _read(
        lambda: db.operation_log_get_all(
            karbor_context.get_admin_context(), None, None,
            filters={'checkpoint_id': checkpoint_id, 'status': status}))]
    return _find_age(times)


def _read(query: Callable[[], Sequence[T]]) -> Sequence[T]:
    if not cfg.CONF.database.connection:
        raise errors.Rejected('connection of [database] is not set in '
                              'karbor.conf')
    # If the database is unavailable, the command reports the error at once.
    # With its default value, oslo.db would try to connect for 100 s.
    cfg.CONF.set_override('max_retries', 0, 'database')
    try:
        return query()
    except Exception as error:  # Each driver raises its own.
        raise errors.Rejected('Karbor\'s database could not be read: %s'
                              % error) from error


def _find_age(times: Sequence[Optional[datetime.datetime]]
              ) -> Optional[datetime.timedelta]:
    known = [time for time in times if time is not None]
    return timeutils.utcnow() - max(known) if known else None
