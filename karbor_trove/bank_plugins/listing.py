# SPDX-License-Identifier: Apache-2.0

"""Order and pages of the lists that a bank returns."""

from typing import Iterable, List, Optional


def normalize_prefix(prefix: Optional[str]) -> str:
    """Return a prefix that begins with exactly one slash, like every key.

    To list all keys, Karbor's bank passes the prefix "//"
    [Bank.list_objects, 1.6.0].

    :param prefix: the prefix with any number of slashes. None to list all
        keys.
    """
    return '/' + (prefix or '').lstrip('/')


def is_descending(sort_dir: Optional[str]) -> bool:
    """Return True if a list has to begin with the last key.

    :param sort_dir: None and every other word than "desc" mean ascending, as
        in Karbor's plugins [list_objects, 1.6.0].
    """
    return sort_dir == 'desc'


def select_page(keys: Iterable[str], limit: Optional[int],
                marker: Optional[str], sort_dir: Optional[str]) -> List[str]:
    """Return the sorted keys of one page of a list.

    Karbor lists the index files of a plan in descending order. The name of an
    index file begins with the time of its checkpoint, so the newest checkpoint
    is the first one [checkpoint.py, 1.6.0].

    :param keys: the keys of the whole list in any order. Keys that belong to
        other pages may be missing.
    :param limit: the maximum number of keys. None for no limit.
    :param marker: the last key of the previous page. The object of this key
        may have been deleted since then. None for the first page.
    :param sort_dir: "desc" to begin with the last key. See is_descending().
    """
    descending = is_descending(sort_dir)
    if marker is not None:
        keys = [key for key in keys
                if (key < marker if descending else key > marker)]
    return sorted(keys, reverse=descending)[:limit]
