# SPDX-License-Identifier: Apache-2.0

"""Bank plugin for Swift."""

import contextlib
import json
from typing import Any, Dict, List, Mapping, Optional

from karbor import exception
from karbor.services.protection.bank_plugins import swift_bank_plugin
from keystoneauth1 import exceptions as keystone_exceptions
from oslo_serialization import jsonutils
import swiftclient
from urllib3 import exceptions as urllib3_exceptions

from karbor_trove.bank_plugins import listing
from karbor_trove import timeouts

#: What swiftclient raises if it gets no response, or a response that it cannot
#: read. The exceptions of the library requests are OSErrors. swiftclient reads
#: the bodies of responses with urllib3.
_REQUEST_ERRORS = (
    swiftclient.ClientException, keystone_exceptions.ClientException,
    urllib3_exceptions.HTTPError, OSError, json.JSONDecodeError,
    UnicodeDecodeError)
#: Swift sends both headers with every response [catch_errors.py of Swift]. A
#: response with one of them counts as Swift's.
_SWIFT_HEADERS = ('x-trans-id', 'x-openstack-request-id')


class _ObjectNotFound(swift_bank_plugin.SwiftConnectionFailed):
    """Swift responded that the object or its container does not exist."""


class SwiftBankPlugin(swift_bank_plugin.SwiftBankPlugin):
    """Karbor's bank in Swift, with sorted lists and timeouts for requests.

    An object has the same name, content and headers as with Karbor's own
    plugin.

    If a request fails, its error shows whether the object exists. If the
    object or its container does not exist, the `__context__` chain of the
    error has an exception of swiftclient with the status 404. After any other
    failure, the chain has no such exception.
    """

    @property
    def connection(self) -> Any:
        """Return swiftclient's connection.

        The first use of this property creates the connection and the
        containers, and acquires Karbor's lease. The lease is an object in the
        container "leases".

        :raises SwiftConnectionFailed: the first use failed. The next use
            repeats these steps.
        """
        try:
            return super().connection
        except exception.AcquireLeaseFailed as error:
            # Karbor's plugin has stored the connection. So its next use would
            # go on without a lease.
            self._connection = None
            failure: Exception = error
        except _REQUEST_ERRORS as error:
            failure = error
        # The error is raised here and not in the handlers above. So a 404 for
        # the account or for a container cannot be found through __context__.
        raise swift_bank_plugin.SwiftConnectionFailed(
            reason=failure) from failure

    def _setup_connection(self) -> Any:
        connection = super()._setup_connection()
        connection.timeout = connection.session.timeout = (
            timeouts.HTTP_CONNECT, timeouts.HTTP_READ)
        return connection

    def get_object(self, key: str, context: Any = None) -> Any:
        """Return the content of an object.

        A header of the object says whether the content is JSON.

        :returns: the parsed content if the content is JSON. Otherwise the
            content as text, or as bytes if the content is not UTF-8.
        :raises karbor.exception.BankGetObjectFailed: there is no such object,
            or Swift did not return the object.
        """
        try:
            return self._get_object(self.bank_object_container, key)
        except swift_bank_plugin.SwiftConnectionFailed as error:
            raise exception.BankGetObjectFailed(
                reason=error, key=key) from error

    def delete_object(self, key: str, context: Any = None) -> None:
        """Delete an object. An absent object is no error.

        If the response to a request is lost, swiftclient sends the request
        again. If the first request has deleted the object, Swift responds with
        404 to the second request. So a 404 counts as success.

        :raises karbor.exception.BankDeleteObjectFailed: the object may still
            exist.
        """
        try:
            self._delete_object(self.bank_object_container, key)
        except _ObjectNotFound:
            return
        except swift_bank_plugin.SwiftConnectionFailed as error:
            raise exception.BankDeleteObjectFailed(
                reason=error, key=key) from error

    def list_objects(self, prefix: Optional[str] = None,
                     limit: Optional[int] = None, marker: Optional[str] = None,
                     sort_dir: Optional[str] = None, context: Any = None
                     ) -> List[str]:
        """Return the sorted keys that begin with a prefix.

        For a descending list, this method reads the keys in ascending order
        and then reverses the order. Swift's parameter `reverse` is not used,
        because some other stores with Swift's API do not know it [get_params
        of RGWListBucket_ObjStore_SWIFT in rgw_rest_swift.cc of Ceph].

        :param prefix: None for all keys.
        :param limit: the maximum number of keys. None for no limit.
        :param marker: the last key of the previous page. The result begins
            after this key. None for the first page.
        :param sort_dir: "desc" for descending order. Any other value means
            ascending order.
        :raises karbor.exception.BankListObjectsFailed: Swift did not return
            the whole list, so keys may be missing.
        """
        prefix = listing.normalize_prefix(prefix)
        try:
            if listing.is_descending(sort_dir):
                entries = self._get_container(
                    self.bank_object_container, prefix, end_marker=marker)
            else:
                entries = self._get_container(
                    self.bank_object_container, prefix, limit, marker)
        except swift_bank_plugin.SwiftConnectionFailed as error:
            raise exception.BankListObjectsFailed(reason=error) from error
        return listing.select_page([entry['name'] for entry in entries],
                                   limit, marker, sort_dir)

    def _get_container(self, container: str, prefix: Optional[str] = None,
                       limit: Optional[int] = None,
                       marker: Optional[str] = None,
                       end_marker: Optional[str] = None
                       ) -> List[Dict[str, Any]]:
        """Return Swift's entries for the objects of a container.

        An entry is a dictionary with the name of an object and other data of
        the object. The method reads the list page by page, with one request
        for each page. swiftclient's parameter full_listing is not used. With
        this parameter, swiftclient would begin with the first page again after
        each failure.

        :param prefix: only names with this prefix are returned. None for all
            names.
        :param limit: no further page is requested when this number of entries
            is reached. The last page is not cut off, so the result may have
            more entries. None for no limit.
        :param marker: only entries after this name are returned. None to begin
            with the first entry.
        :param end_marker: only entries before this name are returned. None to
            end with the last entry.
        :raises SwiftConnectionFailed: a page could not be read, or a page
            repeats earlier names.
        """
        entries: List[Dict[str, Any]] = []
        # Swift refuses a limit above its own limit [constraints.py of Swift].
        # So no limit is sent.
        while limit is None or len(entries) < limit:
            headers, page = self._send(
                'get_container', container=container, prefix=prefix,
                marker=marker, end_marker=end_marker)
            _check_sender(headers)
            if not page:
                break
            last = page[-1]['name']
            if marker is not None and last <= marker:
                raise swift_bank_plugin.SwiftConnectionFailed(
                    reason='Swift did not continue the list of the container '
                    '%s after "%s": the page ends with "%s"'
                    % (container, marker, last))
            entries += page
            marker = last
        return entries

    def _get_object(self, container: str, obj: str) -> Any:
        headers, content = self._send('get_object', container=container,
                                      obj=obj)
        _check_sender(headers)
        # urllib3 1.26 does not compare these two lengths.
        if len(content) != int(headers.get('content-length', len(content))):
            raise swift_bank_plugin.SwiftConnectionFailed(
                reason='the response ended after %d of %s bytes'
                % (len(content), headers['content-length']))
        try:
            text = content.decode('utf-8')
        except UnicodeDecodeError:
            return content
        if headers.get('x-object-meta-serialized', '').lower() == 'true':
            # A corrupt object is returned as text, as by the bank plugin for a
            # file system.
            with contextlib.suppress(ValueError):
                return jsonutils.loads(text)
        return text

    def _put_object(self, container: str, obj: str, contents: str,
                    headers: Optional[Mapping[str, str]] = None) -> None:
        response: Dict[str, Any] = {}
        self._send('put_object', container=container, obj=obj,
                   contents=contents, headers=headers, response_dict=response)
        _check_sender(response['headers'])

    def _post_object(self, container: str, obj: str,
                     headers: Mapping[str, str]) -> None:
        self._send('post_object', container=container, obj=obj,
                   headers=headers)

    def _delete_object(self, container: str, obj: str) -> None:
        response: Dict[str, Any] = {}
        self._send('delete_object', container=container, obj=obj,
                   response_dict=response)
        _check_sender(response['headers'])

    def _send(self, method: str, **arguments: Any) -> Any:
        """Send a request with a method of swiftclient's connection.

        :param method: the name of the method, such as "get_object".
        :returns: the result of the method.
        :raises _ObjectNotFound: Swift responded with 404.
        :raises SwiftConnectionFailed: the request failed in any other way. A
            404 from a proxy in front of Swift is such a failure too.
        """
        connection = self.connection
        try:
            return getattr(connection, method)(**arguments)
        except swiftclient.ClientException as error:
            if error.http_status == 404 and _is_from_swift(
                    error.http_response_headers or {}):
                raise _ObjectNotFound(reason=error) from error
            failure: Exception = error
        except _REQUEST_ERRORS as error:
            failure = error
        # The error is raised here and not in the handlers above. So the 404 of
        # a proxy cannot be found through __context__.
        raise swift_bank_plugin.SwiftConnectionFailed(
            reason=failure) from failure


def _is_from_swift(headers: Mapping[str, str]) -> bool:
    names = {name.lower() for name in headers}
    return any(name in names for name in _SWIFT_HEADERS)


def _check_sender(headers: Mapping[str, str]) -> None:
    """Check that a successful response is from Swift and not from a proxy.

    A response of Swift has the header X-Trans-Id or X-Openstack-Request-Id.

    :raises SwiftConnectionFailed: the response is not from Swift.
    """
    if not _is_from_swift(headers):
        raise swift_bank_plugin.SwiftConnectionFailed(
            reason='the response is not from Swift, because it has none of '
            'the headers %s. Check swift_auth_url, the catalog and the '
            'proxies in front of Swift' % ' and '.join(_SWIFT_HEADERS))
