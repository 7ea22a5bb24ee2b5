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

"""Instances that a verification made and could not delete any more."""

import dataclasses
from typing import Any, Callable, List, Optional

from oslo_log import log as logging

from karbor_trove.bank import storage
from karbor_trove.bank import verification_journal
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import instances

LOG = logging.getLogger(__name__)


class TemporaryInstanceCleanup:
    """Removes what earlier verifications of one instance have left."""

    def __init__(self, bank: Any, instance_id: str,
                 project_id: Optional[str],
                 connect: Callable[[polling.Deadline], client.TroveClient],
                 interval: float, clock: polling.Clock) -> None:
        """Make it; nothing is asked of Trove or of the bank yet.

        :param instance_id: of the original.
        :param project_id: whose instances the gateway shows; those of other
            projects are left alone.
        :param connect: gives a gateway that asks until then.
        :param interval: seconds between two looks.
        """
        self._notes = verification_journal.VerificationJournal(bank, instance_id)
        self._project_id = project_id
        self._connect = connect
        self._interval = interval
        self._clock = clock

    def run(self, within: float, force: bool = False) -> List[str]:
        """Delete what nobody sees to; what a living one made is not touched.

        Where nothing is left, nothing is asked of Trove.

        :param within: seconds that all of it may take.
        :param force: whether the operator says that no verification lives.
        :returns: what is still there and why, a sentence each.
        """
        deadline = polling.Deadline(within, self._clock)
        still = []
        for note in self._notes.list_entries():
            if note.project_id not in (None, self._project_id):
                continue
            if not force and not note.is_abandoned(self._clock.utc()):
                still.append('verification %s may still be at work with the '
                             'instance "%s", until %s' % (
                                 note.verification_id, note.name, note.ends_by))
                continue
            try:
                reason = self._removed(note, deadline)
            except errors.KarborTroveError as error:
                reason = str(error)
            borne = storage.log_bank_errors('The note of verification %s is as it was'
                                            % note.verification_id)
            if reason is None:
                with borne:
                    self._notes.delete(note.verification_id)
                continue
            LOG.warning('What verification %s of instance %s left is still '
                        'there: %s', note.verification_id,
                        self._notes.instance_id, reason)
            with borne:
                self._notes.write(dataclasses.replace(note, abandoned_reason=reason))
            still.append('verification %s left an instance "%s": %s' % (
                note.verification_id, note.name, reason))
        return still

    def _removed(self, note: verification_journal.TemporaryInstanceEntry,
                 deadline: polling.Deadline) -> Optional[str]:
        """Delete the instance of a note; say why it may still be there."""
        gateway = self._connect(deadline)
        ids = [note.instance_id] if note.instance_id else [
            one.id for one in polling.wait_for(
                gateway.list_instances,
                polling.Deadline(min(timeouts.LIST_INSTANCES, deadline.remaining), self._clock),
                self._interval, 'instances could not be listed')
            if one.name == note.name]
        for instance_id in ids:
            instances.delete_instance(gateway, instance_id, deadline.remaining,
                                      polling.Poller(self._interval, self._clock))
        if ids or note.cannot_exist(gateway.now, self._clock.utc()):
            return None
        return 'it was asked for, and may still be made'
