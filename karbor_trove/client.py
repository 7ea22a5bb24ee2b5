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

"""The only user of Trove's client library: mends it, and names its errors."""

import contextlib
from typing import Any, Callable, Iterator, Optional, Tuple

from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import session
from keystoneauth1 import token_endpoint
from oslo_log import log as logging
from troveclient import client as trove_client
from troveclient import exceptions as trove_exceptions

from karbor_trove import errors

LOG = logging.getLogger(__name__)

_TRY_LATER = frozenset((408, 429))


def mended(make: Callable[[], Any]) -> Any:
    """Make a client of python-troveclient that answers can be trusted of.

    It is one on a session of keystoneauth, whose `timeout` limits each of
    its requests.

    :param make: gives the client to be mended.
    :raises errors.TroveError: no client could be made.
    """
    with translated('finding Trove'):
        client = _with_session(make())
    client.client.request = _strict(client.client)
    return client


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


def _strict(http: Any) -> Callable[..., Tuple[Any, Any]]:
    """Mend what troveclient does with three kinds of answers.

    * A Retry-After makes it raise a TypeError unless the status is 413, and
      one that is not JSON is handed on as None [apiclient/exceptions.py and
      client.py of python-troveclient 8].
    * A 401 may be meant for Karbor's service token: it has no project and so
      no role, and newer Troves want one [service_token_roles_required of
      keystonemiddleware]. The user's own token is enough, so it is tried
      alone; nothing is done twice, the request went no further.
    """
    request = http.request

    def checked(url: str, method: str, **kwargs: Any) -> Tuple[Any, Any]:
        response, body = request(url, method, raise_exc=False, **kwargs)
        users = getattr(http.session.auth, 'user_auth', None)
        if response.status_code == 401 and users is not None:
            LOG.warning('Trove refused a request with Karbor\'s service '
                        'token, trying without it: %s %s', method, url)
            http.session.auth = users
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
