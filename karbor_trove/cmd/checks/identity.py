# SPDX-License-Identifier: Apache-2.0

"""Check of Keystone: the tokens and the roles of Karbor's own user."""

from typing import Iterator, Sequence

from oslo_config import cfg

from karbor_trove.cmd.checks import config_file
from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import provider_file
from karbor_trove.cmd import clients
from karbor_trove import errors
from karbor_trove.trove import transport

Finding = findings.Finding
Kind = findings.Kind

_GROUP = 'keystone_authtoken'
_SERVICE_GROUP = 'trustee'


def check(conf: Sequence[config_file.ConfigFile],
          files: Sequence[provider_file.ProviderFile]) -> Iterator[Finding]:
    """Yield findings about the tokens that Keystone gives to Karbor.

    The check requests a token of Karbor's own user, and the service token that
    Karbor sends together with a user's token. The check also finds out whether
    Keystone responds at the URL auth_uri of karbor.conf.

    :param conf: the files of Karbor's own configuration.
    :param files: the provider files. A token of Karbor's own user has to be
        valid for the longest backup_timeout of the enabled providers.
    """
    place = config_file.find_place(conf, _GROUP, 'username')
    try:
        token = clients.request_token()
    except errors.KarborTroveError as error:
        yield Finding(Kind.KEYSTONE_FAILS,
                      findings.build_sentence(error), place)
    else:
        yield Finding(
            Kind.KEYSTONE_WORKS, 'Keystone gives the user of [%s] tokens for '
            'project %s with these roles: %s. A token is valid for %d s.' % (
                _GROUP, token.project_id,
                ', '.join(sorted(token.roles)) or 'none', token.seconds),
            place)
        if 'admin' not in token.roles:
            yield Finding(
                Kind.ADMIN_ROLE_MISSING, 'The user of [%s] does not have the '
                'role admin in project %s. Karbor and the commands "orphans" '
                'and "report" need it: openstack role add --user USER '
                '--project %s admin.'
                % (_GROUP, token.project_id, token.project_id), place)
        yield from _check_lifetime(token.seconds, files)
    yield from _check_service_token(conf)
    yield from _check_auth_uri(conf)


def _check_lifetime(seconds: float,
                    files: Sequence[provider_file.ProviderFile]
                    ) -> Iterator[Finding]:
    longest = max((file.read_settings().backup_timeout for file in files
                   if file.is_enabled), default=0.0)
    if seconds < longest:
        yield Finding(
            Kind.TOKEN_TOO_SHORT, 'A token is valid for %d s, and the longest '
            'backup_timeout of the providers is %d s. A backup fails with '
            'HTTP 401 if its upload ends after the token. Write the lines '
            'into keystone.conf, or lower backup_timeout.'
            % (seconds, longest), write='[token]\nexpiration = %d' % longest)


def _check_service_token(conf: Sequence[config_file.ConfigFile]
                         ) -> Iterator[Finding]:
    place = config_file.find_place(conf, _SERVICE_GROUP, 'username')
    try:
        token = clients.request_service_token()
    except errors.KarborTroveError as error:
        yield Finding(Kind.KEYSTONE_FAILS,
                      findings.build_sentence(error), place)
        return
    if 'service' not in token.roles:
        yield Finding(
            Kind.SERVICE_ROLE_MISSING, 'The token that Karbor sends with the '
            'token of a user does not have the role service. Recent releases '
            'of keystonemiddleware refuse both tokens then, or refuse a token '
            'that has expired during a long operation: openstack role add '
            '--user USER --project PROJECT service, and openstack user set '
            '--project PROJECT USER.', place)


def _check_auth_uri(conf: Sequence[config_file.ConfigFile]
                    ) -> Iterator[Finding]:
    """Yield a finding if Keystone does not respond at auth_uri.

    The URL is the option auth_uri of [clients_keystone] in karbor.conf. If the
    URL is unreachable, Karbor cannot authenticate the token of a user. If the
    option is not set, nothing is checked.
    """
    url = cfg.CONF.clients_keystone.auth_uri
    try:
        if url:
            transport.check_reachable(url, transport.request_timeout(
                None, 'finding Keystone'))
    except errors.KarborTroveError as error:
        yield Finding(
            Kind.KEYSTONE_FAILS, 'auth_uri of [clients_keystone]: %s'
            % findings.build_sentence(error),
            config_file.find_place(conf, 'clients_keystone', 'auth_uri'))
