# SPDX-License-Identifier: Apache-2.0

"""The protection plugins and bank plugins that Karbor can load."""

from importlib import metadata
import logging
from typing import Any, Dict, List, Set, Tuple, Union

from karbor.services.protection import bank_plugin
from karbor.services.protection import provider as karbor_provider
from karbor import utils
import stevedore

from karbor_trove.cmd import provider_options
from karbor_trove import errors
from karbor_trove import options

LOG = logging.getLogger(__name__)

PROTECTIONS = karbor_provider.PROTECTION_NAMESPACE
PROTECTABLES = 'karbor.protectables'
#: The names of the plugins of this package.
PROTECTION_PLUGIN = 'karbor-trove-protection-plugin'
PASSTHROUGH_PLUGIN = 'karbor-trove-passthrough-plugin'
#: The modules of these plugins.
PROTECTION_MODULE = 'karbor_trove.protection'
PASSTHROUGH_MODULE = 'karbor_trove.passthrough'


class Plugins:
    """The protection plugins and the bank plugins, found by their names.

    Each plugin is loaded only once.
    """

    def __init__(self) -> None:
        """Create the collection. Nothing is loaded yet."""
        self._classes: Dict[str, Union[Any, errors.KarborTroveError]] = {}
        self._plugin_names_by_group: Dict[str, Set[str]] = {}

    def load(self, name: str) -> Any:
        """Load a plugin in the same way as Karbor, and return its class.

        :param name: the value of a line "plugin" or "bank" in a provider file.
            This is the name of an entry point, or the Python path of a class.
        :raises errors.NotFound: no entry point has this name, and no class
            with this path can be imported. Or the name stands for another
            object than a class, such as a module or a function.
        :raises errors.Rejected: an entry point has this name, but the plugin
            cannot be imported. Or it is a protection plugin that does not say
            which resource types it supports.
        """
        if name not in self._classes:
            self._classes[name] = self._load(name)
        result = self._classes[name]
        if isinstance(result, errors.KarborTroveError):
            raise result
        return result

    def _load(self, name: str) -> Any:
        try:
            plugin_class = utils.load_class(PROTECTIONS, name)
        except Exception as error:  # Each plugin raises its own.
            if name in self.list_names():
                return errors.Rejected(str(self._get_import_error(name)
                                           or error))
            return errors.NotFound(str(error))
        if not isinstance(plugin_class, type):
            return errors.NotFound('it is no class')
        if not issubclass(plugin_class, bank_plugin.BankPlugin):
            protection_class: Any = plugin_class
            try:
                list(protection_class.get_supported_resources_types())
            except Exception as error:  # Each plugin raises its own.
                return errors.Rejected(
                    'get_supported_resources_types() failed: %r' % error)
        return plugin_class

    def _get_import_error(self, name: str) -> Any:
        # Karbor replaces the exception by "Class not found". So this method
        # loads the entry point again to get the exception.
        for entry_point in list_entry_points(PROTECTIONS):
            if entry_point.name == name:
                try:
                    entry_point.load()
                except Exception as error:  # Each plugin raises its own.
                    return error
        return None

    def list_names(self) -> List[str]:
        """Return the names of all protection plugins and bank plugins.

        Plugins that cannot be loaded are included.
        """
        return [entry_point.name
                for entry_point in list_entry_points(PROTECTIONS)]

    def list_names_of(self, is_bank: bool) -> List[str]:
        """Return the names of all bank plugins, or of all protection plugins.

        Plugins that cannot be loaded are left out.

        :param is_bank: True for bank plugins, False for protection plugins.
        """
        names = []
        for name in self.list_names():
            try:
                if issubclass(self.load(name),
                              bank_plugin.BankPlugin) is is_bank:
                    names.append(name)
            except errors.KarborTroveError as error:
                LOG.debug('plugin %s is ignored: %s', name, error)
        return names

    def list_groups(self) -> Dict[str, Set[str]]:
        """Return, for each group of options, the plugins that read it.

        The groups are those of provider files. Plugins that cannot be loaded
        or created are left out.

        :returns: the names of the plugins, by the name of the group. An
            example of a group is "swift_client".
        """
        if not self._plugin_names_by_group:
            self._plugin_names_by_group = self._read_plugin_names()
        return self._plugin_names_by_group

    def _read_plugin_names(self) -> Dict[str, Set[str]]:
        plugin_names_by_group: Dict[str, Set[str]] = {}
        for name in self.list_names_of(is_bank=True):
            for group in get_bank_groups(self.load(name)):
                plugin_names_by_group.setdefault(group, set()).add(name)
        for name in self.list_names_of(is_bank=False):
            try:
                groups = read_groups(self.load(name))
            except Exception as error:  # Each plugin raises its own.
                LOG.debug('plugin %s is ignored: %s', name, error)
                continue
            for group in groups:
                plugin_names_by_group.setdefault(group, set()).add(name)
        return plugin_names_by_group


def get_bank_groups(plugin_class: Any) -> provider_options.Groups:
    """Return the options of a bank plugin, by group.

    The options are known for the bank plugins of Karbor, and for classes that
    inherit from them. For any other class the result is empty.

    :param plugin_class: the class of the bank plugin.
    """
    for base, groups in provider_options.BANKS.items():
        if issubclass(plugin_class, base):
            return groups
    return {}


def read_groups(plugin_class: Any) -> provider_options.Groups:
    """Return the options of a protection plugin, by group.

    The function creates the plugin, because a plugin registers its options
    when it is created.

    :param plugin_class: the class of the protection plugin.
    :raises Exception: the plugin cannot be created. Each plugin raises an
        exception of its own.
    """
    groups = provider_options.read_groups(plugin_class)
    if plugin_class.__module__ == PASSTHROUGH_MODULE:
        # This plugin registers its options when an operation begins.
        groups = {**groups,
                  options.PASSTHROUGH_GROUP: options.PASSTHROUGH_OPTIONS}
    if plugin_class.__module__ == PROTECTION_MODULE:
        # The protection plugin of this package also reads this group, to
        # verify the certificate of Swift.
        groups = {**groups,
                  'swift_client': provider_options.SWIFT_BANK['swift_client']}
    return groups


def list_entry_points(group: str) -> List[Any]:
    """Return the entry points of a group, as Karbor finds them.

    The entry points are read from the cache of stevedore, which may be out of
    date.

    :param group: the name of an entry point group, such as
        "karbor.protectables".
    """
    return list(stevedore.ExtensionManager.make_test_instance(
        [], namespace=group).list_entry_points())


def list_installed(group: str) -> Set[Tuple[str, str]]:
    """Return the entry points of a group, without the cache of stevedore.

    :param group: the name of an entry point group, such as
        "karbor.protectables".
    :returns: the name and the value of each entry point in the installed
        packages. An example of a value is
        "karbor_trove.protectable:instance_protectable".
    """
    return {(entry_point.name, entry_point.value)
            for distribution in metadata.distributions()
            for entry_point in distribution.entry_points
            if entry_point.group == group}
