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

"""Objects in a bank of Karbor's, whatever its plugin makes and raises.

What fails is tried once more, and is an errors.BankFailed then. The
file-system bank removes a directory with its last object, also while another
one is being written into it.
"""

import contextlib
import sys
from typing import Any, Callable, Iterator, List, Optional, TypeVar

from oslo_log import log as logging

from karbor_trove import errors

LOG = logging.getLogger(__name__)

Result = TypeVar('Result')


@contextlib.contextmanager
def log_bank_errors(what: str) -> Iterator[None]:
    """Log that the bank failed, and go on: more depends on what follows.

    :param what: was not done.
    """
    try:
        yield
    except errors.BankError as error:
        LOG.error('%s: %s', what, error)


def write(section: Any, key: str, value: Any) -> None:
    """Write an object.

    :raises errors.BankFailed: perhaps it is written all the same.
    """
    def write() -> None:
        section.update_object(key, value)

    _retry_once(write, 'writing %s' % key)


def list_keys(section: Any) -> List[str]:
    """List the keys of a section and of all that are below it.

    :raises errors.BankFailed: the bank did not tell.
    """
    return _retry_once(lambda: list(section.list_objects()), 'listing objects')


def read(section: Any, key: str) -> Any:
    """Read an object; None where there is none.

    It is not looked for in a list first: that of Swift may lag behind, and
    what is overlooked here is lost. For the same reason a list that still
    shows it means nothing where the failure itself says that it is gone.

    :raises errors.BankFailed: the bank did not tell.
    """
    # Of what somebody deals with at the moment the bank says nothing.
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


def delete(section: Any, key: str) -> None:
    """Remove an object; none there is no failure.

    Two operations may sweep up after the same checkpoint: the slower one
    finds that what it has just seen is gone.

    :raises errors.BankFailed: perhaps it is gone all the same.
    """
    def delete() -> None:
        if read(section, key) is not None:
            section.delete_object(key)

    _retry_once(delete, 'removing %s' % key)


def _retry_once(act: Callable[[], Result], what: str) -> Result:
    try:
        return act()
    except errors.BankError:  # Tried twice already.
        raise
    except Exception as error:  # Each bank plugin raises its own.
        LOG.warning('The bank failed, trying again, %s: %s', what, error)
    try:
        return act()
    except errors.BankError:
        raise
    except Exception as error:  # As above.
        raise errors.BankError('the bank failed, %s: %s'
                               % (what, error)) from error


def _is_absence(error: Optional[BaseException],
                handled: Optional[BaseException]) -> bool:
    # What the bank plugins of Swift and of a file system wrap, and say.
    while error is not None and error is not handled:
        if (isinstance(error, FileNotFoundError)
                or getattr(error, 'http_status', None) == 404
                or 'Object is not a file' in str(error)):
            return True
        error = error.__context__
    return False
