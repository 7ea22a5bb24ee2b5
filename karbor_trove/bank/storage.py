# SPDX-License-Identifier: Apache-2.0

"""Requests for single objects in Karbor's bank: read, write, list, delete.

Each bank plugin raises exceptions of its own. So a request that fails is
repeated once, whatever the exception. A second failure is raised as an
errors.BankError. The repetition also helps with Karbor's file-system bank.
That bank deletes a directory together with its last object, even while another
object is being written into the directory. The repeated write creates the
directory again.
"""

import contextlib
import sys
from typing import (Any, Callable, Iterable, Iterator, List, Optional,
                    TypeVar)

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import karbor_types

LOG = logging.getLogger(__name__)

Result = TypeVar('Result')


@contextlib.contextmanager
def log_bank_errors(message: str) -> Iterator[None]:
    """Log a bank error of a `with` block, and continue after the block.

    Use this function where the next step matters more than the failed one.

    :param message: the sentence for the log, which says what was not done.
    """
    try:
        yield
    except errors.BankError as error:
        LOG.error('%s: %s', message, error)


def write(section: karbor_types.BankSection, key: str, value: object) -> None:
    """Write an object.

    :raises errors.BankError: the object may be written nevertheless.
    """
    def write() -> None:
        section.update_object(key, value)

    _retry_once(write, 'writing %s' % key)


def list_keys(section: karbor_types.BankSection,
              limit: Optional[int] = None) -> List[str]:
    """Return the keys of all objects in a section and in its subfolders.

    :param limit: the maximum number of keys. None for no limit.
    :raises errors.BankError: the bank did not return a list.
    """
    return _retry_once(lambda: list(
        section.list_objects() if limit is None
        else section.list_objects(limit=limit)), 'listing objects')


def read(section: karbor_types.BankSection, key: str) -> Any:
    """Return an object. None if the object does not exist.

    The object is requested directly and not searched in a list. The lists of
    Swift are eventually consistent. An object that is wrongly treated as
    absent would be lost. For the same reason, the list is read only if both
    requests fail and no error shows that the object does not exist.

    :raises errors.BankError: the object could not be read.
    """
    # Python chains the exception that the caller is handling to the exceptions
    # of the bank. The caller's exception is not about the object.
    handled = sys.exc_info()[1]

    def read() -> Any:
        try:
            return section.get_object(key)
        except Exception as error:  # Each bank plugin raises its own.
            if _is_absence(error, handled):
                return None
            raise

    try:
        return _retry_once(read, 'reading %s' % key)
    except errors.BankError:
        if key in list_keys(section):
            raise
        return None


def delete(section: karbor_types.BankSection, key: str) -> None:
    """Delete an object. An absent object is no error.

    Two operations may delete the objects of the same checkpoint. An object
    that one operation has read may be absent when that operation deletes it.

    :raises errors.BankError: the object may be deleted nevertheless.
    """
    def delete() -> None:
        if read(section, key) is not None:
            section.delete_object(key)

    _retry_once(delete, 'deleting %s' % key)


def delete_optional(section: karbor_types.BankSection,
                    keys: Iterable[str]) -> None:
    """Delete several objects. An absent object is no error.

    Karbor's file-system bank logs an ERROR for each read of an absent object.
    So this function lists the section, and deletes only objects that the list
    has. If the list is stale, an object may remain. So this function is only
    for objects that no operation reads later.

    :raises errors.BankError: the objects may be deleted nevertheless.
    """
    for key in set(keys) & set(list_keys(section)):
        delete(section, key)


def _retry_once(request: Callable[[], Result], description: str) -> Result:
    try:
        return request()
    except errors.BankError:  # A nested request, already sent twice.
        raise
    except Exception as error:  # Each bank plugin raises its own.
        LOG.warning('The bank failed while %s, retrying: %s', description,
                    error)
    try:
        return request()
    except errors.BankError:
        raise
    except Exception as error:  # As above.
        raise errors.BankError('the bank failed twice while %s: %s'
                               % (description, error)) from error


def _is_absence(error: Optional[BaseException],
                handled: Optional[BaseException]) -> bool:
    # The bank plugins of Swift and of a file system wrap the first two errors.
    # The file-system bank raises the third error if there is no such file.
    while error is not None and error is not handled:
        if (isinstance(error, FileNotFoundError)
                or getattr(error, 'http_status', None) == 404
                or 'Object is not a file' in str(error)):
            return True
        error = error.__context__
    return False
