# SPDX-License-Identifier: Apache-2.0

"""Exceptions of this package, one class for each way to handle an error."""

from typing import Optional


class KarborTroveError(Exception):
    """Base class of all errors below. Users read the text of an error."""


class NotFound(KarborTroveError):
    """Trove or Swift does not have the object.

    The object was deleted, or it never existed.
    """


class Rejected(KarborTroveError):
    """The request is wrong or not allowed. A retry does not help."""


class Busy(Rejected):
    """Trove is working on the object and refused the request.

    A retry may succeed.
    """


class Unsupported(Rejected):
    """Trove cannot do what is requested with an object of this kind."""


class Ambiguous(Rejected):
    """Several objects match one request. None of them is used or deleted."""


class CorruptObject(Rejected):
    """An object in the bank cannot be parsed. Deletions ignore the object."""


class BankError(KarborTroveError):
    """The same request to the bank failed twice."""


class ResourceFailed(KarborTroveError):
    """An instance or a backup has failed, or is not as it has to be.

    Waiting longer does not help.
    """


class Unreachable(KarborTroveError):
    """No usable response came back. The same request may succeed later.

    :param message: what was requested and what happened.
    :param retry_after: the seconds in the Retry-After header of the response.
        None if there is no such header, or if it holds a date.
    """

    def __init__(self, message: str, retry_after: Optional[float] = None):
        super().__init__(message)
        self.retry_after = retry_after


class Pending(KarborTroveError):
    """The object is not in the expected state yet. The wait goes on.

    polling.Wait handles this exception.

    :param state: the last state of the object, which becomes the text of the
        exception.
    :param changes_after: the seconds after which the check may have another
        result although the object has not changed. None if only a change of
        the object changes the result.
    """

    def __init__(self, state: str, changes_after: Optional[float] = None):
        super().__init__(state)
        self.changes_after = changes_after


class DeadlineExceeded(KarborTroveError):
    """A wait reached its deadline without a result."""
