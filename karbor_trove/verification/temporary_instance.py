# SPDX-License-Identifier: Apache-2.0

"""Test restore into a temporary instance, for the level "restore"."""

import dataclasses
import datetime
from typing import Callable, List, Optional, Tuple

from oslo_log import log as logging

from karbor_trove.bank import verification_journal
from karbor_trove.bank import worker_process
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import options
from karbor_trove import polling
from karbor_trove.preflight import restore as preflight_restore
from karbor_trove import timeouts
from karbor_trove.trove import accounts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import instances
from karbor_trove.trove import models
from karbor_trove.trove import request_queue

LOG = logging.getLogger(__name__)


@dataclasses.dataclass
class TemporaryRestoreResult:
    """The result of a test restore.

    If there are problems, the test restore failed.
    """

    problems: List[str] = dataclasses.field(default_factory=list)
    messages: List[str] = dataclasses.field(default_factory=list)
    #: Seconds from the request until the database was up. None if the database
    #: was never up.
    recovery_seconds: Optional[float] = None

    def compare(self, kind: str, recorded: Optional[Tuple[str, ...]],
                restored: Optional[Tuple[str, ...]]) -> None:
        """Compare recorded names with the names in the temporary instance.

        If a recorded name is missing, a sentence is added to `problems`.
        Otherwise a sentence is added to `messages`. Additional names in the
        temporary instance are no problem.

        :param kind: 'databases' or 'users', for the sentence.
        :param recorded: the names that the protect operation recorded. None if
            the protect operation recorded no names.
        :param restored: the names in the temporary instance. None if Trove
            does not return these names.
        """
        if recorded is None:
            self.messages.append(
                'restore: the protect recorded no %s, so they were not '
                'compared' % kind)
        elif restored is None:
            self.messages.append('restore: Trove does not return the %s, so '
                                 'they were not compared' % kind)
        elif not set(recorded) <= set(restored):
            self.problems.append(
                '%s are missing after the test restore: %s' % (
                    kind, ', '.join(name for name in recorded
                                    if name not in restored)))
        else:
            self.messages.append('restore: %d of %d %s exist' % (
                len(recorded), len(recorded), kind))


class TemporaryRestore:
    """One test restore: a backup is restored into a temporary instance."""

    def __init__(self, client: trove_client.TroveClient,
                 settings: options.Settings, poller: polling.Poller,
                 wait_for_instance: instances.WaitForInstance,
                 queue: request_queue.RequestQueue) -> None:
        """Create the test restore. No request is sent yet.

        :param wait_for_instance: a function that polls an instance until a
            check returns a result. If several test restores use this function,
            one request may serve all of them.
        :param queue: limits how many instances are requested at the same time.
        """
        self._client = client
        self._settings = settings
        self._poller = poller
        self._wait_for_instance = wait_for_instance
        self._queue = queue

    def run(self, bank: karbor_types.Bank, verification_id: str,
            project_id: Optional[str], request: models.InstanceRequest,
            recorded: models.Accounts, log: Callable[[str], None]
            ) -> TemporaryRestoreResult:
        """Create a temporary instance, check its database, and delete it.

        The instance is deleted even if the check fails. If the instance cannot
        be deleted now, the next verification deletes the instance.

        :param project_id: the project in which the instance is created. None
            if the project is not known.
        :param request: the request for the instance.
        :param recorded: the databases and users that the instance has to have.
        :param log: logs a change of state of the verification. Its argument is
            what has changed, see StateChanges.log().
        :returns: the result. If the instance cannot be created or checked, the
            result has a problem.
        :raises errors.BankError: the journal entry could not be written, so no
            instance was requested.
        """
        result = TemporaryRestoreResult()
        with self._queue.wait_for_turn():
            # The turn may come late. The recovery time and the times of the
            # entry begin with the turn.
            start_time = self._poller.clock.now()
            intent = self._create_intent(bank, verification_id, project_id,
                                         request.original_id)
            try:
                instance = instances.create_instance(
                    self._client, intent, request, self._poller)
            except errors.BankError:
                # Nothing was requested, so nothing is known about the backup.
                raise
            except errors.KarborTroveError as error:
                # Unless Trove rejected the request, the instance may exist.
                intent.mark_abandoned(str(error))
                result.problems.append(_add_advice(error))
                return result
        log('has created temporary instance %s for verification %s'
            % (instance.id, verification_id))
        try:
            self._check(instance.id, start_time, recorded, result)
        except errors.KarborTroveError as error:
            result.problems.append(_add_advice(error))
        except Exception:
            # The instance is also deleted after an error in this program. A
            # process that is killed deletes nothing, but its journal entry
            # remains.
            self._delete(instance.id, verification_id, intent, log)
            raise
        result.messages += self._delete(instance.id, verification_id, intent,
                                        log)
        return result

    def _create_intent(self, bank: karbor_types.Bank, verification_id: str,
                       project_id: Optional[str], original_id: str
                       ) -> verification_journal.TemporaryInstanceIntent:
        ends_by = self._poller.clock.utc() + datetime.timedelta(
            seconds=self._settings.restore_timeout
            + self._settings.delete_timeout + timeouts.VERIFICATION_SLACK)
        return verification_journal.TemporaryInstanceIntent(
            verification_journal.VerificationJournal(bank, original_id),
            verification_journal.TemporaryInstanceEntry(
                verification_id, project_id, worker_process.current(),
                ends_by.isoformat()))

    def _check(self, instance_id: str, start_time: float,
               recorded: models.Accounts, result: TemporaryRestoreResult
               ) -> None:
        self._wait_for_instance(
            self._client, instance_id, instances.check_ready,
            self._poller.deadline(self._settings.restore_timeout),
            'the database of the temporary instance %s is not up'
            % instance_id)
        result.recovery_seconds = self._poller.clock.now() - start_time
        result.messages.append('restore: the database was up %.1f s after the '
                               'request' % result.recovery_seconds)
        restored = accounts.list_accounts(self._client, instance_id,
                                          self._poller)
        result.compare('databases', recorded.databases, restored.databases)
        result.compare('users', recorded.users, restored.users)

    def _delete(self, instance_id: str, verification_id: str,
                intent: verification_journal.TemporaryInstanceIntent,
                log: Callable[[str], None]) -> List[str]:
        """Delete the temporary instance.

        :param intent: the journal entry of the instance. If the instance is
            deleted, the entry is deleted too. Otherwise the reason is written
            to the entry.
        :param log: logs a change of state of the verification.
        :returns: a message if the instance could not be deleted, or else an
            empty list.
        """
        try:
            instances.delete_and_wait(self._client, instance_id,
                                      self._settings.delete_timeout,
                                      self._poller, self._wait_for_instance)
        except errors.KarborTroveError as error:
            LOG.error('Temporary instance %s of verification %s was not '
                      'deleted: %s', instance_id, verification_id, error)
            intent.mark_abandoned(str(error))
            return ['the temporary instance %s was not deleted, and the next '
                    'verification deletes it: %s' % (instance_id, error)]
        intent.delete()
        log('has deleted temporary instance %s of verification %s'
            % (instance_id, verification_id))
        return []


def _add_advice(error: errors.KarborTroveError) -> str:
    """Return the text of an error, with advice if there is any.

    The advice names an option of the provider file that may help, such as
    verify_net_id.
    """
    if not isinstance(error, (errors.NotFound, errors.Rejected,
                              errors.ResourceFailed)):
        return str(error)
    return preflight_restore.adapt_advice(
        preflight_restore.add_advice(str(error)))
