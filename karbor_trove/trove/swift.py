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

"""The objects of backups in Swift, with the rights of a gateway's user."""

from typing import Any, Optional
from urllib import parse

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import transport

LOG = logging.getLogger(__name__)

_SERVICE = {'service_type': 'object-store'}


def object_exists(gateway: trove_client.TroveClient, location: str) -> bool:
    """Look whether a backup's object is there.

    :param location: locationRef of Trove's API, the object's URL as Trove's
        guest saw it.
    :returns: False also where it is Trove's business alone: the cloud has no
        Swift, or Trove keeps the object in an account of its own.
    :raises errors.Refused: Swift does not tell this user.
    :raises errors.Unreachable: Swift does not answer.
    """
    try:
        with gateway.call('looking at %s' % location) as client:
            path = _path(client, location)
            if path is None:
                return False
            client.client.session.head(path, endpoint_filter=_SERVICE)
    except errors.NotFound:
        return False
    return True


def delete_object(gateway: trove_client.TroveClient, location: str) -> None:
    """Remove a backup's object, with all its segments.

    :raises errors.Gone: it is not there.
    """
    with gateway.call('removing %s' % location) as client:
        client.client.session.delete(
            _path(client, location), endpoint_filter=_SERVICE,
            params={'multipart-manifest': 'delete'})


def get_manifest(gateway: trove_client.TroveClient,
                 location: str) -> models.BackupManifest:
    """Tell what Swift knows of a backup's object, without its bytes.

    The segments are as the manifest names them: what was made of them since
    shows in none of this [slo.py of Swift].

    :raises errors.Gone: it is not there.
    :raises errors.Refused: it is not this user's to look at.
    :raises errors.Unreachable: Swift does not answer.
    """
    with gateway.call('looking at %s' % location) as client:
        session = client.client.session
        path = _path(client, location)
        if path is None:
            raise errors.Rejected('%s is not in the account of this user'
                                  % location)
        told = session.head(path, endpoint_filter=_SERVICE).headers
        whole = _part(path, told)
        if told.get('X-Static-Large-Object', '').lower() != 'true':
            return models.BackupManifest(whole)
        answer = session.get(path, endpoint_filter=_SERVICE,
                             params={'multipart-manifest': 'get'})
        try:
            segments = answer.json()
        except ValueError as error:
            raise errors.Unreachable('looking at %s: not a manifest (%s)'
                                     % (location, error)) from error
        return models.BackupManifest(whole, tuple(
            models.ObjectInfo(one['name'].lstrip('/'), one['hash'],
                              int(one['bytes'])) for one in segments))


def get_segment(
        gateway: trove_client.TroveClient,
        name: str) -> models.ObjectInfo:
    """Tell what Swift knows of one segment.

    :param name: "container/name", as the manifest has it.
    :raises errors.Gone: it is not there.
    :raises errors.Unreachable: Swift does not answer.
    """
    with gateway.call('looking at %s' % name) as client:
        path = '/' + parse.quote(name)
        return _part('/' + name, client.client.session.head(
            path, endpoint_filter=_SERVICE).headers)


def _part(path: str, told: Any) -> models.ObjectInfo:
    # The etag of an object with segments is in quotes.
    return models.ObjectInfo(path.lstrip('/'), told['Etag'].strip('"'),
                             int(told['Content-Length']))


def _path(client: Any, location: str) -> Optional[str]:
    """Say where below the user's own account an object is.

    The catalog tells the user's way to Swift, which may be another one than
    that of Trove's guest. The last two parts are container and object
    [swift.py of Trove's backup image].

    :returns: None: not below it.
    """
    endpoint = transport.get_endpoint(client, **_SERVICE)
    accounts = {account for account in map(_account, (endpoint, location))
                if account}
    if not endpoint or len(accounts) > 1:
        return None
    return '/' + '/'.join(location.split('/')[-2:])


def _account(url: Optional[str]) -> Optional[str]:
    # A store that only speaks like Swift may have none in its URLs.
    return next((part for part in (url or '').split('/')
                 if part.startswith('AUTH_')), None)


def delete_leftover_object(
        gateway: trove_client.TroveClient,
        location: Optional[str],
        outage_deadline: polling.Deadline,
        poller: polling.Poller) -> None:
    """Remove the object that Trove may have left; none there is no failure.

    :param location: see delete().
    :param outage_deadline: how long a Swift that is away is waited for.
    :raises errors.TroveError: it may still be there.
    """
    if not is_in_swift(location):
        return

    def look() -> bool:
        if object_exists(gateway, str(location)):
            delete_object(gateway, str(location))
        return True

    try:
        poller.wait_for(look, outage_deadline, 'Swift is away, and may still '
                        'hold %s' % location)
    except errors.NotFound:
        LOG.debug('%s is gone', location)


def is_in_swift(location: Optional[str]) -> bool:
    # Other storage drivers tell other things [cinder, since 23.0.0].
    return bool(location) and str(location).startswith('http')
