# SPDX-License-Identifier: Apache-2.0

"""Deletion of the temporary instances that earlier verifications left."""

import dataclasses
from typing import Callable, List, Optional

from oslo_log import log as logging

from karbor_trove.bank import storage
from karbor_trove.bank import verification_journal
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import instances

LOG = logging.getLogger(__name__)


class TemporaryInstanceCleanup:
    """Deletes the temporary instances that earlier verifications left.

    An object of this class is for the verifications of one original instance.
    """

    def __init__(self, bank: karbor_types.Bank, instance_id: str,
                 project_id: Optional[str],
                 connect: Callable[[polling.Deadline],
                                   trove_client.TroveClient],
                 poller: polling.Poller) -> None:
        """Create the cleanup. No request is sent and nothing is read yet.

        :param instance_id: the id of the original instance.
        :param project_id: the id of the project of the client. Temporary
            instances of other projects are not deleted.
        :param connect: a function that returns a client. This client sends no
            request after the given deadline.
        """
        self._journal = verification_journal.VerificationJournal(bank,
                                                                 instance_id)
        self._project_id = project_id
        self._connect = connect
        # The timeout is for Trove. The time of a slow bank does not count.
        self._clock = polling.PausableClock(poller.clock)
        self._poller = polling.Poller(poller.interval, self._clock)
        #: One sentence for each deletion that failed. A deletion has not
        #: failed if it only has to be requested later.
        self.failures: List[str] = []

    def run(self, timeout: float, force: bool = False) -> List[str]:
        """Delete the temporary instances of verifications that have ended.

        If a verification may still run, its temporary instance is deleted only
        if `force` is True. If the verification journal has no entries, no
        request is sent.

        :param timeout: seconds that Trove may take for the whole cleanup. The
            time that the bank takes does not count.
        :param force: True if the operator states that no verification runs.
        :returns: one sentence for each temporary instance that may still
            exist, with the reason.
        :raises errors.BankError: the journal could not be read.
        """
        deadline = self._poller.deadline(timeout)
        leftovers = []
        with self._clock.pause():
            entries = self._journal.list_entries()
        for entry in entries:
            if entry.project_id not in (None, self._project_id):
                continue
            if not force and not entry.is_abandoned(self._poller.clock.utc()):
                leftovers.append(
                    'verification %s may still use the temporary instance '
                    '"%s", until %s' % (entry.verification_id, entry.name,
                                        entry.ends_by))
                continue
            with storage.log_bank_errors(
                    'The journal entry of verification %s was not changed'
                    % entry.verification_id):
                try:
                    self._delete(entry, deadline)
                except errors.KarborTroveError as error:
                    sentence = ('verification %s left the temporary instance '
                                '"%s": %s' % (entry.verification_id,
                                              entry.name, error))
                    LOG.warning('Original instance %s: %s',
                                self._journal.instance_id, sentence)
                    leftovers.append(sentence)
                    if not isinstance(error, errors.Busy):
                        self.failures.append(sentence)
                    with self._clock.pause():
                        self._journal.write(dataclasses.replace(
                            entry, abandoned_reason=str(error)))
                else:
                    with self._clock.pause():
                        self._journal.delete(entry.verification_id)
        return leftovers

    def _delete(self, entry: verification_journal.TemporaryInstanceEntry,
                deadline: polling.Deadline) -> None:
        """Delete the temporary instance of a journal entry, if it exists.

        If the entry has no id of the instance, the instance is searched for by
        its name.

        :raises errors.Busy: Trove does not list the instance, but may still
            create it.
        :raises errors.KarborTroveError: the instance may still exist.
        """
        client = self._connect(deadline)
        instance_ids = [entry.instance_id] if entry.instance_id else [
            instance.id for instance in self._poller.wait_for(
                client.list_instances,
                self._poller.deadline(min(timeouts.LIST_INSTANCES,
                                          deadline.remaining)),
                'instances could not be listed')
            if instance.name == entry.name]
        for instance_id in instance_ids:
            instances.delete_and_wait(client, instance_id, deadline.remaining,
                                      self._poller)
            LOG.info('Original instance %s: temporary instance %s is deleted, '
                     'which verification %s left', self._journal.instance_id,
                     instance_id, entry.verification_id)
        if not instance_ids and not entry.is_settled(
                client.last_response_time, self._poller.clock.utc()):
            raise errors.Busy('the request had no response, and may still '
                              'create it')
