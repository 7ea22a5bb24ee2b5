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

"""Delete: the backup of a checkpoint leaves Trove."""

from typing import Any, Mapping, Optional

from karbor.common import constants
from karbor import exception
from karbor.services.protection import protection_plugin
from oslo_log import log as logging

from karbor_trove import connect
from karbor_trove import errors
from karbor_trove import options
from karbor_trove import record
from karbor_trove import trove
from karbor_trove import waiting

LOG = logging.getLogger(__name__)


class DeleteOperation(protection_plugin.Operation):
    """Deletes one instance's backup."""

    def __init__(self, settings: options.Settings,
                 clock: waiting.Clock) -> None:
        """Make it for one resource of one flow.

        :param settings: the provider's options, see options.py.
        :param clock: the time that the waits use.
        """
        super().__init__()
        self._settings = settings
        self._clock = clock

    # TaskFlow matches the hooks' arguments by name; do not rename them.
    def on_main(self, checkpoint: Any, resource: Any, context: Any,
                parameters: Mapping[str, Any], **kwargs: Any) -> None:
        """Delete the backup and wait until it is gone.

        A checkpoint whose protect never came to a backup, and a backup that
        is gone already, are no failure.

        :raises karbor.exception.DeleteResourceFailed: the backup may still
            be there; the bank says `error` then and still knows it.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        record.set_status(section, constants.RESOURCE_STATUS_DELETING)
        try:
            kept = record.load(section)
            if kept is not None and kept.backup_id:
                self._delete(connect.connect(context), kept.backup_id)
        except errors.TroveError as error:
            LOG.error('Deleting the backup of instance %s in checkpoint %s '
                      'failed: %s', resource.id, checkpoint.id, error)
            record.set_status(section, constants.RESOURCE_STATUS_ERROR)
            raise exception.DeleteResourceFailed(
                name='Database Instance Backup', reason=str(error),
                resource_id=resource.id,
                resource_type=resource.type) from error
        record.forget(section)
        record.set_status(section, constants.RESOURCE_STATUS_DELETED)

    def _delete(self, gateway: trove.Gateway, backup_id: str) -> None:
        deadline = waiting.Deadline(self._settings.delete_timeout,
                                    self._clock)
        failed_before = False

        def ask() -> Optional[bool]:
            # It may still carry the mark of an earlier, failed deletion.
            nonlocal failed_before
            failed_before = _is_marked(gateway, backup_id)
            gateway.delete_backup(backup_id)
            return True

        def look() -> None:
            if _is_marked(gateway, backup_id) and not failed_before:
                raise errors.Failed('Trove could not delete backup %s'
                                    % backup_id)

        try:
            waiting.wait_for(ask, deadline, self._settings.poll_interval,
                             'backup %s could not be deleted' % backup_id)
            waiting.wait_for(look, deadline, self._settings.poll_interval,
                             'backup %s is not gone' % backup_id)
        except errors.Gone:
            LOG.info('Backup %s is gone', backup_id)


def _is_marked(gateway: trove.Gateway, backup_id: str) -> bool:
    return gateway.backup(backup_id).status == 'DELETE_FAILED'
