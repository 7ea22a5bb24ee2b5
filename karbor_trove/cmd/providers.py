# SPDX-License-Identifier: Apache-2.0

"""Karbor's providers, their banks, and the checkpoints in the banks."""

import dataclasses
import datetime
import logging
import pathlib
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Set
from typing import Tuple

from karbor.common import config as _karbor_config  # noqa: F401
from karbor.common import constants
from karbor import exception
from karbor.services.protection import graph
from karbor.services.protection import provider as karbor_provider
from karbor import utils
from oslo_config import cfg

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove.cmd import bank_checks
from karbor_trove.cmd import progress
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import karbor_types
from karbor_trove import options
from karbor_trove import polling

#: The logger of the application, whose messages are printed.
LOG = logging.getLogger('karbor-trove-manage')


@dataclasses.dataclass(frozen=True)
class Provider:
    """One provider of Karbor: its bank, and the options in its file."""

    id: str
    bank: karbor_types.Bank
    settings: options.Settings
    #: Karbor does not load a provider that is not enabled.
    is_enabled: bool = True

    @property
    def poller(self) -> polling.Poller:
        """Return an object that polls with the provider's poll interval."""
        return polling.Poller(self.settings.poll_interval,
                              polling.SYSTEM_CLOCK)

    def list_instance_ids(self) -> List[str]:
        """Return the ids of all instances that have a journal in the bank."""
        return self._list_ids(layout.INSTANCES,
                              self._list_keys(layout.INSTANCES))

    def list_checkpoints(self) -> Iterator['Checkpoint']:
        """Yield all checkpoints in the bank, including the deleted ones.

        This method lists the folders of the checkpoints. Karbor's index files
        may lack a checkpoint, because Karbor may crash before it writes them.

        :raises errors.BankError: a checkpoint cannot be read.
        """
        keys = self._list_keys(layout.CHECKPOINTS)
        yield from self._read_checkpoints(
            self._list_ids(layout.CHECKPOINTS, keys), keys)

    def list_living_checkpoints(self) -> Iterator['Checkpoint']:
        """Yield all checkpoints that may have a backup.

        Karbor never deletes the object index.json of a checkpoint. So the
        number of these objects grows every day. To save time, this method
        reads and yields a checkpoint only in three cases:

        * The checkpoint has a backup record.
        * Karbor's index files list the checkpoint.
        * A resource of the checkpoint is in no checkpoint of the first two
          cases. One checkpoint of this resource is yielded, because it has the
          project of the resource.

        All other checkpoints are deleted, or Karbor crashed while creating
        them. So they have no backup.

        :raises errors.BankError: a checkpoint cannot be read.
        """
        keys = self._list_keys(layout.CHECKPOINTS)
        living = {key.rpartition('@')[2]
                  for key in self._list_keys(layout.INDICES)}
        resources: Dict[str, Set[str]] = {}
        for key in keys:
            checkpoint_id, _, path = key.partition('/')
            of_checkpoint = resources.setdefault(checkpoint_id, set())
            if path.startswith(layout.RESOURCE_DATA):
                resource_id, _, name = path[
                    len(layout.RESOURCE_DATA):].partition('/')
                of_checkpoint.add(resource_id)
                if name == layout.BACKUP_RECORD:
                    living.add(checkpoint_id)
        known = set().union(*(
            resources[id_] for id_ in living & resources.keys()))
        chosen = []
        for checkpoint_id in self._list_ids(layout.CHECKPOINTS, keys):
            if (checkpoint_id in living
                    or not resources[checkpoint_id] <= known):
                chosen.append(checkpoint_id)
                known |= resources[checkpoint_id]
        yield from self._read_checkpoints(chosen, keys)

    def _read_checkpoints(self, checkpoint_ids: List[str], keys: Set[str]
                          ) -> Iterator['Checkpoint']:
        """Read the checkpoints with these ids, and yield them.

        If neither the bank nor `keys` has the index.json of a checkpoint, the
        checkpoint is skipped.

        :param keys: the keys of the objects of all checkpoints in the bank.
        :raises errors.BankError: `keys` has an index.json that the bank does
            not return.
        """
        for checkpoint_id in progress.track(
                checkpoint_ids, 'Reading the checkpoints of provider %s'
                % self.id):
            checkpoint = self.find_checkpoint(checkpoint_id)
            if checkpoint is not None:
                yield checkpoint
            elif '%s/%s' % (checkpoint_id, layout.CHECKPOINT_INDEX) in keys:
                # Karbor does not delete the object index.json of a deleted
                # checkpoint. So this is an error of the bank.
                raise errors.BankError(
                    'the bank of provider %s lists the index of checkpoint '
                    '%s, and the index cannot be read'
                    % (self.id, checkpoint_id))

    def find_checkpoint(self, checkpoint_id: str) -> Optional['Checkpoint']:
        """Read the checkpoint with an id, and return the checkpoint.

        :returns: None if the bank does not have the checkpoint, or if
            `checkpoint_id` is not an id.
        """
        if not ids.is_uuid(checkpoint_id):
            return None
        section = self.bank.get_sub_section(
            layout.checkpoint_folder(checkpoint_id))
        index = storage.read(section, layout.CHECKPOINT_INDEX)
        return None if index is None else Checkpoint(
            self, checkpoint_id, section, index)

    def _list_keys(self, folder: str) -> Set[str]:
        return set(storage.list_keys(self.bank.get_sub_section(folder)))

    def _list_ids(self, folder: str, keys: Set[str]) -> List[str]:
        """Return each id that is the name of a subfolder.

        If the name of a subfolder is not an id, the subfolder is ignored and a
        warning is logged. Neither Karbor nor this package creates such a
        subfolder.

        :param folder: the path of the folder in the bank, for the warning.
        :param keys: the keys of all objects in the folder. Each key starts
            with the name of a subfolder, such as "ID/index.json".
        """
        names = sorted({key.split('/')[0] for key in keys})
        for name in names:
            if not ids.is_uuid(name):
                LOG.warning('%a in the bank of provider %s is ignored: its '
                            'name is not an id', folder + name, self.id)
        return list(filter(ids.is_uuid, names))


class Checkpoint:
    """One checkpoint in a bank.

    If Karbor has crashed, objects of the checkpoint may be missing.
    """

    def __init__(self, provider: Provider, checkpoint_id: str,
                 section: karbor_types.BankSection, index: object) -> None:
        """Create this object for a checkpoint that is already in the bank.

        :param section: the folder of the checkpoint in the bank.
        :param index: the content of index.json, the object in this folder that
            describes the checkpoint. If the content is corrupt, the attribute
            `index` is None.
        """
        self.provider = provider
        self.id = checkpoint_id
        self.section = section
        #: The content of index.json. None if it is corrupt.
        self.index: Optional[Dict[str, Any]] = (
            index if isinstance(index, dict) and 'status' in index
            and index.get('id') == checkpoint_id else None)

    @property
    def status(self) -> Optional[str]:
        """Return the checkpoint's status. None if index.json is corrupt."""
        return self.index['status'] if self.index else None

    @property
    def created(self) -> Optional[datetime.datetime]:
        """Return when Karbor started the checkpoint: UTC, without a zone.

        None if index.json is corrupt or has no such time.
        """
        timestamp = (self.index or {}).get('timestamp')
        return datetime.datetime.fromtimestamp(
            timestamp, datetime.timezone.utc).replace(
                tzinfo=None) if isinstance(timestamp, int) else None

    @property
    def is_deleted(self) -> bool:
        """Return True if the checkpoint was deleted.

        Karbor keeps index.json of a deleted checkpoint.
        """
        return bool(self.status == constants.CHECKPOINT_STATUS_DELETED)

    def list_resources(self) -> List[Tuple[str, str]]:
        """Return the type and the id of each resource of the checkpoint.

        The list is empty if Karbor has not written the resources yet, or if
        index.json is corrupt.
        """
        serialized = (self.index or {}).get('resource_graph')
        nodes: List[karbor_types.Node] = list(
            graph.deserialize_resource_graph(serialized)
            if serialized else ())
        resources: Dict[Tuple[str, str], None] = {}
        while nodes:
            node = nodes.pop(0)
            resources[node.value.type, node.value.id] = None
            nodes.extend(node.child_nodes)
        return list(resources)

    def list_resource_ids(self) -> List[str]:
        """Return the ids of the resources that can have a folder in the bank.

        An id such as "a/b" cannot be the name of a folder, and is left out.
        """
        return [resource_id for _, resource_id in self.list_resources()
                if ids.is_path_part(resource_id)]

    def get_resource_section(self,
                             resource_id: str) -> karbor_types.BankSection:
        """Return the folder of a resource in this checkpoint.

        :raises errors.Rejected: the id cannot be the name of a folder.
        """
        return self.section.get_sub_section(
            layout.resource_folder(resource_id))

    def read_object(self, resource_id: str, key: str) -> Any:
        """Return the content of an object in the folder of a resource.

        :param key: the name of the object, such as "status".
        :returns: None if the object does not exist.
        """
        content = storage.read(self.get_resource_section(resource_id), key)
        # The bank plugin of Swift returns a text as bytes.
        return content.decode() if isinstance(content, bytes) else content

    def may_be_in_use(self, instance_id: str) -> bool:
        """Return True if an operation may be working on an instance now.

        Only protect and delete operations of this checkpoint count. The result
        is False if the checkpoint has the status of an ended operation. The
        result is also False if the worker process is known to have ended.
        """
        return (self.status in (None, constants.CHECKPOINT_STATUS_PROTECTING,
                                constants.CHECKPOINT_STATUS_DELETING)
                and worker_process.may_be_alive(
                    self.read_object(instance_id, layout.WORKER)))


def load_providers(problems: List[str]) -> List[Provider]:
    """Load all provider files, and return the providers.

    Disabled providers are included, because their banks and backups still
    exist. A provider whose bank does not exist or cannot be read is left out.

    :param problems: the list to which this function adds a sentence for each
        bank that does not exist, cannot be read or is empty.
    :raises errors.Rejected: there is no provider file, or a provider file
        cannot be loaded, or no bank can be read. If no bank can be read, the
        message has the sentences about the banks, and `problems` is empty.
    """
    try:
        folder = pathlib.Path(utils.find_config(cfg.CONF.provider_config_dir))
    except exception.ConfigNotFound as error:
        raise errors.Rejected(
            'no provider files were found: the directory "%s" of '
            'provider_config_dir does not exist. The configuration files of '
            'Karbor that were read: %s. Use --config-file to name another one'
            % (cfg.CONF.provider_config_dir,
               ', '.join(cfg.CONF.config_file or ()) or 'none')) from error
    paths = sorted(folder.glob('*.conf'))
    if not paths:
        raise errors.Rejected('there is no provider file in %s' % folder)
    providers = []
    for path in paths:
        try:
            config = cfg.ConfigOpts()
            config(args=['--config-file=%s' % path])
            wrong = options.register_and_check_group(
                config, 'provider', karbor_provider.provider_opts)
            if wrong:
                raise errors.Rejected('the provider file %s is wrong: %s'
                                      % (path, '; '.join(wrong)))
            settings = options.register(config)
            settings.check()
            options.read_passthrough_types(config)
            if not config.provider.bank:
                raise errors.Rejected(
                    'the provider file %s cannot be loaded: bank of '
                    '[provider] is not set' % path)
            plugin_class = _load_class(path, config.provider.bank)
            for name in config.provider.plugin:
                _load_class(path, name)
        except errors.Rejected:
            raise
        except Exception as error:  # Each plugin raises its own.
            raise errors.Rejected('the provider file %s cannot be loaded: %s'
                                  % (path, error)) from error
        message = 'the bank of the provider file %s: %%s' % path
        try:
            bank_checks.check_exists(plugin_class, config)
        except errors.Rejected as error:
            problems.append(message % error)
            continue
        try:
            provider = karbor_provider.PluggableProtectionProvider(config)
        except Exception as error:  # Each plugin raises its own.
            raise errors.Rejected('the provider file %s cannot be loaded: %s'
                                  % (path, error)) from error
        try:
            bank_checks.check_not_empty(provider.bank)
        except errors.Rejected as error:
            problems.append(message % error)
        except errors.BankError as error:
            problems.append(message % error)
            continue
        providers.append(Provider(provider.id, provider.bank, settings,
                                  config.provider.enabled))
    if not providers:
        message = '; '.join(problems)
        problems.clear()
        raise errors.Rejected(message)
    return providers


def _load_class(path: pathlib.Path, name: str) -> Any:
    """Return the class of a plugin that a provider file names.

    :param path: the provider file, for the error message.
    :param name: the name of the plugin in the provider file.
    :raises errors.Rejected: there is no such class, or it cannot be imported.
    """
    try:
        return utils.load_class(karbor_provider.PROTECTION_NAMESPACE, name)
    except Exception as error:  # Each plugin raises its own.
        lines = [str(number) for number, line in enumerate(
            path.read_text(errors='replace').splitlines(), 1)
            if line.partition('=')[2].strip() == name]
        raise errors.Rejected(
            'the provider file %s cannot be loaded: line %s: plugin "%s": %s'
            % (path, ', '.join(lines) or '?', name, error)) from error


def list_one_per_bank(providers: List[Provider]) -> List[Provider]:
    """Return one provider for each bank.

    Several providers may use the same bank. The options of the providers do
    not show this, because each bank plugin has options of its own. So this
    function lists the journals and checkpoints in the bank of each provider.
    If several lists are equal, their providers use the same bank, and only the
    first of these providers is returned.
    """
    if len(providers) == 1:
        return providers
    banks: Dict[FrozenSet[str], Provider] = {}
    for provider in providers:
        keys = frozenset(
            folder + key for folder in (layout.INSTANCES, layout.CHECKPOINTS)
            for key in storage.list_keys(
                provider.bank.get_sub_section(folder)))
        banks.setdefault(keys, provider)
    return list(banks.values())


def get_checkpoint(providers: List[Provider],
                   checkpoint_id: str) -> Checkpoint:
    """Search all banks for a checkpoint, and return the checkpoint.

    :raises errors.Rejected: no bank has the checkpoint, or `checkpoint_id` is
        not an id.
    """
    ids.check_uuid(checkpoint_id, 'checkpoint')
    for provider in providers:
        checkpoint = provider.find_checkpoint(checkpoint_id)
        if checkpoint is not None:
            return checkpoint
    raise errors.Rejected('no bank of any provider has the checkpoint %s'
                          % checkpoint_id)
