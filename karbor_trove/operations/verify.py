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

"""Verify: is the backup of a checkpoint there, whole, and restorable?"""

import dataclasses
import functools
from typing import Any, List, Mapping, Optional

from karbor.common import constants
from karbor import exception
from oslo_log import log as logging

from karbor_trove.bank import manifests
from karbor_trove.bank import record
from karbor_trove.bank import storage
from karbor_trove.bank import verification_results
from karbor_trove import errors
from karbor_trove.operations import base
from karbor_trove.parameters import parsing
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import verify as preflight_verify
from karbor_trove import timeouts
from karbor_trove.trove import catalog
from karbor_trove.trove import client
from karbor_trove.trove import connect
from karbor_trove.verification import cleanup
from karbor_trove.verification import inspection
from karbor_trove.verification import temporary_instance

LOG = logging.getLogger(__name__)


class VerifyOperation(base.Operation):
    """Looks at one instance's backup, as closely as the provider wants."""

    # By the first hook, for the second.
    _prepared = preflight_verify.Preparation()

    # TaskFlow matches the hooks' arguments by name; do not rename them.
    def on_prepare_begin(self, checkpoint: Any, resource: Any, context: Any,
                         parameters: Mapping[str, Any], verify: Any,
                         **kwargs: Any) -> None:
        """Refuse the whole verification where a test restore cannot succeed.

        What earlier verifications left goes before. The first of siblings
        looks at all, for the others; see restore.py.

        :raises karbor.exception.VerifyResourceFailed: nothing was created;
            the reasons are in the record, a line each.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        tried = False
        try:
            self._settings.check()
            self._prepared = self._outcome.preflight.get(lambda: self._prepare(
                checkpoint, resource.type, context, verify))
            problems = self._prepared.problems
            # Of one that is not begun for another's sake nothing is known.
            tried = not problems or resource.id in problems
            if problems:
                raise errors.Rejected(preflight_problems.refusal_reason(
                    problems, resource.id, 'checkpoint cannot be restored'))
        except (errors.KarborTroveError, exception.KarborException) as error:
            raise self._failed(section, resource, checkpoint, verify, None,
                               error, tried) from error

    def _prepare(self, checkpoint: Any, resource_type: str, context: Any,
                 verify: Any) -> preflight_verify.Preparation:
        restores = self._settings.verify_level == 'restore'
        originals = {
            one: checkpoint.get_resource_bank_section(one)
            for one in base.list_instance_ids(checkpoint, resource_type)}
        deadline = polling.Deadline(
            self._settings.delete_timeout if restores else timeouts.SWEEP,
            self._clock)
        # They count in the quotas.
        left = {one: self._swept(section, one, context, deadline)
                for one, section in originals.items()}
        found = preflight_verify.Preparation()
        if restores:
            found = preflight_verify.check_verify(
                originals, checkpoint.id, verify.id,
                lambda: self._connect(context),
                context.project_id, self._settings, self._clock)
        return dataclasses.replace(found, remaining=left)

    def _swept(self, section: Any, instance_id: str, context: Any,
               deadline: polling.Deadline) -> List[str]:
        try:
            return cleanup.TemporaryInstanceCleanup(
                section.bank, instance_id, context.project_id,
                functools.partial(connect.connect, context),
                self._settings.poll_interval, self._clock
            ).run(deadline.remaining)
        except Exception:  # A sweep fails nothing that it rides on.
            LOG.exception('Looking for what verifications of instance %s '
                          'left failed', instance_id)
            return []

    def on_main(self, checkpoint: Any, resource: Any, context: Any,
                parameters: Mapping[str, Any], verify: Any,
                **kwargs: Any) -> None:
        """Verify at the level of the provider, from the lowest on.

        :param verify: Karbor's record; it gets the result.
        :raises karbor.exception.VerifyResourceFailed: an instance could not
            be restored from the backup, or nobody could tell within the
            deadlines; the reason is in the record.
        """
        section = checkpoint.get_resource_bank_section(resource.id)
        tried, begun = temporary_instance.TemporaryRestoreResult(), False
        try:
            self._settings.check()
            begun = True
            kept = record.read_backup(section, resource.id)
            gateway = self._connect(context)
            said = self._looked(gateway, section, kept, context)
            if self._settings.verify_level == 'restore':
                tried = temporary_instance.TemporaryRestore(
                    gateway,
                    self._settings,
                    self._clock).run(
                    section.bank,
                    verify.id,
                    context.project_id,
                    parsing.build_temporary_instance_request(
                        kept.instance,
                        kept.backup_id,
                        checkpoint.id,
                        verify.id,
                        self._settings.verify_flavor_id,
                        self._settings.verify_net_id),
                    kept.accounts)
                if tried.problems:
                    raise errors.ResourceFailed('\n'.join(tried.problems
                                                          + tried.messages))
        except (errors.KarborTroveError, exception.KarborException) as error:
            raise self._failed(section, resource, checkpoint, verify,
                               tried.seconds, error, begun) from error
        reason = '\n'.join([
            'verified at level %s' % self._settings.verify_level, *said,
            *tried.messages, *self._prepared.unchecked, *self._prepared.remaining.get(
                resource.id, ())])
        self._keep(section, resource, True, reason, tried.seconds)
        self._outcome.set_status(verify, resource.type, resource.id,
                                 constants.RESOURCE_STATUS_AVAILABLE, reason)
        self._remover(section, resource.id, context).sweep()

    def _looked(self, gateway: client.TroveClient, section: Any,
                kept: record.BackupRecord, context: Any) -> List[str]:
        """Look at all that needs no instance; say what was looked at."""
        level = self._settings.verify_level
        looked = inspection.Inspection(
            gateway,
            polling.Deadline(self._settings.ready_timeout, self._clock),
            self._settings.poll_interval)
        chain = looked.chain(str(kept.backup_id))
        said = ['backup: %d in the chain, all COMPLETED' % len(chain),
                looked.version(kept.instance, catalog.Catalog(
                    gateway, context.project_id))]
        if level == 'backup':
            return said
        try:
            said += looked.data(chain, manifests.ManifestStore(section.bank,
                                                               kept.instance.id))
        except errors.Rejected as error:
            # A restore tells more than they would.
            if level == 'data':
                raise
            said.append('data: the objects were not looked at: %s' % error)
        return said

    def _failed(self, section: Any, resource: Any, checkpoint: Any,
                verify: Any, seconds: Optional[float],
                error: Exception, tried: bool = True) -> Exception:
        """Keep and tell why; give what has to be raised.

        :param tried: whether it says anything of the backup.
        """
        LOG.error('Verifying instance %s in checkpoint %s failed: %s',
                  resource.id, checkpoint.id, error)
        self._outcome.set_status(verify, resource.type, resource.id,
                                 constants.RESOURCE_STATUS_ERROR, str(error))
        if tried and not isinstance(error, errors.BankError):
            self._keep(section, resource, False, str(error), seconds)
        failure: Exception = exception.VerifyResourceFailed(
            name='Database Instance Backup', reason=str(error),
            resource_id=resource.id, resource_type=resource.type)
        return failure

    def _keep(self, section: Any, resource: Any, passed: bool, reason: str,
              seconds: Optional[float]) -> None:
        """Keep the result in the bank; it stands also where that fails."""
        level = self._settings.verify_level
        with storage.log_bank_errors('The result of verifying instance %s could not be '
                                     'kept' % resource.id):
            if seconds is None:
                seconds = verification_results.read_recovery_seconds(section, level)
            verification_results.write(section, verification_results.VerificationResult(
                level, self._clock.utc().isoformat(), passed, reason,
                seconds))
