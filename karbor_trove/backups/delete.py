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

"""A backup leaves Trove, and its object Swift."""

from typing import Callable, Optional

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import models
from karbor_trove.trove import swift

LOG = logging.getLogger(__name__)


def delete_backup(gateway: client.TroveClient, backup: models.Backup,
                  location: Optional[str], see: Callable[[], None],
                  away: polling.Deadline, deadline: polling.Deadline,
                  interval: float) -> None:
    """Delete a backup that may go, and wait until it is gone.

    :param backup: as it was a moment ago.
    :param location: of its object, a URL; None: not known.
    :param see: looks whether it may still go, and raises if not; used where
        the moment has passed before it is asked for.
    :param away: how long a Trove or a Swift that is away is waited for.
    :param deadline: how long the deletion may take.
    :param interval: seconds between two looks.
    :raises errors.TroveError: it is not gone.
    """
    moment = polling.Deadline(timeouts.CHILDREN_CHECK_VALID, away.clock)

    def ask() -> bool:
        # With Swift away Trove forgets the backup and leaves its objects.
        if swift.is_in_swift(location):
            swift.object_exists(gateway, str(location))
        if not moment.remaining:
            see()
        gateway.delete_backup(backup.id)
        return True

    def look() -> None:
        status = gateway.get_backup(backup.id).status
        # An earlier deletion's end says nothing of this one.
        if status == 'DELETE_FAILED' and backup.status != status:
            raise errors.ResourceFailed('Trove could not delete backup %s'
                                        % backup.id)

    try:
        polling.wait_for(ask, away, interval,
                         'backup %s could not be deleted' % backup.id)
        polling.wait_for(look, deadline, interval,
                         'backup %s is not gone' % backup.id, away.seconds)
    except errors.NotFound:
        LOG.info('Backup %s of instance %s is gone', backup.id,
                 backup.instance_id)
