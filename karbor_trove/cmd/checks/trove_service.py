# SPDX-License-Identifier: Apache-2.0

"""Check of Trove: endpoint, release, quotas and clock."""

from typing import Iterator, Optional, Sequence

from oslo_config import cfg

from karbor_trove.cmd.checks import config_file
from karbor_trove.cmd.checks import findings
from karbor_trove.cmd import clients
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import catalog
from karbor_trove.trove import client as trove_client

Finding = findings.Finding
Kind = findings.Kind

_GROUP = 'trove_client'


def check(conf: Sequence[config_file.ConfigFile],
          project_clients: clients.ProjectClients, project_id: str
          ) -> Iterator[Finding]:
    """Yield how Trove responds to the requests of Karbor's own user.

    The findings are about the endpoint, the release, the quotas and the clock
    of Trove. If Trove does not respond, the only finding is a failure.

    :param conf: the files of Karbor's own configuration.
    :param project_clients: the clients of Trove, with the credentials of
        Karbor's own user.
    :param project_id: the id of the project of Karbor's own user.
    """
    try:
        client = project_clients.get()
        release = _guess_release(client, project_id)
        quotas = catalog.Catalog(client, project_id).find_quotas()
    except errors.KarborTroveError as error:
        yield Finding(
            Kind.TROVE_FAILS, '%s The endpoint is from %s.'
            % (findings.build_sentence(error), _describe_endpoint()),
            _find_place(conf))
        return
    yield Finding(
        Kind.TROVE_WORKS, 'Trove responds at %s. The endpoint is from %s. %s.'
        % (client.url, _describe_endpoint(), release), _find_place(conf))
    if quotas is None:
        yield Finding(
            Kind.QUOTAS_HIDDEN, 'Trove does not return the quotas of project '
            '%s to Karbor\'s own user. If it does not return them to tenants '
            'either, a protect or a restore that exceeds a quota is not '
            'refused before anything is created. Trove returns them since '
            'Xena (16.0.0) if its policy allows it.' % project_id)
    yield from _check_clocks(client)


def _describe_endpoint() -> str:
    options = cfg.CONF[_GROUP]
    if options.trove_endpoint:
        return 'trove_endpoint of [%s]' % _GROUP
    return 'Keystone\'s catalog, by trove_catalog_info = %s of [%s]' % (
        options.trove_catalog_info, _GROUP)


def _find_place(conf: Sequence[config_file.ConfigFile]
                ) -> Optional[findings.Place]:
    return config_file.find_place(
        conf, _GROUP, 'trove_endpoint' if cfg.CONF[_GROUP].trove_endpoint
        else 'trove_catalog_info')


def _guess_release(client: trove_client.TroveClient, project_id: str) -> str:
    """Return a sentence about the release of Trove.

    Trove does not return its release, but later releases return more keys.
    Victoria added a key to the response for a backup. Wallaby added a key to
    the response for an instance [backup/views.py and instance/views.py, 14.0
    and 15.0].

    :param project_id: the id of the project whose instances and backups are
        read.
    :returns: a sentence such as "Its release looks like Wallaby (15.0.0) or
        newer". If the project has no instance and no backup, the sentence says
        that the release cannot be seen.
    """
    instances = client.list_instances()
    backups = client.list_backups().values()
    if any(instance.operating_status is not None for instance in instances):
        return 'Its release looks like Wallaby (15.0.0) or newer'
    if any(backup.project_id is not None for backup in backups):
        return 'Its release looks like Victoria (14.0.0) or newer'
    if instances or backups:
        return 'Its release looks older than Wallaby (15.0.0)'
    return ('Its release cannot be seen, because project %s has no instance '
            'and no backup' % project_id)


def _check_clocks(client: trove_client.TroveClient) -> Iterator[Finding]:
    now = client.last_response_time
    if now is None:
        return
    difference = now - polling.SYSTEM_CLOCK.utc()
    details = ('The clock of Trove differs from the clock of this host by %d '
               's' % abs(difference.total_seconds()))
    if abs(difference) > timeouts.CLOCK_TOLERANCE:
        yield Finding(
            Kind.CLOCKS_DIFFER, '%s. With more than %d s, a backup of a '
            'request with a lost response may not be found. Check the time '
            'service (NTP) of both hosts.'
            % (details, timeouts.CLOCK_TOLERANCE.total_seconds()))
    else:
        yield Finding(Kind.CLOCKS_AGREE, details + '.')
