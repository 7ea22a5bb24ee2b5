# SPDX-License-Identifier: Apache-2.0

"""Exceptions of this package, one class for each way to handle an error."""

from typing import Optional


class KarborTroveError(Exception):
    """Base class of the exceptions of this package.

    The text of an exception is a message for users and operators.
    """


class NotFound(KarborTroveError):
    """Trove or Swift does not have the requested object.

    The object was deleted, or it never existed.
    """


class Rejected(KarborTroveError):
    """A request is wrong or not allowed.

    A service or this package refused the request. The same request will be
    refused again. The subclass Busy is different: the request may succeed
    later.
    """


class Busy(Rejected):
    """The request is refused because the object is in use now.

    For example, Trove is creating the backup, or the backup has children. The
    same request may succeed later.
    """


class Unsupported(Rejected):
    """Trove does not support this request for this kind of object.

    For example, Trove cannot back up a member of a cluster.
    """


class Ambiguous(Rejected):
    """Several backups in Trove match one request with a lost response.

    None of these backups is adopted or deleted.
    """


class CorruptObject(Rejected):
    """An object in the bank cannot be parsed, or names another resource.

    Operations that delete backups log this error and continue without the
    object.
    """


class BankError(KarborTroveError):
    """The bank failed twice in a row with the same request."""


class ResourceFailed(KarborTroveError):
    """An instance or a backup has failed, or cannot be used.

    For example, the status of the instance is ERROR, or an object of the
    backup is missing in Swift. Waiting longer does not help.
    """


class Unreachable(KarborTroveError):
    """A service did not return a usable response.

    The same request may succeed later.

    :param message: what was requested and what happened.
    :param retry_after: the seconds in the Retry-After header of the response.
        None if there is no such header, or if the header has a date.
    """

    def __init__(self, message: str, retry_after: Optional[float] = None):
        super().__init__(message)
        self.retry_after = retry_after


class Pending(KarborTroveError):
    """The checked object is not in the expected state yet.

    The check of a wait raises this exception, and then the wait continues. The
    class polling.Wait catches the exception.

    :param state: the last state of the object. It becomes the text of the
        exception.
    :param changes_after: the seconds after which the check may have another
        result, even if the object has not changed. The check is then called
        again. None if the result depends only on the object.
    """

    def __init__(self, state: str, changes_after: Optional[float] = None):
        super().__init__(state)
        self.changes_after = changes_after


class DeadlineExceeded(KarborTroveError):
    """A wait reached its deadline without a result."""
