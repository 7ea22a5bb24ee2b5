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

"""How long one request may take."""

import contextlib
from typing import Any, Callable, Iterator, Optional, Tuple

from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import session
from keystoneauth1 import token_endpoint
from oslo_log import log as logging
from troveclient import client as trove_client
from troveclient import exceptions as trove_exceptions

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts

LOG = logging.getLogger(__name__)

_TRY_LATER = frozenset((408, 429))


def request_timeout(deadline: Optional[polling.Deadline],
                    doing: str) -> Tuple[float, float]:
    """Tell how long one request may take: to connect, and to be answered.

    :param deadline: see trove.Gateway.
    :param doing: what is being done, for the message of an error.
    :raises errors.TookTooLong: the deadline is over.
    """
    if deadline is None:
        return timeouts.HTTP_CONNECT, timeouts.HTTP_READ
    left = deadline.remaining
    if not left:
        raise errors.DeadlineExceeded('%s: given up after %g s'
                                      % (doing, deadline.seconds))
    return min(timeouts.HTTP_CONNECT, left), min(
        timeouts.HTTP_READ_WITH_DEADLINE, left)


def patch_client(make: Callable[[], Any]) -> Any:
    """Make a client of python-troveclient whose answers can be relied on.

    It is one on a session of keystoneauth, whose `timeout` limits each
    request; its `client.date` is the last answer's Date header, or None.

    :param make: gives the client to be mended.
    :raises errors.TroveError: no client could be made.
    """
    with translate_errors('finding Trove'):
        client = _with_session(make())
    client.client.date = None
    client.client.request = _patched_request(client.client)
    return client


@contextlib.contextmanager
def translate_errors(doing: str) -> Iterator[None]:
    """Turn what either client library raises into our errors.

    Two unrelated families: troveclient's for what Trove answered, and
    keystoneauth's for connections and for Keystone.

    :param doing: what is being done, for the message.
    :raises errors.Gone: 404.
    :raises errors.Unreachable: no answer of Trove's, 408, 429 or 5xx.
    :raises errors.Busy: 422.
    :raises errors.Refused: anything else.
    """
    def said(error: Exception) -> str:
        return '%s: %s' % (doing, str(error) or type(error).__name__)

    try:
        yield
    except keystone_exceptions.SSLError as error:
        if 'CERTIFICATE_VERIFY_FAILED' in str(error):  # Before it is sent.
            raise errors.Rejected(said(error)) from error
        raise errors.Unreachable(said(error)) from error
    except (trove_exceptions.ResponseFormatError,
            keystone_exceptions.ConnectionError,
            # Keystone did not tell its versions: it is away.
            keystone_exceptions.DiscoveryFailure) as error:
        raise errors.Unreachable(said(error)) from error
    except (AttributeError, IndexError, KeyError, TypeError,
            ValueError) as error:
        # What libraries do with JSON of another shape: a load balancer's.
        raise errors.Unreachable('%s: not an answer of Trove (%r)'
                                 % (doing, error)) from error
    except (trove_exceptions.ClientException,
            keystone_exceptions.ClientException) as error:
        status = getattr(error, 'http_status', None) or 0
        if status == 404:
            raise errors.NotFound(said(error)) from error
        if status in _TRY_LATER or status >= 500:
            raise errors.Unreachable(said(error), _retry_after(error)) from error
        if status == 422:
            raise errors.Busy(said(error)) from error
        if status == 401:
            raise errors.Rejected(
                '%s (the user\'s token is over, or Trove may not use the '
                'user\'s account in Swift)' % said(error)) from error
        raise errors.Rejected(said(error)) from error


def check_reachable(url: str, limits: Tuple[float, float]) -> None:
    """See that somebody answers there, whatever it is.

    :param limits: seconds to connect, and to be answered.
    :raises errors.Unreachable: nobody does in that time.
    """
    looking: Any = session.Session()
    looking.timeout = limits
    with translate_errors('looking at %s' % url):
        looking.get(url, authenticated=False, raise_exc=False, redirect=False)


def get_endpoint(client: Any, service_type: str) -> Optional[str]:
    """Tell where the user's catalog has a service; None: nowhere.

    :param client: a mended one.
    """
    found: Optional[str] = None
    with contextlib.suppress(keystone_exceptions.EndpointNotFound):
        found = client.client.session.get_endpoint(service_type=service_type)
    return found


def _retry_after(error: Exception) -> Optional[float]:
    told = str(getattr(error, 'retry_after', None))
    return float(told) if told.isdigit() else None  # A date is left alone.


def _with_session(client: Any) -> Any:
    """Make sure that the client is one on a keystoneauth session.

    Without the token's details Karbor falls back to an older kind of client
    [client_factory.py and clients/trove.py, 1.6.0]. That one logs in again
    on a 401, with nothing to log in with.
    """
    old = client.client
    if isinstance(old, trove_client.SessionClient):
        return client
    auth = _TroveOnly(old.management_url, old.auth_token)
    return trove_client.Client('1.0', session=session.Session(
        auth=auth, verify=old.verify_cert))


class _TroveOnly(token_endpoint.Token):
    """A token without a catalog: its one address is not Swift's as well."""

    def get_endpoint(self, session: session.Session,
                     **kwargs: Any) -> Optional[str]:
        """Tell Trove's address; None: of Swift nothing is known."""
        return (None if kwargs.get('service_type') == 'object-store'
                else super().get_endpoint(session, **kwargs))


def _patched_request(http: Any) -> Callable[..., Tuple[Any, Any]]:
    """Mend what troveclient does with some answers.

    * A Retry-After makes it raise a TypeError unless the status is 413, JSON
      of another shape another error, and what is not JSON is handed on as
      None [apiclient/exceptions.py, client.py of python-troveclient 8].
    * A 401 may be meant for Karbor's service token: it has no project and so
      no role, and newer Troves want one [service_token_roles_required of
      keystonemiddleware]. The user's own token is enough, so it is tried
      alone; nothing is done twice, the request went no further.
    * Should Keystone want a token before it tells its versions, the plugin
      that is just getting one is asked for it, and waits for itself for ever.
      A session without a token has nobody to ask [get_version_data() in
      discover.py of keystoneauth1].
    """
    request = http.request

    def checked(url: str, method: str, **kwargs: Any) -> Tuple[Any, Any]:
        service = getattr(http.session.auth, 'service_auth', None)
        if service is not None:
            tokenless = session.Session(verify=http.session.verify)
            tokenless.timeout = http.session.timeout
            service.get_access(tokenless)
        response, body = request(url, method, raise_exc=False, **kwargs)
        both = http.session.auth
        if response.status_code == 401 and hasattr(both, 'user_auth'):
            http.session.auth = both.user_auth
            response, body = request(url, method, raise_exc=False, **kwargs)
            if response.status_code != 401:
                LOG.warning('Trove refuses Karbor\'s service token and takes '
                            'the user\'s alone: %s %s', method, url)
        http.date = response.headers.get('Date', http.date)
        if response.status_code >= 400:
            retry_after = response.headers.pop('Retry-After', None)
            if not _is_trove_response(body):
                response.headers.pop('Content-Type', None)
            error = trove_exceptions.from_response(response, method, url)
            error.retry_after = retry_after
            raise error
        if response.status_code >= 300 or method != 'DELETE' and not (
                body and isinstance(body, dict)):
            raise trove_exceptions.ResponseFormatError(
                'HTTP %s, but not an answer of Trove' % response.status_code)
        return response, body

    return checked


def _is_trove_response(body: Any) -> bool:
    # {"message": ...}, or {"itemNotFound": {"message": ...}}
    return isinstance(body, dict) and bool(body) and (
        'message' in body or isinstance(next(iter(body.values())), dict))
