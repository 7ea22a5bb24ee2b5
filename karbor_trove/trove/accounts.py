# SPDX-License-Identifier: Apache-2.0

"""Names of the databases and users of an instance."""

from typing import Any, Callable, Dict, Optional, Tuple

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


def list_accounts(client: trove_client.TroveClient, instance_id: str,
                  poller: polling.Poller) -> models.Accounts:
    """Return the names of the databases and of the users of an instance.

    Trove lists the databases and users of MySQL, MariaDB and, since 23.0.0, of
    PostgreSQL. The databases and users that Trove reserves for itself are not
    included [extensions/common/models.py, 18.0.1 and 26.0.0].

    :param poller: repeats a request for up to 30 s during an outage.
    :returns: the names. If Trove rejects the request for the databases or does
        not respond for 30 s, the databases are None and a warning is logged.
        The same rule applies to the users.
    """
    def list_names(kind: str, parse: Callable[[Dict[str, Any]], str]
                   ) -> Optional[Tuple[str, ...]]:
        description = 'listing the %s of instance %s' % (kind, instance_id)
        try:
            names = poller.wait_for(
                lambda: client.list_all(
                    description,
                    lambda api, marker: getattr(api, kind).list(
                        instance_id, marker=marker),
                    parse),
                poller.deadline(timeouts.LIST_ACCOUNTS), description)
        except errors.KarborTroveError as error:
            LOG.warning('Trove did not list the %s of instance %s: %s', kind,
                        instance_id, error)
            return None
        return tuple(dict.fromkeys(names))

    return models.Accounts(
        list_names('databases', lambda data: str(data['name'])),
        list_names('users', _parse_user))


def _parse_user(data: Dict[str, Any]) -> str:
    host = data.get('host')
    return str(data['name']) if host in (None, '', '%') else (
        '%s@%s' % (data['name'], host))
