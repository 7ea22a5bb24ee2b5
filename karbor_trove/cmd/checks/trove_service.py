# SPDX-License-Identifier: Apache-2.0

"""Check of Trove: endpoint, release, quotas and clock."""

from typing import Iterator, List, Optional, Sequence

from oslo_config import cfg

from karbor_trove.cmd.checks import config_file
from karbor_trove.cmd.checks import findings
from karbor_trove.cmd import clients
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import serialization

Finding = findings.Finding
Kind = findings.Kind

_GROUP = 'trove_client'
# How many backups are read, to see the release of Trove and to find projects.
_MAX_BACKUPS = 20


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
        token = clients.request_token()
    except errors.KarborTroveError:  # identity.check() reports it.
        return
    source = 'Karbor takes the endpoint from %s.' % _describe_source(
        token.endpoint)
    place = _find_place(conf)
    try:
        client = project_clients.get()
        backups = _list_newest_backups(client)
        release = _guess_release(project_clients, backups)
        quotas = list(_check_quotas(
            project_clients, project_id, 'admin' in token.roles, backups))
    except errors.KarborTroveError as error:
        yield Finding(Kind.TROVE_FAILS, '%s %s' % (
            findings.build_sentence(error), source), place)
        return
    yield Finding(Kind.TROVE_WORKS, 'Trove responds at %s. %s %s.' % (
        client.url, source, release), place)
    yield from _check_region(conf, token.endpoint)
    yield from quotas
    yield from _check_clocks(client)


def _describe_source(endpoint: Optional[clients.Endpoint]) -> str:
    """Return a phrase that says how Karbor finds the endpoint of Trove.

    :param endpoint: the endpoint in the catalog of Karbor's own user. None if
        Karbor does not find Trove in this catalog.
    """
    options = cfg.CONF[_GROUP]
    if options.trove_endpoint:
        return 'trove_endpoint of [%s]' % _GROUP
    if endpoint is not None:
        return 'Keystone\'s catalog, by trove_catalog_info = %s of [%s]%s' % (
            options.trove_catalog_info, _GROUP,
            ', in region %s' % endpoint.region if endpoint.region else '')
    return ('Keystone\'s list of endpoints, by service_name = %s, '
            'service_type = %s, interface = %s and region_id = %s of [%s], '
            'because trove_catalog_info = %s selects no endpoint in the '
            'catalog' % (
                options.service_name, options.service_type, options.interface,
                options.region_id, _GROUP, options.trove_catalog_info))


def _find_place(conf: Sequence[config_file.ConfigFile]
                ) -> Optional[findings.Place]:
    return config_file.find_place(
        conf, _GROUP, 'trove_endpoint' if cfg.CONF[_GROUP].trove_endpoint
        else 'trove_catalog_info')


def _check_region(conf: Sequence[config_file.ConfigFile],
                  endpoint: Optional[clients.Endpoint]) -> Iterator[Finding]:
    options = cfg.CONF[_GROUP]
    if (options.trove_endpoint or endpoint is None
            or endpoint.region in (None, options.region_id)):
        return
    yield Finding(
        Kind.REGIONS_DIFFER, 'Karbor uses Trove in region %s, because this is '
        'the first region of Trove in Keystone\'s catalog. region_id = %s of '
        '[%s] does not change this. It selects the region of Swift, and of '
        'the networks that this check searches for. If region %s is right, '
        'write region_id = %s. Otherwise set trove_endpoint to the URL of '
        'Trove in the other region, without the project.' % (
            endpoint.region, options.region_id, _GROUP, endpoint.region,
            endpoint.region),
        config_file.find_place(conf, _GROUP, 'region_id'))


def _list_newest_backups(client: trove_client.TroveClient
                         ) -> List[models.Backup]:
    """Return the backups of all projects that changed last.

    If Trove does not list the backups of all projects to Karbor's own user,
    the result has the backups of the user's project.
    """
    def request(all_projects: bool) -> List[models.Backup]:
        with client.prepare_request('listing backups') as api:
            return [serialization.parse_backup(item.to_dict())
                    for item in api.backups.list(limit=_MAX_BACKUPS,
                                                 all_projects=all_projects)]

    try:
        return request(True)
    except errors.Rejected:
        return request(False)


def _list_projects(backups: Sequence[models.Backup]) -> List[str]:
    """Return the ids of the projects of backups, each one once.

    Before Victoria (14.0.0) a backup does not have its project.
    """
    return list(dict.fromkeys(
        backup.project_id for backup in backups if backup.project_id))


def _guess_release(project_clients: clients.ProjectClients,
                   backups: Sequence[models.Backup]) -> str:
    """Return a sentence about the release of Trove.

    Trove does not return its release, but later releases return more keys.
    Victoria added a key to the response for a backup. Wallaby added a key to
    the response for an instance [backup/views.py and instance/views.py, 14.0
    and 15.0].

    :param backups: backups in Trove. The instance of one of them is read with
        a token of the project of the backup.
    :returns: a sentence such as "Its release looks like Wallaby (15.0.0) or
        newer". If there is no backup, the sentence says that the release
        cannot be seen.
    """
    if not backups:
        return ('Its release cannot be seen, because it does not show any '
                'backup to Karbor\'s own user')
    if not _list_projects(backups):
        return 'Its release looks older than Victoria (14.0.0)'
    for project_id, instance_id in dict.fromkeys(
            (backup.project_id, backup.instance_id) for backup in backups):
        if not instance_id:  # A user registered the backup.
            continue
        try:
            instance = project_clients.get(project_id).get_instance(
                instance_id)
        except (errors.NotFound, errors.Rejected):
            # The instance is deleted, or Karbor's user may not read it.
            continue
        if instance.operating_status is None:
            return 'Its release looks like Victoria (14.0.0)'
        return 'Its release looks like Wallaby (15.0.0) or newer'
    return 'Its release looks like Victoria (14.0.0) or newer'


def _check_quotas(project_clients: clients.ProjectClients, project_id: str,
                  is_admin: bool, backups: Sequence[models.Backup]
                  ) -> Iterator[Finding]:
    """Yield a finding unless Trove shows a tenant the quotas of its project.

    Before Xena (16.0.0), Trove shows quotas to administrators only. So if the
    token of Karbor's own user has the role admin, the check uses a token of
    another project, in which the user does not have this role.

    :param project_id: the project of Karbor's own user.
    :param is_admin: whether the user has the role admin in this project.
    :param backups: the backups whose projects are the other projects.
    :raises errors.KarborTroveError: Trove or Keystone does not respond.
    """
    def shows_quotas(project: Optional[str], id_: str) -> bool:
        return catalog.Catalog(project_clients.get(project),
                               id_).find_quotas() is not None

    if not shows_quotas(None, project_id):
        yield _describe_hidden_quotas(
            'Trove does not show the quotas of project %s to Karbor\'s own '
            'user' % project_id)
        return
    if not is_admin:
        return
    projects = _list_projects(backups)
    for project in projects:
        try:
            if 'admin' not in clients.request_token(project).roles:
                if not shows_quotas(project, project):
                    yield _describe_hidden_quotas(
                        'Trove does not show the quotas of project %s to '
                        'Karbor\'s own user, which is not an administrator '
                        'there' % project)
                return
        except errors.Rejected:  # The user has no role in the project.
            continue
    if backups and not projects:
        yield _describe_hidden_quotas(
            'Trove is older than Victoria (14.0.0), and shows quotas to '
            'administrators only')
        return
    yield Finding(
        Kind.QUOTAS_UNKNOWN, 'Karbor\'s own user has the role admin in '
        'project %s. The %d newest backups belong to no project in which the '
        'user has a role, but not the role admin. So the check cannot see '
        'whether Trove shows quotas to tenants. Trove does so since Xena '
        '(16.0.0). A tenant can find out: openstack database quota show '
        'PROJECT.' % (project_id, _MAX_BACKUPS))


def _describe_hidden_quotas(reason: str) -> Finding:
    return Finding(
        Kind.QUOTAS_HIDDEN, '%s. A protect or a restore that exceeds a quota '
        'is not refused before anything is created. Trove shows quotas to '
        'tenants since Xena (16.0.0).' % reason)


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
