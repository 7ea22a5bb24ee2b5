# SPDX-License-Identifier: Apache-2.0

"""Check of the provider files: ids, plugins, banks, groups and options."""

import pathlib
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple
import uuid

from karbor.services.protection import bank_plugin
from karbor.services.protection.bank_plugins import file_system_bank_plugin
from karbor.services.protection.bank_plugins import s3_bank_plugin
from karbor.services.protection.bank_plugins import swift_bank_plugin
from oslo_utils import uuidutils

from karbor_trove.cmd.checks import config_file
from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import groups
from karbor_trove.cmd.checks import plugins
from karbor_trove.cmd.checks import provider_file
from karbor_trove.cmd import provider_options
from karbor_trove import errors
from karbor_trove import options

Finding = findings.Finding
Kind = findings.Kind

_FILE_SYSTEM = file_system_bank_plugin.FileSystemBankPlugin
_SWIFT = swift_bank_plugin.SwiftBankPlugin
_S3 = s3_bank_plugin.S3BankPlugin
#: The options that a bank needs, by the class of its plugin and the group.
_REQUIRED: Dict[Any, Dict[str, Sequence[str]]] = {
    _FILE_SYSTEM: {'file_system_bank_plugin': ('file_system_bank_path',)},
    _SWIFT: {'swift_client': ('swift_auth_url', 'swift_user', 'swift_key',
                              'swift_tenant_name')},
    _S3: {'s3_client': ('s3_endpoint', 's3_access_key', 's3_secret_key')}}
#: The groups and options that say where a bank is, by the class of its plugin.
_LOCATIONS: Dict[Any, Sequence[Tuple[str, str]]] = {
    _FILE_SYSTEM: (('file_system_bank_plugin', 'file_system_bank_path'),
                   ('file_system_bank_plugin', 'bank_object_container')),
    _SWIFT: (('swift_client', 'swift_auth_url'),
             ('swift_client', 'swift_tenant_name'),
             ('swift_client', 'swift_project_domain_name'),
             ('swift_bank_plugin', 'bank_swift_object_container')),
    _S3: (('s3_client', 's3_endpoint'), ('s3_client', 's3_access_key'),
          ('s3_bank_plugin', 'bank_s3_object_bucket'))}
#: The options for the connection to the Swift that holds the backups.
_SWIFT_OPTIONS = ('swift_region_name', 'swift_interface', 'swift_ca_cert_file',
                  'swift_endpoint_override')
#: The checkpoints that retention deletes instead of the oldest ones, and the
#: plugin that replaces Karbor's bank plugin, by the class of Karbor's bank
#: plugin. The plugin is None if this package has no replacement.
_RETENTION = {
    _FILE_SYSTEM: ('arbitrary checkpoints', 'karbor-trove-fs-bank-plugin'),
    _SWIFT: ('the newest checkpoints', 'karbor-trove-swift-bank-plugin'),
    _S3: ('the newest checkpoints', None)}


class ProviderFilesCheck:
    """The check of all provider files of an installation."""

    def __init__(self, folder: pathlib.Path, all_plugins: plugins.Plugins
                 ) -> None:
        """Create the check. Nothing is read yet.

        :param folder: the directory of the provider files, which is
            provider_config_dir in karbor.conf.
        :param all_plugins: loads the plugins that the files name.
        """
        self._folder = folder
        self._plugins = all_plugins
        #: The files that can be parsed. The method run() adds them.
        self.files: List[provider_file.ProviderFile] = []

    def run(self) -> Iterator[Finding]:
        """Yield what is wrong with the files.

        If nothing is wrong, one finding says so. After the run, `files` has
        the files that can be parsed.
        """
        problems = list(self._run())
        yield from problems
        if not problems:
            yield Finding(
                Kind.FILES_CORRECT, 'Number of provider files in %s without '
                'a mistake: %d.' % (self._folder, len(self.files)),
                findings.Place(str(self._folder)))

    def _run(self) -> Iterator[Finding]:
        paths = sorted(self._folder.iterdir())
        if not [path for path in paths if path.name.endswith('.conf')]:
            yield Finding(
                Kind.PROVIDER_MISSING, 'The directory has no provider file. '
                'Karbor reads the files whose names end in ".conf".',
                findings.Place(str(self._folder)))
        self._plugin_names_by_group = self._plugins.list_groups()
        for path in paths:
            if path.name.endswith('.conf'):
                yield from self._check_file(path)
            else:
                yield from _check_ignored(path)
        yield from _check_ids(self.files)
        yield from _check_shared_banks(self.files)

    def _check_file(self, path: pathlib.Path) -> Iterator[Finding]:
        try:
            file = provider_file.ProviderFile(path, self._plugins)
        except config_file.WrongFile as error:
            yield Finding(
                Kind.FILE_UNREADABLE, 'karbor-protection does not start with '
                'this file: %s' % findings.build_sentence(error),
                findings.Place(str(path), error.line))
            return
        self.files.append(file)
        yield from _check_provider(file)
        yield from self._check_plugins(file)
        yield from self._check_bank(file)
        yield from groups.check(file, self._plugin_names_by_group)

    def _check_plugins(self, file: provider_file.ProviderFile
                       ) -> Iterator[Finding]:
        write = 'plugin = %s' % plugins.PROTECTION_PLUGIN
        if not file.plugin_lines:
            yield Finding(Kind.PLUGIN_MISSING, 'The provider protects '
                          'nothing, because no line "plugin" is set.',
                          file.place('plugin'), file.build_lines(
                              'plugin', plugins.PROTECTION_PLUGIN))
        for line in file.plugin_lines:
            if line.value:
                yield from self._check_plugin(file, line, is_bank=False)
            else:
                yield Finding(Kind.PLUGIN_MISSING, 'Karbor does not load the '
                              'provider, because this line names no plugin.',
                              file.config.at(line.line), write)

    def _check_plugin(self, file: provider_file.ProviderFile,
                      line: config_file.Assignment, is_bank: bool
                      ) -> Iterator[Finding]:
        unknown = Kind.BANK_UNKNOWN if is_bank else Kind.PLUGIN_UNKNOWN
        place = file.config.at(line.line)
        noun = 'bank plugin' if is_bank else 'protection plugin'
        try:
            plugin_class = self._plugins.load(line.value)
            if issubclass(plugin_class, bank_plugin.BankPlugin) is not is_bank:
                raise errors.NotFound('it is no %s' % noun)
        except errors.NotFound:
            names = self._plugins.list_names_of(is_bank)
            several = [word.strip() for word in line.value.split(',')]
            if len(several) > 1 and not is_bank:
                advice = 'Write each plugin on a line of its own.'
                write: Optional[str] = '\n'.join(
                    'plugin = %s' % word for word in several if word)
            else:
                # The name of a plugin of the other kind is no typing error.
                near = (None if line.value in self._plugins.list_names()
                        else findings.suggest(line.value, names))
                advice = 'The names are: %s.' % ', '.join(sorted(names))
                write = '%s = %s' % (line.option, near) if near else None
            yield Finding(
                unknown, 'Karbor does not load the provider: "%s" is not the '
                'name of a %s. %s' % (line.value, noun, advice), place, write)
            return
        except errors.Rejected as error:
            yield Finding(
                Kind.PLUGIN_BROKEN, 'Karbor does not load the provider, '
                'because "%s" cannot be loaded: %s'
                % (line.value, findings.build_sentence(error)), place)
            return
        if is_bank:
            return
        try:
            plugins.read_groups(plugin_class)
        except Exception as error:  # Each plugin raises its own.
            yield Finding(
                Kind.PLUGIN_BROKEN, 'Every new checkpoint stays "protecting", '
                'because "%s" cannot be created: %s'
                % (line.value, findings.build_sentence(error)), place)

    def _check_bank(self, file: provider_file.ProviderFile
                    ) -> Iterator[Finding]:
        line = file.bank_line
        if line is None or not line.value:
            yield Finding(
                Kind.BANK_MISSING, 'Karbor does not load the provider, '
                'because no line "bank" is set.', file.place('bank'),
                file.build_lines('bank', 'karbor-trove-swift-bank-plugin'))
            return
        for repeated in file.config.list('provider', 'bank')[1:]:
            yield Finding(
                Kind.BANK_REPEATED, 'A provider has one bank, and the last '
                'line "bank" holds. The checkpoints in the bank of an earlier '
                'line are invisible. Delete the wrong line.',
                file.config.at(repeated.line), '')
        yield from self._check_plugin(file, line, is_bank=True)
        plugin_class = file.get_bank_class()
        for base in _REQUIRED:
            if plugin_class is not None and issubclass(plugin_class, base):
                yield from _check_bank_options(file, base)
                if plugin_class.__module__.startswith('karbor.'):
                    yield _describe_retention(file, line, base)


def _check_ignored(path: pathlib.Path) -> Iterator[Finding]:
    try:
        is_provider = 'provider' in config_file.ConfigFile(path).groups
    except config_file.WrongFile:
        return
    if is_provider:
        yield Finding(
            Kind.FILE_IGNORED, 'Karbor ignores this file, because its name '
            'does not end in ".conf". Rename the file, or move it to another '
            'directory.', findings.Place(str(path)))


def _check_provider(file: provider_file.ProviderFile) -> Iterator[Finding]:
    if file.config.find('provider', 'enabled') is None:
        yield Finding(
            Kind.PROVIDER_DISABLED, 'Karbor does not load the provider, '
            'because enabled is not set. Its default is false.',
            file.place('enabled'), file.build_lines('enabled', 'true'))
    # Karbor's API accepts only ids of this form [providers.py, 1.6.0].
    if not uuidutils.is_uuid_like(file.id):
        yield Finding(
            Kind.ID_WRONG, 'Users cannot use the provider, because %s.'
            % ('the id "%s" is not a UUID' % file.id if file.id
               else 'it has no id'),
            file.place('id'), file.build_lines('id', str(uuid.uuid4())))


def _check_ids(files: List[provider_file.ProviderFile]) -> Iterator[Finding]:
    users: Dict[str, provider_file.ProviderFile] = {}
    for file in files:
        if not file.is_enabled or not file.id:
            continue
        if file.id in users:
            yield Finding(
                Kind.ID_REPEATED, 'The file has the same id as %s. Karbor '
                'loads only one of the two providers. To offer the bank of '
                'the other provider with other options, use an id of its own.'
                % users[file.id].config.path, file.place('id'),
                'id = %s' % uuid.uuid4())
        users.setdefault(file.id, file)


def _check_shared_banks(files: List[provider_file.ProviderFile]
                        ) -> Iterator[Finding]:
    """Yield the files with one bank and different options for Swift.

    karbor-trove-manage works on each bank with one of its files, which may be
    the file of a disabled provider. A file is left out if it does not name the
    protection plugin of this package, because the options have no effect in
    such a file.
    """
    users: Dict[Tuple[str, ...], provider_file.ProviderFile] = {}
    for file in files:
        location = _find_location(file)
        if location is None or not _has_protection_plugin(file):
            continue
        user = users.setdefault(location, file)
        names = [name for name in _SWIFT_OPTIONS
                 if _get_value(file, options.GROUP, name)
                 != _get_value(user, options.GROUP, name)]
        if names:
            yield Finding(
                Kind.SWIFT_OPTIONS_DIFFER, 'The file has the same bank as %s, '
                'and other values of these options: %s. karbor-trove-manage '
                'uses only one of the files. Set the same values in both '
                'files.' % (user.config.path, ', '.join(names)),
                file.config.place(options.GROUP, names[0]))


def _find_location(file: provider_file.ProviderFile
                   ) -> Optional[Tuple[str, ...]]:
    """Return where the bank of a file is. Equal results mean the same bank.

    :returns: the class of Karbor's bank plugin and the values of the options.
        None if an option is missing, or if the bank plugin is of another
        package.
    """
    plugin_class = file.get_bank_class() or object
    for base, location in _LOCATIONS.items():
        if issubclass(plugin_class, base):
            values = [_get_value(file, group, name) or next(
                opt.default for opt in provider_options.BANKS[base][group]
                if opt.dest == name) for group, name in location]
            return (base.__name__, *values) if all(values) else None
    return None


def _get_value(file: provider_file.ProviderFile, group: str,
               option: str) -> str:
    """Return the value of an option without the slashes at its end.

    :returns: the value. Empty if the option is not set.
    """
    assignment = file.config.find(group, option)
    return assignment.value.rstrip('/') if assignment else ''


def _has_protection_plugin(file: provider_file.ProviderFile) -> bool:
    return any(line.plugin_class.__module__ == plugins.PROTECTION_MODULE
               for lines in file.select_plugins().values() for line in lines)


def _check_bank_options(file: provider_file.ProviderFile, base: Any
                        ) -> Iterator[Finding]:
    for group, names in _REQUIRED[base].items():
        missing = []
        for name in names:
            assignment = file.config.find(group, name)
            if assignment is None or not assignment.value:
                missing.append(name)
        if missing:
            yield Finding(
                Kind.BANK_INCOMPLETE, 'The bank cannot be used without these '
                'options of [%s]: %s.' % (group, ', '.join(missing)),
                file.config.place(group, missing[0]),
                file.config.build_lines(
                    group, missing[0], ['%s = ...' % name
                                        for name in missing]))
    for group in plugins.get_bank_groups(base):
        option = provider_options.BANK_LOCATIONS.get(group)
        # The directory of a bank has no default.
        if option and base is not _FILE_SYSTEM and (
                file.config.find(group, option) is None):
            yield Finding(
                Kind.BANK_DEFAULT, '[%s] does not set %s, so it has its '
                'default: karbor. Karbor creates it if it does not exist.'
                % (group, option), file.config.place(group, option),
                file.config.build_lines(group, option,
                                        ['%s = karbor' % option]))
    if base is _SWIFT and file.config.place_group('swift_client').line:
        names = [name for name in ('swift_user_domain_name',
                                   'swift_project_domain_name')
                 if file.config.find('swift_client', name) is None]
        if names:
            yield Finding(
                Kind.BANK_DEFAULT, 'These options are not set, so their '
                'default is the name "default": %s. The domain that Keystone '
                'creates has the name "Default".' % ', '.join(names),
                file.config.place('swift_client', names[0]),
                file.config.build_lines(
                    'swift_client', names[0],
                    ['%s = Default' % name for name in names]))


def _describe_retention(file: provider_file.ProviderFile,
                        line: config_file.Assignment, base: Any) -> Finding:
    victims, replacement = _RETENTION[base]
    return Finding(
        Kind.BANK_OF_KARBOR, 'With this bank plugin of Karbor, scheduled '
        'operations of the type retention_protect delete %s instead of the '
        'oldest ones. %s' % (
            victims, 'The plugin of karbor-trove stores the same objects in '
            'the same places.' if replacement else 'Use only schedules of '
            'the type protect.'),
        file.config.at(line.line),
        'bank = %s' % replacement if replacement else None)
