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

"""Verify: is the backup of a checkpoint still there, and whole?"""

from typing import Any, Mapping, Optional, Set

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import operation
from karbor_trove import record
from karbor_trove import trove
from karbor_trove import values
from karbor_trove import waiting

LOG = logging.getLogger(__name__)


class VerifyOperation(operation.Operation):
    """Looks at one instance's backup and at all that it hangs on."""

    # TaskFlow matches the hooks' arguments by name; do not rename them.
    def on_main(self, checkpoint: Any, resource: Any, context: Any,
                parameters: Mapping[str, Any], verify: Any,
                **kwargs: Any) -> None:
        """Look at the backup and its parents.

        :param verify: Karbor's record; it gets the result.
        :raises karbor.exception.VerifyResourceFailed: an instance could not
            be restored from the backup, or nobody could tell within
            `ready_timeout`; the reason is in the record.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        try:
            self._settings.check()
            kept = record.load_backup(section, resource.id)
            self._check_chain(self._connect(context), str(kept.backup_id))
        except (errors.TroveError, exception.KarborException) as error:
            LOG.error('Verifying instance %s in checkpoint %s failed: %s',
                      resource.id, checkpoint.id, error)
            self._outcome.tell(verify, resource.type, resource.id,
                               constants.RESOURCE_STATUS_ERROR, str(error))
            raise exception.VerifyResourceFailed(
                name='Database Instance Backup', reason=str(error),
                resource_id=resource.id,
                resource_type=resource.type) from error
        self._outcome.tell(verify, resource.type, resource.id,
                           constants.RESOURCE_STATUS_AVAILABLE)
        self._remover(section, resource.id, context).sweep()

    def _check_chain(self, gateway: trove.Gateway, backup_id: str) -> None:
        deadline = waiting.Deadline(self._settings.ready_timeout, self._clock)
        seen: Set[str] = set()
        next_id: Optional[str] = backup_id
        while next_id:
            if next_id in seen:
                raise errors.Failed('backup %s is its own parent' % next_id)
            if seen and not deadline.left:
                raise errors.TookTooLong(
                    'the chain of backup %s could not be followed: given up '
                    'after %g s' % (backup_id, deadline.seconds))
            seen.add(next_id)
            backup = self._backup(gateway, next_id, deadline)
            if not backup.is_complete:
                raise errors.Failed('%s is not COMPLETED, but %s' % (
                    _role(next_id, backup_id), backup.status))
            next_id = backup.parent_id

    def _backup(self, gateway: trove.Gateway, backup_id: str,
                deadline: waiting.Deadline) -> values.Backup:
        return waiting.wait_for(
            lambda: gateway.backup(backup_id), deadline,
            self._settings.poll_interval,
            'backup %s could not be looked at' % backup_id)


def _role(backup_id: str, first_id: str) -> str:
    return ('backup %s' % backup_id if backup_id == first_id else
            'backup %s, which backup %s hangs on,' % (backup_id, first_id))
