"""The conformance suite with the real Trove of the sandbox."""

import contextlib
import itertools
import time

import pytest
from troveclient import client as trove_client
from troveclient import exceptions as trove_exceptions

from tests.conformance import cloud as clouds
from tests.conformance import suite
from tests.functional import trove_release
from tests.sandbox.services import cloud as catalog


class RealTime:
    now = staticmethod(time.time)
    sleep = staticmethod(time.sleep)


class RealCloud(clouds.Cloud):
    """The sandbox's Trove and the project of its user `tenant`."""

    release = trove_release.RELEASE
    clock = RealTime()
    flavor_id = '1'
    network_id = catalog.NETWORK
    datastore = catalog.DATASTORE
    version = catalog.VERSION
    inactive_version = catalog.INACTIVE_VERSION
    max_volume_size = 1000

    def __init__(self, sandbox):
        self._sandbox = sandbox
        self.client = trove_client.Client(
            '1.0', session=sandbox.session(user='tenant'))
        self._numbers = itertools.count()
        self._shared_id = self.create_instance('shared')

    def build_name(self, behaviour):
        """Return a name that makes the sandbox's guest agent misbehave."""
        return '%s %d' % (behaviour, next(self._numbers))

    def get_shared_instance(self):
        return self._shared_id

    def lose_server(self, instance_id):
        self._sandbox.lose_servers(instance_id)

    def return_server(self, instance_id):
        self._sandbox.lose_servers()

    def list_ids(self):
        """Return the ids of all instances and of all backups."""
        return ({instance.id
                 for instance in self._list(self.client.instances)},
                {backup.id for backup in self._list(self.client.backups)})

    def delete_configurations(self, kept):
        """Delete all configuration groups except for these."""
        for group in self.list_configurations():
            if group['id'] not in kept:
                self.client.configurations.delete(group['id'])

    def delete_others(self, instances, backups):
        """Delete everything but these instances and backups."""
        now_instances, now_backups = self.list_ids()
        for id_ in now_backups - backups:
            self.wait_for(lambda: self.get_backup_status(id_) not in (
                'NEW', 'BUILDING'))
            with contextlib.suppress(trove_exceptions.NotFound):
                self.client.backups.delete(id_)
        for id_ in now_instances - instances:
            self.wait_for(lambda: self.get_statuses(id_)[0] != 'BUILD')
            with contextlib.suppress(trove_exceptions.NotFound):
                self.client.instances.delete(id_)
        self.wait_for(lambda: self._has_no_others(instances, backups))

    def _has_no_others(self, instances, backups):
        now_instances, now_backups = self.list_ids()
        return now_instances <= instances and now_backups <= backups

    def _list(self, manager):
        marker = None
        while True:
            page = manager.list(marker=marker)
            yield from page
            marker = page.next
            if marker is None:
                break


@pytest.fixture(scope='module')
def real_cloud(sandbox):
    cloud = RealCloud(sandbox)
    yield cloud
    instance_id = cloud.get_shared_instance()
    cloud.client.instances.delete(instance_id)
    cloud.wait_for(lambda: cloud.get_statuses(instance_id)[0] == 'deleted')


@pytest.fixture
def cloud(real_cloud):
    before = real_cloud.list_ids()
    groups = {group['id'] for group in real_cloud.list_configurations()}
    yield real_cloud
    real_cloud.delete_others(*before)
    real_cloud.delete_configurations(groups)


class TestRealTrove(suite.TroveBehaviour):
    """The tests that the fake Trove passes as well."""
