# SPDX-License-Identifier: Apache-2.0

"""Check of the plugins that Karbor really uses.

Several plugins can be installed for one resource type. Karbor uses only one of
them. The plugin that Karbor uses is "in force".
"""

import os
import sys
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set

from karbor.common import constants
from karbor.services.protection import protectable_registry
from oslo_config import cfg

from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import plugins
from karbor_trove.cmd.checks import provider_file
from karbor_trove import errors
from karbor_trove import options

Finding = findings.Finding
Kind = findings.Kind

_TYPE = constants.DATABASE_RESOURCE_TYPE
_PROJECT = constants.PROJECT_RESOURCE_TYPE
_NOOP_MODULE = 'karbor.services.protection.protection_plugins.noop_plugin'


def check_entry_points() -> Iterator[Finding]:
    """Yield the entry point groups whose cache is out of date.

    Karbor finds its plugins by their entry points. The library stevedore reads
    the entry points from a cache. If the cache is out of date, Karbor may not
    find a plugin that is installed.
    """
    for group in (plugins.PROTECTIONS, plugins.PROTECTABLES):
        installed = plugins.list_installed(group)
        cached = {(entry_point.name, entry_point.value)
                  for entry_point in plugins.list_entry_points(group)}
        if cached != installed:
            yield Finding(
                Kind.ENTRY_POINTS_STALE, 'The cached entry points %s differ '
                'from the installed ones: %s. Delete the directory %s of the '
                'user of karbor-protection, and restart karbor-protection.'
                % (group, ', '.join(sorted(
                    name for name, _ in cached ^ installed)),
                   _cache_directory()))


def _cache_directory() -> str:
    # stevedore has the same path in _get_cache_dir() of _cache.py.
    return os.path.join(os.environ.get('XDG_CACHE_HOME')
                        or os.path.expanduser('~/.cache'),
                        'python-entrypoints')


class Protectables:
    """The protectables that Karbor uses, one for each resource type."""

    def __init__(self) -> None:
        """Load the protectables in the same way as Karbor."""
        registry = protectable_registry.ProtectableRegistry()
        registry.load_plugins()
        self._plugins: Dict[str, Any] = {
            resource_type: registry.get_protectable_resource_plugin(
                resource_type)
            for resource_type in registry.list_resource_types()}

    def check(self) -> Iterator[Finding]:
        """Yield a finding about the protectable for database instances.

        The finding is a failure if this protectable is not the one of
        karbor-trove.
        """
        plugin = self._plugins.get(_TYPE)
        # Karbor does not use the loaded object. It calls instance(), and uses
        # the new object that instance() returns.
        module = '' if plugin is None else type(
            plugin.instance(None, cfg.CONF)).__module__
        names = [entry_point.name for entry_point
                 in plugins.list_entry_points(plugins.PROTECTABLES)
                 if entry_point.value.startswith('karbor_trove.')]
        if module.startswith('karbor_trove.'):
            yield Finding(
                Kind.PROTECTABLE_IN_FORCE, 'Karbor lists and shows %s with '
                'the protectable of karbor-trove. The entry point %s replaces '
                'the class of Karbor\'s own one, so the order in which Karbor '
                'loads them does not matter.' % (_TYPE, ', '.join(names)))
        else:
            yield Finding(
                Kind.PROTECTABLE_OF_KARBOR, 'Karbor lists and shows %s with '
                '%s, because %s. Install karbor-trove into the Python '
                'environment of karbor-protection. This command runs in %s.'
                % (_TYPE, module or 'no protectable',
                   'the entry point of karbor-trove is missing' if not names
                   else 'another package replaces the entry point %s'
                   % ', '.join(names), sys.prefix))

    def list_types_in_projects(self) -> Set[str]:
        """Return the types of the resources that a project can contain.

        Karbor finds resources of these types if a plan names a whole project.
        The type of the project itself is also in the result.
        """
        reachable = {_PROJECT}
        while True:
            # Some plugins return one type as a text, and not a tuple of types.
            # The operator "in" works with both.
            more = {resource_type
                    for resource_type, plugin in self._plugins.items()
                    if any(parent in plugin.get_parent_resource_types()
                           for parent in reachable)} - reachable
            if not more:
                return reachable
            reachable |= more


def check_providers(files: Sequence[provider_file.ProviderFile],
                    types_in_projects: Set[str], are_all_loadable: bool
                    ) -> Iterator[Finding]:
    """Yield which protection plugins the enabled providers use.

    For each provider, one finding is about database instances, and one is
    about plans for whole projects. If the passthrough plugin replaces other
    plugins of the provider, a third finding says so. If no enabled provider
    protects database instances with the plugin of karbor-trove, there is one
    more finding. This finding may name the file of a disabled provider that
    has the plugin.

    If Karbor does not load an enabled provider because of a mistake in its
    file, the provider is left out. The check of the files reports the mistake.
    The finding about missing protection is then left out, because the provider
    may protect database instances after the correction. It is also left out if
    there is no provider file.

    :param files: the provider files that can be read.
    :param types_in_projects: the result of
        Protectables.list_types_in_projects().
    :param are_all_loadable: False if Karbor cannot load a provider file
        because the file cannot be read.
    """
    is_protected = False
    disabled = None
    for file in files:
        selected = file.select_plugins()
        if not file.is_enabled:
            if file.is_loadable() and _describe_protection(
                    file, selected.get(_TYPE, [])
                    ).kind is Kind.PROTECTION_IN_FORCE:
                disabled = file
            continue
        if not file.is_loadable():
            are_all_loadable = False
            continue
        finding = _describe_protection(file, selected.get(_TYPE, []))
        is_protected |= finding.kind is Kind.PROTECTION_IN_FORCE
        yield finding
        yield from _check_passthrough(file, selected)
        yield _describe_project_plans(file, selected, types_in_projects)
    if is_protected or not files or not are_all_loadable:
        return
    details = ('No enabled provider protects %s with the plugin of '
               'karbor-trove.' % _TYPE)
    if disabled:
        yield Finding(
            Kind.DATABASES_UNPROTECTED, '%s The %s would, but it is not '
            'enabled.' % (details, disabled.name), disabled.place('enabled'),
            # If the option is not set, provider-disabled has these lines.
            'enabled = true' if disabled.config.find('provider', 'enabled')
            else None)
    else:
        yield Finding(
            Kind.DATABASES_UNPROTECTED, '%s Add the line to an enabled '
            'provider, after all other lines "plugin".' % details,
            write='plugin = %s' % plugins.PROTECTION_PLUGIN)


def _check_passthrough(file: provider_file.ProviderFile,
                       selected: Dict[str, List[provider_file.PluginLine]]
                       ) -> Iterator[Finding]:
    """Yield a finding if the passthrough plugin replaces other plugins.

    It replaces the plugins of earlier lines for the same resource types.
    """
    types = [resource_type for resource_type in sorted(selected)
             if _list_replaced_plugins(selected[resource_type])]
    if types:
        names = {name for resource_type in types
                 for name in _list_replaced_plugins(selected[resource_type])}
        yield Finding(
            Kind.PASSTHROUGH_MISPLACED, 'In the %s this line replaces the '
            'plugins of earlier lines: %s. A checkpoint with a resource of '
            'one of these types is refused: %s. Move the line before all '
            'other lines "plugin".' % (
                file.name, ', '.join(sorted(names)), ', '.join(types)),
            file.config.at(selected[types[0]][-1].line.line))


def _list_replaced_plugins(lines: List[provider_file.PluginLine]
                           ) -> List[str]:
    """Return the plugins that the passthrough plugin replaces for one type.

    :param lines: the lines "plugin" for the type, in the order of the file.
    :returns: the names of the plugins. Empty if Karbor does not use the
        passthrough plugin for the type.
    """
    if not _is_passthrough(lines[-1].plugin_class):
        return []
    return [line.value for line, plugin_class in lines
            if not _is_passthrough(plugin_class)]


def _is_passthrough(plugin_class: Any) -> bool:
    return bool(plugin_class.__module__ == plugins.PASSTHROUGH_MODULE)


def _describe_protection(file: provider_file.ProviderFile,
                         lines: List[provider_file.PluginLine]) -> Finding:
    if not lines:
        return Finding(
            Kind.PROTECTION_NONE, 'The %s does not protect %s, because none '
            'of its lines "plugin" names a plugin for that type.'
            % (file.name, _TYPE), file.place('plugin'))
    line, plugin_class = lines[-1]
    others = [other.line for other in lines[:-1]]
    reason = 'line %d is the only line "plugin" for that type' % line.line
    if others:
        reason = ('line %d is the last of the lines "plugin" for that type, '
                  'after %s' % (line.line, ' and '.join(
                      '%s (line %d)' % (other.value, other.line)
                      for other in others)))
    module = plugin_class.__module__
    details = ('The %s protects %s with %s, because %s.'
               % (file.name, _TYPE, line.value, reason))
    place = file.config.at(line.line)
    if module == plugins.PROTECTION_MODULE:
        return Finding(Kind.PROTECTION_IN_FORCE, details, place)
    is_ours_named = any(
        other.plugin_class.__module__ == plugins.PROTECTION_MODULE
        for other in lines)
    write = '' if is_ours_named else 'plugin = %s' % plugins.PROTECTION_PLUGIN
    if module == _NOOP_MODULE or module.startswith('karbor_trove.'):
        # The plugin may be needed for other types, so its line has to stay.
        return Finding(
            Kind.PROTECTION_NOOP, '%s This plugin does nothing: checkpoints '
            'become available and contain no backup. Write the line "plugin" '
            'of karbor-trove after this one.' % details, place,
            '%s = %s\nplugin = %s' % (line.option, line.value,
                                      plugins.PROTECTION_PLUGIN))
    if module.startswith('karbor.'):
        return Finding(
            Kind.PROTECTION_OF_KARBOR, '%s This is the in-tree plugin of '
            'Karbor.%s' % (details, ' Delete the line.' if is_ours_named
                           else ''), place, write)
    return Finding(Kind.PROTECTION_FOREIGN, '%s This is a plugin of another '
                   'package: %s.' % (details, module), place, write)


def _describe_project_plans(
        file: provider_file.ProviderFile,
        selected: Dict[str, List[provider_file.PluginLine]],
        types_in_projects: Set[str]) -> Finding:
    missing = sorted(types_in_projects - set(selected))
    noop = [resource_type for resource_type in sorted(types_in_projects)
            if resource_type in selected
            and selected[resource_type][-1].plugin_class.__module__
            == _NOOP_MODULE]
    passthrough = 'plugin = %s' % plugins.PASSTHROUGH_PLUGIN
    place = file.config.at(file.plugin_lines[0].line if file.plugin_lines
                           else None)
    if _PROJECT in missing:
        return Finding(
            Kind.PROJECT_PLANS_NONE, 'The %s is not for plans that name a '
            'whole project, because it has no plugin for these types: %s. A '
            'checkpoint of such a plan stays "protecting". To allow such '
            'plans, write the line "plugin" of %s before all others.'
            % (file.name, ', '.join(missing), plugins.PASSTHROUGH_PLUGIN),
            place)
    if missing:
        lines = [passthrough, 'plugin = %s' % file.plugin_lines[0].value]
        if missing == [_TYPE]:
            # The passthrough plugin is not for database instances.
            last = file.plugin_lines[-1]
            place = file.config.at(last.line)
            lines = ['plugin = %s' % last.value,
                     'plugin = %s' % plugins.PROTECTION_PLUGIN]
        return Finding(
            Kind.PROJECT_PLANS_FAIL, 'Plans of the %s for a whole project '
            'fail if the project has a resource of one of these types, '
            'because no plugin is for it: %s.'
            % (file.name, ', '.join(missing)), place, '\n'.join(lines))
    refusal = _describe_refusal(file, {
        resource_type: selected[resource_type]
        for resource_type in sorted(types_in_projects)
        if _is_passthrough(selected[resource_type][-1].plugin_class)})
    if refusal:
        return refusal
    if noop:
        line = selected[noop[0]][-1].line
        return Finding(
            Kind.PROJECT_PLANS_NOOP, 'Plans of the %s for a whole project '
            'can be protected. But %s has no verify operation and empty '
            'schemas: verifications of these checkpoints fail, and so do all '
            'restores from the dashboard.' % (file.name, line.value),
            file.config.at(line.line), passthrough)
    return Finding(
        Kind.PROJECT_PLANS_WORK, 'Plans of the %s for a whole project work. '
        'It has a plugin for each of these types: %s.'
        % (file.name, ', '.join(sorted(types_in_projects))), place)


def _describe_refusal(file: provider_file.ProviderFile,
                      unprotected: Dict[str, List[provider_file.PluginLine]]
                      ) -> Optional[Finding]:
    """Return a finding if the passthrough plugin refuses project plans.

    The value of its option `types` may not be allowed. The check of the groups
    reports such a value, so this function does not.

    :param unprotected: the lines "plugin" for each type of a project for which
        Karbor uses the passthrough plugin.
    """
    details = ('A checkpoint of a plan of the %s for a whole project is '
               'refused if it contains a resource of one of these types, '
               'because %s: %s. %s')
    replaced = [resource_type for resource_type, lines in unprotected.items()
                if _list_replaced_plugins(lines)]
    if replaced:
        return Finding(
            Kind.PROJECT_PLANS_FAIL, details % (
                file.name, 'the passthrough plugin replaces the plugins of '
                'earlier lines', ', '.join(replaced), 'Move its line before '
                'all other lines "plugin".'),
            file.config.at(unprotected[replaced[0]][-1].line.line))
    try:
        allowed = options.read_passthrough_types(file.read())
    except errors.Rejected:
        return None
    refused = unprotected.keys() - set(allowed)
    if refused:
        return Finding(
            Kind.PROJECT_PLANS_FAIL, details % (
                file.name, 'the option "types" of the passthrough plugin does '
                'not list them', ', '.join(sorted(refused)), 'Add them, or '
                'name a plugin that protects them.'),
            file.config.place(options.PASSTHROUGH_GROUP, 'types'))
    return None
