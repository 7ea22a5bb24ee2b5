# SPDX-License-Identifier: Apache-2.0

"""Deletion of one backup in Trove."""

import contextlib
from typing import Callable, Optional

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import backup_polls
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import swift


def delete_backup(client: trove_client.TroveClient, backup: models.Backup,
                  location: Optional[str],
                  check_deletable: Callable[[], object],
                  outage_deadline: polling.Deadline,
                  deadline: polling.Deadline, poller: polling.Poller,
                  polls: backup_polls.BackupPolls) -> None:
    """Request the deletion of a backup, and wait until it is deleted.

    The caller has checked that the backup has no children. The backup counts
    as deleted when Trove responds to a GET request with HTTP 404. HTTP 404 in
    response to the DELETE request is not enough.

    :param backup: the backup, as Trove has just listed it.
    :param location: the URL of the object of the backup. If the object is in
        Swift, this function waits until Swift is available, and then requests
        the deletion. None if the URL is not known, or if this function must
        not wait for Swift.
    :param check_deletable: raises an error if the backup must not be deleted.
        It is called before each DELETE request. It is not called in the first
        second of this function, because the check of the caller is still valid
        during this second.
    :param outage_deadline: when to stop trying to send the DELETE request
        during an outage of Trove or Swift. After this request, each outage may
        last for the timeout that this deadline was created with.
    :param deadline: when to stop waiting for the end of the deletion.
    :param polls: reads the backup during the wait. Other waits may share these
        requests.
    :raises errors.KarborTroveError: the backup may still exist.
    """
    check_valid = poller.deadline(timeouts.CHILDREN_CHECK_VALID)

    def request_deletion() -> bool:
        # If Swift is unavailable, Trove deletes the backup but not its
        # objects. So check first that Swift responds.
        if swift.is_in_swift(location):
            swift.object_exists(client, str(location))
        if not check_valid.remaining:
            check_deletable()
        with contextlib.suppress(errors.NotFound):
            client.delete_backup(backup.id)
        return True

    def check_status(current: models.Backup) -> None:
        status = current.status
        # If an earlier deletion failed, the backup keeps the status
        # DELETE_FAILED until Trove begins with the new deletion.
        if status == 'DELETE_FAILED' and backup.status != status:
            raise errors.ResourceFailed('Trove could not delete backup %s'
                                        % backup.id)
        raise errors.Pending('the last status is %s' % status)

    poller.wait_for(request_deletion, outage_deadline,
                    'backup %s could not be deleted' % backup.id)
    with contextlib.suppress(errors.NotFound):
        polls.wait_for(client, backup.id, check_status, deadline,
                       'backup %s is not deleted yet' % backup.id,
                       outage_deadline.seconds)
