# SPDX-License-Identifier: Apache-2.0

"""Provider files, with the values that Karbor reads in them."""

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


class PluginLine(NamedTuple):
    """A line "plugin = ..." of a provider file, and the plugin's class."""

    line: config_file.Assignment
    plugin_class: Any


class ProviderFile:
    """A provider file that can be parsed.

    Each provider file configures one provider of Karbor.
    """

    def __init__(self, path: pathlib.Path, all_plugins: plugins.Plugins
                 ) -> None:
        """Read a provider file.

        :param path: the path of the file.
        :param all_plugins: loads the plugins that the file names.
        :raises config_file.WrongFile: the file cannot be read or parsed.
        """
        self.config = config_file.ConfigFile(path)
        self._plugins = all_plugins

    @property
    def name(self) -> str:
        """Return a phrase for messages, such as 'provider "Gold"'.

        If the provider has no name, the phrase has the name of the file.
        """
        name = self._get('name') or self.config.path.name
        return 'provider "%s"' % name

    @property
    def id(self) -> str:
        """Return the id of the provider. Empty if the file sets no id."""
        return self._get('id')

    @property
    def is_enabled(self) -> bool:
        """Return True if the option "enabled" of the provider is true.

        Karbor loads only enabled providers. If the option is not set, or if
        its value is wrong, the result is False.
        """
        try:
            return bool(types.Boolean()(self._get('enabled') or 'false'))
        except ValueError:
            return False

    @property
    def plugin_lines(self) -> List[config_file.Assignment]:
        """Return all lines "plugin = ...", in the order of the file.

        Each line names one protection plugin.
        """
        return self.config.list(_GROUP, 'plugin')

    @property
    def bank_line(self) -> Optional[config_file.Assignment]:
        """Return the last line "bank = ...". None if there is no such line.

        Karbor uses the bank plugin that this line names.
        """
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
        """Return the place where an option of the group "provider" is set.

        If the option is not set, the place is the start of the group. If the
        file does not have the group, the place is the whole file.
        """
        return self.config.place(_GROUP, option)

    def build_lines(self, option: str, value: str) -> str:
        """Return the lines to write at place(), to set an option."""
        return self.config.build_lines(
            _GROUP, option, ['%s = %s' % (option, value)])

    def get_bank_class(self) -> Any:
        """Return the class of the bank plugin that the file names.

        None if the file names no bank plugin, or if the class cannot be
        loaded.
        """
        return self._find_class(self.bank_line) if self.bank_line else None

    def select_plugins(self) -> Dict[str, List[PluginLine]]:
        """Return the protection plugins for each resource type.

        The key is a resource type. The plugins for one type are in the order
        of their lines. Karbor uses the last plugin for a type
        [_register_plugin() in provider.py, 1.6.0]. A plugin that cannot be
        loaded is left out.
        """
        selected: Dict[str, List[PluginLine]] = {}
        for line in self.plugin_lines:
            plugin_class = self._find_class(line)
            if plugin_class is None or self._is_bank(plugin_class):
                continue
            for resource_type in plugin_class.get_supported_resources_types():
                selected.setdefault(resource_type, []).append(
                    PluginLine(line, plugin_class))
        return selected

    def read(self) -> cfg.ConfigOpts:
        """Return the configuration that Karbor passes to the plugins.

        oslo.config reads this configuration from the provider file only.
        """
        conf = cfg.ConfigOpts()
        conf(args=['--config-file=%s' % self.config.path])
        return conf

    def read_settings(self) -> options.Settings:
        """Return the options of the protection plugin of karbor-trove.

        If the value of an option is not allowed, the result has the default of
        the option. In this case `problem` of the result says what is wrong.
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
