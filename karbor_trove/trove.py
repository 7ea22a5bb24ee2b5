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

"""The only user of Trove's client: its calls, paging and errors."""

import contextlib
from typing import Any, Callable, Iterator, List, Optional, Tuple

from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import session
from keystoneauth1 import token_endpoint
from troveclient import client as trove_client
from troveclient import exceptions as trove_exceptions

from karbor_trove import errors
from karbor_trove import values
from karbor_trove import waiting

# Seconds to connect, and seconds that an answer may be silent. Neither
# Karbor nor the clients set any: a Trove that hangs would hang us for ever.
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 25.0

_TRY_LATER = frozenset((408, 429))


class Gateway:
    """Trove's API for one user, in values and in our own errors."""

    def __init__(self, make_client: Callable[[], Any],
                 deadline: Optional[waiting.Deadline] = None) -> None:
        """Make a client, ready to be asked.

        :param make_client: gives a client of python-troveclient.
        :param deadline: all calls together end by it, give or take the time
            to connect; None leaves only the limit of each request.
        :raises errors.TroveError: no client could be made.
        """
        self._deadline = deadline
        with translated('finding Trove'):
            self._client = _with_session(make_client())
        http = self._client.client
        http.request = _strict(http.request)
        self._session = http.session

    @contextlib.contextmanager
    def _asking(self, doing: str) -> Iterator[Any]:
        timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
        if self._deadline is not None:
            left = self._deadline.left
            if not left:
                raise errors.TookTooLong('%s: given up after %g s'
                                         % (doing, self._deadline.seconds))
            timeout = (min(CONNECT_TIMEOUT, left), min(READ_TIMEOUT, left))
        self._session.timeout = timeout
        with translated(doing):
            yield self._client

    def instances(self) -> List[values.Instance]:
        """List every instance of the project, in as many pages as it takes.

        Members of clusters are left out: Trove cannot back them up.

        :raises errors.TroveError: as any call here; nothing is left out of
            the list silently.
        """
        found: List[values.Instance] = []
        marker = None
        while True:
            with self._asking('listing database instances') as client:
                page = client.instances.list(marker=marker)
            # Asking an item for a key that it lacks would send a request.
            found.extend(values.instance_from(item.to_dict())
                         for item in page)
            # An answer that ends where it began would be asked for for ever.
            if not page or page.next in (None, marker):
                return found
            marker = page.next

    def instance(self, instance_id: str) -> values.Instance:
        """Look at one instance.

        :raises errors.Gone: there is none with this id in the project.
        """
        with self._asking('looking at instance %s' % instance_id) as client:
            told = client.instances.get(instance_id)
        return values.instance_from(told.to_dict())

    def create_instance(self,
                        request: values.InstanceRequest) -> values.Instance:
        """Ask for an instance made from a backup; it is built afterwards."""
        with self._asking('creating an instance from backup %s'
                          % request.backup_id) as client:
            made = client.instances.create(
                **values.restore_arguments(request))
        return values.instance_from(made.to_dict())

    def backup(self, backup_id: str) -> values.Backup:
        """Look at one backup.

        :raises errors.Gone: there is none with this id in the project.
        """
        with self._asking('looking at backup %s' % backup_id) as client:
            told = client.backups.get(backup_id)
        return values.backup_from(told.to_dict())

    def create_backup(self, request: values.BackupRequest) -> values.Backup:
        """Ask for a full backup; it is made afterwards."""
        optional = {key: value for key, value in (
            ('storage_driver', request.storage_driver),
            ('swift_container', request.swift_container)) if value}
        with self._asking('backing up instance %s'
                          % request.instance_id) as client:
            made = client.backups.create(
                request.name, request.instance_id,
                description=request.description, **optional)
        return values.backup_from(made.to_dict())

    def delete_backup(self, backup_id: str) -> None:
        """Ask for the deletion of a backup; it takes place afterwards.

        :raises errors.Gone: it is not there (any more).
        """
        with self._asking('deleting backup %s' % backup_id) as client:
            client.backups.delete(backup_id)


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what either client library raises into our errors.

    Two unrelated families: troveclient's for what Trove answered, and
    keystoneauth's for connections and for Keystone.

    :param doing: what is being done, for the message.
    :raises errors.Gone: 404.
    :raises errors.Unreachable: no answer, 408, 429, 5xx, or not JSON.
    :raises errors.Refused: anything else.
    """
    try:
        yield
    except trove_exceptions.NotFound as error:
        raise errors.Gone(_said(doing, error)) from error
    except (trove_exceptions.ResponseFormatError,
            keystone_exceptions.ConnectionError) as error:
        raise errors.Unreachable(_said(doing, error)) from error
    except (trove_exceptions.ClientException,
            keystone_exceptions.ClientException) as error:
        status = getattr(error, 'http_status', None) or 0
        if status in _TRY_LATER or status >= 500:
            raise errors.Unreachable(_said(doing, error),
                                     _seconds(error)) from error
        raise errors.Refused(_said(doing, error)) from error


def _said(doing: str, error: Exception) -> str:
    return '%s: %s' % (doing, str(error) or type(error).__name__)


def _seconds(error: Exception) -> Optional[float]:
    told = getattr(error, 'retry_after', None)
    # The other form, a date, is not worth a clock of ours.
    return float(told) if told and str(told).isdigit() else None


def _with_session(client: Any) -> Any:
    """Make sure that the client is one on a keystoneauth session.

    Without the token's details Karbor falls back to an older kind of client
    [client_factory.py and clients/trove.py, 1.6.0]. That one logs in again
    on a 401, with nothing to log in with.
    """
    old = client.client
    if isinstance(old, trove_client.SessionClient):
        return client
    auth = token_endpoint.Token(old.management_url, old.auth_token)
    return trove_client.Client('1.0', session=session.Session(
        auth=auth, verify=old.verify_cert))


def _strict(
    request: Callable[..., Tuple[Any, Any]]
) -> Callable[..., Tuple[Any, Any]]:
    # troveclient trips over two kinds of answers: a Retry-After makes it
    # raise a TypeError unless the status is 413, and one that is not JSON is
    # handed on as None [troveclient/apiclient/exceptions.py, client.py].
    def checked(url: str, method: str, **kwargs: Any) -> Tuple[Any, Any]:
        response, body = request(url, method, raise_exc=False, **kwargs)
        if response.status_code >= 400:
            retry_after = response.headers.pop('Retry-After', None)
            error = trove_exceptions.from_response(response, method, url)
            error.retry_after = retry_after
            raise error
        if method != 'DELETE' and not isinstance(body, dict):
            raise trove_exceptions.ResponseFormatError(
                'HTTP %s, but the answer is not JSON' % response.status_code)
        return response, body

    return checked
