# SPDX-License-Identifier: Apache-2.0

"""A provider file as Karbor reads it."""

import pathlib
from typing import Any, Dict, List, NamedTuple, Optional

from karbor.services.protection import bank_plugin
from oslo_config import cfg
from oslo_config import types

from karbor_trove.cmd.checks import config_file
from karbor_trove.cmd.checks import findings
from karbor_trove.cmd.checks import plugins
from karbor_trove import errors
from karbor_trove import options

_GROUP = 'provider'


class Selected(NamedTuple):
    """A line "plugin = ..." that selects a plugin for a resource type."""

    line: config_file.Assignment
    plugin_class: Any


class ProviderFile:
    """A provider file that can be parsed."""

    def __init__(self, path: pathlib.Path, all_plugins: plugins.Plugins
                 ) -> None:
        """Read a provider file.

        :raises config_file.WrongFile: the file cannot be read or parsed.
        """
        self.config = config_file.ConfigFile(path)
        self._plugins = all_plugins

    @property
    def name(self) -> str:
        """Return the name by which messages identify the provider."""
        name = self._get('name') or self.config.path.name
        return 'provider "%s"' % name

    @property
    def id(self) -> str:
        """Return the id. Empty if the id is not set."""
        return self._get('id')

    @property
    def is_enabled(self) -> bool:
        """Return True if Karbor loads the provider."""
        try:
            return bool(types.Boolean()(self._get('enabled') or 'false'))
        except ValueError:
            return False

    @property
    def plugin_lines(self) -> List[config_file.Assignment]:
        """Return all lines "plugin = ..."."""
        return self.config.list(_GROUP, 'plugin')

    @property
    def bank_line(self) -> Optional[config_file.Assignment]:
        """Return the last line "bank = ...". None if there is no such line."""
        return self.config.find(_GROUP, 'bank')

    def is_loadable(self) -> bool:
        """Return True if Karbor can load all plugins that the file names.

        Otherwise Karbor does not load the provider.
        """
        bank = self.get_bank_class()
        return self._is_bank(bank) and all(
            plugin_class is not None and not self._is_bank(plugin_class)
            for plugin_class in map(self._find_class, self.plugin_lines))

    def place(self, option: str) -> findings.Place:
        """Return where an option of the group "provider" is set."""
        return self.config.place(_GROUP, option)

    def build_lines(self, option: str, value: str) -> str:
        """Return the lines to write at place(), to set an option."""
        return self.config.build_lines(
            _GROUP, option, ['%s = %s' % (option, value)])

    def get_bank_class(self) -> Any:
        """Return the class of the bank plugin.

        None if the class cannot be loaded, or if no line names it.
        """
        return self._find_class(self.bank_line) if self.bank_line else None

    def select_plugins(self) -> Dict[str, List[Selected]]:
        """Return the plugins of each resource type, in the order of the lines.

        Karbor uses the last plugin of a type [_register_plugin() in
        provider.py, 1.6.0]. A plugin that cannot be loaded is left out.
        """
        selected: Dict[str, List[Selected]] = {}
        for line in self.plugin_lines:
            plugin_class = self._find_class(line)
            get_types = getattr(plugin_class, 'get_supported_resources_types',
                                tuple)
            for resource_type in get_types():
                selected.setdefault(resource_type, []).append(
                    Selected(line, plugin_class))
        return selected

    def read(self) -> cfg.ConfigOpts:
        """Return the configuration that Karbor passes to the plugins."""
        conf = cfg.ConfigOpts()
        conf(args=['--config-file=%s' % self.config.path])
        return conf

    def read_settings(self) -> options.Settings:
        """Return the options of the protection plugin.

        If a value is not allowed, the default of its option is used instead.
        """
        return options.register(self.read())

    @staticmethod
    def _is_bank(plugin_class: Any) -> bool:
        return plugin_class is not None and issubclass(
            plugin_class, bank_plugin.BankPlugin)

    def _find_class(self, line: config_file.Assignment) -> Any:
        try:
            return self._plugins.load(line.value)
        except errors.KarborTroveError:
            return None

    def _get(self, option: str) -> str:
        assignment = self.config.find(_GROUP, option)
        return assignment.value if assignment else ''
