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

"""Protect: a backup in Trove, and its record in the bank."""

import dataclasses
from typing import Any, Mapping

from karbor.common import constants
from karbor import exception
from karbor.services.protection import protection_plugin
from oslo_log import log as logging

from karbor_trove import connect
from karbor_trove import errors
from karbor_trove import looks
from karbor_trove import options
from karbor_trove import parameters as params
from karbor_trove import record
from karbor_trove import waiting

LOG = logging.getLogger(__name__)


class ProtectOperation(protection_plugin.Operation):
    """Backs up one database instance."""

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
        """Make the backup and wait until it is complete.

        :raises karbor.exception.CreateResourceFailed: no complete backup
            came of it; the bank says `error` then, and knows the backup if
            Trove has made one.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        record.set_status(section, constants.RESOURCE_STATUS_PROTECTING)
        try:
            self._protect(section, checkpoint.id, resource.id, context,
                          parameters)
        except errors.TroveError as error:
            LOG.error('Protecting instance %s in checkpoint %s failed: %s',
                      resource.id, checkpoint.id, error)
            record.set_status(section, constants.RESOURCE_STATUS_ERROR)
            raise exception.CreateResourceFailed(
                name='Database Instance Backup', reason=str(error),
                resource_id=resource.id,
                resource_type=resource.type) from error
        record.set_status(section, constants.RESOURCE_STATUS_AVAILABLE)

    def _protect(self, section: Any, checkpoint_id: str, instance_id: str,
                 context: Any, parameters: Mapping[str, Any]) -> None:
        self._settings.check()
        request = params.backup_request(
            parameters, checkpoint_id, instance_id,
            self._settings.storage_driver, self._settings.swift_container)
        gateway = connect.connect(context)
        instance = waiting.wait_for(
            lambda: looks.ready_instance(gateway, instance_id),
            waiting.Deadline(self._settings.ready_timeout, self._clock),
            self._settings.poll_interval,
            'instance %s is not ready for a backup' % instance_id)

        # Saved before the request and before the wait: a backup that fails
        # half-way must still be found, and deleted, through the checkpoint.
        kept = record.Record(instance, backup_name=request.name)
        record.save(section, kept)
        made = gateway.create_backup(request)
        kept = dataclasses.replace(kept, backup_id=made.id)
        record.save(section, kept)
        LOG.info('Backup %s of instance %s begun for checkpoint %s',
                 made.id, instance_id, checkpoint_id)

        complete = waiting.wait_for(
            lambda: looks.complete_backup(gateway, made.id),
            waiting.Deadline(self._settings.backup_timeout, self._clock),
            self._settings.poll_interval,
            'backup %s is not complete' % made.id)
        record.save(section,
                    dataclasses.replace(kept, backup_size=complete.size))
        LOG.info('Backup %s of instance %s is complete', made.id, instance_id)
