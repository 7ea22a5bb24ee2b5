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

"""Objects in a bank of Karbor's, whatever its plugin makes of them."""

from typing import Any, Dict, List, Optional

from oslo_log import log as logging

from karbor_trove import errors

LOG = logging.getLogger(__name__)

_SPARE = '.new'


def put(section: Any, key: str, value: Any) -> None:
    """Write an object; a write that fails is tried once more.

    The file-system bank removes a directory with its last object, also while
    another one is being written into it.
    """
    try:
        section.update_object(key, value)
    except Exception as error:  # Each bank plugin raises its own.
        LOG.warning('Writing %s into the bank failed, trying again: %s', key,
                    error)
        section.update_object(key, value)


def replace(section: Any, key: str, value: Any) -> None:
    """Write an object; where there is one, so that one of both is whole.

    The file-system bank writes in place: who is killed while it writes leaves
    half an object. What was to be written is beside it then.
    """
    if key not in section.list_objects():
        put(section, key, value)
        return
    put(section, key + _SPARE, value)
    put(section, key, value)
    drop(section, key + _SPARE)


def remove(section: Any, key: str) -> None:
    """Remove an object that replace() wrote; none there is no failure."""
    drop(section, key)
    if key + _SPARE in section.list_objects():
        drop(section, key + _SPARE)


def names(section: Any) -> List[str]:
    """List the objects that replace() wrote."""
    return sorted({name[:-len(_SPARE)] if name.endswith(_SPARE) else name
                   for name in section.list_objects()})


def get(section: Any, key: str) -> Any:
    """Read an object; None where there is none.

    It is not looked for in a list first: that of Swift may lag behind, and
    what is overlooked here is lost. For the same reason a list that still
    shows it means nothing where the failure itself says that it is gone.
    """
    for last in (False, True):
        try:
            return section.get_object(key)
        except Exception as error:  # Each bank plugin raises its own.
            if _is_absence(error):
                return None
            if not last:
                LOG.warning('Reading %s from the bank failed, trying again: '
                            '%s', key, error)
            elif key in section.list_objects():
                raise
    return None


def _is_absence(error: Optional[BaseException]) -> bool:
    # What the bank plugins of Swift and of a file system wrap, and say.
    while error is not None:
        if (isinstance(error, FileNotFoundError)
                or getattr(error, 'http_status', None) == 404
                or 'Object is not a file' in str(error)):
            return True
        error = error.__context__
    return False


def drop(section: Any, key: str) -> None:
    """Remove an object; none there is no failure.

    Two operations may sweep up after the same checkpoint: the slower one
    finds that what it has just seen is gone.
    """
    if get(section, key) is None:
        return
    try:
        section.delete_object(key)
    except Exception as error:  # Each bank plugin raises its own.
        if get(section, key) is not None:
            LOG.warning('Removing %s from the bank failed, trying again: %s',
                        key, error)
            section.delete_object(key)


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
    """
    kept = get(section, key)
    if kept is None:
        return None
    if not isinstance(kept, dict) or needed not in kept:
        kept = get(section, key + _SPARE)
    if not isinstance(kept, dict) or needed not in kept:
        raise errors.Torn('the object "%s" in the bank is torn' % where)
    written = kept.pop('version', 0)
    if written > version:
        raise errors.Refused(
            'the object "%s" in the bank has version %s and this release '
            'knows versions up to %d' % (where, written, version))
    return kept
