# SPDX-License-Identifier: Apache-2.0

"""Order and pages of the lists of keys that the bank plugins return."""

from typing import Iterable, List, Optional


def normalize_prefix(prefix: Optional[str]) -> str:
    """Return a prefix with exactly one slash at its beginning.

    Every key in the bank begins with exactly one slash. To list all keys,
    Karbor's bank passes the prefix "//" [Bank.list_objects, 1.6.0].

    :param prefix: has any number of slashes at its beginning. None to list all
        keys.
    """
    return '/' + (prefix or '').lstrip('/')


def is_descending(sort_dir: Optional[str]) -> bool:
    """Return True if a list has to be in descending order.

    :param sort_dir: "desc" for descending order. None and any other value mean
        ascending order, as in Karbor's plugins [list_objects, 1.6.0].
    """
    return sort_dir == 'desc'


def select_page(keys: Iterable[str], limit: Optional[int],
                marker: Optional[str], sort_dir: Optional[str]) -> List[str]:
    """Return the sorted keys of one page of a list.

    :param keys: the keys of the list, in any order. The caller may leave out
        keys that are not on this page.
    :param limit: the maximum number of keys. None for no limit.
    :param marker: the last key of the previous page. The page begins after
        this key, even if the object with this key was deleted. None for the
        first page.
    :param sort_dir: "desc" for descending order. Any other value means
        ascending order.
    """
    descending = is_descending(sort_dir)
    if marker is not None:
        keys = [key for key in keys
                if (key < marker if descending else key > marker)]
    return sorted(keys, reverse=descending)[:limit]
