# SPDX-License-Identifier: Apache-2.0

"""Clients and tokens of Karbor's own user, and the operator's credentials.

A backup has to be deleted with a token of the backup's project. So the
commands authenticate as Karbor's own user, and use one client of Trove for
each project.

With a token of another project, Trove deletes only its own record of the
backup [found with Trove 26]. This is also true of an administrator's token.
Trove searches for the objects of the backup in the Swift account of the other
project, and does not find the objects there. Trove continues to count the
backup in the quota of the backup's project.
"""

import dataclasses
from typing import Any, Dict, FrozenSet, List, Optional, Tuple, Union

from karbor.common import karbor_keystone_plugin
from karbor import context as karbor_context
from karbor import exception
from karbor.services.protection import client_factory
from keystoneauth1 import adapter
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import loading
from keystoneauth1 import session as keystone_session
from openstack import config as cloud_config
from openstack import exceptions as sdk_exceptions
from oslo_config import cfg

from karbor_trove import errors
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import connect
from karbor_trove.trove import models
from karbor_trove.trove import transport

_GROUP = 'keystone_authtoken'
_REJECTED = ('Keystone rejects the credentials in [%s] of karbor.conf. Check '
             'the name of the user, its domain and the password, and that the '
             'user is enabled')


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """The endpoint of Trove that Karbor takes from the catalog of a token."""

    #: None if the catalog does not name a region.
    region: Optional[str]
    url: str


@dataclasses.dataclass(frozen=True)
class Token:
    """The project, the roles, the lifetime and the catalog of a token."""

    #: None if the token has no project.
    project_id: Optional[str]
    roles: FrozenSet[str]
    #: The seconds for which the token is valid.
    seconds: float
    #: None if Karbor does not find Trove in the catalog. If trove_endpoint is
    #: set, Karbor does not search the catalog.
    endpoint: Optional[Endpoint]


class ProjectClients:
    """The clients of Trove that a command uses, one for each project.

    The provider files may have different options for the connection to Swift.
    In that case, a project has one client for each set of these options.
    """

    def __init__(self) -> None:
        """Create the object. No request is sent yet."""
        # An error is cached as well. So a project in which Karbor's user has
        # no role is tried only once.
        self._clients: Dict[
            Tuple[Optional[str], models.SwiftOptions],
            Union[trove_client.TroveClient, errors.KarborTroveError]] = {}

    def get(self, project_id: Optional[str] = None,
            swift: models.SwiftOptions = models.SwiftOptions()
            ) -> trove_client.TroveClient:
        """Return the client of Trove for a project.

        The first call for a project creates the client. If that fails, each
        later call for the project raises the same error.

        :param project_id: the id of the project. None for the project of
            Karbor's own user.
        :param swift: the options of a provider file for the connection to
            Swift. By default the options of karbor.conf are used.
        :raises errors.KarborTroveError: Trove cannot be reached, or Karbor's
            user has no role in the project.
        """
        key = project_id, swift
        if key not in self._clients:
            try:
                self._clients[key] = _create_client(project_id, swift)
            except errors.KarborTroveError as error:
                self._clients[key] = error
        client = self._clients[key]
        if isinstance(client, errors.KarborTroveError):
            raise client
        return client


class OperatorCredentials:
    """The operator's credentials, from variables OS_* or clouds.yaml."""

    def __init__(self) -> None:
        """Read the variables OS_* and the file clouds.yaml.

        :raises errors.Rejected: there are no credentials, or they are wrong.
        """
        try:
            self._cloud: Any = cloud_config.OpenStackConfig(
                session_constructor=_new_session).get_one()
        except (sdk_exceptions.SDKException,
                keystone_exceptions.ClientException) as error:
            raise errors.Rejected(
                'the credentials of the operator cannot be read: %s. Set the '
                'variables OS_AUTH_URL, OS_USERNAME and so on, or OS_CLOUD '
                'for a cloud in clouds.yaml' % error) from error

    def create_adapter(self, project_id: str, service_type: str
                       ) -> adapter.Adapter:
        """Return an adapter that sends requests to a service.

        :param project_id: the project of the token for these requests.
        :param service_type: the type of the service in Keystone's catalog,
            such as "data-protect".
        :raises keystone_exceptions.ClientException: Keystone gives no token
            for the credentials of the operator.
        """
        session = self._cloud.get_session()
        limits: Any = timeouts.HTTP_CONNECT, timeouts.HTTP_READ
        session.timeout = limits
        # An application credential is valid in its own project only. So the
        # credentials of that project are used as they are. All adapters share
        # the session, so its own auth plugin is not replaced.
        auth: Any = None
        if session.get_project_id() != project_id:
            options = {
                name: value for name, value
                in self._cloud.config['auth'].items()
                if not name.startswith(('project_', 'tenant_', 'domain_',
                                        'system_'))}
            loader: Any = loading.get_plugin_loader(
                self._cloud.config['auth_type'])
            auth = loader.load_from_options(project_id=project_id, **options)
        return adapter.Adapter(
            session, auth=auth, service_type=service_type,
            interface=self._cloud.get_interface(service_type),
            region_name=self._cloud.get_region_name(service_type))


def request_token(project_id: Optional[str] = None) -> Token:
    """Request a token for Karbor's own user, and return its properties.

    The credentials are those of [keystone_authtoken] in karbor.conf.

    :param project_id: the id of the project. None for the project of Karbor's
        own user.
    :raises errors.KarborTroveError: Keystone gives no token.
    """
    with transport.translate_errors('requesting a token with [%s]' % _GROUP):
        try:
            return _request_token(_create_session(_build_scope(project_id)))
        except keystone_exceptions.Unauthorized as error:
            raise errors.Rejected(_explain_refusal(project_id)) from error


def request_service_token() -> Token:
    """Request a service token of Karbor, and return its properties.

    Karbor sends a service token together with the token of a user. The
    credentials are those of [trustee] in karbor.conf.

    :raises errors.KarborTroveError: Keystone gives no token.
    """
    group = karbor_keystone_plugin.TRUSTEE_CONF_GROUP
    with transport.translate_errors('requesting a token with [%s]' % group):
        try:
            plugin = client_factory.ClientFactory.get_keystone_plugin()
        except (exception.KarborException,
                keystone_exceptions.AuthPluginException) as error:
            raise errors.Rejected('[%s] of karbor.conf: %s'
                                  % (group, error)) from error
        try:
            return _request_token(_build_session(plugin.service_auth_plugin))
        except keystone_exceptions.Unauthorized as error:
            # The token is without a project, so no role is missing.
            raise errors.Rejected(_REJECTED % group) from error


def _request_token(session: keystone_session.Session) -> Token:
    access = _get_access(session)
    return Token(access.project_id, frozenset(access.role_names),
                 (access.expires - access.issued).total_seconds(),
                 _find_endpoint(access))


def _get_access(session: keystone_session.Session) -> Any:
    """Return Keystone's response with a token and its catalog."""
    # Not every auth plugin has get_access(). The plugins that request a token
    # with a password or with another token have this method.
    auth: Any = session.auth
    return auth.get_access(session)


def _find_endpoint(access: Any) -> Optional[Endpoint]:
    """Return the endpoint of Trove that an operation takes from a catalog.

    In the catalog of the user's token, Karbor takes the first service with the
    type of trove_catalog_info, and the first region of this service. The
    option region_id has no effect here. keystonemiddleware passes the catalog
    to Karbor, and groups the endpoints of a service by region
    [_parse_service_catalog_info() in clients/utils.py of Karbor 1.6.0, and
    _normalize_catalog() in auth_token/_request.py of keystonemiddleware 13].

    :param access: Keystone's response with the token and its catalog.
    :returns: the endpoint. None if the catalog does not have the service, or
        if the first region does not have the interface of trove_catalog_info.
    """
    info = cfg.CONF.trove_client.trove_catalog_info.split(':')
    if len(info) != 3 or not access.has_service_catalog():
        return None  # Karbor ignores a wrong value.
    service_type, _, interface = info
    for service in access.service_catalog.catalog:
        if service['type'] == service_type:
            endpoints = service.get('endpoints') or []
            region = endpoints[0].get('region') if endpoints else None
            urls = {(endpoint.get('region'),
                     endpoint['interface'].lower() + 'URL'): endpoint['url']
                    for endpoint in endpoints}
            url = urls.get((region, interface))
            return Endpoint(region, url) if url else None
    return None


def is_network_visible(network_id: str) -> bool:
    """Return True if Neutron shows a network to Karbor's own user.

    :raises errors.KarborTroveError: Neutron did not respond, or Keystone's
        catalog does not have Neutron.
    """
    try:
        with transport.translate_errors('reading network %s' % network_id):
            _create_session(None).get(
                '/v2.0/networks/%s' % network_id, endpoint_filter={
                    'service_type': 'network',
                    'region_name': cfg.CONF.trove_client.region_id})
    except errors.NotFound:
        return False
    return True


def _create_client(project_id: Optional[str], swift: models.SwiftOptions
                   ) -> trove_client.TroveClient:
    """Return a client that uses the endpoint that an operation would use."""
    # Karbor's own module for Trove uses the operator's [trove_client].
    module = client_factory.ClientFactory.get_client_module('trove')
    session = _create_session(_build_scope(project_id))
    with transport.translate_errors('finding Trove as Karbor\'s user'):
        try:
            access = _get_access(session)
        except keystone_exceptions.Unauthorized as error:
            raise errors.Rejected(_explain_refusal(project_id)) from error
    conf = cfg.CONF.trove_client
    catalog: List[Dict[str, Any]] = []
    endpoint = _find_endpoint(access)
    if endpoint:
        service_type, _, interface = conf.trove_catalog_info.split(':')
        catalog = [{'type': service_type,
                    'endpoints': [{interface: endpoint.url}]}]
    context = karbor_context.RequestContext(
        user_id=None, project_id=access.project_id, is_admin=False,
        overwrite=False, service_catalog=catalog)

    def make_client() -> Any:
        # If the endpoint is known, [trustee] need not be set.
        is_known = conf.trove_endpoint or context.service_catalog
        return module.create(
            context, cfg.CONF, session=session,
            keystone_plugin=None if is_known else _get_keystone_plugin())

    return connect.build_client(make_client, swift, access.project_id or '')


def _get_keystone_plugin() -> Any:
    """Return the object with which Karbor searches Keystone for an endpoint.

    The object uses the credentials of [trustee] in karbor.conf.
    """
    plugin = client_factory.ClientFactory.get_keystone_plugin()
    plugin.client.session.timeout = timeouts.HTTP_CONNECT, timeouts.HTTP_READ
    return plugin


def _build_scope(project_id: Optional[str]) -> Optional[Dict[str, str]]:
    return {'project_id': project_id} if project_id else None


def _explain_refusal(project_id: Optional[str]) -> str:
    """Return a message that says why Keystone gave no token for a project.

    There are two possible reasons: wrong credentials, or no role in the
    project. Keystone responds with 401 in both cases [token_model.py and
    exception.py of Keystone 30]. So this function requests a token without a
    project, which needs no role. If Keystone gives this token, the credentials
    are right.

    :param project_id: the id of the project. None for the project of Karbor's
        own user.
    :raises keystone_exceptions.ClientException: Keystone is unavailable.
    """
    try:
        _create_session({}).get_token()
    except keystone_exceptions.Unauthorized:
        return _REJECTED % _GROUP
    return ('the user of [%s] has no role in project %s, or the project is '
            'disabled or does not exist'
            % (_GROUP, project_id or 'of its own'))


def _create_session(scope: Optional[Dict[str, str]]
                    ) -> keystone_session.Session:
    """Return a session of Karbor's own user. No request is sent yet.

    :param scope: the options that choose the project of the token, such as
        {'project_id': ID}. None for the project of karbor.conf. {} for a token
        without a project.
    :raises errors.Rejected: [keystone_authtoken] of karbor.conf has no
        credentials or wrong options.
    """
    options: Dict[str, Any] = {} if scope is None else {
        'project_id': None, 'project_name': None, 'project_domain_id': None,
        'project_domain_name': None, **scope}
    # keystonemiddleware has registered only some of these options.
    loading.register_auth_conf_options(cfg.CONF, _GROUP)
    try:
        auth = loading.load_auth_from_conf_options(cfg.CONF, _GROUP, **options)
    except keystone_exceptions.AuthPluginException as error:
        raise errors.Rejected('[%s] of karbor.conf: %s'
                              % (_GROUP, error)) from error
    if auth is None:
        raise errors.Rejected(
            '[%s] of karbor.conf has no auth_type, so the command has no '
            'credentials for Keystone. Set auth_type and the options of the '
            'user, or use --config-file to name the file that has them'
            % _GROUP)
    return _build_session(auth)


def _build_session(auth: Any) -> keystone_session.Session:
    # get_client_module() registers the options of [trove_client].
    client_factory.ClientFactory.get_client_module('trove')
    conf = cfg.CONF.trove_client
    session = _new_session(auth=auth, verify=(
        not conf.trove_auth_insecure
        and (conf.trove_ca_cert_file or cfg.CONF[_GROUP].cafile or True)))
    # The constructor accepts only one number for both time limits.
    limits: Any = timeouts.HTTP_CONNECT, timeouts.HTTP_READ
    session.timeout = limits
    return session


def _new_session(**options: Any) -> keystone_session.Session:
    session = keystone_session.Session(**options)
    transport.discover_without_token(session)
    return session
