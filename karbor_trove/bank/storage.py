# SPDX-License-Identifier: Apache-2.0

"""Requests to Karbor's bank: write, list, read and delete objects.

A key is the path of an object below its section. A section is a folder of the
bank.

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

    Use this function if a failure in the block must not stop the operation.
    Any other exception is raised.

    :param message: the sentence for the log, which says what was not done.
    """
    try:
        yield
    except errors.BankError as error:
        LOG.error('%s: %s', message, error)


def write(section: karbor_types.BankSection, key: str, value: object) -> None:
    """Write an object, and replace an earlier object with its key.

    :param value: a text is stored as it is, any other value as JSON.
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

    The object is requested directly, because a list of Swift may be stale and
    lack the object. The list is read only if both requests fail and neither
    error shows whether the object exists. If the list lacks the object, the
    object does not exist.

    :returns: parsed JSON, or the text of an object that is not JSON. Karbor's
        own bank plugin for Swift returns bytes in place of a text.
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

    Some bank plugins of Karbor raise an error if the object does not exist. So
    this function first reads the object. If another operation deletes the
    object between the two requests, the repetition does not find the object.

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
    for objects that do no harm if they remain.

    :raises errors.BankError: some of the objects may be deleted.
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
    except Exception as error:  # Each bank plugin raises its own.
        raise errors.BankError('the bank failed twice while %s: %s'
                               % (description, error)) from error


def _is_absence(error: Optional[BaseException],
                handled: Optional[BaseException]) -> bool:
    """Return True if an error of a bank shows that an object does not exist.

    :param error: the error. Its __context__ counts too, and so do the
        exceptions that follow in this chain.
    :param handled: the exception at which the chain ends, because this
        exception is older than the request. None if there is no such
        exception.
    """
    # The chain has a FileNotFoundError with the file-system plugin of this
    # package, and HTTP status 404 with the Swift plugins. Karbor's own
    # file-system plugin raises an OSError with the third text.
    while error is not None and error is not handled:
        if (isinstance(error, FileNotFoundError)
                or getattr(error, 'http_status', None) == 404
                or 'Object is not a file' in str(error)):
            return True
        error = error.__context__
    return False
