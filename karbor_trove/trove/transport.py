# SPDX-License-Identifier: Apache-2.0

"""HTTP transport to Trove: timeouts, patched troveclient, error translation.
"""

import contextlib
import inspect
import threading
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from keystoneauth1 import discover
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import session
from keystoneauth1 import token_endpoint
from oslo_log import log as logging
from troveclient import base
from troveclient import client as trove_client
from troveclient import exceptions as trove_exceptions
from troveclient.v1 import backups

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts

LOG = logging.getLogger(__name__)

# The statuses of an outage. Trove also sends other 5xx statuses, which are
# permanent: 501 if the datastore cannot do what is requested [wsgi.py in
# trove/common, 26.0.0].
_OUTAGES = frozenset((408, 429, 500, 502, 503, 504, 507, 508, 509))
# Swift's responses have this header. The responses of Ceph's object gateway
# have it as well.
_SWIFT_TRANSACTION = 'X-Trans-Id'
# The text of Trove's 404 for a URL that Trove does not have [webob.exc].
_UNKNOWN_URL = 'The resource could not be found.'


def request_timeout(deadline: Optional[polling.Deadline],
                    description: str) -> Tuple[float, float]:
    """Return the timeouts of one request, to connect and to read.

    :param deadline: limits both timeouts. None if there is no deadline.
    :param description: what is requested, for the error message.
    :returns: seconds to connect, and seconds of silence while the response is
        read.
    :raises errors.DeadlineExceeded: the deadline has passed.
    """
    if deadline is None:
        return timeouts.HTTP_CONNECT, timeouts.HTTP_READ
    remaining = deadline.remaining
    if not remaining:
        raise errors.DeadlineExceeded('%s: given up after %g s'
                                      % (description, deadline.seconds))
    return (min(timeouts.HTTP_CONNECT, remaining),
            min(timeouts.HTTP_READ_WITH_DEADLINE, remaining))


class RequestLimits(threading.local):
    """The timeouts of the requests that one thread sends.

    Several threads share a session, but each thread has its own deadline. So
    each thread sets and gets its own value of `timeout`.
    """

    #: The seconds to connect, and the seconds without data while a response is
    #: read.
    timeout: Tuple[float, float] = (timeouts.HTTP_CONNECT, timeouts.HTTP_READ)


def patch_client(make_client: Callable[[], Any]) -> Any:
    """Return a client of python-troveclient without its known faults.

    Several threads may use the client at the same time. The client uses a
    session of keystoneauth, and has two new attributes:

    * `client.client.limits.timeout`: the timeouts of the current thread, see
      request_timeout(). A thread sets them for its later requests, also for
      its requests to Keystone and Swift.
    * `client.client.date`: the Date header of the last response. None before
      the first response.

    :param make_client: returns the client to patch.
    :raises errors.KarborTroveError: the client could not be created.
    """
    with translate_errors('finding Trove'):
        client = _with_session(make_client())
    http = client.client
    http.date = None
    http.limits = RequestLimits()
    discover_without_token(http.session)
    http.session.request = _limited_request(http.session, http.limits)
    http.request = _patched_request(http)
    _remove_completion_cache(client)
    return client


def discover_without_token(http_session: session.Session) -> None:
    """Prevent a session from discovering Keystone's versions with a token.

    keystoneauth1 first discovers the versions without a token. If a proxy
    answers with HTTP 401, keystoneauth1 repeats the discovery with a token
    [get_version_data() in discover.py, 5.18.1]. The auth plugin would then
    wait for itself forever: it needs the versions to get a token, and a token
    to get the versions.

    After this call, the repeated discovery fails at once. keystoneauth1 then
    reads the version from the URL of Keystone.

    :param http_session: the session. Its method `request` is replaced.
    """
    request = http_session.request

    def without_token(url: str, method: str, *args: Any, **kwargs: Any) -> Any:
        # Only the repeated discovery sets `authenticated` to True.
        if kwargs.get('authenticated'):
            raise keystone_exceptions.Unauthorized
        return request(url, method, *args, **kwargs)

    http_session.request = without_token  # type: ignore[method-assign]


def _remove_completion_cache(client: Any) -> None:
    """Prevent the list methods of troveclient from writing ids to files.

    troveclient writes these files to the home directory for the completion of
    shell commands. Each manager of troveclient has one open file. If two
    threads call a list method of a manager at the same time, one thread may
    close the file while the other thread uses it. Then the call of the other
    thread fails [troveclient/base.py, 8.6.0].

    :param client: the client. The attributes of its managers are replaced.
    """
    for manager in vars(client).values():
        if isinstance(manager, base.Manager):
            manager.completion_cache = (
                lambda *_, **__: contextlib.nullcontext())


def can_send_storage_driver() -> bool:
    """Return True if python-troveclient can send a storage driver.

    Older releases of python-troveclient have no such argument for a backup.
    """
    return 'storage_driver' in inspect.signature(
        backups.Backups.create).parameters


def _limited_request(http_session: Any, limits: RequestLimits
                     ) -> Callable[..., Any]:
    """Return a replacement for the method `request` of a session.

    The replacement adds the timeouts of the current thread to each request. If
    the caller passes other timeouts, the replacement uses those. The session
    sends all its requests with `request`, so no request is without timeouts.

    :param limits: the timeouts of each thread.
    """
    request = http_session.request

    def limited(url: str, method: str, **kwargs: Any) -> Any:
        return request(url, method, **{'timeout': limits.timeout, **kwargs})

    return limited


@contextlib.contextmanager
def translate_errors(description: str) -> Iterator[None]:
    """Translate exceptions of the client libraries to errors of errors.py.

    Send one request in the `with` block. troveclient raises exceptions for
    Trove's responses. keystoneauth raises exceptions of its own for failed
    connections and for responses of Keystone and Swift.

    The HTTP status decides which error is raised, but only if the service
    itself sent the response. Any response of a load balancer or a proxy counts
    as an outage.

    :param description: what is requested, for the error message.
    :raises errors.NotFound: the status is 404.
    :raises errors.Unreachable: no response of the service came back, or the
        status is one of _OUTAGES, such as 503.
    :raises errors.Busy: the status is 422.
    :raises errors.Unsupported: the status is 501.
    :raises errors.Rejected: the request failed in any other way.
    """
    def message(error: Exception) -> str:
        return '%s: %s' % (description, str(error) or type(error).__name__)

    try:
        yield
    except keystone_exceptions.SSLError as error:
        # The certificate is verified before the request is sent. Any other
        # TLS error may occur while the response is read. In that case Trove
        # may have carried out the request.
        if 'CERTIFICATE_VERIFY_FAILED' in str(error):
            raise errors.Rejected(message(error)) from error
        raise errors.Unreachable(message(error)) from error
    except (trove_exceptions.ResponseFormatError,
            keystone_exceptions.ConnectionError,
            # Keystone is unavailable and did not return its versions.
            keystone_exceptions.DiscoveryFailure) as error:
        raise errors.Unreachable(message(error),
                                 _parse_retry_after(error)) from error
    except (trove_exceptions.ClientException,
            keystone_exceptions.ClientException) as error:
        status = getattr(error, 'http_status', None) or 0
        response = getattr(error, 'response', None)
        if status in _OUTAGES or (
                response is not None and not _is_own_error(response)):
            raise errors.Unreachable(message(error),
                                     _parse_retry_after(error)) from error
        if status == 404:
            raise errors.NotFound(message(error)) from error
        if status == 422:
            raise errors.Busy(message(error)) from error
        if status == 501:
            raise errors.Unsupported(message(error)) from error
        if status == 401:
            raise errors.Rejected(
                '%s (the user\'s token has expired, or Trove may not use the '
                'user\'s account in Swift)' % message(error)) from error
        raise errors.Rejected(message(error)) from error


@contextlib.contextmanager
def read_response() -> Iterator[None]:
    """Raise ResponseFormatError if a response cannot be read.

    Run the code that reads the response in the `with` block. A response that
    cannot be read may be from a load balancer or a proxy. So
    translate_errors() treats the error as an outage. Run no other code in the
    block, because its programming errors would also look like an outage.

    :raises troveclient.exceptions.ResponseFormatError: the response does not
        have the form of a response of the service.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError,
            ValueError) as error:
        raise trove_exceptions.ResponseFormatError(
            'not a response of the service (%r)' % error) from error


def request_swift(http_session: session.Session, url: str, method: str,
                  **kwargs: Any) -> Any:
    """Send a request to Swift, and return the response.

    Swift may reject Karbor's service token with 401. In that case the function
    sends the request again with the user's token alone.

    :param kwargs: further arguments of the session's method `request`.
    :raises keystoneauth1.exceptions.ClientException: Swift responded with an
        error, or did not respond.
    :raises troveclient.exceptions.ResponseFormatError: the response is not
        from Swift.
    """
    try:
        response = http_session.request(url, method, **kwargs)
    except keystone_exceptions.Unauthorized:
        user_auth = getattr(http_session.auth, 'user_auth', None)
        if user_auth is None:
            raise
        response = http_session.request(url, method, auth=user_auth, **kwargs)
    if _SWIFT_TRANSACTION not in response.headers:
        raise trove_exceptions.ResponseFormatError(
            'HTTP %s, but not a response of Swift' % response.status_code)
    return response


def check_reachable(url: str, timeout: Tuple[float, float]) -> None:
    """Check that a server responds at a URL. Any response is sufficient.

    :param timeout: the seconds to connect, and the seconds to read.
    :raises errors.Unreachable: no server responds in that time.
    """
    http: Any = session.Session()
    http.timeout = timeout
    with translate_errors('reaching %s' % url):
        http.get(url, authenticated=False, raise_exc=False, redirect=False)


def list_endpoints(client: Any, service_type: str) -> List[Any]:
    """Return all endpoints of a service in the user's catalog.

    :param client: a client that patch_client() returned.
    :returns: objects with region_name, interface and url. The list is empty if
        the catalog does not have the service. If the auth plugin has no
        catalog, the list has at most one endpoint, without a region.
    """
    http = client.client.session
    auth = getattr(http.auth, 'user_auth', http.auth)
    get_access = getattr(auth, 'get_access', None)
    if get_access is None:
        url = http.get_endpoint(service_type=service_type)
        return [discover.EndpointData(
            catalog_url=url, interface='public')] if url else []
    access = get_access(http)
    endpoints = access.service_catalog.get_endpoints_data(
        service_type=service_type) if access.has_service_catalog() else {}
    return [endpoint for of_type in endpoints.values()
            for endpoint in of_type]


def _parse_retry_after(error: Exception) -> Optional[float]:
    # Retry-After may also be a date. A date would need a clock, so a date is
    # ignored.
    value = str(getattr(error, 'retry_after', None))
    return float(value) if value.isdigit() else None


def _with_session(client: Any) -> Any:
    """Return a client of python-troveclient that uses a keystoneauth session.

    Karbor creates a client without a session if it does not have the details
    of the token [client_factory.py and clients/trove.py, 1.6.0]. Such a client
    has no credentials. After a 401 it tries to log in again and fails. So this
    function replaces such a client.

    :param client: the client that Karbor created.
    :returns: the same client if it uses a session. Otherwise a new client for
        the same endpoint and with the same token.
    """
    old = client.client
    if isinstance(old, trove_client.SessionClient):
        return client
    auth = _TroveToken(old.management_url, old.auth_token)
    return trove_client.Client('1.0', session=session.Session(
        auth=auth, verify=old.verify_cert))


class _TroveToken(token_endpoint.Token):
    """An auth plugin with a token and Trove's endpoint, without a catalog."""

    def get_endpoint(self, session: session.Session,
                     **kwargs: Any) -> Optional[str]:
        """Return Trove's endpoint. None if Swift's endpoint is requested."""
        return (None if kwargs.get('service_type') == 'object-store'
                else super().get_endpoint(session, **kwargs))


def _patched_request(http: Any) -> Callable[..., Tuple[Any, Any]]:
    """Return a replacement for the request method of troveclient.

    The replacement corrects these faults:

    * For some error responses, troveclient raises a wrong exception, such as a
      TypeError. An example is a response with a Retry-After header and a
      status other than 413. Another example is JSON that is not in the form of
      Trove's errors. If a response is not JSON, troveclient returns None
      [apiclient/exceptions.py and client.py of python-troveclient 8].
    * Trove may respond with 401 because of Karbor's service token. Newer
      Troves require a role for this token, but the token has no project and
      therefore no role [service_token_roles_required of keystonemiddleware].
      The replacement sends the request again with the user's token alone.
      Nothing is done twice, because the first request did not reach Trove's
      API.

    Every new request has the service token at first. With this token, Trove
    accepts an expired token of the user for a while.

    :param http: the HTTP client of a client of python-troveclient.
    """
    request = http.request
    is_warned = False

    def patched(url: str, method: str, **kwargs: Any) -> Tuple[Any, Any]:
        nonlocal is_warned
        auth = http.session.auth
        response, body = request(url, method, raise_exc=False, **kwargs)
        if response.status_code == 401 and hasattr(auth, 'user_auth'):
            response, body = request(url, method, raise_exc=False,
                                     auth=auth.user_auth, **kwargs)
            if response.status_code != 401 and not is_warned:
                is_warned = True
                LOG.warning('Trove rejects Karbor\'s service token and '
                            'accepts the user\'s token alone: %s %s', method,
                            url)
        http.date = response.headers.get('Date', http.date)
        retry_after = response.headers.pop('Retry-After', None)
        error: Optional[Exception] = None
        if response.status_code >= 400 and _is_own_error(response):
            error = trove_exceptions.from_response(response, method, url)
        elif response.status_code == 404 and (
                _UNKNOWN_URL in (response.text or '')):
            error = trove_exceptions.BadRequest(
                'Trove does not have the URL %s. Check the endpoint of Trove'
                % response.url)
        elif response.status_code >= 300 or (
                body is None and response.text if method == 'DELETE'
                else not _has_objects(body)):
            error = trove_exceptions.ResponseFormatError(
                'HTTP %s from %s, but not a response of Trove' % (
                    response.status_code, response.url))
        if error is not None:
            error.retry_after = retry_after  # type: ignore[attr-defined]
            raise error
        return response, _to_json(body)

    return patched


class _JsonObject(Dict[str, Any]):
    """A JSON object of a response, as a dictionary.

    Reading a missing key raises troveclient.exceptions.ResponseFormatError.
    """

    def __missing__(self, key: str) -> Any:
        raise trove_exceptions.ResponseFormatError(
            'not a response of Trove (it has no "%s")' % key)

    def __deepcopy__(self, memo: Dict[int, Any]) -> '_JsonObject':
        """Return the object itself and not a copy, to save time.

        python-troveclient copies each item of a list. A copy is not needed,
        because no code changes a response.
        """
        return self


def _has_objects(body: Any) -> bool:
    # {"instance": {...}} or {"instances": [{...}], "links": [{...}]}
    return isinstance(body, dict) and bool(body) and all(
        isinstance(value, list)
        and all(isinstance(item, dict) for item in value)
        if key.endswith('s') else isinstance(value, dict)
        for key, value in body.items())


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return _JsonObject((key, _to_json(item))
                           for key, item in value.items())
    return [_to_json(item) for item in value] if isinstance(
        value, list) else value


def _is_own_error(response: Any) -> bool:
    """Return True if the service itself sent an error response.

    The result is False if a load balancer or a proxy sent the response. The
    function recognizes these forms:

    * Trove and Keystone send JSON: {"itemNotFound": {"message": ..., "code":
      ...}}.
    * Keystone's middleware may send text. The value of its header
      WWW-Authenticate begins with "Keystone".
    * Swift sends HTML, with the header X-Trans-Id.
    """
    if _SWIFT_TRANSACTION in response.headers or response.headers.get(
            'WWW-Authenticate', '').startswith('Keystone'):
        return True
    try:
        [fault] = response.json().values()
        return (isinstance(fault, dict) and 'message' in fault
                and fault.get('code') in (None, response.status_code))
    except (AttributeError, TypeError, ValueError):
        return False
