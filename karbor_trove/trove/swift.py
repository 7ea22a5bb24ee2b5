# SPDX-License-Identifier: Apache-2.0

"""Objects of backups in Swift, with the rights of the client's user.

A request raises errors.NotFound if the object does not exist, errors.Rejected
if Swift does not let this user read it, and errors.Unreachable if Swift does
not respond.
"""

from typing import Any, Mapping, Optional
from urllib import parse

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import transport

LOG = logging.getLogger(__name__)

_SERVICE = {'service_type': 'object-store'}


def is_in_swift(location: Optional[str]) -> bool:
    """Return True if a backup's location is a URL.

    Other storage drivers use other locations [cinder, since 23.0.0].
    """
    return location is not None and location.startswith('http')


def object_exists(client: trove_client.TroveClient, location: str) -> bool:
    """Return True if the object of a backup exists.

    :param location: locationRef of Trove's API, which is the URL that Trove's
        guest used.
    :returns: False also if only Trove can reach the object: the cloud has no
        Swift, or the object is in an account of Trove's own.
    """
    try:
        with client.call('reading %s' % location) as api:
            path = _find_path(api, location)
            if path is None:
                return False
            _send(api, 'HEAD', path)
    except errors.NotFound:
        return False
    return True


def get_manifest(client: trove_client.TroveClient,
                 location: str) -> models.BackupManifest:
    """Return etags and sizes of a backup's object, without its data.

    The segments are those that the manifest names. It does not show whether a
    segment has been changed since [slo.py of Swift].

    :raises errors.Rejected: also if the object is not in the user's account.
    """
    description = 'reading %s' % location
    with client.call(description) as api:
        path = _find_path(api, location)
        if path is None:
            raise errors.Rejected('%s is not in the account of this user'
                                  % location)
        headers = _send(api, 'HEAD', path).headers
        whole = _parse_headers(path, headers)
        if headers.get('X-Static-Large-Object', '').lower() != 'true':
            return models.BackupManifest(whole)
        response = _send(api, 'GET', path,
                         params={'multipart-manifest': 'get'})
        with transport.read_response():
            return models.BackupManifest(whole, tuple(
                models.ObjectInfo(segment['name'].lstrip('/'),
                                  segment['hash'], int(segment['bytes']))
                for segment in response.json()))


def get_segment(client: trove_client.TroveClient,
                name: str) -> models.ObjectInfo:
    """Return etag and size of one segment.

    :param name: "container/name", as in the manifest.
    """
    with client.call('reading %s' % name) as api:
        return _parse_headers(
            name, _send(api, 'HEAD', '/' + parse.quote(name)).headers)


def delete_leftover_object(client: trove_client.TroveClient,
                           location: Optional[str],
                           outage_deadline: polling.Deadline,
                           poller: polling.Poller) -> None:
    """Delete the object of a deleted backup and its segments, if any.

    :param location: see object_exists(). None if the backup has none.
    :param outage_deadline: how long to wait for Swift during an outage.
    :raises errors.KarborTroveError: the object may still exist.
    """
    if not location or not is_in_swift(location):
        return

    def delete_existing() -> bool:
        with client.call('deleting %s' % location) as api:
            path = _find_path(api, location)
            if path is not None:
                _delete(api, path)
        return True

    try:
        poller.wait_for(delete_existing, outage_deadline,
                        'Swift is unavailable and may still hold %s'
                        % location)
    except errors.NotFound:
        LOG.debug('%s is deleted', location)


def _send(api: Any, method: str, path: str, **kwargs: Any) -> Any:
    """Return Swift's response to a request for an object."""
    response = api.client.session.request(
        path, method, endpoint_filter=_SERVICE, **kwargs)
    transport.check_swift_response(response)
    return response


def _delete(api: Any, path: str) -> None:
    """Delete an object, and its segments if it has any.

    Swift answers 200 to the deletion of a manifest, and its JSON has the
    result. A deletion of the segments leaves an object without segments where
    it is [slo.py and bulk.py of Swift, 2.38].
    """
    headers = _send(api, 'HEAD', path).headers
    if headers.get('X-Static-Large-Object', '').lower() != 'true':
        _send(api, 'DELETE', path)
        return
    response = _send(api, 'DELETE', path,
                     params={'multipart-manifest': 'delete'},
                     headers={'Accept': 'application/json'})
    with transport.read_response():
        result = response.json()
        status, failures = result['Response Status'], result['Errors']
    if not status.startswith('200') or failures:
        raise errors.Unreachable('Swift deleted %s only in part: %s %s'
                                 % (path, status, failures))


def _parse_headers(path: str, headers: Mapping[str, str]
                   ) -> models.ObjectInfo:
    with transport.read_response():
        # The etag of an object with segments is in quotes.
        return models.ObjectInfo(path.lstrip('/'), headers['Etag'].strip('"'),
                                 int(headers['Content-Length']))


def _find_path(api: Any, location: str) -> Optional[str]:
    """Return the path of an object below the user's own account.

    The user's catalog has the endpoint of Swift. Trove's guest may use another
    one. The last two parts of a location are container and object [swift.py of
    Trove's backup image].

    :returns: None if the object is not in the user's account, or if the
        location is not that of an object.
    """
    endpoint = transport.find_endpoint(api, **_SERVICE)
    accounts = {account for account in map(_find_account, (endpoint, location))
                if account}
    names = location.split('/')[-2:]
    if not endpoint or len(accounts) > 1 or {'', '.', '..'} & set(names):
        return None
    return '/' + '/'.join(names)


def _find_account(url: Optional[str]) -> Optional[str]:
    # Other stores with Swift's API may have no account in their URLs.
    return next((part for part in (url or '').split('/')
                 if part.startswith('AUTH_')), None)
