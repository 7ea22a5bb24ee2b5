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

"""What can go wrong with Trove and the bank, by what the caller does next."""

from typing import Optional


class KarborTroveError(Exception):
    """The base of everything below; its text is meant for a user."""


class NotFound(KarborTroveError):
    """Trove does not know the object: it was deleted, or never was."""


class Rejected(KarborTroveError):
    """The request is wrong or not allowed; asking again will not help."""


class Busy(Rejected):
    """Trove is at work on the object; nothing was done, and later may be."""


class Ambiguous(Rejected):
    """Several objects may be the one that was asked for; none is touched."""


class CorruptObject(Rejected):
    """An object in the bank cannot be read; a delete goes on without it."""


class BankError(KarborTroveError):
    """The bank did not take, give or list something, and was asked twice."""


class ResourceFailed(KarborTroveError):
    """Trove accepted the request and gave up on it afterwards."""


class Unreachable(KarborTroveError):
    """No usable answer came back; the same call may well succeed later.

    :param retry_after: seconds that Trove asked to be left alone for; None
        when it said nothing.
    """

    def __init__(self, message: str, retry_after: Optional[float] = None):
        super().__init__(message)
        self.retry_after = retry_after


class DeadlineExceeded(KarborTroveError):
    """A wait reached its deadline."""
