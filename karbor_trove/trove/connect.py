# SPDX-License-Identifier: Apache-2.0

"""Connection to Trove with the rights of a Karbor request's user."""

from typing import Any, Optional

from karbor.common import config as _karbor_config  # noqa: F401, its options
from karbor import exception
from karbor.services.protection import client_factory
from oslo_config import cfg

from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import polling
from karbor_trove.trove import client
from karbor_trove.trove import transport


def connect(context: karbor_types.RequestContext,
            deadline: Optional[polling.Deadline] = None) -> client.TroveClient:
    """Return a client of Trove with the rights of a request's user.

    Karbor's own factory finds the endpoint and adds its service token. So the
    operator's section [trove_client] of karbor.conf applies here as well.

    :param deadline: see TroveClient.
    :raises errors.KarborTroveError: the endpoint of Trove or the rights of
        the user could not be read.
    """
    def make_client() -> Any:
        # Karbor reads Keystone's versions once, without a timeout
        # [get_auth_uri() in utils.py, 1.6.0]. A Keystone that hangs would
        # block it forever.
        url = cfg.CONF.clients_keystone.auth_uri
        if url and not (client_factory.ClientFactory.get_keystone_plugin()
                        ._auth_uri):
            transport.check_reachable(url, transport.request_timeout(
                deadline, 'finding Keystone'))
        return client_factory.ClientFactory.create_client('trove', context)

    try:
        return client.TroveClient(make_client, deadline)
    except exception.KarborException as error:
        raise errors.Rejected('finding Trove: %s' % error) from error
    except (KeyError, TypeError, ValueError) as error:
        # Karbor builds the URL from a template and the catalog of the token.
        raise errors.Rejected(
            'finding Trove: its endpoint cannot be built from [trove_client] '
            'of karbor.conf and the catalog (%r)' % error) from error
