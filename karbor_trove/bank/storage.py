# SPDX-License-Identifier: Apache-2.0

"""Functions that write, list, read and delete objects in Karbor's bank.

A section is a folder of the bank. A key is the path of an object, relative to
its section.

Each bank plugin raises exceptions of its own. So this module repeats every
failed request once, whatever the exception. If the second request fails too,
this module raises an errors.BankError.

The repetition also helps with Karbor's bank plugin for a file system. This
plugin deletes a directory together with its last object. If another operation
writes an object into the directory at the same time, the write fails. The
second write creates the directory again.
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
    """Log an errors.BankError of a `with` block, and do not raise the error.

    The operation continues after the block. Use this context manager if an
    operation must not fail because of the bank. Exceptions of other classes
    are raised.

    :param message: the beginning of the log message. The text says what was
        not done.
    """
    try:
        yield
    except errors.BankError as error:
        LOG.error('%s: %s', message, error)


def write(section: karbor_types.BankSection, key: str, value: object) -> None:
    """Write an object, and replace an earlier object with the same key.

    :param value: the content. A text is stored as it is. Any other value is
        stored as JSON.
    :raises errors.BankError: the object may be written nevertheless.
    """
    def write() -> None:
        section.update_object(key, value)

    _retry_once(write, 'writing %s' % key)


def list_keys(section: karbor_types.BankSection,
              limit: Optional[int] = None) -> List[str]:
    """Return the keys of all objects in a section and in its subfolders.

    A key is the path of an object, relative to the section.

    :param limit: the maximum number of keys. None for no limit.
    :raises errors.BankError: the bank did not return a list.
    """
    return _retry_once(lambda: list(
        section.list_objects() if limit is None
        else section.list_objects(limit=limit)), 'listing objects')


def read(section: karbor_types.BankSection, key: str) -> Any:
    """Return the content of an object. None if the object does not exist.

    The section is not listed first, because a list of Swift may be stale and
    lack an existing object. The section is listed only if the request for the
    object fails twice and the errors do not show whether the object exists. If
    the list lacks the object, the result is None.

    :returns: the parsed content if the content is JSON. Otherwise the content
        as text, or as bytes with Karbor's own bank plugin for Swift.
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


def delete(section: karbor_types.BankSection, key: str,
           is_written: bool = False) -> None:
    """Delete an object. An absent object is no error.

    Some bank plugins of Karbor raise an error if the object does not exist. So
    this function reads the object first, and deletes only an existing object.
    If another operation deletes the object after the read, the deletion may
    fail. This function then repeats both steps, and the second read shows that
    the object does not exist.

    :param is_written: True if the caller has just written the object. In that
        case the first request deletes the object without a read. Only the
        repetition reads the object.
    :raises errors.BankError: the object may be deleted nevertheless.
    """
    def delete() -> None:
        section.delete_object(key)

    def read_and_delete() -> None:
        if read(section, key) is not None:
            delete()

    _retry_once(delete if is_written else read_and_delete,
                'deleting %s' % key, read_and_delete)


def delete_optional(section: karbor_types.BankSection,
                    keys: Iterable[str]) -> None:
    """Delete several objects that do no harm if they remain.

    An absent object is no error. Karbor's bank plugin for a file system logs
    an ERROR for each read of an absent object. So this function lists the
    section, and deletes only objects that are in the list. If the list is
    stale and lacks an object, this object remains.

    :param section: the section of the objects.
    :param keys: the paths of the objects in the section.
    :raises errors.BankError: some of the objects may be deleted.
    """
    for key in set(keys) & set(list_keys(section)):
        delete(section, key)


def _retry_once(request: Callable[[], Result], description: str,
                repetition: Optional[Callable[[], Result]] = None) -> Result:
    """Send a request, and send it again if it fails.

    :param repetition: what is sent if the request fails. None for the same
        request.
    """
    try:
        return request()
    except errors.BankError:  # A nested request, already sent twice.
        raise
    except Exception as error:  # Each bank plugin raises its own.
        LOG.warning('The bank failed while %s, retrying: %s', description,
                    error)
    try:
        return (repetition or request)()
    except errors.BankError:
        raise
    except Exception as error:  # Each bank plugin raises its own.
        raise errors.BankError('the bank failed twice while %s: %s'
                               % (description, error)) from error


def _is_absence(error: Optional[BaseException],
                handled: Optional[BaseException]) -> bool:
    """Return True if an error of a bank shows that an object does not exist.

    The function checks the error and the exceptions in its chain. The chain
    has the `__context__` of the error, the `__context__` of that exception,
    and so on.

    :param error: the error that the bank plugin raised for a request. If the
        error is None, the result is False.
    :param handled: the exception that the caller was already handling when it
        sent the request. None if there was no such exception. Python puts this
        exception into the chain, although it is not about the object. So the
        check of the chain stops before this exception.
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
