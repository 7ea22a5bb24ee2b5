"""The fixtures that all unit tests may use."""

import hypothesis

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

# How long an example takes is the machine's, not ours, and a run is like the
# last one: `--hypothesis-profile=explore` goes where none has been.
hypothesis.settings.register_profile(
    'unhurried', deadline=None, derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile(
    'explore', hypothesis.settings.get_profile('unhurried'),
    derandomize=False)
if hypothesis.settings.get_current_profile_name() != 'explore':
    hypothesis.settings.load_profile('unhurried')
