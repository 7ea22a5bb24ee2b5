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
            api.client.session.head(path, endpoint_filter=_SERVICE)
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
        session = api.client.session
        path = _find_path(api, location)
        if path is None:
            raise errors.Rejected('%s is not in the account of this user'
                                  % location)
        headers = session.head(path, endpoint_filter=_SERVICE).headers
        whole = _parse_headers(path, headers)
        if headers.get('X-Static-Large-Object', '').lower() != 'true':
            return models.BackupManifest(whole)
        response = session.get(path, endpoint_filter=_SERVICE,
                               params={'multipart-manifest': 'get'})
        try:
            segments = response.json()
        except ValueError as error:
            raise errors.Unreachable('%s: not a manifest (%s)'
                                     % (description, error)) from error
        return models.BackupManifest(whole, tuple(
            models.ObjectInfo(segment['name'].lstrip('/'), segment['hash'],
                              int(segment['bytes'])) for segment in segments))


def get_segment(client: trove_client.TroveClient,
                name: str) -> models.ObjectInfo:
    """Return etag and size of one segment.

    :param name: "container/name", as in the manifest.
    """
    with client.call('reading %s' % name) as api:
        return _parse_headers(name, api.client.session.head(
            '/' + parse.quote(name), endpoint_filter=_SERVICE).headers)


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
        if object_exists(client, location):
            with client.call('deleting %s' % location) as api:
                api.client.session.delete(
                    _find_path(api, location), endpoint_filter=_SERVICE,
                    params={'multipart-manifest': 'delete'})
        return True

    try:
        poller.wait_for(delete_existing, outage_deadline,
                        'Swift is unavailable and may still hold %s'
                        % location)
    except errors.NotFound:
        LOG.debug('%s is deleted', location)


def _parse_headers(path: str, headers: Mapping[str, str]
                   ) -> models.ObjectInfo:
    # The etag of an object with segments is in quotes.
    return models.ObjectInfo(path.lstrip('/'), headers['Etag'].strip('"'),
                             int(headers['Content-Length']))


def _find_path(api: Any, location: str) -> Optional[str]:
    """Return the path of an object below the user's own account.

    The user's catalog has the endpoint of Swift. Trove's guest may use another
    one. The last two parts of a location are container and object [swift.py of
    Trove's backup image].

    :returns: None if the object is not in the user's account.
    """
    endpoint = transport.find_endpoint(api, **_SERVICE)
    accounts = {account for account in map(_find_account, (endpoint, location))
                if account}
    if not endpoint or len(accounts) > 1:
        return None
    return '/' + '/'.join(location.split('/')[-2:])


def _find_account(url: Optional[str]) -> Optional[str]:
    # Other stores with Swift's API may have no account in their URLs.
    return next((part for part in (url or '').split('/')
                 if part.startswith('AUTH_')), None)
