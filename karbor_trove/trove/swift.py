# SPDX-License-Identifier: Apache-2.0

"""Objects of backups in Swift, read and deleted with the user's rights.

The user is the user of the TroveClient. Unless a docstring says otherwise, a
function raises these errors:

* errors.NotFound: the object does not exist.
* errors.Rejected: Swift does not let this user read the object.
* errors.Unreachable: Swift does not respond.
"""

import dataclasses
from typing import Any, Mapping, Optional, Union
from urllib import parse

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import swift_endpoint
from karbor_trove.trove import transport

LOG = logging.getLogger(__name__)


def is_in_swift(location: Optional[str]) -> bool:
    """Return True if a backup is stored in Swift, according to its location.

    A location in Swift is a URL. Other storage drivers use locations of
    another form [cinder, since 23.0.0].

    :param location: the locationRef of the backup in Trove's API. None if the
        backup has no location. In that case the result is False.
    """
    return location is not None and location.startswith('http')


def find_account_url(client: trove_client.TroveClient) -> Optional[str]:
    """Return the URL of the user's account in Swift, and send a request to it.

    The request shows whether Swift responds. If Swift has not created the
    account yet, the URL is returned nevertheless.

    :returns: the URL. None if the catalog does not have Swift.
    :raises errors.Rejected: Swift does not let this user read the account.
    :raises errors.Unreachable: Swift does not respond.
    """
    url: Optional[str] = None
    try:
        with client.prepare_request('reading the account in Swift') as api:
            account = _find_account(client, api)
            if account is not None:
                url = account.url
                account.send('HEAD', '')
    except errors.NotFound:
        # Swift may create an account when the project first stores something.
        LOG.debug('Swift does not have the account %s yet', url)
    return url


def object_exists(client: trove_client.TroveClient, location: str) -> bool:
    """Return True if the object of a backup exists in Swift.

    :param location: the locationRef of the backup in Trove's API. This is the
        URL to which Trove's guest uploaded the backup.
    :returns: False if the object does not exist in the account of the user.
        This is always the case if the cloud has no Swift, or if Trove uses an
        account of its own.
    :raises errors.Rejected: Swift does not let this user read the object.
    :raises errors.Unreachable: Swift does not respond.
    """
    try:
        with client.prepare_request('reading %s' % location) as api:
            account = _find_account(client, api, location)
            if account is None:
                return False
            account.send('HEAD', _get_name(location))
    except errors.NotFound:
        return False
    return True


def get_manifest(client: trove_client.TroveClient,
                 location: str) -> models.BackupManifest:
    """Return the etags and the sizes of a backup's object and its segments.

    Swift stores a list of the segments together with the object. The function
    reads this list. It reads neither the data nor the segments themselves. So
    the result does not show whether a segment was changed later [slo.py of
    Swift].

    :param location: the locationRef of the backup, see object_exists().
    :raises errors.NotFound: the object does not exist.
    :raises errors.Rejected: the object is not in the user's account, or Swift
        does not let this user read the object.
    :raises errors.Unreachable: Swift does not respond.
    """
    description = 'reading %s' % location
    with client.prepare_request(description) as api:
        account = _find_account(client, api, location)
        if account is None:
            raise errors.Rejected('%s is not in the account of this user'
                                  % location)
        name = _get_name(location)
        headers = account.send('HEAD', name).headers
        backup_object = _parse_headers(name, headers)
        if headers.get('X-Static-Large-Object', '').lower() != 'true':
            return models.BackupManifest(backup_object)
        response = account.send('GET', name,
                                params={'multipart-manifest': 'get'})
        with transport.read_response():
            return models.BackupManifest(backup_object, tuple(
                models.ObjectInfo(segment['name'].lstrip('/'),
                                  segment['hash'], int(segment['bytes']))
                for segment in response.json()))


def get_segment(client: trove_client.TroveClient,
                name: str) -> models.ObjectInfo:
    """Return the etag and the size of one segment of a backup's object.

    :param name: "container/name", as get_manifest() returns it.
    :raises errors.NotFound: the segment does not exist.
    :raises errors.Rejected: Swift rejected the request, or the service catalog
        does not have Swift.
    :raises errors.Unreachable: Swift does not respond.
    """
    with client.prepare_request('reading %s' % name) as api:
        account = _find_account(client, api)
        if account is None:
            raise errors.Rejected('reading %s: the catalog does not have Swift'
                                  % name)
        return _parse_headers(
            name, account.send('HEAD', parse.quote(name)).headers)


def delete_leftover_object(client: trove_client.TroveClient,
                           location: Optional[str],
                           outage_deadline: polling.Deadline,
                           poller: polling.Poller) -> None:
    """Delete the object and the segments that a deleted backup left in Swift.

    It is no error if the object does not exist. Nothing is deleted if the
    object is not in the user's account, or if the location is not in Swift.

    :param location: the locationRef of the backup, see object_exists(). None
        if the backup has no location.
    :param outage_deadline: when to stop waiting for Swift during an outage.
    :raises errors.KarborTroveError: the object may still exist.
    """
    if not location or not is_in_swift(location):
        return

    def delete_existing() -> bool:
        with client.prepare_request('deleting %s' % location) as api:
            account = _find_account(client, api, location)
            if account is not None:
                _delete(account, _get_name(location))
        return True

    try:
        poller.wait_for(delete_existing, outage_deadline,
                        'Swift is unavailable and may still hold %s'
                        % location)
    except errors.NotFound:
        LOG.debug('%s is deleted', location)


@dataclasses.dataclass(frozen=True)
class _Account:
    """The account of the user in Swift, and how to send requests to it."""

    session: Any
    url: str
    verify: Optional[Union[bool, str]]

    def send(self, method: str, name: str, **kwargs: Any) -> Any:
        """Send a request to Swift, and return the response.

        :param method: the HTTP method, such as HEAD.
        :param name: "container/object", quoted as in a URL. Empty for a
            request to the account itself.
        :param kwargs: further arguments of the session's method `request`.
        :raises errors.Rejected: the file of CA certificates cannot be used.
        """
        if self.verify is not None:
            kwargs['verify'] = self.verify
        url = '%s/%s' % (self.url, name) if name else self.url
        try:
            return transport.request_swift(self.session, url, method, **kwargs)
        except OSError as error:
            # The session translates the errors of the connection. So an
            # OSError is about the file of CA certificates.
            raise errors.Rejected(
                'the certificate of Swift cannot be verified with %s: %s'
                % (kwargs.get('verify', self.session.verify), error)
            ) from error


def _delete(account: _Account, name: str) -> None:
    """Delete an object, together with its segments if it has segments.

    The function first finds out whether the object has segments. If not, a
    plain DELETE is enough. Otherwise the function sends a DELETE with the
    parameter multipart-manifest, which deletes the segments too.

    With this parameter, Swift responds with HTTP 200 even if the deletion
    failed. So the function reads the result from the JSON of the response
    [slo.py and bulk.py of Swift, 2.38].

    :param name: "container/object".
    :raises errors.Unreachable: Swift has deleted only a part.
    """
    headers = account.send('HEAD', name).headers
    if headers.get('X-Static-Large-Object', '').lower() != 'true':
        account.send('DELETE', name)
        return
    response = account.send('DELETE', name,
                            params={'multipart-manifest': 'delete'},
                            headers={'Accept': 'application/json'})
    with transport.read_response():
        result = response.json()
        status, failures = result['Response Status'], result['Errors']
    if not status.startswith('200') or failures:
        raise errors.Unreachable('Swift deleted %s only in part: %s %s'
                                 % (name, status, failures))


def _parse_headers(name: str, headers: Mapping[str, str]
                   ) -> models.ObjectInfo:
    with transport.read_response():
        # The etag of an object with segments is in quotes.
        return models.ObjectInfo(name, headers['Etag'].strip('"'),
                                 int(headers['Content-Length']))


def _get_name(location: str) -> str:
    """Return the name of an object, in the form "container/object".

    The container and the object are the last two parts of the location
    [swift.py of Trove's backup image].
    """
    return '/'.join(location.split('/')[-2:])


def _find_account(client: trove_client.TroveClient, api: Any,
                  location: Optional[str] = None) -> Optional[_Account]:
    """Return the user's own account in Swift.

    The URL of the account is the URL of Swift in the user's catalog or in the
    provider file. Trove's guest may have used another URL of the account.

    :param api: the client of python-troveclient.
    :param location: the URL of an object that has to be in the account. None
        if only the account is needed.
    :returns: the account. None if the object is in another account, if the
        location does not refer to an object, or if there is no URL of Swift.
    """
    if location is not None and {'', '.', '..'} & set(
            location.split('/')[-2:]):
        return None
    swift = client.get_swift_connection()
    url = swift_endpoint.find_endpoint(api, swift)
    accounts = {account for account in map(
        swift_endpoint.find_account, (url, location)) if account}
    return (_Account(api.client.session, url, swift.verify)
            if url and len(accounts) < 2 else None)
