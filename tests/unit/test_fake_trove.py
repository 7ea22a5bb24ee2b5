"""The fake Trove behaves as the real one does, and as older ones did."""

import re

from karbor.services.protection import client_factory
import pytest
from troveclient import exceptions as trove_exceptions

from tests.conformance import cloud as clouds
from tests.conformance import suite
from tests import fake_trove as fakes
from tests.fake_trove import fixtures


class FakeCloud(clouds.Cloud):
    """The fake, which is told beforehand what a name would ask for."""

    flavor_id = '1'
    network_id = fakes.NETWORK

    def __init__(self, fake, context):
        self.client = client_factory.ClientFactory.create_client(
            'trove', context)
        self.clock = fake.clock
        self.max_volume_size = fake.max_volume_size
        self._fake = fake
        fake.objects.segment_count = 3

    def named(self, words):
        slow = re.match(r'slow-(backup|create)-(\d+)$', words)
        if slow and slow[1] == 'backup':
            self._fake.next_backup('COMPLETED', float(slow[2]))
        elif slow:
            self._fake.next_instance('ACTIVE', float(slow[2]))
        elif words == 'huge-backup':
            self._fake.next_backup('COMPLETED', size=500.0)
        elif words == 'fail-backup':
            self._fake.next_backup('FAILED')
        elif words in ('fail-create', 'fail-restore'):
            self._fake.next_instance('ERROR', fault='no database came up')
        return words

    def instance(self):
        for id_ in self._fake.instances:
            return id_
        return self._fake.add_instance(
            'shared', flavor_id=self.flavor_id, volume_size=1)


@pytest.fixture
def cloud(fake_trove, context):
    return FakeCloud(fake_trove, context)


class TestFakeTrove(suite.TroveBehaviour):
    """All that is asserted of the real one."""


@pytest.mark.parametrize('release, ready, told', [
    ('train', 'ACTIVE', None), ('ussuri', 'HEALTHY', None),
    ('victoria', 'HEALTHY', None), ('wallaby', 'ACTIVE', 'HEALTHY'),
    (26.0, 'ACTIVE', 'HEALTHY')])
def test_a_ready_instance_is_called_differently(
        cloud, resource, ready, told):
    instance = cloud.client.instances.get(resource.id).to_dict()
    assert instance['status'] == ready
    assert instance.get('operating_status') == told


@pytest.mark.parametrize('release, code', [(24, 422), (25, 500)])
def test_deleting_a_running_backup_is_refused_differently(
        cloud, fake_trove, resource, code):
    backup_id = fake_trove.add_backup(resource.id, 'BUILDING')
    with clouds.refused(code):
        cloud.client.backups.delete(backup_id)


@pytest.mark.parametrize('release', ['train'])
def test_an_old_release_knows_less(cloud, fake_trove, resource):
    backup_id = fake_trove.add_backup(resource.id)
    assert 'project_id' not in cloud.client.backups.get(backup_id).to_dict()
    with clouds.refused(400):
        cloud.create(nics=[{'network_id': cloud.network_id}])


def test_quotas_count_failed_backups(cloud, fake_trove, resource):
    fake_trove.quotas.update(backups=1, volumes=3)
    fake_trove.add_backup(resource.id, 'FAILED')
    with clouds.refused(413, "resources: ['backups']."):
        cloud.client.backups.create('nightly', resource.id)
    with clouds.refused(413, "resources: ['volumes']."):
        cloud.create(volume={'size': 2})


def test_an_unknown_storage_driver_leaves_the_backup_new(
        cloud, clock, resource):
    made = cloud.client.backups.create('nightly', resource.id,
                                       storage_driver='tape')
    clock.sleep(1e6)
    assert cloud.status(made.id) == 'NEW'


def test_a_member_of_a_cluster_is_not_backed_up(cloud, fake_trove):
    id_ = fake_trove.add_instance(cluster_id='cluster')
    assert not cloud.client.instances.list()
    with clouds.refused(501, 'part of a cluster'):
        cloud.client.backups.create('nightly', id_)


def test_another_project_sees_nothing(cloud, fake_trove, resource):
    backup_id = fake_trove.add_backup(resource.id)
    other = client_factory.ClientFactory.create_client(
        'trove', fixtures.request_context('0' * 32))
    assert not other.instances.list()
    assert not other.backups.list()
    for look in (lambda: other.instances.get(resource.id),
                 lambda: other.backups.get(backup_id)):
        with pytest.raises(trove_exceptions.NotFound):
            look()


def test_what_hangs_never_ends(cloud, fake_trove, clock, resource):
    fake_trove.next_backup(seconds=None)
    fake_trove.next_instance(seconds=None)
    fake_trove.next_delete()
    made = cloud.client.backups.create('nightly', resource.id)
    new = cloud.create()
    kept = fake_trove.add_backup(resource.id)
    cloud.client.backups.delete(kept)
    clock.sleep(1e6)
    assert cloud.status(made.id) == 'BUILDING'
    assert cloud.states(new) == ('BUILD', '')
    assert cloud.status(kept) == 'COMPLETED'


def test_a_delete_can_fail(cloud, fake_trove, clock, resource):
    fake_trove.next_delete('DELETE_FAILED', seconds=1)
    backup_id = fake_trove.add_backup(resource.id)
    cloud.client.backups.delete(backup_id)
    clock.sleep(1)
    assert cloud.status(backup_id) == 'DELETE_FAILED'
