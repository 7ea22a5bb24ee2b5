# SPDX-License-Identifier: Apache-2.0

"""Restore operation: restore of one instance from its backup."""

import dataclasses
from typing import Any, Dict, List, Optional

from karbor.common import constants
from karbor import exception

from karbor_trove.bank import record
from karbor_trove.bank import restore_journal
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.operations import base
from karbor_trove.operations import configuration_group
from karbor_trove.operations import restore_summary
from karbor_trove.parameters import parsing
from karbor_trove.preflight import compatibility
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import restore as preflight_restore
from karbor_trove import timeouts
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import instances
from karbor_trove.trove import models


class RestoreOperation(base.Operation):
    """Restores one instance from its backup in a checkpoint."""

    action = 'Restoring'
    event = 'restore'
    event_keys = ('restore_id', 'restored_instance_id', 'volume_size_gb')
    failure_class = exception.RestoreResourceFailed
    object_name = 'Database Instance'
    record_name = 'restore'
    record_key = 'restore_id'
    #: The configuration group that this restore has created for the instance.
    #: None if it has created none.
    _group: Optional[configuration_group.RecreatedGroup] = None

    # TaskFlow passes arguments by name. Do not rename the hooks' arguments.
    @base.hook
    def on_prepare_begin(self, checkpoint: karbor_types.Checkpoint,
                         resource: karbor_types.Resource,
                         context: karbor_types.RequestContext,
                         parameters: karbor_types.Parameters,
                         restore: karbor_types.RestoreRecord,
                         **kwargs: Any) -> None:
        """Refuse the whole restore if any of its instances cannot be restored.

        :raises karbor.exception.RestoreResourceFailed: the restore is refused,
            and nothing was created. The reasons are in Karbor's record, one
            per line.
        """
        self._refuse_problems(
            lambda: self._find_problems(restore.parameters or {}),
            'another database of this restore cannot be restored')

    def _find_problems(self, parameters: karbor_types.FlowParameters
                       ) -> preflight_problems.Problems:
        """Return the problems of all instances of the restore.

        The parameters are checked first. If the parameters have no problems,
        the state of Trove is checked.

        Instances that the user leaves out with `restore_skip` are not checked.
        If the user leaves out all instances, each instance has one problem,
        which says so.

        :param parameters: the parameters of the whole restore.
        :raises errors.KarborTroveError: Trove or the bank did not respond as
            expected.
        """
        resource_type = self._resource.type
        sections = self._get_sections()
        unknown_ids = parsing.list_unknown_ids(parameters, resource_type,
                                               sections)
        each: Dict[str, karbor_types.Parameters] = {
            instance_id: {
                **(parameters.get(resource_type) or {}),
                **(parameters.get('%s#%s' % (resource_type, instance_id))
                   or {})}
            for instance_id in sections}
        chosen = {instance_id: section
                  for instance_id, section in sections.items()
                  if not parsing.is_skipped(each[instance_id])}
        if not chosen:
            return dict.fromkeys(sections, [
                'restore_skip leaves out all databases of the checkpoint: '
                'pass restore_skip=False for each database to restore'])
        problems, self._flow.unchecked = preflight_restore.check_restore(
            chosen, lambda instance_id, backup_record: parsing.parse_restore(
                each[instance_id], backup_record.instance,
                backup_record.backup_id, self._checkpoint.id),
            lambda requests: [
                *parsing.check_names(each[request.original_id]
                                     for request in requests),
                *('parameters are given for %s, which is not in this '
                  'checkpoint' % unknown_id for unknown_id in unknown_ids)],
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

        In two cases nothing is restored, and the operation does not fail:

        * The user left the instance out with `restore_skip`. The resource
          status becomes `undefined`, and the reason names `restore_skip`.
        * The checkpoint left the instance out, so there is no backup. The
          resource status becomes `error`.

        :param restore: Karbor's record of the restore. The status is set under
            the id of the restored instance, as soon as this instance exists.
            Before that, the status is set under the id of the original
            instance.
        :param new_resources: Karbor's mapping of the ids of original instances
            to the ids of restored instances. When the database of the restored
            instance is up, this method adds both ids to the mapping.
        :raises karbor.exception.RestoreResourceFailed: the database of the
            restored instance is not up. The reason is in Karbor's record.
        """
        self._settings.check()
        if parsing.is_skipped(parameters):
            self._report(restore, resource.id,
                         constants.RESOURCE_STATUS_UNDEFINED,
                         'not restored: left out by restore_skip')
            return
        if self._report_if_left_out(restore, 'not restored'):
            return
        backup_record = record.read_backup(self._section, resource.id)
        self._changes.set(backup_id=backup_record.backup_id)
        request = parsing.parse_restore(
            parameters, backup_record.instance, backup_record.backup_id,
            checkpoint.id)
        description = str(parameters.get('restore_description') or '')
        client = self._connect()
        if request.configuration_id == models.RECREATE_CONFIGURATION:
            request = self._find_or_create_group(client, request,
                                                 backup_record, restore.id)
        notes = [] if self._group is None else [self._group.description]
        intent = restore_journal.RestoreIntent(
            self._section.bank, request.original_id, restore.id,
            context.project_id, self._flow.created_ids)
        earlier_ids = self._flow.list_earlier_ids(
            lambda: instances.list_ids(client, self._poller))
        try:
            with self._flow.request_queue.wait_for_turn():
                start_time = self._clock.now()
                instance = instances.create_instance(
                    client, intent, request, self._poller, earlier_ids)
        except (errors.Rejected, errors.NotFound) as error:
            raise type(error)(
                preflight_restore.add_advice(str(error))) from error
        self._reported_id = instance.id
        # If Karbor's record could not be saved, the journal entry stays,
        # because only this entry has the name of the instance.
        if self._report(restore, instance.id,
                        constants.RESOURCE_STATUS_RESTORING,
                        '\n'.join(filter(None, [*notes, description]))):
            intent.confirm()
        self._changes.set(restored_instance_id=instance.id,
                          volume_size_gb=request.volume_size)
        self._changes.log('has created instance %s' % instance.id)
        instance = self._wait_until_ready(client, instance.id)
        new_resources[str(resource.id)] = str(instance.id)
        if resource.id not in earlier_ids:
            notes = [*restore_summary.describe_plan(
                checkpoint.protection_plan, resource, instance), *notes]
        self._report(
            restore, instance.id, constants.RESOURCE_STATUS_AVAILABLE,
            restore_summary.describe_restore(
                instance, self._clock.now() - start_time, request,
                backup_record.instance, description, notes,
                self._flow.unchecked))

    def _find_or_create_group(
            self, client: trove_client.TroveClient,
            request: models.InstanceRequest,
            backup_record: record.BackupRecord, restore_id: str
            ) -> models.InstanceRequest:
        """Return the request with the id of a configuration group.

        The user has passed "recreate" as the configuration group. If Trove
        still has the group of the original instance, the request gets the id
        of this group. Otherwise a new group is created with the values in the
        backup record, and the request gets the id of the new group. All
        instances of the restore that had the same deleted group share the new
        group.

        :param backup_record: has the id and the values of the original group.
        :raises errors.KarborTroveError: the original group could not be read
            within 60 s, the original group is for another datastore version,
            or the new group could not be created. If Trove may have created
            the new group nevertheless, the message has the name and the
            description of the new group.
        """
        original_id = str(backup_record.instance.configuration_id)
        recorded = backup_record.configuration
        catalog = trove_catalog.Catalog(client, self._context.project_id)
        problems: List[str] = self._wait_for(
            lambda: list(compatibility.check_configuration(
                request, catalog, original_id, recorded)),
            timeouts.OUTAGE,
            'configuration group %s could not be read' % original_id)
        if problems:
            raise errors.Rejected('\n'.join(problems))
        if (recorded is None
                or catalog.find_configuration(original_id) is not None):
            return dataclasses.replace(request, configuration_id=original_id)
        group = recorded
        self._group = self._flow.create_group(
            original_id, lambda: configuration_group.create_group(
                client, self._section.bank, restore_id,
                self._context.project_id, request, group, self._poller))
        return dataclasses.replace(request, configuration_id=self._group.id)

    def _report(self, restore: karbor_types.RestoreRecord, instance_id: str,
                status: str, reason: str) -> bool:
        """Save the status of the instance in Karbor's record.

        :param instance_id: the id of the restored instance. If no instance was
            created, the id of the original instance.
        :returns: whether the record was saved.
        """
        is_saved = self._flow.set_status(
            restore, self._resource.type, instance_id, status, reason,
            self._section)
        if is_saved:
            self._on_reason_saved()
        return is_saved

    def _on_reason_saved(self) -> None:
        # Every reason that is written after the creation of the group has the
        # id of the group.
        if self._group is not None:
            self._group.confirm()

    def _describe_failure(self, error: Exception) -> str:
        reason = super()._describe_failure(error)
        return reason if self._group is None else (
            '%s\n%s, and stays until you delete it'
            % (reason, self._group.description))

    def _wait_until_ready(self, client: trove_client.TroveClient,
                          instance_id: str) -> models.Instance:
        """Wait until the database of the restored instance is up.

        The wait ends after restore_timeout.

        :param instance_id: the id of the restored instance.
        :returns: the restored instance.
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
        """Keep or delete an instance whose database will not start.

        If the option `keep_failed_restores` is True, the instance is kept.
        Otherwise the instance is deleted, which may take delete_timeout.

        :returns: a sentence for the user. It says whether the instance still
            exists.
        """
        if self._settings.keep_failed_restores:
            return ('instance %s is kept for inspection until you delete it'
                    % instance_id)
        try:
            instances.delete_and_wait(client, instance_id,
                                      self._settings.delete_timeout,
                                      self._poller, self._wait_for_instance)
        except errors.KarborTroveError as error:
            return ('instance %s could not be deleted, so delete it yourself: '
                    '%s' % (instance_id, error))
        return 'instance %s was deleted' % instance_id
