# SPDX-License-Identifier: Apache-2.0

"""Protect operation."""

import dataclasses
from typing import Any, Optional, Tuple

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.backups import chain
from karbor_trove.backups import create
from karbor_trove.backups import incremental
from karbor_trove.bank import backup_journal
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.operations import base
from karbor_trove.parameters import parsing
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import protect as preflight_protect
from karbor_trove import timeouts
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import instances
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models
from karbor_trove.verification import baseline

LOG = logging.getLogger(__name__)


class _InstanceDeletedError(errors.NotFound):
    """There is nothing to back up any more."""


class ProtectOperation(base.Operation):
    """Backs up one database instance."""

    action = 'Protecting'
    failure_class = exception.CreateResourceFailed

    # TaskFlow matches the hooks' arguments by name. Do not rename them.
    @base.hook
    def on_prepare_begin(self, checkpoint: karbor_types.Checkpoint,
                         resource: karbor_types.Resource,
                         context: karbor_types.RequestContext,
                         parameters: karbor_types.Parameters,
                         **kwargs: Any) -> None:
        """Refuse the whole checkpoint if a part of it cannot succeed.

        :raises karbor.exception.CreateResourceFailed: no backup was
            requested. The resource status is `error`, and the bank has the
            reasons, one a line.
        """
        # Parse the parameters before anything that lets another resource
        # run, so that the other resources see these problems.
        try:
            self._parse_request(parameters)
        except errors.Rejected as error:
            self._flow.problems[resource.id] = str(error).split('\n')
        resource_status.mark_started(
            self._section, constants.RESOURCE_STATUS_PROTECTING)
        self._refuse_problems(self._find_problems,
                              'checkpoint cannot be backed up')

    def _find_problems(self) -> preflight_problems.Problems:
        client = self._connect()
        catalog = trove_catalog.Catalog(client, self._context.project_id)
        instance_ids = list(self._get_sections())
        # Karbor has the status of an instance that it found through its
        # project. The instance may disappear before this operation reads it.
        self._flow.shutdown_ids.update(
            resource.id for resource in self._list_resources()
            if (getattr(resource, 'extra_info', None) or {}).get('status')
            == models.SHUTDOWN)
        deletion_wait = self._create_deletion_wait()
        # As long as the wait for a busy instance that follows. An outage of
        # Trove that ends by then is no reason to go without a backup.
        return self._wait_for(
            lambda: preflight_protect.check_protect(
                instance_ids, client, catalog, deletion_wait),
            self._settings.ready_timeout,
            'the preflight checks of the backups have no result')

    @base.hook
    def on_main(self, checkpoint: karbor_types.Checkpoint,
                resource: karbor_types.Resource,
                context: karbor_types.RequestContext,
                parameters: karbor_types.Parameters, **kwargs: Any) -> None:
        """Create the backup and wait until it is complete.

        An instance that is deleted before its backup is left out, which is no
        failure. Its resource status is `error`, and the other instances are
        backed up.

        :raises karbor.exception.CreateResourceFailed: there is no complete
            backup. The resource status is `error`, and the bank has the
            reason. If Trove created a backup, the journal has it.
        """
        try:
            self._protect(parameters)
        except _InstanceDeletedError as error:
            record.delete(self._section)
            LOG.warning('Checkpoint %s has no backup of instance %s, because '
                        '%s', checkpoint.id, resource.id, error)
            resource_status.mark_failed(
                self._section, constants.RESOURCE_STATUS_ERROR, str(error))
            return
        resource_status.set_status(
            self._section, constants.RESOURCE_STATUS_AVAILABLE)
        self._backup_deletion().sweep()

    def _protect(self, parameters: karbor_types.Parameters) -> None:
        instance_id = self._resource.id
        self._settings.check()
        request = self._parse_request(parameters)
        client = self._connect()
        entry, backup_record, accounts = self._start_backup(
            client, request, parsing.is_incremental(parameters))
        record.write(self._section, backup_record)
        self._journal.write(entry)
        backup_id = str(entry.backup_id)
        LOG.info('Started backup %s of instance %s', backup_id, instance_id)

        backup = self._wait_for(
            lambda: create.get_complete_backup(client, backup_id),
            self._settings.backup_timeout,
            'backup %s is not complete' % backup_id)
        if entry.parent_id:
            # A list may lack a backup, so each one is read.
            chain.check_chain(
                lambda id_: self._wait_for(
                    lambda: [create.find_backup(client, id_)],
                    self._settings.ready_timeout,
                    'backup %s could not be read' % id_)[0], backup_id)
        self._journal.write(dataclasses.replace(
            entry, is_complete=True, location=backup.location))
        # A database or a user is in the backup for sure only if it exists
        # both before and after the backup.
        record.write(self._section, dataclasses.replace(
            backup_record, backup_size=backup.size,
            accounts=accounts.common(
                self._list_accounts(client, instance_id))))
        baseline.record_manifest(
            client, self._section.bank, instance_id, backup,
            self._settings.verify_level, self._poller)
        LOG.info('Backup %s of instance %s is complete', backup_id,
                 instance_id)

    def _parse_request(self, parameters: karbor_types.Parameters
                       ) -> models.BackupRequest:
        return parsing.parse_protect(
            parameters, self._checkpoint.id, self._resource.id,
            self._settings.storage_driver, self._settings.swift_container)

    def _start_backup(self, client: trove_client.TroveClient,
                      request: models.BackupRequest, is_incremental: bool
                      ) -> Tuple[backup_journal.BackupEntry,
                                 record.BackupRecord, models.Accounts]:
        """Wait until the instance is ready, and request the backup.

        The journal entry and the record are written before the request. The
        id of the backup is known only after it.

        :returns: the entry and the record with the id of the backup, which the
            caller has to write, and the databases and users that existed
            before the request.
        :raises _InstanceDeletedError: the instance was deleted meanwhile.
        :raises errors.KarborTroveError: no backup is known. If Trove may have
            created one, the journal entry remains.
        """
        instance_id = self._resource.id
        deadline = self._poller.deadline(self._settings.ready_timeout)
        deletion_wait = self._create_deletion_wait()
        while True:
            try:
                instance = self._poller.wait_for(
                    lambda: instances.get_ready_instance(client, instance_id,
                                                         deletion_wait),
                    deadline,
                    'instance %s is not ready for a backup' % instance_id)
            except errors.NotFound as error:
                if instance_id not in self._flow.shutdown_ids:
                    raise
                raise _InstanceDeletedError(
                    'instance %s was deleted before its backup began'
                    % instance_id) from error
            # Saved before the request and before the wait: a backup that
            # fails half-way, or whose response is lost, must still be found,
            # and deleted, through the checkpoint.
            backup_record = record.BackupRecord(
                instance, backup_name=request.name,
                configuration=self._find_configuration(client, instance))
            record.write(self._section, backup_record)
            accounts = self._list_accounts(client, instance_id)
            entry = backup_journal.BackupEntry(
                instance_id, self._checkpoint.id,
                self._checkpoint.project_id, request.name,
                request.description, lost_responses.find_trove_time(client))
            if is_incremental:
                entry = incremental.reserve_parent(
                    client, self._journal, entry, self._list_backups(client),
                    self._settings.full_backup_every)
            else:
                self._journal.write(entry)
            try:
                backup = create.create_backup(
                    client, self._journal, entry,
                    dataclasses.replace(request, parent_id=entry.parent_id),
                    self._poller)
            except errors.Busy:
                # The instance became busy after the check above.
                self._clock.sleep(min(self._poller.interval,
                                      deadline.remaining))
                if not deadline.remaining:
                    raise
            else:
                return (dataclasses.replace(entry, backup_id=backup.id),
                        dataclasses.replace(
                            backup_record, backup_id=backup.id,
                            instance=dataclasses.replace(
                                instance, datastore_version_id=backup
                                .datastore_version_id)), accounts)

    def _create_deletion_wait(self) -> instances.DeletionWait:
        return instances.DeletionWait(self._poller, self._flow.shutdown_ids)

    def _find_configuration(self, client: trove_client.TroveClient,
                            instance: models.Instance
                            ) -> Optional[models.ConfigurationGroup]:
        """Return the configuration group of an instance, with its values.

        :returns: None if the instance has none, or if Trove does not return
            it. Then a warning is logged, and the backup is created.
        """
        group_id = instance.configuration_id
        if group_id is None:
            return None
        try:
            return self._wait_for(
                lambda: client.get_configuration(group_id),
                timeouts.READ_CONFIGURATION,
                'configuration group %s could not be read' % group_id)
        except errors.KarborTroveError as error:
            LOG.warning('The values of configuration group %s of instance %s '
                        'are not recorded: %s', group_id, instance.id, error)
            return None

    def _list_accounts(self, client: trove_client.TroveClient,
                       instance_id: str) -> models.Accounts:
        return baseline.list_accounts(
            client, instance_id, self._settings.verify_level, self._poller)

    def _list_backups(self, client: trove_client.TroveClient
                      ) -> chain.Backups:
        return self._wait_for(client.list_backups,
                              self._settings.ready_timeout,
                              'backups could not be listed')
