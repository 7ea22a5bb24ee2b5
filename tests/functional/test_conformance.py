"""The sandbox's real Trove behaves as we rely on, and as the fake does."""

import contextlib
import itertools
import time

import pytest
from troveclient import client as trove_client
from troveclient import exceptions as trove_exceptions

from tests.conformance import cloud as clouds
from tests.conformance import suite
from tests.sandbox.services import cloud as offered


class RealTime:
    now = staticmethod(time.time)
    sleep = staticmethod(time.sleep)


class RealCloud(clouds.Cloud):
    """The sandbox's Trove as its tenant uses it."""

    clock = RealTime()
    flavor_id = '1'
    network_id = offered.NETWORK
    datastore = offered.DATASTORE
    version = offered.VERSION
    inactive_version = offered.INACTIVE_VERSION
    max_volume_size = 1000

    def __init__(self, session):
        self.client = trove_client.Client('1.0', session=session)
        self._numbers = itertools.count()
        self._shared = self.create_instance('shared')

    def named(self, words):
        """The sandbox's guest does what the name says."""
        return '%s %d' % (words, next(self._numbers))

    def instance(self):
        return self._shared

    def kept(self):
        """The ids of all instances and of all backups."""
        return ({of.id for of in self._all(self.client.instances)},
                {of.id for of in self._all(self.client.backups)})

    def remove_all_but(self, instances, backups):
        now_instances, now_backups = self.kept()
        for id_ in now_backups - backups:
            self.wait(lambda: self.status(id_) not in ('NEW', 'BUILDING'))
            with contextlib.suppress(trove_exceptions.NotFound):
                self.client.backups.delete(id_)
        for id_ in now_instances - instances:
            self.wait(lambda: self.states(id_)[0] != 'BUILD')
            with contextlib.suppress(trove_exceptions.NotFound):
                self.client.instances.delete(id_)
        self.wait(lambda: self._no_more_than(instances, backups))

    def _no_more_than(self, instances, backups):
        now_instances, now_backups = self.kept()
        return now_instances <= instances and now_backups <= backups

    def _all(self, manager):
        marker = None
        while True:
            page = manager.list(marker=marker)
            yield from page
            marker = page.next
            if marker is None:
                break


@pytest.fixture(scope='module')
def tenants_cloud(sandbox):
    cloud = RealCloud(sandbox.session(user='tenant'))
    yield cloud
    cloud.client.instances.delete(cloud.instance())
    cloud.wait(lambda: cloud.states(cloud.instance())[0] == 'gone')


@pytest.fixture
def cloud(tenants_cloud):
    before = tenants_cloud.kept()
    yield tenants_cloud
    tenants_cloud.remove_all_but(*before)


class TestRealTrove(suite.TroveBehaviour):
    """All that the unit tests' fake does as well."""
