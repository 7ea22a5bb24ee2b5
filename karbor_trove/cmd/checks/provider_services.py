# SPDX-License-Identifier: Apache-2.0

"""Check of what providers need in the cloud: Swift, flavor, network."""

from typing import Callable, Iterator, Sequence

from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import provider_file
from karbor_trove.cmd import clients
from karbor_trove.cmd import progress
from karbor_trove import errors
from karbor_trove import options
from karbor_trove.trove import catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import swift

Finding = findings.Finding
Kind = findings.Kind


def check(project_clients: clients.ProjectClients, project_id: str,
          files: Sequence[provider_file.ProviderFile]) -> Iterator[Finding]:
    """Yield findings about Swift, and about what test restores need.

    Test restores need the flavor, the network and the volume type that a
    provider file names. The check finds out whether these exist, and whether
    Swift responds. If a provider is not enabled, or if an option in its file
    is wrong, the file is skipped.

    :param project_clients: the clients of Trove, with the credentials of
        Karbor's own user.
    :param project_id: the id of the project of Karbor's own user.
    :param files: the provider files.
    """
    for file in progress.track(files, 'Checking what providers need',
                               is_slow=True):
        # A file with a wrong option is skipped. The check of the files reports
        # the option.
        settings = file.read_settings()
        if not file.is_enabled or settings.problem:
            continue
        try:
            client = project_clients.get(None, settings.swift)
        except errors.KarborTroveError:  # trove_service.check() reports it.
            return
        yield _check_swift(file, client)
        yield from _check_objects(file, settings, catalog.Catalog(
            client, project_id))


def _check_swift(file: provider_file.ProviderFile,
                 client: trove_client.TroveClient) -> Finding:
    place = file.config.place(options.GROUP, 'swift_region_name')
    try:
        url = swift.find_account_url(client)
    except errors.KarborTroveError as error:
        advice = ('Set swift_ca_cert_file' if 'CERTIFICATE' in str(error)
                  or 'certificate' in str(error) else
                  'Set swift_interface or swift_endpoint_override, if Karbor '
                  'reaches Swift at another endpoint')
        return Finding(
            Kind.SWIFT_FAILS, '%s Verifications at the levels data and '
            'restore fail, and deletions of backups are deferred. %s.'
            % (findings.build_sentence(error), advice), place)
    if url is None:
        return Finding(
            Kind.SWIFT_ABSENT, 'Keystone\'s catalog does not have Swift. '
            'Verifications at the levels data and restore fail, if Trove '
            'stores its backups in Swift.', place)
    return Finding(Kind.SWIFT_WORKS, 'Swift responds to the %s at %s.'
                   % (file.name, url), place)


def _check_objects(file: provider_file.ProviderFile,
                   settings: options.Settings, trove_catalog: catalog.Catalog
                   ) -> Iterator[Finding]:
    def has_flavor(flavor_id: str) -> bool:
        return trove_catalog.find_flavor(flavor_id) is not None

    def has_volume_type(name: str) -> bool:
        return name in trove_catalog.list_volume_types()

    for option, value, exists, kind in (
            ('verify_flavor_id', settings.verify_flavor_id, has_flavor,
             Kind.FLAVOR_ABSENT),
            ('verify_net_id', settings.verify_net_id,
             clients.is_network_visible, Kind.NETWORK_ABSENT),
            ('verify_volume_type', settings.verify_volume_type,
             has_volume_type, Kind.VOLUME_TYPE_ABSENT)):
        if value:
            yield _check_object(file, option, value, exists, kind)


def _check_object(file: provider_file.ProviderFile, option: str, value: str,
                  exists: Callable[[str], bool], kind: Kind) -> Finding:
    name = '%s = %s' % (option, value)
    place = file.config.place(options.GROUP, option)
    try:
        if exists(value):
            return Finding(Kind.OBJECT_EXISTS, 'The cloud has what the %s '
                           'names: %s. Karbor\'s own user sees it. The check '
                           'does not know whether tenants may use it.'
                           % (file.name, name), place)
    except errors.KarborTroveError as error:
        return Finding(Kind.OBJECT_UNCHECKED, 'It is not known whether the '
                       'cloud has what the %s names: %s. %s'
                       % (file.name, name, findings.build_sentence(error)),
                       place)
    return Finding(
        kind, 'The cloud does not have what the %s names, or does not show it '
        'to Karbor\'s own user: %s. Test restores fail with it.'
        % (file.name, name), place, '%s = ...' % option)
