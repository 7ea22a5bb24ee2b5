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

"""Trove as Karbor reaches it, behind our gateway."""

from typing import Any, Optional

from karbor.common import config as _karbor_config  # noqa: F401
from karbor import exception
from karbor.services.protection import client_factory
from oslo_config import cfg

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import client
from karbor_trove.trove import transport


def connect(context: Any,
            deadline: Optional[polling.Deadline] = None) -> client.TroveClient:
    """Reach Trove with the rights of a request's user.

    Karbor's own factory finds the endpoint and adds its service token, so
    the operator's [trove_client] of karbor.conf holds here as well.

    :param context: Karbor's request context.
    :param deadline: see trove.Gateway.
    :raises errors.TroveError: Trove's address or the user's rights could not
        be found out.
    """
    def make() -> Any:
        _see_keystone(deadline)
        return client_factory.ClientFactory.create_client('trove', context)

    try:
        return client.TroveClient(make, deadline)
    except exception.KarborException as error:
        raise errors.Rejected('finding Trove: %s' % error) from error


def _see_keystone(deadline: Optional[polling.Deadline]) -> None:
    """See that Keystone answers before Karbor looks for its versions.

    Karbor does that once, and sets no limit of time [get_auth_uri() in
    utils.py, 1.6.0]: with a Keystone that hangs, it would hang for ever.
    """
    url = cfg.CONF.clients_keystone.auth_uri
    if url and not (client_factory.ClientFactory.get_keystone_plugin()
                    ._auth_uri):
        transport.check_reachable(url, transport.request_timeout(deadline, 'finding Keystone'))
