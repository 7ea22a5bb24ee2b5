# SPDX-License-Identifier: Apache-2.0

"""The plugins that Karbor can load by their entry points."""

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
from karbor_trove import passthrough

LOG = logging.getLogger(__name__)

PROTECTIONS = karbor_provider.PROTECTION_NAMESPACE
PROTECTABLES = 'karbor.protectables'
#: The names of the plugins of this package.
PROTECTION_PLUGIN = 'karbor-trove-protection-plugin'
PASSTHROUGH_PLUGIN = 'karbor-trove-passthrough-plugin'
#: The module of the protection plugin of this package.
PROTECTION_MODULE = 'karbor_trove.protection'


class Plugins:
    """The plugins, each of which is loaded once."""

    def __init__(self) -> None:
        """Create the collection. Nothing is loaded yet."""
        self._classes: Dict[str, Union[Any, errors.KarborTroveError]] = {}
        self._owners: Dict[str, Set[str]] = {}

    def load(self, name: str) -> Any:
        """Return the class of a plugin, as Karbor loads it.

        :param name: the name of an entry point, or of a class.
        :raises errors.NotFound: there is no such plugin.
        :raises errors.Rejected: the plugin cannot be imported.
        """
        if name not in self._classes:
            self._classes[name] = self._load(name)
        result = self._classes[name]
        if isinstance(result, errors.KarborTroveError):
            raise result
        return result

    def _load(self, name: str) -> Any:
        try:
            return utils.load_class(PROTECTIONS, name)
        except Exception as error:  # Each plugin raises its own.
            if name in self.list_names():
                return errors.Rejected(str(self._get_import_error(name)
                                           or error))
            return errors.NotFound(str(error))

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
        """Return the names of all protection plugins and bank plugins."""
        return [entry_point.name
                for entry_point in list_entry_points(PROTECTIONS)]

    def list_names_of(self, is_bank: bool) -> List[str]:
        """Return the names of the plugins of one kind that can be loaded.

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
        """Return which plugins read each group of a provider file."""
        if not self._owners:
            self._owners = self._find_owners()
        return self._owners

    def _find_owners(self) -> Dict[str, Set[str]]:
        owners: Dict[str, Set[str]] = {}
        for name in self.list_names_of(is_bank=True):
            for group in get_bank_groups(self.load(name)):
                owners.setdefault(group, set()).add(name)
        for name in self.list_names_of(is_bank=False):
            try:
                groups = read_groups(self.load(name))
            except Exception as error:  # Each plugin raises its own.
                LOG.debug('plugin %s is ignored: %s', name, error)
                continue
            for group in groups:
                owners.setdefault(group, set()).add(name)
        return owners


def get_bank_groups(plugin_class: Any) -> provider_options.Groups:
    """Return the options of a bank plugin, by group.

    If the class does not inherit from a bank plugin of Karbor, its options are
    not known, and the result is empty.
    """
    for base, groups in provider_options.BANKS.items():
        if issubclass(plugin_class, base):
            return groups
    return {}


def read_groups(plugin_class: Any) -> provider_options.Groups:
    """Return the options of a protection plugin, by group.

    :raises Exception: the plugin cannot be created. Each plugin raises an
        exception of its own.
    """
    groups = provider_options.read_groups(plugin_class)
    if plugin_class is passthrough.PassthroughPlugin:
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
    """Return the entry points of a group, from the cache of stevedore."""
    return list(stevedore.ExtensionManager.make_test_instance(
        [], namespace=group).list_entry_points())


def list_installed(group: str) -> Set[Tuple[str, str]]:
    """Return names and values of the installed entry points of a group."""
    return {(entry_point.name, entry_point.value)
            for distribution in metadata.distributions()
            for entry_point in distribution.entry_points
            if entry_point.group == group}
