# SPDX-License-Identifier: Apache-2.0

"""Baseline: data that a protect operation records for later verifications.

A protect operation does not fail if Trove or Swift returns nothing to record.
In that case the verification reports what it could not compare.
"""

from oslo_log import log as logging

from karbor_trove.bank import manifests
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import accounts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import swift

LOG = logging.getLogger(__name__)


def list_accounts(client: trove_client.TroveClient, instance_id: str,
                  verify_level: str, poller: polling.Poller
                  ) -> models.Accounts:
    """Return the databases and users of an instance, for its baseline.

    A later test restore checks that the temporary instance has these databases
    and users. If the verification level is not `restore`, no request is sent,
    and both lists in the result are None.

    :param verify_level: the verification level of the provider.
    :returns: the names. None in place of a list that Trove did not return.
    """
    if verify_level != 'restore':
        return models.Accounts()
    return accounts.list_accounts(client, instance_id, poller)


def record_manifest(client: trove_client.TroveClient, bank: karbor_types.Bank,
                    instance_id: str, backup: models.Backup,
                    verify_level: str, poller: polling.Poller) -> None:
    """Store the manifest of a backup in the bank.

    The manifest has the etags and the sizes of the backup's objects in Swift.
    Nothing is stored if the verification level is `backup`, or if the backup
    is not in Swift. If Swift or the bank fails, the error is only logged.

    :param instance_id: the id of the original instance.
    :param backup: a backup with the status COMPLETED.
    :param verify_level: the verification level of the provider.
    """
    if verify_level == 'backup' or not swift.is_in_swift(backup.location):
        return
    location = str(backup.location)
    try:
        manifests.ManifestStore(bank, instance_id).write(
            backup.id, poller.wait_for(
                lambda: swift.get_manifest(client, location),
                poller.deadline(timeouts.READ_MANIFEST),
                '%s could not be read' % location))
    except errors.KarborTroveError as error:
        LOG.warning('The manifest of backup %s of instance %s could not be '
                    'recorded: %s', backup.id, instance_id, error)
