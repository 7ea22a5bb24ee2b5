# SPDX-License-Identifier: Apache-2.0

"""Baseline: data that a protect records for later verifications."""

from oslo_log import log as logging

from karbor_trove.bank import manifests
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import accounts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import swift

LOG = logging.getLogger(__name__)


class BaselineRecorder:
    """Records the data that the provider's verification level compares.

    A protect does not fail if Trove or Swift returns nothing to record. The
    verification then reports what it could not compare.
    """

    def __init__(self, client: trove_client.TroveClient, verify_level: str,
                 poller: polling.Poller) -> None:
        """Create the recorder. No request is sent yet.

        :param verify_level: the verification level of the provider file.
        """
        self._client = client
        self._verify_level = verify_level
        self._poller = poller

    def list_accounts(self, instance_id: str) -> models.Accounts:
        """Return the databases and users for a later test restore.

        At other verification levels nothing is read, and both are None.
        """
        if self._verify_level != 'restore':
            return models.Accounts()
        return accounts.list_accounts(self._client, instance_id, self._poller)

    def record_manifest(self, bank: karbor_types.Bank, instance_id: str,
                        backup: models.Backup) -> None:
        """Store the etags and sizes of the backup's objects in Swift.

        :param backup: a complete backup.
        """
        location = backup.location
        if self._verify_level == 'backup' or not location or (
                not swift.is_in_swift(location)):
            return
        try:
            manifest = self._poller.wait_for(
                lambda: swift.get_manifest(self._client, location),
                self._poller.deadline(timeouts.READ_MANIFEST),
                '%s could not be read' % location)
        except errors.KarborTroveError as error:
            LOG.warning('The manifest of backup %s of instance %s could not '
                        'be recorded: %s', backup.id, instance_id, error)
            return
        with storage.log_bank_errors(
                'The manifest of backup %s of instance %s could not be '
                'recorded' % (backup.id, instance_id)):
            manifests.ManifestStore(bank, instance_id).write(backup.id,
                                                             manifest)
