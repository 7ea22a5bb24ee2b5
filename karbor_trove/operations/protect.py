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
from typing import Any, Mapping, Tuple

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.backups import chain
from karbor_trove.backups import create
from karbor_trove.bank import backup_journal
from karbor_trove.bank import record
from karbor_trove.bank import status
from karbor_trove import errors
from karbor_trove.operations import base
from karbor_trove.parameters import parsing
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import protect as preflight_protect
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client
from karbor_trove.trove import instances
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models
from karbor_trove.verification import baseline

LOG = logging.getLogger(__name__)


class ProtectOperation(base.Operation):
    """Backs up one database instance."""

    # TaskFlow matches the hooks' arguments by name; do not rename them.
    def on_prepare_begin(self, checkpoint: Any, resource: Any, context: Any,
                         parameters: Mapping[str, Any],
                         **kwargs: Any) -> None:
        """Refuse the whole checkpoint where a part of it cannot succeed.

        The first of siblings looks at all, for the others; see restore.py.

        :raises karbor.exception.CreateResourceFailed: no backup was asked
            for; the bank says `error`, and the reasons, a line each.
        """
        problems = self._outcome.problems
        # Before anything that lets a sibling run: it should see them.
        try:
            self._request(parameters, checkpoint, resource.id)
        except errors.Rejected as error:
            problems[resource.id] = str(error).split('\n')
        section = checkpoint.get_resource_bank_section(resource.id)
        try:
            status.mark_started(section, constants.RESOURCE_STATUS_PROTECTING)
            self._settings.check()
            if not problems:
                self._outcome.preflight.get(lambda: problems.update(
                    self._problems(checkpoint, resource.type, context)))
            if problems:
                raise errors.Rejected(preflight_problems.refusal_reason(
                    problems, resource.id, 'checkpoint cannot be backed up'))
        except errors.KarborTroveError as error:
            raise _failed(section, checkpoint, resource, error) from error

    def _problems(self, checkpoint: Any, resource_type: str,
                  context: Any) -> preflight_problems.Problems:
        gateway = self._connect(context)
        catalog = trove_catalog.Catalog(gateway, context.project_id)
        ids = base.list_instance_ids(checkpoint, resource_type)
        # As patient as the wait that follows: a Trove that is away for a
        # while is no reason to go without a backup.
        return self._wait(  # type: ignore[no-any-return]
            lambda: preflight_protect.check_protect(ids, gateway, catalog),
            self._settings.ready_timeout,
            'whether the databases can be backed up could not be found out')

    def on_main(self, checkpoint: Any, resource: Any, context: Any,
                parameters: Mapping[str, Any], **kwargs: Any) -> None:
        """Make the backup and wait until it is complete.

        :raises karbor.exception.CreateResourceFailed: no complete backup
            came of it; the bank says `error` then and why, and knows the
            backup if Trove has made one.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        ledger = backup_journal.BackupJournal(section.bank, resource.id)
        try:
            self._protect(section, ledger, checkpoint, context, parameters)
            status.set_status(section, constants.RESOURCE_STATUS_AVAILABLE)
        except errors.KarborTroveError as error:
            raise _failed(section, checkpoint, resource, error) from error
        self._remover(section, resource.id, context).sweep()

    def _protect(self,
                 section: Any,
                 ledger: backup_journal.BackupJournal,
                 checkpoint: Any,
                 context: Any,
                 parameters: Mapping[str,
                                     Any]) -> None:
        instance_id = ledger.instance_id
        self._settings.check()
        request = self._request(parameters, checkpoint, instance_id)
        gateway = self._connect(context)
        recording = baseline.BaselineRecorder(gateway, self._settings, self._clock)
        kept, entry, made = self._begun(gateway, section, ledger, checkpoint,
                                        request, parameters, recording)
        before = kept.accounts
        # Of no use before they are compared with those of afterwards.
        kept = dataclasses.replace(kept, backup_id=made.id,
                                   accounts=models.Accounts())
        record.write(section, kept)
        entry = dataclasses.replace(entry, backup_id=made.id)
        ledger.write(entry)
        LOG.info('Backup %s of instance %s begun', made.id, instance_id)

        complete = self._wait(
            lambda: create.get_complete_backup(gateway, made.id),
            self._settings.backup_timeout,
            'backup %s is not complete' % made.id)
        if entry.parent_id:
            chain.check_chain(self._backups(gateway), complete.id)
        ledger.write(dataclasses.replace(entry, is_complete=True,
                                         location=complete.location))
        record.write(section, dataclasses.replace(
            kept, backup_size=complete.size,
            accounts=before.common(recording.accounts(instance_id))))
        recording.contents(section.bank, instance_id, complete)
        LOG.info('Backup %s of instance %s complete', made.id, instance_id)

    def _request(self, parameters: Mapping[str, Any], checkpoint: Any,
                 instance_id: str) -> models.BackupRequest:
        return parsing.parse_protect(
            parameters, checkpoint.id, instance_id,
            self._settings.storage_driver, self._settings.swift_container)

    def _begun(self, gateway: client.TroveClient, section: Any,
               ledger: backup_journal.BackupJournal, checkpoint: Any,
               request: models.BackupRequest, parameters: Mapping[str, Any],
               recording: baseline.BaselineRecorder
               ) -> Tuple[record.BackupRecord, backup_journal.BackupEntry, models.Backup]:
        instance_id = ledger.instance_id
        deadline = polling.Deadline(self._settings.ready_timeout, self._clock)
        incremental = parsing.is_incremental(parameters)
        while True:
            instance = polling.wait_for(
                lambda: instances.get_ready_instance(
                    gateway,
                    instance_id),
                deadline,
                self._settings.poll_interval,
                'instance %s is not ready for a backup' %
                instance_id)
            # Saved before the request and before the wait: a backup that
            # fails half-way, or whose answer is lost, must still be found,
            # and deleted, through the checkpoint.
            kept = record.BackupRecord(instance, backup_name=request.name)
            record.write(section, kept)
            # Whether they are in the backup is known only of those that are
            # there afterwards as well.
            kept = dataclasses.replace(
                kept, accounts=recording.accounts(instance_id))
            entry = backup_journal.BackupEntry(
                instance_id, checkpoint.id, checkpoint.project_id,
                request.name, request.description,
                lost_responses.trove_time(gateway))
            if incremental:
                entry = create.reserve_parent(
                    gateway, ledger, entry, self._backups(gateway),
                    self._settings.full_backup_every)
            else:
                ledger.write(entry)
            try:
                return kept, entry, create.create_backup(
                    gateway, ledger, entry,
                    dataclasses.replace(request, parent_id=entry.parent_id),
                    self._poller)
            except errors.Busy:
                # Somebody else was quicker after our look.
                self._clock.sleep(min(self._settings.poll_interval,
                                      deadline.remaining))
                if not deadline.remaining:
                    raise

    def _backups(self, gateway: client.TroveClient) -> chain.Backups:
        backups: chain.Backups = self._wait(
            gateway.list_backups, self._settings.ready_timeout,
            'backups could not be listed')
        return backups


def _failed(section: Any, checkpoint: Any, resource: Any,
            error: Exception) -> Exception:
    """Keep why there is no backup, and say it in Karbor's way."""
    LOG.error('Protecting instance %s in checkpoint %s failed: %s',
              resource.id, checkpoint.id, error)
    status.mark_failed(section, constants.RESOURCE_STATUS_ERROR, str(error))
    failure: Exception = exception.CreateResourceFailed(
        name='Database Instance Backup', reason=str(error),
        resource_id=resource.id, resource_type=resource.type)
    return failure
