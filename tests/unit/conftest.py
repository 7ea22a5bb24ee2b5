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
from tests.unit.plugin_fixtures import delete
from tests.unit.plugin_fixtures import do_restore
from tests.unit.plugin_fixtures import do_verify
from tests.unit.plugin_fixtures import in_threads
from tests.unit.plugin_fixtures import journal
from tests.unit.plugin_fixtures import make_plugin
from tests.unit.plugin_fixtures import notes
from tests.unit.plugin_fixtures import plugin
from tests.unit.plugin_fixtures import protect
from tests.unit.plugin_fixtures import protect_at
from tests.unit.plugin_fixtures import provider_conf
from tests.unit.plugin_fixtures import section
from tests.unit.plugin_fixtures import temporary
from tests.unit.plugin_fixtures import verify_at

__all__ = ['bank', 'checkpoint', 'clock', 'context', 'delete', 'do_restore',
           'do_verify', 'fake_trove', 'in_threads', 'karbor_conf', 'journal',
           'make_plugin', 'new_checkpoint', 'notes', 'plugin', 'protect',
           'protect_at', 'provider_conf', 'release', 'resource', 'restore',
           'section', 'temporary', 'verify', 'verify_at']

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
