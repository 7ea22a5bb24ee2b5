# SPDX-License-Identifier: Apache-2.0

"""Connection to Trove with the rights of the user of a request to Karbor."""

from typing import Any, Callable, Optional, Union

from karbor.common import config as _karbor_config  # noqa: F401, its options
from karbor import exception
from karbor.services.protection import client_factory
from oslo_config import cfg

from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import polling
from karbor_trove.trove import client
from karbor_trove.trove import models
from karbor_trove.trove import transport


def connect(context: karbor_types.RequestContext,
            deadline: Optional[polling.Deadline] = None,
            swift: models.SwiftOptions = models.SwiftOptions()
            ) -> client.TroveClient:
    """Return a client of Trove that has the rights of a user of Karbor.

    Karbor's own factory of clients finds the endpoint of Trove and adds
    Karbor's service token. So the section [trove_client] of karbor.conf
    applies to this client as well.

    :param context: the context of the user's request to Karbor.
    :param deadline: no request is sent after the deadline. None if there is no
        deadline.
    :param swift: the options of the provider file for Swift.
    :raises errors.KarborTroveError: the client could not be created. For
        example, Keystone does not respond, or the endpoint of Trove is not
        found.
    """
    def make_client() -> Any:
        # Karbor reads Keystone's versions once, without a timeout
        # [get_auth_uri() in utils.py, 1.6.0]. A Keystone that hangs would
        # block Karbor forever. So check first that Keystone responds.
        url = cfg.CONF.clients_keystone.auth_uri
        if url and not (client_factory.ClientFactory.get_keystone_plugin()
                        ._auth_uri):
            transport.check_reachable(url, transport.request_timeout(
                deadline, 'finding Keystone'))
        return client_factory.ClientFactory.create_client('trove', context)

    return build_client(make_client, swift, context.project_id, deadline)


def build_client(make_client: Callable[[], Any], swift: models.SwiftOptions,
                 project_id: str, deadline: Optional[polling.Deadline] = None
                 ) -> client.TroveClient:
    """Return a client of Trove around a client that Karbor creates.

    :param make_client: creates Karbor's client, which finds the endpoint of
        Trove.
    :param swift: the options of the provider file for Swift.
    :param project_id: the project of the user.
    :param deadline: no request is sent after the deadline. None if there is no
        deadline.
    :raises errors.KarborTroveError: make_client() has failed. For example,
        the endpoint of Trove is not found.
    """
    try:
        return client.TroveClient(
            make_client, deadline,
            lambda: get_swift_connection(swift, project_id))
    except exception.KarborException as error:
        raise errors.Rejected('finding Trove: %s' % error) from error
    except (KeyError, TypeError, ValueError) as error:
        # Karbor builds the URL from a template and the catalog of the token.
        raise errors.Rejected(
            'finding Trove: its endpoint cannot be built from [trove_client] '
            'of karbor.conf and the catalog (%r)' % error) from error


def get_swift_connection(swift: models.SwiftOptions,
                         project_id: str) -> models.SwiftConnection:
    """Return the settings for the connection to Swift.

    The settings are from the provider file and from karbor.conf. A region or
    an interface of the provider file is always used. A region or an interface
    of karbor.conf may be meant for Trove, so it is only preferred:

    * Region: if the catalog has Swift in only one region, this region is used
      even if karbor.conf has another region.
    * Interface: if Swift has no endpoint with the interface of karbor.conf,
      the other interfaces are tried.

    :param swift: the options of the provider file for Swift.
    :param project_id: the project of the user.
    :raises errors.Rejected: an option of Karbor has a value that is not
        allowed.
    """
    # This registers the options of [trove_client].
    client_factory.ClientFactory.get_client_module('trove')
    try:
        preferred = _read_interface()
        return models.SwiftConnection(
            region_name=swift.region_name or cfg.CONF.trove_client.region_id,
            is_region_required=swift.region_name is not None,
            interfaces=(swift.interface,) if swift.interface else tuple(
                dict.fromkeys((preferred, 'public', 'internal', 'admin'))),
            verify=swift.ca_cert_file or _read_verify(swift.conf),
            endpoint_override=swift.get_endpoint(project_id))
    except ValueError as error:
        raise errors.Rejected('finding Swift: %s' % error) from error


def _read_interface() -> str:
    """Return the interface that karbor.conf sets for Swift or for Trove.

    The function reads these options in this order:

    * swift_catalog_info of [swift_client]
    * trove_catalog_info of [trove_client]
    * interface of [trove_client], only if karbor.conf sets it

    The result is the first interface other than "public". If there is none,
    the result is "public".

    :raises ValueError: the value of an option names no known interface.
    """
    _register_swift_client(cfg.CONF)
    location = cfg.CONF.get_location('interface', 'trove_client')
    is_set = location is not None and location.location not in (
        cfg.Locations.opt_default, cfg.Locations.set_default)
    for group, name in (('swift_client', 'swift_catalog_info'),
                        ('trove_client', 'trove_catalog_info'),
                        ('trove_client', 'interface')):
        value = cfg.CONF[group][name] or ''
        interface = value.rpartition(':')[2].replace('URL', '')
        if name == 'interface' and not is_set:
            break
        if interface not in ('public', 'internal', 'admin'):
            raise ValueError('[%s] %s = %s has none of the interfaces public, '
                             'internal and admin' % (group, name, value))
        if interface != 'public':
            return interface
    return 'public'


def _read_verify(provider_conf: Any) -> Optional[Union[bool, str]]:
    """Return how to verify Swift's certificate, from section [swift_client].

    The provider file and karbor.conf may both have this section. If both set
    an option for the certificate, the provider file has precedence.

    :param provider_conf: the configuration of the provider file. None if there
        is no provider file.
    :returns: the path of a file of CA certificates, or False to accept every
        certificate. None if no option is set.
    """
    for conf in provider_conf, cfg.CONF:
        if conf is None:
            continue
        _register_swift_client(conf)
        section = conf.swift_client
        if section.swift_auth_insecure:
            return False
        if section.swift_ca_cert_file:
            return str(section.swift_ca_cert_file)
    return None


def _register_swift_client(conf: Any) -> None:
    client_factory.ClientFactory.get_client_module('swift').register_opts(conf)
