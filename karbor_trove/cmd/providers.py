# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Karbor's banks, as its configuration names them, and what they know."""

import dataclasses
import pathlib
import re
from typing import Any, Dict, Iterator, List, Optional, Tuple

from karbor.common import config as _karbor_config  # noqa: F401
from karbor.services.protection import graph
from karbor.services.protection import provider as providers
from karbor import utils
from oslo_config import cfg

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import options

_ID = re.compile(r'[0-9A-Za-z][0-9A-Za-z_.-]*')


@dataclasses.dataclass(frozen=True)
class Provider:
    """One provider file."""

    id: str
    #: Karbor's Bank.
    bank: Any
    settings: options.Settings

    def instances(self) -> List[str]:
        """Name the instances that the bank has a ledger of."""
        names = storage.list_keys(self.bank.get_sub_section(layout.INSTANCES))
        return sorted({name.split('/')[0] for name in names})

    def checkpoints(self) -> Iterator['Checkpoint']:
        """Read every checkpoint, also deleted ones.

        By what is there, not by Karbor's indices: those come after it, and a
        crash in between leaves it without.
        """
        names = storage.list_keys(self.bank.get_sub_section(layout.CHECKPOINTS))
        for id_ in sorted({name.split('/')[0] for name in names}):
            found = self.checkpoint(id_)
            if found is not None:
                yield found

    def checkpoint(self, id_: str) -> Optional['Checkpoint']:
        """Read one checkpoint; None where the bank has none with this id."""
        section = self.bank.get_sub_section(layout.CHECKPOINTS + id_)
        index = storage.read(section, layout.CHECKPOINT_INDEX)
        return None if index is None else Checkpoint(self, id_, section,
                                                     index)


class Checkpoint:
    """One checkpoint in a bank, whole or not."""

    def __init__(self, provider: Provider, id_: str, section: Any,
                 index: Any) -> None:
        """Make it of what the bank gave.

        :param section: of the checkpoint.
        """
        self.provider = provider
        self.id = id_
        self.section = section
        #: None: it is torn.
        self.index: Optional[Dict[str, Any]] = (
            index if isinstance(index, dict) and 'status' in index else None)

    @property
    def status(self) -> Optional[str]:
        """Give Karbor's word; None: nobody knows."""
        return self.index['status'] if self.index else None

    @property
    def resources(self) -> List[Tuple[str, str]]:
        """Give type and id of each resource; none before Karbor knew any."""
        serialized = (self.index or {}).get('resource_graph')
        found: Dict[Tuple[str, str], None] = {}
        nodes = list(graph.deserialize_resource_graph(serialized)
                     if serialized else ())
        while nodes:
            node = nodes.pop(0)
            found[node.value.type, node.value.id] = None
            nodes.extend(node.child_nodes)
        return list(found)

    def section_of(self, resource_id: str) -> Any:
        """Give the section of a resource."""
        return self.section.get_sub_section(layout.RESOURCE_DATA + resource_id)

    def kept(self, resource_id: str, name: str) -> Any:
        """Read an object of a resource; None where there is none."""
        kept = storage.read(self.section_of(resource_id), name)
        # Swift's bank gives a string as it came from there.
        return kept.decode() if isinstance(kept, bytes) else kept


def load() -> List[Provider]:
    """Load every provider file, also of a disabled one.

    What a disabled provider made is still there, and so is its bank. One that
    cannot be read would make its backups look like nobody's.

    :raises errors.Refused: a file cannot be loaded; it says which.
    """
    folder = pathlib.Path(utils.find_config(cfg.CONF.provider_config_dir))
    found = []
    for path in sorted(folder.glob('*.conf')):
        config = cfg.ConfigOpts()
        config(args=['--config-file=%s' % path])
        config.register_opts(providers.provider_opts, 'provider')
        try:
            loaded = providers.PluggableProtectionProvider(config)
        except Exception as error:  # Each plugin raises its own.
            raise errors.Rejected('the provider file %s cannot be loaded: %s'
                                  % (path, error)) from error
        found.append(Provider(loaded.id, loaded.bank,
                              options.register(config)))
    if not found:
        raise errors.Rejected('there is no provider file in %s' % folder)
    return found


def find(loaded: List[Provider], checkpoint_id: str) -> Checkpoint:
    """Find a checkpoint in any of the banks.

    :raises errors.Refused: no bank has one with this id.
    """
    for provider in loaded if _ID.fullmatch(checkpoint_id) else ():
        found = provider.checkpoint(checkpoint_id)
        if found is not None:
            return found
    raise errors.Rejected('no provider\'s bank has a checkpoint %s'
                          % checkpoint_id)
