# SPDX-License-Identifier: Apache-2.0

"""Protect operation: creation of the backup of one instance."""

import dataclasses
from typing import Any, Optional, Sequence, Tuple

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.backups import chain
from karbor_trove.backups import create
from karbor_trove.backups import incremental
from karbor_trove.bank import backup_journal
from karbor_trove.bank import omissions
from karbor_trove.bank import record
from karbor_trove.bank import resource_status
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.operations import base
from karbor_trove.parameters import parsing
from karbor_trove import polling
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

#: A plan with more databases is large. While Karbor builds the flow of a plan,
#: its protection service answers no other request. A flow of this size took
#: about eight seconds [tests/benchmark, Karbor 1.6.0].
_LARGE_PLAN = 300


class _UnprotectableError(errors.Rejected):
    """The instance cannot be backed up, so the checkpoint leaves it out."""


class ProtectOperation(base.Operation):
    """Creates the backup of one instance."""

    action = 'Protecting'
    event = 'protect'
    event_keys = ('parent_backup_id', 'volume_size_gb', 'backup_size_gb')
    failure_class = exception.CreateResourceFailed
    #: The ids of the other backups in the chain of the new backup. Empty if
    #: the new backup is a full one.
    _ancestor_ids: Sequence[str] = ()

    # TaskFlow passes arguments by name. Do not rename the hooks' arguments.
    @base.hook
    def on_prepare_begin(self, checkpoint: karbor_types.Checkpoint,
                         resource: karbor_types.Resource,
                         context: karbor_types.RequestContext,
                         parameters: karbor_types.Parameters,
                         **kwargs: Any) -> None:
        """Refuse the whole checkpoint if an instance cannot be backed up.

        If the option `unprotectable_databases` is `skip`, the checkpoint
        leaves out such an instance instead. Even then the checkpoint is
        refused if no instance can be backed up, if a parameter is wrong, or if
        a quota is too small.

        :raises karbor.exception.CreateResourceFailed: the checkpoint is
            refused. No backup of this instance was requested. The resource
            status is `error`, and the bank has the reasons, one per line.
        """
        # Parse the parameters before the first request or wait. Other
        # resources run during requests and waits, and have to see these
        # problems.
        try:
            self._parse_request(parameters)
        except errors.Rejected as error:
            self._flow.problems[resource.id] = str(error).split('\n')
        resource_status.mark_started(
            self._section, constants.RESOURCE_STATUS_PROTECTING)
        self._refuse_problems(
            self._find_problems,
            'another database of this checkpoint cannot be backed up')

    def _find_problems(self) -> preflight_problems.Problems:
        client = self._connect()
        catalog = trove_catalog.Catalog(client, self._context.project_id)
        instance_ids = list(self._get_sections())
        if len(instance_ids) > _LARGE_PLAN:
            LOG.warning(
                'Checkpoint %s has %d databases. While Karbor prepares a '
                'checkpoint of this size, it answers no other request. Put at '
                'most %d databases into one plan',
                self._checkpoint.id, len(instance_ids), _LARGE_PLAN)
        # If Karbor found an instance through a project, Karbor has stored the
        # status of the instance. An instance with the status SHUTDOWN may
        # disappear before this operation reads it.
        self._flow.shutdown_ids.update(
            resource.id for resource in self._list_resources()
            if (getattr(resource, 'extra_info', None) or {}).get('status')
            == models.SHUTDOWN)
        deletion_wait = self._create_deletion_wait()
        self._flow.recent_instances.add_ids(instance_ids)
        # The checks may take as long as the later wait for a busy instance. So
        # the checkpoint does not fail because of an outage of Trove that ends
        # within this time.
        problems, omitted = self._wait_for(
            lambda: preflight_protect.check_protect(
                self._read_instances(client, instance_ids), catalog,
                deletion_wait, self._settings.skips_unprotectable),
            self._settings.ready_timeout,
            'the preflight checks of the backups have no result')
        self._flow.omissions.update(
            (instance_id, '\n'.join(sentences))
            for instance_id, sentences in omitted.items())
        return problems

    @base.hook
    def on_main(self, checkpoint: karbor_types.Checkpoint,
                resource: karbor_types.Resource,
                context: karbor_types.RequestContext,
                parameters: karbor_types.Parameters, **kwargs: Any) -> None:
        """Create the backup and wait until it is complete.

        In two cases no backup is created, and the checkpoint leaves the
        instance out:

        * The instance had the status SHUTDOWN, and was deleted before its
          backup.
        * The instance cannot be backed up, and the option
          `unprotectable_databases` is `skip`.

        In both cases the resource status of the instance becomes `error`, and
        the bank has the reason. The operation does not fail, and the other
        instances are backed up.

        :raises karbor.exception.CreateResourceFailed: the backup is not
            complete, its chain is broken, or the bank failed. Or the option is
            `skip`, and the checkpoint would leave out all instances. The
            resource status is `error`, and the bank has the reason. If Trove
            may have created a backup, the backup journal has the entry of this
            backup.
        """
        try:
            if resource.id in self._flow.omissions:
                self._leave_out()
                return
            try:
                self._protect(parameters)
            except _UnprotectableError as error:
                self._flow.omissions[resource.id] = str(error)
                record.delete(self._section)
                self._leave_out()
                return
        finally:
            # The polls of other instances must not read this one any more,
            # even if its backup has not begun.
            self._flow.recent_instances.remove(resource.id)
        resource_status.set_status(
            self._section, constants.RESOURCE_STATUS_AVAILABLE)
        self._backup_deletion().sweep()

    def _leave_out(self) -> None:
        """Write to the bank why the checkpoint leaves this instance out.

        :raises errors.Rejected: the option `unprotectable_databases` is
            `skip`, and the checkpoint would leave out all its instances. The
            message has the reasons of all instances.
        :raises errors.KarborTroveError: Keystone or the bank failed, or the
            endpoint of Trove could not be found.
        """
        omitted = self._flow.omissions
        if (self._settings.skips_unprotectable
                and omitted.keys() >= self._list_instance_ids().keys()):
            raise errors.Rejected('\n'.join(omitted.values()))
        reason = omitted[self._resource.id]
        LOG.warning('Checkpoint %s has no backup of instance %s, because %s',
                    self._checkpoint.id, self._resource.id, reason)
        omissions.write(self._section, omissions.Omission(
            self._resource.id, self._checkpoint.id,
            lost_responses.format_trove_time(self._connect())
            or self._clock.utc().isoformat(), reason))
        resource_status.mark_failed(
            self._section, constants.RESOURCE_STATUS_ERROR, reason)
        self._changes.send_error(reason)

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
        self._changes.set(
            backup_id=backup_id, parent_backup_id=entry.parent_id,
            volume_size_gb=backup_record.instance.volume_size)
        self._changes.log('has requested its backup')

        backup = self._wait_for_backup(
            client, backup_id, create.check_complete,
            self._settings.backup_timeout,
            'backup %s is not complete' % backup_id)
        if entry.parent_id:
            # A user may have deleted a backup of the chain meanwhile.
            ancestors = self._flow.backups.read_backups(
                client, self._ancestor_ids,
                self._poller.deadline(self._settings.ready_timeout),
                'the chain of backup %s could not be read' % backup_id)
            chain.check_chain({**ancestors, backup_id: backup}.get, backup_id)
        self._journal.write(dataclasses.replace(
            entry, is_complete=True, location=backup.location))
        # Only a database or a user that exists both before and after the
        # backup is in the backup for certain.
        record.write(self._section, dataclasses.replace(
            backup_record, backup_size=backup.size,
            accounts=accounts.intersect(
                self._list_accounts(client, instance_id))))
        baseline.record_manifest(
            client, self._section.bank, instance_id, backup,
            self._settings.verify_level, self._poller)
        self._changes.set(backup_size_gb=backup.size)
        self._changes.log('has a complete backup')

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

        The wait ends after ready_timeout. Before the request, the journal
        entry and the backup record are written to the bank, without the id of
        the backup. The caller has to write the returned entry and record.

        :returns: three values: the journal entry, the backup record, and the
            databases and users that existed before the request. The entry and
            the record have the id of the backup.
        :raises _UnprotectableError: the instance cannot be backed up, and the
            checkpoint leaves it out.
        :raises errors.KarborTroveError: no backup was created, or its id is
            not known. If Trove may have created a backup, the journal entry
            remains.
        """
        instance_id = self._resource.id
        deadline = self._poller.deadline(self._settings.ready_timeout)
        deletion_wait = self._create_deletion_wait()
        while True:
            try:
                instance = self._flow.recent_instances.find_ready(
                    instance_id) or self._wait_for_instance(
                        client, instance_id, lambda found:
                        instances.check_ready(found, deletion_wait), deadline,
                        'instance %s is not ready for a backup' % instance_id,
                        is_urgent=True)
            except errors.NotFound as error:
                if not (self._settings.skips_unprotectable
                        or instance_id in self._flow.shutdown_ids):
                    raise
                raise _UnprotectableError(
                    preflight_protect.DELETED % instance_id) from error
            except errors.ResourceFailed as error:
                if not self._settings.skips_unprotectable:
                    raise
                raise _UnprotectableError(str(error)) from error
            self._flow.recent_instances.remove(instance_id)
            # Write the record before the request and before the wait in the
            # queue. If this process ends later, the record shows that the
            # request may have been sent.
            backup_record = record.BackupRecord(
                instance, backup_name=request.name,
                configuration=self._find_configuration(client, instance))
            record.write(self._section, backup_record)
            accounts = self._list_accounts(client, instance_id)
            try:
                # The intent has Trove's time before the request. So the
                # intent is written after the wait in the queue.
                with self._flow.request_queue.wait_for_turn():
                    entry, backup = self._request_backup(
                        client, request, is_incremental, deadline)
            except errors.Unsupported as error:
                # The datastore does not support backups, or the instance is a
                # member of a cluster [Backup.create() in
                # trove/backup/models.py, 26.0.0].
                if not self._settings.skips_unprotectable:
                    raise
                raise _UnprotectableError(str(error)) from error
            except errors.NotFound as error:
                # The instance or the parent does not exist.
                if not self._settings.skips_unprotectable or self._exists(
                        client, instance_id):
                    raise
                raise _UnprotectableError(
                    preflight_protect.DELETED % instance_id) from error
            except errors.Busy:
                # The instance became busy after it was read.
                self._clock.sleep(min(self._poller.interval,
                                      deadline.remaining))
                if not deadline.remaining:
                    raise
            else:
                return (entry, dataclasses.replace(
                    backup_record, backup_id=backup.id,
                    instance=dataclasses.replace(
                        instance, datastore_version_id=backup
                        .datastore_version_id)), accounts)

    def _request_backup(self, client: trove_client.TroveClient,
                        request: models.BackupRequest, is_incremental: bool,
                        deadline: polling.Deadline
                        ) -> Tuple[backup_journal.BackupEntry, models.Backup]:
        """Write the intent and request the backup.

        The intent is the journal entry of the backup, still without the id of
        the backup.

        :param is_incremental: whether the plan requests an incremental backup.
            Only such a backup needs the list of the existing backups.
        :param deadline: when to stop waiting for a list of the existing
            backups. If less than 60 s remain until the deadline, the wait may
            still take 60 s.
        :returns: the journal entry with the id of the backup, and the backup.
            The caller has to write this entry.
        :raises errors.Busy: the instance is busy, and no backup was created.
        :raises errors.KarborTroveError: create.create_backup() raised this
            error, or the existing backups could not be listed.
        """
        entry = backup_journal.BackupEntry(
            self._resource.id, self._checkpoint.id,
            self._checkpoint.project_id, request.name, request.description,
            lost_responses.format_trove_time(client))
        if is_incremental:
            entry = self._reserve_parent(client, entry, deadline)
        else:
            self._journal.write(entry)
        try:
            backup = self._create_backup(client, request, entry)
        except errors.NotFound:
            if entry.parent_id is None:
                raise
            # A user may have deleted the parent after Trove listed it. So
            # choose a parent once more, from a new list.
            entry = self._reserve_parent(client, entry, deadline, is_new=True)
            backup = self._create_backup(client, request, entry)
        return dataclasses.replace(entry, backup_id=backup.id), backup

    def _reserve_parent(self, client: trove_client.TroveClient,
                        entry: backup_journal.BackupEntry,
                        deadline: polling.Deadline, is_new: bool = False
                        ) -> backup_journal.BackupEntry:
        """Choose and reserve the parent, and write the intent.

        :param is_new: whether the parent must be chosen from a new list of the
            backups.
        :returns: the intent.
        """
        entry, self._ancestor_ids = incremental.reserve_parent(
            client, self._journal, entry,
            lambda must_be_new: self._list_backups(
                client, deadline, is_new or must_be_new),
            self._settings.full_backup_every)
        return entry

    def _create_backup(self, client: trove_client.TroveClient,
                       request: models.BackupRequest,
                       entry: backup_journal.BackupEntry) -> models.Backup:
        return create.create_backup(
            client, self._journal, entry,
            dataclasses.replace(request, parent_id=entry.parent_id),
            self._poller)

    def _exists(self, client: trove_client.TroveClient,
                instance_id: str) -> bool:
        """Return False if Trove responds that an instance does not exist.

        If the request fails in any other way, the error is logged, and the
        result is True.
        """
        try:
            client.get_instance(instance_id)
        except errors.NotFound:
            return False
        except errors.KarborTroveError as error:
            LOG.warning('Instance %s could not be read: %s', instance_id,
                        error)
        return True

    def _create_deletion_wait(self) -> instances.DeletionWait:
        return instances.DeletionWait(self._poller, self._flow.shutdown_ids)

    def _find_configuration(self, client: trove_client.TroveClient,
                            instance: models.Instance
                            ) -> Optional[models.ConfigurationGroup]:
        """Return the configuration group of an instance, with its values.

        :returns: the group. None if the instance has no group, or if Trove did
            not return the group within 30 s. In the second case a warning is
            logged, and the backup is created without the values of the group.
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

    def _list_backups(self, client: trove_client.TroveClient,
                      deadline: polling.Deadline, is_new: bool
                      ) -> chain.Backups:
        # The other resources wait in the queue during this wait. If each wait
        # had ready_timeout of its own, these timeouts would add up during an
        # outage. So the wait ends at the deadline of the instance, but it has
        # 60 s even if this deadline has passed in the queue.
        list_deadline = self._poller.deadline(
            max(deadline.remaining, timeouts.OUTAGE))
        if is_new:
            return self._flow.backups.list_backups(client, list_deadline)
        return self._flow.backups.list_recent_backups(client, list_deadline)
