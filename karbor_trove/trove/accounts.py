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

"""Databases and users in an instance, by their names."""

from typing import Any, Callable, Dict, Optional, Tuple

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


def list_accounts(gateway: trove_client.TroveClient, instance_id: str,
                  poller: polling.Poller) -> models.Accounts:
    """List what an instance has, as far as Trove tells.

    It does for MySQL, MariaDB and PostgreSQL, and not for what it reserves
    for itself [extensions/common/models.py, 26.0.0].

    """
    def names(kind: str, named: Callable[[Dict[str, Any]], str]
              ) -> Optional[Tuple[str, ...]]:
        try:
            return poller.wait_for(
                lambda: tuple(dict.fromkeys(gateway.list_all(
                    'listing the %s of instance %s' % (kind, instance_id),
                    lambda api, marker: getattr(api, kind).list(
                        instance_id, marker=marker), named))),
                poller.deadline(timeouts.LIST_ACCOUNTS),
                'the %s of instance %s could not be listed'
                % (kind, instance_id))
        except errors.KarborTroveError as error:
            LOG.warning('Trove does not tell the %s of instance %s: %s', kind,
                        instance_id, error)
            return None

    return models.Accounts(names('databases', lambda told: str(told['name'])),
                           names('users', _user))


def _user(told: Dict[str, Any]) -> str:
    host = told.get('host')
    return str(told['name']) if host in (None, '', '%') else (
        '%s@%s' % (told['name'], host))
