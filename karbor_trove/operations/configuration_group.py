# SPDX-License-Identifier: Apache-2.0

"""Configuration groups that a restore creates in place of deleted ones."""

import dataclasses
from typing import Optional

from oslo_log import log as logging

from karbor_trove.bank import restore_journal
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import polling
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


class RecreatedGroup:
    """A configuration group that a restore created for a deleted group."""

    def __init__(self, group: models.ConfigurationGroup, original_id: str,
                 journal: restore_journal.ConfigurationJournal,
                 entry: restore_journal.RestoreEntry) -> None:
        """Create the object. Nothing is written.

        :param group: the new group.
        :param original_id: the id of the deleted group.
        :param journal: the journal of requests for configuration groups.
        :param entry: the entry of the new group in this journal.
        """
        #: The id of the new group.
        self.id = group.id
        self.description = (
            'configuration group %s "%s" was created in place of %s'
            % (group.id, group.name, original_id))
        self._journal = journal
        self._entry: Optional[restore_journal.RestoreEntry] = entry

    def confirm(self) -> None:
        """Delete the journal entry of the group.

        Call this method when Karbor's record of the restore is saved, and one
        of its reasons has the id of the group. From then on, the journal entry
        is not needed.

        If the bank fails, the error is logged and the entry stays. The next
        call of this method tries again. If there is no next call, the entry
        stays until an operator runs `karbor-trove-manage deferred dismiss`.
        """
        if self._entry is not None:
            with storage.log_bank_errors(
                    'The journal entry of configuration group %s is not '
                    'deleted' % self.id):
                self._journal.delete_entry(self._entry)
                self._entry = None


def create_group(client: trove_client.TroveClient, bank: karbor_types.Bank,
                 restore_id: str, project_id: Optional[str],
                 instance_request: models.InstanceRequest,
                 recorded: models.ConfigurationGroup, poller: polling.Poller
                 ) -> RecreatedGroup:
    """Create a configuration group, at most once even if the response is lost.

    The names of groups are not unique. So the description of the new group
    has the ids of the restore and of the deleted group. If the response is
    lost, this function searches for a group with this description.

    :param project_id: the id of the project in which the group is created. It
        is stored in the journal entry. None if the id is not known.
    :param instance_request: a request for an instance that uses the new group.
        The group is created for the datastore version in this request. If the
        request has no version, the group is created for the datastore version
        of the deleted group.
    :param recorded: the deleted group with its values, from the backup record.
    :raises errors.Unreachable: the response was lost, and the new group was
        not found. The new group may exist nevertheless.
    :raises errors.Rejected: Trove rejected the request. Or the response was
        lost, and Trove rejected the search for the new group.
    :raises errors.BankError: the journal entry could not be written, so the
        request was not sent.
    """
    journal = restore_journal.ConfigurationJournal(
        bank, instance_request.original_id)
    entry = restore_journal.RestoreEntry(
        instance_request.original_id, restore_id, recorded.name,
        lost_responses.format_trove_time(client), project_id,
        worker_process.current())
    journal.write(entry)
    version_id = instance_request.datastore_version_id
    group_request = models.ConfigurationRequest(
        recorded.name,
        'created by restore %s of Karbor in place of %s'
        % (restore_id, recorded.id),
        recorded.values, recorded.datastore,
        (version_id or instance_request.datastore_version
         or recorded.datastore_version),
        None if version_id else instance_request.datastore_version_number)

    def find() -> Optional[models.ConfigurationGroup]:
        return next((group for group in client.list_configurations()
                     if group.description == group_request.description), None)

    try:
        group = client.create_configuration(group_request)
    except errors.Unreachable as lost:
        group = lost_responses.wait_for_created_object(find, lost, poller)
    except errors.KarborTroveError:
        with storage.log_bank_errors(
                'The journal entry of restore %s could not be deleted after '
                'Trove rejected a configuration group' % restore_id):
            journal.delete_entry(entry)
        raise
    entry = dataclasses.replace(entry, created_id=group.id)
    with storage.log_bank_errors(
            'The id of configuration group %s of restore %s was not written'
            % (group.id, restore_id)):
        journal.write(entry)
    LOG.info('Created configuration group %s in place of %s for restore %s',
             group.id, recorded.id, restore_id)
    return RecreatedGroup(group, recorded.id, journal, entry)
