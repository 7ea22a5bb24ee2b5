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

"""Trove in a tenant's project, with the rights of Karbor's own user.

A backup has to be deleted with a token of its project. With one of another,
even an administrator's, Trove looks for the objects in that other project's
Swift, does not find them, forgets the backup nevertheless, and goes on
counting it in the tenant's quota [found with Trove 26].
"""

import functools
from typing import Any, Dict, Optional

from karbor import context as karbor_context
from karbor.services.protection import client_factory
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import loading
from keystoneauth1 import session as sessions
from oslo_config import cfg

from karbor_trove import errors
from karbor_trove.trove import client
from karbor_trove.trove import transport

_SECTION = 'keystone_authtoken'


class Cloud:
    """Trove, in one project after another."""

    def __init__(self) -> None:
        """Ask nothing of anybody yet."""
        # Each project's is asked for once, and so is its refusal.
        self._gateway = functools.lru_cache(maxsize=None)(_gateway)
        self._refused: Dict[Optional[str], errors.KarborTroveError] = {}

    def gateway(self, project_id: Optional[str] = None) -> client.TroveClient:
        """Reach Trove in a project.

        :param project_id: None: the one of Karbor's own user.
        :raises errors.TroveError: it cannot be reached, or Karbor's user has
            no role in the project.
        """
        if project_id in self._refused:
            raise self._refused[project_id]
        try:
            return self._gateway(project_id)
        except errors.KarborTroveError as error:
            self._refused[project_id] = error
            raise


def _gateway(project_id: Optional[str]) -> client.TroveClient:
    # Karbor's way to a client of Trove, and the options for it.
    module = client_factory.ClientFactory.get_client_module('trove')
    session = _session(project_id)
    conf = cfg.CONF.trove_client
    kind, _, interface = conf.trove_catalog_info.split(':')
    with transport.translate_errors('reaching Trove as Karbor\'s user'):
        try:
            project_id = session.get_project_id()
        except keystone_exceptions.Unauthorized as error:
            raise errors.Rejected(
                'the user of [%s] has no role in project %s, or Keystone '
                'refuses it' % (_SECTION, project_id or 'of its own')
            ) from error
        # Where trove_endpoint is set, the catalog may not have it.
        url = None if conf.trove_endpoint else session.get_endpoint(
            service_type=kind, interface=interface,
            region_name=conf.region_id)
    context = karbor_context.RequestContext(
        user_id=None, project_id=project_id, is_admin=False, overwrite=False,
        service_catalog=[{'type': kind, 'endpoints': [{interface: url}]}])
    return client.TroveClient(lambda: module.create(context, cfg.CONF,
                                                    session=session))


def _session(project_id: Optional[str]) -> sessions.Session:
    where: Dict[str, Any] = {
        'project_id': project_id, 'project_name': None,
        'project_domain_id': None, 'project_domain_name': None,
    } if project_id else {}
    # The middleware has registered some of them only.
    loading.register_auth_conf_options(cfg.CONF, _SECTION)
    try:
        auth = loading.load_auth_from_conf_options(cfg.CONF, _SECTION,
                                                   **where)
    except keystone_exceptions.AuthPluginException as error:
        raise errors.Rejected('[%s] of karbor.conf: %s'
                              % (_SECTION, error)) from error
    conf = cfg.CONF.trove_client
    return sessions.Session(auth=auth, verify=(
        not conf.trove_auth_insecure
        and (conf.trove_ca_cert_file or cfg.CONF[_SECTION].cafile or True)))
