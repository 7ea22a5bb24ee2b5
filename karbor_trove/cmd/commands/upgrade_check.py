# SPDX-License-Identifier: Apache-2.0

"""`upgrade check`: whether Karbor uses the plugins, and whether they work."""

import pathlib
from typing import Iterator, List, Sequence, Tuple

from karbor.common import config as _karbor_config  # noqa: F401
from karbor import exception
from karbor.services.protection import client_factory
from karbor import utils
from oslo_config import cfg

from karbor_trove.cmd.checks import banks
from karbor_trove.cmd.checks import config_file
from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import groups
from karbor_trove.cmd.checks import identity
from karbor_trove.cmd.checks import plugins
from karbor_trove.cmd.checks import provider_file
from karbor_trove.cmd.checks import provider_files
from karbor_trove.cmd.checks import provider_services
from karbor_trove.cmd.checks import trove_service
from karbor_trove.cmd.checks import used_plugins
from karbor_trove.cmd.checks import versions
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import progress
from karbor_trove import errors

#: The name of a check and one finding of the check.
Result = Tuple[str, findings.Finding]


def check(config_files: Sequence[str], is_offline: bool) -> Iterator[Result]:
    """Run all checks, and yield each finding with the name of its check.

    :param config_files: the paths of Karbor's own configuration files. If
        empty, the files that Karbor finds by default are used.
    :param is_offline: whether to skip the checks that send a request or use a
        bank.
    :raises errors.Rejected: there is no configuration of Karbor.
    """
    conf: List[config_file.ConfigFile] = []
    for path in base.find_config_files(config_files):
        try:
            conf.append(config_file.ConfigFile(pathlib.Path(path)))
        except config_file.WrongFile as error:
            yield 'Configuration of Karbor', findings.Finding(
                findings.Kind.FILE_UNREADABLE, 'Karbor does not start with '
                'this file: %s' % findings.build_sentence(error),
                findings.Place(path, error.line))
            return
    base.read_configuration(config_files)
    # get_client_module() registers the options of all clients.
    client_factory.ClientFactory.get_client_module('trove')
    files: List[provider_file.ProviderFile] = []
    are_all_loadable = True
    for finding in _check_files(conf, files):
        are_all_loadable &= finding.kind is not findings.Kind.FILE_UNREADABLE
        yield 'Provider files', finding
    for finding in _check_used_plugins(files, are_all_loadable):
        yield 'What is in force', finding
    for finding in versions.check(files):
        yield 'Versions', finding
    if is_offline:
        return
    for name, found in progress.track(
            [('Cloud', _check_cloud(conf, files)),
             ('Banks', banks.check(files))],
            'Checking the cloud and the banks', is_slow=True):
        for finding in found:
            yield name, finding


def _check_files(conf: Sequence[config_file.ConfigFile],
                 files: List[provider_file.ProviderFile]
                 ) -> Iterator[findings.Finding]:
    """Yield the findings about the provider files.

    :param conf: the files of Karbor's own configuration.
    :param files: the list to which this function adds the provider files that
        can be parsed.
    """
    try:
        folder = utils.find_config(cfg.CONF.provider_config_dir)
    except exception.ConfigNotFound:
        yield _describe_missing_folder(conf)
        return
    all_plugins = plugins.Plugins()
    for file in conf:
        yield from groups.check_karbor_conf(file, all_plugins)
    files_check = provider_files.ProviderFilesCheck(pathlib.Path(folder),
                                                    all_plugins)
    yield from files_check.run()
    files += files_check.files


def _describe_missing_folder(conf: Sequence[config_file.ConfigFile]
                             ) -> findings.Finding:
    option = 'DEFAULT', 'provider_config_dir'
    line = 'provider_config_dir = /etc/karbor/providers.d'
    # Without such a file, Karbor has only a directory of configuration files.
    file = next((file for file in reversed(conf) if file.find(*option)),
                conf[-1] if conf else None)
    return findings.Finding(
        findings.Kind.PROVIDER_MISSING, 'The directory "%s" of '
        'provider_config_dir does not exist, so karbor-protection does not '
        'start. Create the directory, or set the option in karbor.conf.'
        % cfg.CONF.provider_config_dir,
        file.place(*option) if file else None,
        file.build_lines(*option, [line]) if file
        else '[DEFAULT]\n%s' % line)


def _check_used_plugins(files: Sequence[provider_file.ProviderFile],
                        are_all_loadable: bool) -> Iterator[findings.Finding]:
    yield from used_plugins.check_entry_points()
    protectables = used_plugins.Protectables()
    yield from protectables.check()
    yield from used_plugins.check_providers(
        files, protectables.list_types_in_projects(), are_all_loadable)


def _check_cloud(conf: Sequence[config_file.ConfigFile],
                 files: Sequence[provider_file.ProviderFile]
                 ) -> Iterator[findings.Finding]:
    yield from identity.check(conf, files)
    try:
        project_id = clients.request_token().project_id or ''
    except errors.KarborTroveError:  # identity.check() reports this.
        return
    project_clients = clients.ProjectClients()
    yield from trove_service.check(conf, project_clients, project_id)
    yield from provider_services.check(project_clients, project_id, files)
