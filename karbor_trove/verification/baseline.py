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

"""What a protect notes for the verifications to come."""

from typing import Any

from oslo_log import log as logging

from karbor_trove.bank import manifests
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import options
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import accounts
from karbor_trove.trove import client
from karbor_trove.trove import models
from karbor_trove.trove import swift

LOG = logging.getLogger(__name__)


class BaselineRecorder:
    """Notes as much as the provider's level of verification needs.

    A Trove or a Swift that does not tell fails no protect: the verification
    says then what it could not compare.
    """

    def __init__(self, gateway: client.TroveClient, settings: options.Settings,
                 clock: polling.Clock) -> None:
        """Make it; nothing is asked yet."""
        self._gateway = gateway
        self._settings = settings
        self._clock = clock

    def accounts(self, instance_id: str) -> models.Accounts:
        """List databases and users, where a test restore compares them."""
        if self._settings.verify_level != 'restore':
            return models.Accounts()
        return accounts.list_accounts(
            self._gateway, instance_id,
            polling.Poller(self._settings.poll_interval, self._clock))

    def contents(self, bank: Any, instance_id: str,
                 backup: models.Backup) -> None:
        """Keep etags and lengths of what a complete backup has in Swift.

        :param bank: Karbor's Bank, its root.
        """
        location = backup.location
        if self._settings.verify_level == 'backup' or not location or (
                not location.startswith('http')):
            return
        try:
            found = polling.wait_for(
                lambda: swift.get_manifest(self._gateway, location),
                polling.Deadline(timeouts.READ_MANIFEST, self._clock),
                self._settings.poll_interval,
                '%s could not be looked at' % location)
        except errors.KarborTroveError as error:
            LOG.warning('What backup %s of instance %s is made of could not '
                        'be recorded: %s', backup.id, instance_id, error)
            return
        with storage.log_bank_errors('What backup %s of instance %s is made of could '
                                     'not be recorded' % (backup.id, instance_id)):
            manifests.ManifestStore(bank, instance_id).write(backup.id, found)
