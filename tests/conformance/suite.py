"""The complete suite, as a base class of tests."""

from tests.conformance import accounts
from tests.conformance import backups
from tests.conformance import configurations
from tests.conformance import instances
from tests.conformance import restores
from tests.conformance import swift


class TroveBehaviour(instances.InstanceBehaviour, backups.BackupBehaviour,
                     restores.RestoreBehaviour, accounts.AccountBehaviour,
                     configurations.ConfigurationBehaviour,
                     swift.ObjectBehaviour):
    """Tests that need a fixture `cloud`, a tests.conformance.cloud.Cloud."""
