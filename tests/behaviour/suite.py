"""The whole of it, to be inherited by a class of tests."""

from tests.behaviour import accounts
from tests.behaviour import backups
from tests.behaviour import instances
from tests.behaviour import objects
from tests.behaviour import restores


class TroveBehaviour(instances.InstanceBehaviour, backups.BackupBehaviour,
                     restores.RestoreBehaviour, accounts.AccountBehaviour,
                     objects.ObjectBehaviour):
    """Needs a fixture `cloud`, a tests.behaviour.cloud.Cloud."""
