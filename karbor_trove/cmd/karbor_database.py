# SPDX-License-Identifier: Apache-2.0

"""Ages of heartbeats and operations, read from Karbor's database."""

import datetime
import re
from typing import Callable, Optional, Sequence, TypeVar
import urllib.parse

from karbor import context as karbor_context
from karbor import db
from oslo_config import cfg
from oslo_utils import timeutils
from sqlalchemy.engine import url as sqlalchemy_url
from sqlalchemy import exc

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
    urls = [_get_url(option) for option in ('connection', 'slave_connection')]
    if not urls[0]:
        raise errors.Rejected('connection of [database] is not set in '
                              'karbor.conf')
    # If the database is unavailable, the command reports the error at once.
    # With its default value, oslo.db would try to connect for 100 s.
    cfg.CONF.set_override('max_retries', 0, 'database')
    try:
        return query()
    except Exception as error:  # Each driver raises its own.
        message = str(error)
        for url in urls:
            message = _mask_password(message, url)
        # The traceback of the driver's error may have the password.
        raise errors.Rejected('Karbor\'s database could not be read: %s'
                              % message) from None


def _get_url(option: str) -> str:
    """Return the URL of a database from [database] of karbor.conf.

    :param option: the name of the option that has the URL.
    :returns: the URL. '' if the option is not set.
    :raises errors.Rejected: the value is not a URL. The message does not have
        the value, because the value may have a password.
    """
    try:
        url = cfg.CONF.database[option] or ''
        if url:
            sqlalchemy_url.make_url(url)
    # oslo.config raises a cfg.Error if the value has a reference such as
    # "$name" to an option that does not exist.
    except (cfg.Error, exc.ArgumentError, ValueError):
        # The error has the value or a part of it.
        raise errors.Rejected(
            '%s of [database] in karbor.conf is not the URL of a database. '
            'Write it as mysql+pymysql://USER:PASSWORD@HOST/karbor'
            % option) from None
    return str(url)


def _mask_password(message: str, url: str) -> str:
    """Replace the password of a URL in the message of an error.

    The password may have characters that separate the parts of a URL, or the
    URL may be mistyped. SQLAlchemy then takes a part of the password for the
    name of a host or of a database, and the driver's message has this name. So
    each part of the password is replaced.

    :param message: the message. It is percent-decoded in the result, because
        SQLAlchemy does not encode the same characters as the operator.
    """
    message = urllib.parse.unquote(message)
    credentials = urllib.parse.unquote(
        url.rpartition('@')[0].partition('://')[2])
    # The first part is the name of the user.
    parts = re.split('[:/@?]', credentials)[1:]
    for part in sorted(filter(None, parts), key=len, reverse=True):
        # Without \w, a short part would be replaced within other words.
        message = re.sub(r'(?<!\w)%s(?!\w)' % re.escape(part), '***', message,
                         flags=re.IGNORECASE)
    return message


def _find_age(times: Sequence[Optional[datetime.datetime]]
              ) -> Optional[datetime.timedelta]:
    known = [time for time in times if time is not None]
    return timeutils.utcnow() - max(known) if known else None
