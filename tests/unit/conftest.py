"""Fixtures of all unit tests."""

import random
import threading

import hypothesis
import pytest

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
from tests.fake_trove import keystone
from tests.unit.plugin_fixtures import before_post
from tests.unit.plugin_fixtures import build_resource
from tests.unit.plugin_fixtures import ca_file
from tests.unit.plugin_fixtures import delete
from tests.unit.plugin_fixtures import do_restore
from tests.unit.plugin_fixtures import do_verify
from tests.unit.plugin_fixtures import in_threads
from tests.unit.plugin_fixtures import journal
from tests.unit.plugin_fixtures import list_temporary
from tests.unit.plugin_fixtures import make_plugin
from tests.unit.plugin_fixtures import other_swift
from tests.unit.plugin_fixtures import plugin
from tests.unit.plugin_fixtures import protect
from tests.unit.plugin_fixtures import protect_at
from tests.unit.plugin_fixtures import provider_conf
from tests.unit.plugin_fixtures import section
from tests.unit.plugin_fixtures import temporary_journal
from tests.unit.plugin_fixtures import verify_at

__all__ = ['bank', 'before_post', 'build_resource', 'ca_file', 'checkpoint',
           'clock', 'context', 'delete', 'do_restore', 'do_verify',
           'fake_trove', 'in_threads', 'journal', 'karbor_conf',
           'list_temporary', 'make_plugin', 'new_checkpoint', 'other_swift',
           'plugin', 'protect', 'protect_at', 'provider_conf', 'release',
           'resource', 'restore', 'section', 'temporary_journal', 'verify',
           'verify_at']

# The examples have no time limit, because it would depend on the machine, and
# every run has the same examples. `--hypothesis-profile=explore` has new ones:
# pytest loads it after this file.
hypothesis.settings.register_profile(
    'unhurried', deadline=None, derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile(
    'explore', hypothesis.settings.get_profile('unhurried'),
    derandomize=False)
hypothesis.settings.load_profile('unhurried')


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch):
    """Make the pauses between polls the same in every run."""
    monkeypatch.setattr(random, 'uniform', lambda low, high: 1.0)


@pytest.fixture
def refused_discovery(fake_trove, monkeypatch):
    """Let a proxy answer the discovery of Keystone's versions with 401."""
    # With this lock an auth plugin that needs its own token fails. With
    # keystoneauth1's lock it would wait without end.
    monkeypatch.setattr(threading, 'Lock', threading.RLock)
    fake_trove.mocker.get(keystone.URL + '/v3', status_code=401, text='')
