# SPDX-License-Identifier: Apache-2.0

"""Verify operation: verification of the backup of one instance."""

from typing import Any, List, Mapping, Optional

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.bank import manifests
from karbor_trove.bank import record
from karbor_trove.bank import storage
from karbor_trove.bank import verification_results
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import karbor_types
from karbor_trove.operations import base
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import restore as preflight_restore
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.verification import cleanup
from karbor_trove.verification import data_checks
from karbor_trove.verification import temporary_instance

LOG = logging.getLogger(__name__)


class VerifyOperation(base.Operation):
    """Verifies the backup of one instance, at the level `verify_level`.

    The level is an option of the provider file.
    """

    action = 'Verifying'
    event = 'verify'
    event_keys = ('verification_id', 'level', 'recovery_seconds')
    failure_class = exception.VerifyResourceFailed
    record_name = 'verify'
    record_key = 'verification_id'
    #: Whether on_main() has begun, because no preflight check found a problem.
    _is_prepared = False
    #: The recovery time in seconds that this verification measured. None if
    #: this verification measured no recovery time.
    _recovery_seconds: Optional[float] = None

    # TaskFlow passes arguments by name. Do not rename the hooks' arguments.
    @base.hook
    def on_prepare_begin(self, checkpoint: karbor_types.Checkpoint,
                         resource: karbor_types.Resource,
                         context: karbor_types.RequestContext,
                         parameters: karbor_types.Parameters,
                         verify: karbor_types.OperationRecord,
                         **kwargs: Any) -> None:
        """Refuse the whole verification if a test restore cannot succeed.

        The levels `backup` and `data` have no test restore. So at these levels
        only the provider file, the ids of the instances and the project of the
        user are checked. At every level, this method deletes the temporary
        instances that still exist from earlier verifications.

        :raises karbor.exception.VerifyResourceFailed: the verification is
            refused, and nothing was created. The reasons are in Karbor's
            record, one per line.
        """
        # Karbor lets a user verify a checkpoint of another project
        # [verification() of manager.py in services/protection, 1.6.0]. Trove
        # does not show the backups of that project to this user. So the
        # verification would fail, and the failure would be stored in the bank.
        if not (context.is_admin or ids.is_same_project(
                context.project_id, checkpoint.project_id)):
            raise errors.Rejected(
                'checkpoint %s belongs to another project. Verify it with a '
                'token of that project' % checkpoint.id)
        self._refuse_problems(
            lambda: self._find_problems(verify.id),
            'another database of this checkpoint cannot be restored')

    def _find_problems(self, verification_id: str
                       ) -> preflight_problems.Problems:
        is_restore = self._settings.verify_level == 'restore'
        sections = self._get_sections()
        deadline = self._poller.deadline(
            self._settings.delete_timeout if is_restore else timeouts.SWEEP)
        # The cleanup precedes the preflight checks, because the temporary
        # instances count in the quotas.
        for instance_id, section in sections.items():
            self._flow.leftovers[instance_id] = self._clean_up(
                section, instance_id, deadline)
        if not is_restore:
            return {}
        problems, unchecked = preflight_restore.check_restore(
            sections,
            lambda _, backup_record: preflight_restore.build_test_request(
                backup_record, self._checkpoint.id, verification_id,
                self._settings),
            lambda requests: preflight_restore.check_volumes(
                requests, self._settings),
            self._connect, self._context.project_id, self._poller)
        self._flow.unchecked = ['restore: %s' % sentence
                                for sentence in unchecked]
        return {instance_id: [preflight_restore.adapt_advice(sentence)
                              for sentence in sentences]
                for instance_id, sentences in problems.items()}

    def _clean_up(self, section: karbor_types.BankSection, instance_id: str,
                  deadline: polling.Deadline) -> List[str]:
        try:
            return cleanup.TemporaryInstanceCleanup(
                section.bank, instance_id, self._context.project_id,
                self._make_client, self._poller).run(deadline.remaining)
        except Exception:  # The verification needs no cleanup.
            LOG.exception('Deleting the temporary instances of instance %s '
                          'failed', instance_id)
            return []

    @base.hook
    def on_main(self, checkpoint: karbor_types.Checkpoint,
                resource: karbor_types.Resource,
                context: karbor_types.RequestContext,
                parameters: karbor_types.Parameters,
                verify: karbor_types.OperationRecord,
                **kwargs: Any) -> None:
        """Verify the backup at all levels up to the option `verify_level`.

        The lowest level comes first. If the checkpoint left the instance out,
        there is no backup to verify. In that case the resource status becomes
        `error`, but the operation does not fail.

        :param verify: Karbor's record of the verification, to which the result
            is written.
        :raises karbor.exception.VerifyResourceFailed: the backup cannot be
            restored, the checks did not end by their deadlines, or the bank
            failed. The reason is in Karbor's record.
        """
        self._is_prepared = True
        level = self._settings.verify_level
        self._changes.set(level=level)
        test_restore = temporary_instance.TemporaryRestoreResult()
        self._settings.check()
        if self._report_if_left_out(verify, 'not verified'):
            return
        backup_record = record.read_backup(self._section, resource.id)
        self._changes.set(backup_id=backup_record.backup_id)
        client = self._connect()
        messages = self._check_backup(client, backup_record)
        if level == 'restore':
            test_restore = temporary_instance.TemporaryRestore(
                client, self._settings, self._poller,
                self._wait_for_instance, self._flow.request_queue).run(
                    self._section.bank, verify.id, context.project_id,
                    preflight_restore.build_test_request(
                        backup_record, checkpoint.id, verify.id,
                        self._settings), backup_record.accounts,
                    self._changes.log)
            self._recovery_seconds = test_restore.recovery_seconds
            self._changes.set(recovery_seconds=self._recovery_seconds)
            if test_restore.problems:
                raise errors.ResourceFailed('\n'.join(
                    test_restore.problems + test_restore.messages))
        reason = '\n'.join([
            'verified at level %s' % level, *messages,
            *test_restore.messages, *self._flow.unchecked,
            *self._flow.leftovers.get(resource.id, ())])
        self._write_result(True, reason)
        self._flow.set_status(verify, resource.type, resource.id,
                              constants.RESOURCE_STATUS_AVAILABLE, reason,
                              self._section)
        self._backup_deletion().sweep()

    def _check_backup(self, client: trove_client.TroveClient,
                      backup_record: record.BackupRecord) -> List[str]:
        """Check the backup at the levels `backup` and `data`.

        If the option `verify_level` is `backup`, only this level is checked.

        The level `data` checks the objects in Swift. This check raises
        errors.Rejected if, for example, the user may not read the objects. If
        the option is `restore`, this method does not raise that error. A
        message then says that the objects were not checked. The later test
        restore shows more than this check.

        :returns: messages for the user.
        :raises errors.KarborTroveError: the backup is not intact, or could not
            be checked.
        """
        level = self._settings.verify_level
        deadline = self._poller.deadline(self._settings.ready_timeout)
        checks = data_checks.DataChecks(client, deadline, self._poller,
                                        self._flow.swift_queue)
        chain = checks.check_chain(str(backup_record.backup_id),
                                   self._list_backups(client, deadline))
        messages = [
            'backup: %d in the chain, all complete' % len(chain),
            checks.check_version(
                backup_record.instance, self._flow.get_catalog(
                    client, self._context.project_id), self._flow.versions)]
        if level == 'backup':
            return messages
        store = manifests.ManifestStore(self._section.bank,
                                        backup_record.instance.id)
        try:
            messages += checks.check_data(chain, store)
        except errors.Rejected as error:
            # At level `restore`, continue without these checks, because a test
            # restore shows more.
            if level == 'data':
                raise
            messages.append('data: the objects were not checked: %s' % error)
        return messages

    def _list_backups(self, client: trove_client.TroveClient,
                      deadline: polling.Deadline
                      ) -> Mapping[str, models.Backup]:
        """Return the backups of the project, for the checks of the chains.

        If the result lacks a backup of a chain, the checks read this backup
        with a request of its own.

        :returns: the backups, by id. The result is empty if the checkpoint has
            only one instance, or if Trove rejects the request for the list.
        :raises errors.KarborTroveError: the request for the list failed for
            another reason.
        """
        if len(self._list_instance_ids()) < 2:
            return {}
        try:
            return self._flow.backups.list_recent_backups(client, deadline)
        except errors.Rejected as error:
            LOG.info('Reading the backups of the chains one by one, because '
                     'Trove rejected the list: %s', error)
            return {}

    def _fail(self, error: Exception) -> Exception:
        """Store a failure, and return Karbor's exception for the operation.

        In two cases the failure is also stored in the bank, as the result of
        the verification:

        * A preflight check found a problem of this instance.
        * on_main() failed. Three causes are excluded: a wrong provider file, a
          failure of the bank and a fault of karbor-trove.

        :param error: why the verification failed.
        """
        failure = super()._fail(error)
        is_tested = (not self._settings.problem if self._is_prepared
                     else self._resource.id in self._flow.problems)
        if is_tested and isinstance(
                error, errors.KarborTroveError) and not isinstance(
                    error, errors.BankError):
            self._write_result(False, str(error))
        return failure

    def _write_result(self, passed: bool, reason: str) -> None:
        """Store the result of the verification in the bank.

        If the bank fails, the error is only logged.

        The result includes the recovery time. If this verification measured no
        recovery time, the recovery time is copied from the last result of the
        same level.

        :param passed: whether the backup passed the verification.
        :param reason: what the verification found, or why the verification
            failed.
        """
        level = self._settings.verify_level
        with storage.log_bank_errors(
                'The result of verifying instance %s could not be stored'
                % self._resource.id):
            recovery_seconds = self._recovery_seconds
            if recovery_seconds is None:
                recovery_seconds = verification_results.read_recovery_seconds(
                    self._section, level)
            verification_results.write(
                self._section, verification_results.VerificationResult(
                    level, self._clock.utc().isoformat(), passed, reason,
                    recovery_seconds))
