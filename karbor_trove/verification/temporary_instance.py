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

"""A test restore: an instance comes up from a backup, and goes again."""

import dataclasses
import datetime
from typing import Any, List, Optional, Tuple

from oslo_log import log as logging

from karbor_trove.bank import verification_journal
from karbor_trove.bank import worker
from karbor_trove import errors
from karbor_trove import options
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import accounts
from karbor_trove.trove import client
from karbor_trove.trove import instances
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


@dataclasses.dataclass
class TemporaryRestoreResult:
    """What came of it, a line each; it failed where there is a problem."""

    problems: List[str] = dataclasses.field(default_factory=list)
    messages: List[str] = dataclasses.field(default_factory=list)
    #: From the request until the database was up; None: it was not.
    seconds: Optional[float] = None


class TemporaryRestore:
    """One test restore."""

    def __init__(self, gateway: client.TroveClient, settings: options.Settings,
                 clock: polling.Clock) -> None:
        """Make it; nothing is asked of Trove or of the bank yet."""
        self._gateway = gateway
        self._settings = settings
        self._clock = clock

    def run(self, bank: Any, verification_id: str, project_id: str,
            request: models.InstanceRequest,
            recorded: models.Accounts) -> TemporaryRestoreResult:
        """Make an instance, look at it and delete it, in every case.

        What cannot be deleted is left to the next verification.

        :param request: what to make, under the name of above.
        :param recorded: what has to be in it.
        :raises errors.BankFailed: it could not be noted, so none was made.
        """
        intent = verification_journal.TemporaryInstanceIntent(
            verification_journal.VerificationJournal(bank, request.original_id),
            verification_journal.TemporaryInstanceEntry(verification_id, project_id, worker.current(),
                                                        self._until().isoformat()))
        tried = TemporaryRestoreResult()
        began = self._clock.now()
        try:
            made = instances.create_instance(
                self._gateway, intent, request,
                polling.Poller(self._settings.poll_interval, self._clock))
        except errors.BankError:
            # Nothing was asked for, and nothing is known of the backup.
            raise
        except errors.KarborTroveError as error:
            # Where Trove did not refuse, nobody knows whether there is one.
            intent.mark_abandoned(str(error))
            tried.problems.append(str(error))
            return tried
        LOG.info('Instance %s begun from backup %s of instance %s for '
                 'verification %s', made.id, request.backup_id,
                 request.original_id, verification_id)
        try:
            self._look(made.id, began, recorded, tried)
        except errors.KarborTroveError as error:
            tried.problems.append(str(error))
        except Exception:
            # A fault of ours is no reason to leave it; who is being killed
            # does nothing any more, and the note tells of it.
            self._dispose(made.id, intent)
            raise
        tried.messages += self._dispose(made.id, intent)
        return tried

    def _until(self) -> datetime.datetime:
        return self._clock.utc() + datetime.timedelta(
            seconds=self._settings.restore_timeout
            + self._settings.delete_timeout + timeouts.VERIFICATION_SLACK)

    def _look(self, instance_id: str, began: float,
              recorded: models.Accounts, tried: TemporaryRestoreResult) -> None:
        polling.wait_for(
            lambda: instances.get_ready_instance(self._gateway, instance_id),
            polling.Deadline(self._settings.restore_timeout, self._clock),
            self._settings.poll_interval,
            'the database of the temporary instance %s is not up'
            % instance_id)
        tried.seconds = self._clock.now() - began
        tried.messages.append('restore: the database was up %.1f s after the '
                              'request' % tried.seconds)
        found = accounts.list_accounts(
            self._gateway, instance_id,
            polling.Poller(self._settings.poll_interval, self._clock))
        for kind, was, now in (
                ('databases', recorded.databases, found.databases),
                ('users', recorded.users, found.users)):
            problems, said = _compared(kind, was, now)
            tried.problems += problems
            tried.messages += said

    def _dispose(self, instance_id: str,
                 intent: verification_journal.TemporaryInstanceIntent) -> List[str]:
        try:
            instances.delete_instance(
                self._gateway, instance_id, self._settings.delete_timeout,
                polling.Poller(self._settings.poll_interval, self._clock))
        except errors.KarborTroveError as error:
            LOG.error('The temporary instance %s is left: %s', instance_id,
                      error)
            intent.mark_abandoned(str(error))
            return ['the temporary instance %s is left, and goes with the '
                    'next verification: %s' % (instance_id, error)]
        intent.delete()
        return []


def _compared(kind: str, was: Optional[Tuple[str, ...]],
              now: Optional[Tuple[str, ...]]) -> Tuple[List[str], List[str]]:
    """Give what is wrong, and what is to be said."""
    if was is None:
        return [], ['restore: %s were not recorded when the backup was made, '
                    'so they were not compared' % kind]
    if now is None:
        return [], ['restore: Trove does not tell the %s, so they were not '
                    'compared' % kind]
    missing = [one for one in was if one not in now]
    if missing:
        return ['%s are missing after the test restore: %s'
                % (kind, ', '.join(missing))], []
    return [], ['restore: %d of %d %s are there' % (len(was), len(was), kind)]
