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

"""Objects of ours in a bank, which other releases read as well.

The file-system bank writes in place: who is killed while it writes leaves half
an object. So what is changed is written beside it first.
"""

from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar

from oslo_log import log as logging

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors

LOG = logging.getLogger(__name__)

Document = TypeVar('Document')


def write(section: Any, key: str, value: Any) -> None:
    """Write an object; where there is one, so that one of both is whole.

    :raises errors.BankFailed: as in objects.put().
    """
    if key not in storage.list_keys(section):
        storage.write(section, key, value)
        return
    storage.write(section, key + layout.COPY_SUFFIX, value)
    storage.write(section, key, value)
    storage.delete(section, key + layout.COPY_SUFFIX)


def delete(section: Any, key: str) -> None:
    """Remove an object that replace() wrote; none there is no failure.

    :raises errors.BankFailed: as in objects.drop().
    """
    storage.delete(section, key)
    if key + layout.COPY_SUFFIX in storage.list_keys(section):
        storage.delete(section, key + layout.COPY_SUFFIX)


def _object_names(section: Any) -> List[str]:
    return sorted({name[:-len(layout.COPY_SUFFIX)] if name.endswith(layout.COPY_SUFFIX) else name
                   for name in storage.list_keys(section)})


def read(section: Any, key: str, where: str, needed: str,
         version: int) -> Optional[Dict[str, Any]]:
    """Read an object of ours; None where there is none.

    :param where: how an error calls it.
    :param needed: a key that all versions of it have.
    :param version: the latest that is known.
    :returns: without its version.
    :raises errors.Torn: neither it nor what replace() left beside it can be
        read; what is not JSON comes as text.
    :raises errors.Refused: it was written by a later version.
    :raises errors.BankFailed: the bank did not tell.
    """
    kept = storage.read(section, key)
    if kept is None:
        return None
    if not isinstance(kept, dict) or needed not in kept:
        kept = storage.read(section, key + layout.COPY_SUFFIX)
    if not isinstance(kept, dict) or needed not in kept:
        raise errors.CorruptObject('the object "%s" in the bank is torn' % where)
    written = kept.pop('version', 0)
    if written > version:
        raise errors.Rejected(
            'the object "%s" in the bank has version %s and this release '
            'knows versions up to %d' % (where, written, version))
    return kept


def read_all(section: Any, parsed: Callable[[str], Optional[Document]]
               ) -> Tuple[List[Document], Dict[str, errors.Rejected]]:
    """Read all objects that replace() wrote, each once.

    :param parsed: reads one by its key; None where there is none.
    :returns: those that can be read, and why the others cannot, by key.
    :raises errors.BankFailed: the bank did not tell.
    """
    found: List[Document] = []
    refused: Dict[str, errors.Rejected] = {}
    for name in _object_names(section):
        try:
            one = parsed(name)
        except errors.Rejected as error:
            LOG.error('%s', error)
            refused[name] = error
        else:
            # The list may lag behind, and show what is gone.
            found.extend([] if one is None else [one])
    return found, refused
