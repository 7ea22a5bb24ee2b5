"""The fixtures that all unit tests may use."""

from tests.fake_trove.fixtures import bank
from tests.fake_trove.fixtures import checkpoint
from tests.fake_trove.fixtures import clock
from tests.fake_trove.fixtures import context
from tests.fake_trove.fixtures import fake_trove
from tests.fake_trove.fixtures import karbor_conf
from tests.fake_trove.fixtures import new_checkpoint
from tests.fake_trove.fixtures import release
from tests.fake_trove.fixtures import resource
from tests.fake_trove.fixtures import restore
from tests.fake_trove.fixtures import verify

__all__ = ['bank', 'checkpoint', 'clock', 'context', 'fake_trove',
           'karbor_conf', 'new_checkpoint', 'release', 'resource', 'restore',
           'verify']
