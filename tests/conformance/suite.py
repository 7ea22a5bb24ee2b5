"""Base class with all tests of the suite."""

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
    """All tests of the suite.

    They need a fixture `cloud`, which is a tests.conformance.cloud.Cloud.
    """
