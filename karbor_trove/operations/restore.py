# SPDX-License-Identifier: Apache-2.0

"""Restore operation."""

from typing import Any, Dict

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.bank import record
from karbor_trove.bank import restore_journal
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.operations import base
from karbor_trove.operations import restore_summary
from karbor_trove.parameters import parsing
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import restore as preflight_restore
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import instances
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


class RestoreOperation(base.Operation):
    """Restores one database instance."""

    action = 'Restoring'
    failure_class = exception.RestoreResourceFailed
    object_name = 'Database Instance'
    record_name = 'restore'

    # TaskFlow matches the hooks' arguments by name. Do not rename them.
    @base.hook
    def on_prepare_begin(self, checkpoint: karbor_types.Checkpoint,
                         resource: karbor_types.Resource,
                         context: karbor_types.RequestContext,
                         parameters: karbor_types.Parameters,
                         restore: karbor_types.RestoreRecord,
                         **kwargs: Any) -> None:
        """Refuse the whole restore if a part of it cannot succeed.

        :raises karbor.exception.RestoreResourceFailed: nothing was created.
            The reasons are in Karbor's record, one per line.
        """
        self._refuse_problems(
            lambda: self._find_problems(restore.parameters or {}),
            'restore cannot be restored')

    def _find_problems(self, parameters: karbor_types.FlowParameters
                       ) -> preflight_problems.Problems:
        """Check the parameters of all instances, then the state of Trove.

        :param parameters: the parameters of the whole restore.
        """
        resource_type = self._resource.type
        sections = self._get_sections()
        unknown_ids = parsing.unknown_resources(parameters, resource_type,
                                                sections)
        problems, self._flow.unchecked = preflight_restore.check_restore(
            sections, lambda instance_id, backup_record: parsing.parse_restore(
                {**(parameters.get(resource_type) or {}),
                 **(parameters.get('%s#%s' % (resource_type, instance_id))
                    or {})},
                backup_record.instance, backup_record.backup_id,
                self._checkpoint.id),
            lambda _: ['parameters are given for %s, which is not in this '
                       'checkpoint' % unknown_id
                       for unknown_id in unknown_ids],
            self._connect, self._context.project_id, self._poller)
        return problems

    @base.hook
    def on_main(self, checkpoint: karbor_types.Checkpoint,
                resource: karbor_types.Resource,
                context: karbor_types.RequestContext,
                parameters: karbor_types.Parameters,
                restore: karbor_types.RestoreRecord,
                new_resources: Dict[str, str], **kwargs: Any) -> None:
        """Create the instance and wait until its database is up.

        :param restore: Karbor's record of the restore. The record names the
            restored instance as soon as this instance exists. If no instance
            was created, the record names the original instance.
        :param new_resources: Karbor's mapping of the ids of original instances
            to the ids of restored instances. The id of the restored instance
            is added to this mapping.
        :raises karbor.exception.RestoreResourceFailed: there is no running
            database. The reason is in Karbor's record.
        """
        self._settings.check()
        if self._report_left_out(restore, 'not restored'):
            return
        backup_record = record.read_backup(self._section, resource.id)
        request = parsing.parse_restore(
            parameters, backup_record.instance, backup_record.backup_id,
            checkpoint.id)
        description = str(parameters.get('restore_description') or '')
        client = self._connect()
        start_time = self._clock.now()
        intent = restore_journal.RestoreIntent(
            self._section.bank, request.original_id, restore.id,
            context.project_id, self._flow.created_ids)
        earlier_ids = self._flow.list_earlier_ids(
            lambda: instances.list_ids(client, self._poller))
        try:
            with self._flow.request_queue.turn():
                instance = instances.create_instance(
                    client, intent, request, self._poller, earlier_ids)
        except (errors.Rejected, errors.NotFound) as error:
            raise type(error)(
                preflight_restore.add_advice(str(error))) from error
        self._reported_id = instance.id
        # If Karbor's record could not be saved, the journal entry stays,
        # because only this entry has the name of the instance.
        if self._flow.set_status(restore, resource.type, instance.id,
                                 constants.RESOURCE_STATUS_RESTORING,
                                 description, self._section):
            intent.confirm()
        LOG.info('Started instance %s from backup %s of instance %s, '
                 'checkpoint %s', instance.id, request.backup_id,
                 resource.id, checkpoint.id)
        instance = self._wait_until_ready(client, instance.id)
        new_resources[str(resource.id)] = str(instance.id)
        self._flow.set_status(
            restore, resource.type, instance.id,
            constants.RESOURCE_STATUS_AVAILABLE,
            restore_summary.describe_restore(
                instance, self._clock.now() - start_time, request,
                backup_record.instance, description, self._flow.unchecked
                if resource.id in earlier_ids else [
                    *self._flow.unchecked, *restore_summary.describe_plan(
                        checkpoint.protection_plan, resource, instance)]),
            self._section)
        LOG.info('Instance %s is up, restored from instance %s', instance.id,
                 resource.id)

    def _wait_until_ready(self, client: trove_client.TroveClient,
                          instance_id: str) -> models.Instance:
        """Wait until the database is up, and return the instance.

        :raises errors.KarborTroveError: the database is not up. The message
            has the reason, and says whether the instance still exists.
        """
        try:
            return self._wait_for_instance(
                client, instance_id, instances.check_ready,
                self._poller.deadline(self._settings.restore_timeout),
                'the database of the restored instance %s is not up'
                % instance_id)
        except errors.NotFound:
            raise
        except errors.ResourceFailed as error:
            raise errors.ResourceFailed('%s\n%s' % (
                preflight_restore.add_advice(str(error)),
                self._handle_failed_instance(client, instance_id))
            ) from error
        except errors.KarborTroveError as error:
            raise type(error)(
                '%s\ninstance %s is kept until you delete it, because its '
                'database may still start' % (error, instance_id)) from error

    def _handle_failed_instance(self, client: trove_client.TroveClient,
                                instance_id: str) -> str:
        """Keep or delete the instance, and return a sentence for the user."""
        if self._settings.keep_failed_restores:
            return ('instance %s is kept for inspection until you delete it'
                    % instance_id)
        try:
            instances.delete_and_wait(client, instance_id,
                                      self._settings.delete_timeout,
                                      self._poller)
        except errors.KarborTroveError as error:
            return ('instance %s could not be deleted, so delete it yourself: '
                    '%s' % (instance_id, error))
        return 'instance %s was deleted' % instance_id
