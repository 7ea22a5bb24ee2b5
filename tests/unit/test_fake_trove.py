"""The conformance suite with the fake Trove, and its older releases."""

import email.utils
import inspect
import re

from karbor.services.protection import client_factory
import pytest
import requests
from troveclient import exceptions as trove_exceptions
from troveclient.v1 import backups

from tests.conformance import cloud as clouds
from tests.conformance import suite
from tests import fake_trove as fakes
from tests.fake_trove import fixtures
from tests.fake_trove import keystone
from tests.fake_trove import serialization
from tests.fake_trove import swift


class FakeCloud(clouds.Cloud):
    """The fake Trove. The behaviour that a name requests is set on it."""

    flavor_id = '1'
    network_id = fakes.NETWORK

    def __init__(self, fake, context):
        self.client = client_factory.ClientFactory.create_client(
            'trove', context)
        self.release = fake.release
        self.clock = fake.clock
        self.max_volume_size = fake.max_volume_size
        self._fake = fake
        fake.objects.segment_count = 3
        fake.private_flavors[self.private_flavor_id] = 512

    def build_name(self, behaviour):
        slow = re.match(r'slow-(backup|create)-(\d+)$', behaviour)
        if slow and slow[1] == 'backup':
            self._fake.next_backup('COMPLETED', float(slow[2]))
        elif slow:
            self._fake.next_instance('ACTIVE', float(slow[2]))
        elif behaviour == 'huge-backup':
            self._fake.next_backup('COMPLETED', size=500.0)
        elif behaviour == 'fail-backup':
            self._fake.next_backup('FAILED')
        elif behaviour in ('fail-create', 'fail-restore'):
            self._fake.next_instance('ERROR', fault='no database came up')
        return behaviour

    def lose_server(self, instance_id):
        self._fake.lose_server(instance_id)

    def return_server(self, instance_id):
        self._fake.return_server(instance_id)

    def get_shared_instance(self):
        for id_ in self._fake.instances:
            return id_
        return self._fake.add_instance(
            'shared', flavor_id=self.flavor_id, volume_size=1)


@pytest.fixture
def cloud(fake_trove, context):
    return FakeCloud(fake_trove, context)


class TestFakeTrove(suite.TroveBehaviour):
    """The tests that the real Trove passes as well."""


@pytest.mark.parametrize('release', ['zed'])
class TestFakeTrove18(suite.TroveBehaviour):
    """The tests that the real Trove 18 passes as well."""


@pytest.mark.parametrize('release, status, operating_status', [
    ('train', 'ACTIVE', None), ('ussuri', 'HEALTHY', None),
    ('victoria', 'HEALTHY', None), ('wallaby', 'ACTIVE', 'HEALTHY'),
    (26.0, 'ACTIVE', 'HEALTHY')])
def test_the_status_of_a_ready_instance_depends_on_the_release(
        cloud, resource, status, operating_status):
    instance = cloud.client.instances.get(resource.id).to_dict()
    assert instance['status'] == status
    assert instance.get('operating_status') == operating_status


@pytest.mark.parametrize('release, code', [(24, 422), (25, 500)])
def test_the_error_of_deleting_a_running_backup_depends_on_the_release(
        cloud, fake_trove, resource, code):
    backup_id = fake_trove.add_backup(resource.id, 'BUILDING')
    with clouds.http_error(code):
        cloud.client.backups.delete(backup_id)


@pytest.mark.parametrize('release', ['train'])
def test_an_old_release_has_fewer_properties(cloud, fake_trove, resource):
    backup_id = fake_trove.add_backup(resource.id)
    assert 'project_id' not in cloud.client.backups.get(backup_id).to_dict()
    with clouds.http_error(400):
        cloud.create(nics=[{'network_id': cloud.network_id}])


def test_quotas_count_failed_backups(cloud, fake_trove, resource):
    fake_trove.quotas.update(backups=1, volumes=3)
    fake_trove.add_backup(resource.id, 'FAILED')
    with clouds.http_error(413, "resources: ['backups']."):
        cloud.client.backups.create('nightly', resource.id)
    with clouds.http_error(413, "resources: ['volumes']."):
        cloud.create(volume={'size': 2})


@pytest.mark.skipif(
    'storage_driver' not in inspect.signature(
        backups.Backups.create).parameters,
    reason='this python-troveclient cannot send it')
def test_an_unknown_storage_driver_leaves_the_backup_new(
        cloud, clock, resource):
    backup = cloud.client.backups.create('nightly', resource.id,
                                         storage_driver='tape')
    clock.sleep(1e6)
    assert cloud.get_backup_status(backup.id) == 'NEW'


def test_a_member_of_a_cluster_cannot_be_backed_up(cloud, fake_trove):
    id_ = fake_trove.add_instance(cluster_id='cluster')
    assert not cloud.client.instances.list()
    with clouds.http_error(501, 'part of a cluster'):
        cloud.client.backups.create('nightly', id_)


def test_another_project_finds_no_instance_and_no_backup(
        cloud, fake_trove, resource):
    backup_id = fake_trove.add_backup(resource.id)
    other = client_factory.ClientFactory.create_client(
        'trove', fixtures.request_context('0' * 32))
    assert not other.instances.list()
    assert not other.backups.list()
    for get in (lambda: other.instances.get(resource.id),
                lambda: other.backups.get(backup_id)):
        with pytest.raises(trove_exceptions.NotFound):
            get()


def test_a_request_without_an_end_never_ends(
        cloud, fake_trove, clock, resource):
    fake_trove.next_backup(seconds=None)
    fake_trove.next_instance(seconds=None)
    fake_trove.next_delete()
    running = cloud.client.backups.create('nightly', resource.id)
    instance_id = cloud.create()
    deleted_id = fake_trove.add_backup(resource.id)
    cloud.client.backups.delete(deleted_id)
    clock.sleep(1e6)
    assert cloud.get_backup_status(running.id) == 'BUILDING'
    assert cloud.get_statuses(instance_id) == ('BUILD', '')
    assert cloud.get_backup_status(deleted_id) == 'COMPLETED'


def test_a_deletion_can_fail(cloud, fake_trove, clock, resource):
    fake_trove.next_delete('DELETE_FAILED', seconds=1)
    backup_id = fake_trove.add_backup(resource.id)
    cloud.client.backups.delete(backup_id)
    clock.sleep(1)
    assert cloud.get_backup_status(backup_id) == 'DELETE_FAILED'


def _get(cloud, path, service='database', **kw):
    return cloud.client.client.session.get(
        path, endpoint_filter={'service_type': service}, raise_exc=False, **kw)


@pytest.mark.parametrize('result, code, type_, text', [
    ('foreign-404', 404, 'text/html', '<center>nginx</center>'),
    ('foreign-404-text', 404, 'text/plain', 'default backend - 404'),
    ('foreign-200', 200, 'text/html', '<title>Sign in</title>')])
def test_a_load_balancer_can_answer_instead_of_any_service(
        cloud, fake_trove, resource, result, code, type_, text):
    fake_trove.fail('GET', '/instances/*', result)
    fake_trove.fail('GET', '/swift/*', result)
    path = '/instances/' + resource.id
    responses = [_get(cloud, path), _get(cloud, '/any', 'object-store')]
    fake_trove.fail('GET', '/keystone/v3', result)
    responses.append(requests.get(keystone.URL + '/v3'))
    for response in responses:
        assert response.status_code == code
        assert response.headers['Content-Type'] == type_
        assert text in response.text
        assert swift.TRANSACTION not in response.headers
    assert _get(cloud, path).json()['instance']['id'] == resource.id
    assert requests.get(keystone.URL + '/v3').json()['version']


def test_a_load_balancer_hides_a_request_from_trove(
        cloud, fake_trove, resource):
    backup_id = fake_trove.add_backup(resource.id)
    fake_trove.fail('DELETE', '/backups/*', 'foreign-404')
    with pytest.raises(trove_exceptions.NotFound):
        cloud.client.backups.delete(backup_id)
    assert cloud.get_backup_status(backup_id) == 'COMPLETED'


def test_each_service_has_its_own_form_of_an_error(cloud, fake_trove):
    fake_trove.fail('GET', '/backups', 404)
    fake_trove.fail('GET', '/swift/*', 404)
    assert 'itemNotFound' in _get(cloud, '/backups').json()
    response = _get(cloud, '/any', 'object-store')
    assert response.headers[swift.TRANSACTION]
    assert response.text.startswith('<html><h1>Not Found</h1>')
    fake_trove.fail('GET', '/keystone/v3', 404)
    assert 'error' in requests.get(keystone.URL + '/v3').json()


def test_faults_of_all_paths_are_no_faults_of_keystone(cloud, fake_trove):
    fake_trove.refuse_tokens()
    assert requests.get(keystone.URL + '/v3').status_code == 200


@pytest.mark.parametrize('offset', [0, 2, -700])
def test_the_date_can_differ_from_the_times_in_the_bodies(
        cloud, fake_trove, resource, offset):
    fake_trove.date_offset = offset
    responses = [_get(cloud, '/instances/' + resource.id)]
    fake_trove.fail('GET', '/instances/*', 'foreign-404')
    responses.append(_get(cloud, '/instances/' + resource.id))
    for response in responses:
        date = email.utils.parsedate_to_datetime(response.headers['Date'])
        assert date.timestamp() == fake_trove.clock.now() + offset
    assert responses[0].json()['instance']['created'] == (
        fake_trove.clock.utc().isoformat())


def test_the_ram_of_a_private_flavor_counts_in_the_quota(cloud, fake_trove):
    fake_trove.private_flavors['private'] = 8192
    fake_trove.quotas['ram'] = 8192
    cloud.create(flavorRef='private')
    with clouds.http_error(413, "resources: ['ram']."):
        cloud.create(flavorRef='1')
    with clouds.http_error(400, 'Resource gone cannot be found.'):
        cloud.create(flavorRef='gone')


def test_an_instance_without_a_server_looks_like_a_deleted_one_and_stays(
        cloud, fake_trove, clock, resource):
    lost = resource.id
    deleted = fake_trove.add_instance()
    fake_trove.next_delete(seconds=3600)
    cloud.client.instances.delete(deleted)
    fake_trove.lose_server(lost)
    for id_ in lost, deleted:
        assert cloud.get_statuses(id_) == ('SHUTDOWN', '')
    listed = {instance.id: instance.status
              for instance in cloud.client.instances.list()}
    assert listed == {lost: 'SHUTDOWN', deleted: 'SHUTDOWN'}
    clock.sleep(1e6)
    assert cloud.get_statuses(lost) == ('SHUTDOWN', '')
    assert cloud.get_statuses(deleted) == ('deleted', '')
    with clouds.http_error(422, 'is not ready'):
        cloud.client.backups.create('nightly', lost)


def test_a_creation_can_end_without_a_server(cloud, fake_trove, clock):
    fake_trove.next_instance('SHUTDOWN', 3)
    id_ = cloud.create()
    clock.sleep(1e6)
    assert cloud.get_statuses(id_) == ('SHUTDOWN', '')


class TestPagesOfBackups:
    """Offsets as markers, and lists that lack a backup."""

    @pytest.fixture(autouse=True)
    def ids(self, cloud, fake_trove, resource):
        self.fake = fake_trove
        self.client = cloud.client
        self.instance_id = resource.id
        self.newest_first = []
        for _ in range(6):
            self.newest_first.insert(0, fake_trove.add_backup(resource.id))
            fake_trove.clock.sleep(1)

    def list_pages(self, **kw):
        pages, marker = [], None
        while True:
            page = self.client.backups.list(marker=marker, **kw)
            pages.append([backup.id for backup in page])
            marker = page.next
            if marker is None:
                return pages

    @pytest.mark.parametrize('limit, largest', [(2, None), (1000, 2)])
    def test_markers_are_offsets_from_the_newest(self, limit, largest):
        self.fake.max_backup_limit = largest
        ids = self.newest_first
        # A full page has a next one, even if nothing is left.
        assert self.list_pages(limit=limit) == [
            ids[:2], ids[2:4], ids[4:], []]
        page = self.client.backups.list(limit=limit, marker=3)
        assert [backup.id for backup in page] == ids[3:5]

    def test_a_backup_deleted_between_two_pages_hides_another_one(self):
        newest, second, hidden, *older = self.newest_first
        self.fake.delete_between_pages(newest)
        assert self.list_pages(limit=2) == [
            [newest, second], older[:2], older[2:]]
        assert self.list_pages(limit=2) == [
            [second, hidden], older[:2], older[2:]]
        assert newest not in self.fake.backups

    def test_each_list_loses_one_backup(self):
        newest, second = self.newest_first[:2]
        self.fake.delete_between_pages(newest, second)
        self.list_pages(limit=2, instance_id=self.instance_id)
        assert set(self.newest_first) - set(self.fake.backups) == {newest}
        self.list_pages(limit=2)
        assert set(self.newest_first) - set(self.fake.backups) == {
            newest, second}

    def test_a_list_of_one_page_loses_no_backup(self):
        self.fake.delete_between_pages(self.newest_first[0])
        assert self.list_pages(limit=1000) == [self.newest_first]
        assert set(self.fake.backups) == set(self.newest_first)


class TestObjects:
    """The fake Swift: plain objects, manifests and their deletion."""

    DELETE = {'multipart-manifest': 'delete'}

    @pytest.fixture(autouse=True)
    def stored(self, cloud, fake_trove, resource):
        self.fake = fake_trove
        self.session = cloud.client.client.session
        self.url = serialization.location(
            fake_trove.backups[fake_trove.add_backup(resource.id)])

    def send(self, method, url=None, **kw):
        return self.session.request(
            url or self.url, method, raise_exc=False, **kw)

    @pytest.mark.parametrize('accept, status', [
        ('*/*', '\nResponse Status: 400 Bad Request\n'),
        ('application/json', '"Response Status": "400 Bad Request"')])
    def test_a_plain_object_is_not_deleted_as_a_manifest(
            self, accept, status):
        self.fake.objects.segment_count = 0
        response = self.send('DELETE', params=self.DELETE,
                             headers={'Accept': accept})
        assert response.status_code == 200
        assert status in response.text
        assert 'Not an SLO manifest' in response.text
        assert self.send('HEAD').status_code == 200
        assert self.fake.objects.list_urls() == {self.url}

    def test_a_plain_object_has_no_manifest_header_and_can_be_deleted(self):
        self.fake.objects.segment_count = 0
        headers = self.send('HEAD').headers
        assert 'X-Static-Large-Object' not in headers
        assert headers['Etag'] and headers[swift.TRANSACTION]
        assert self.send('DELETE').status_code == 204
        assert self.send('HEAD').status_code == 404
        assert not self.fake.objects.list_urls()

    def test_a_plain_object_can_be_written(self):
        url = self.url + '.other'
        assert self.send('PUT', url, data='bytes').status_code == 201
        response = self.send('DELETE', url, params=self.DELETE)
        assert 'Not an SLO manifest' in response.text
        assert self.send('HEAD', url).headers['Content-Length'] == '5'

    def test_a_manifest_is_deleted_with_its_segments(self):
        response = self.send('DELETE', params=self.DELETE,
                             headers={'Accept': 'application/json'})
        assert response.json() == {
            'Response Status': '200 OK', 'Response Body': '', 'Errors': [],
            'Number Deleted': 4, 'Number Not Found': 0}
        for url in [self.url, *self.fake.objects.segment_urls(self.url)]:
            assert self.send('HEAD', url).status_code == 404

    def test_a_manifest_can_be_deleted_without_its_segments(self):
        assert self.send('DELETE').status_code == 204
        assert self.send('HEAD').status_code == 404
        for url in self.fake.objects.segment_urls(self.url):
            assert self.send('HEAD', url).status_code == 200

    def test_a_missing_object_is_no_error_of_a_deletion(self):
        response = self.send('DELETE', self.url + '.other',
                             params=self.DELETE)
        assert response.status_code == 200
        assert 'Number Not Found: 1\n' in response.text
        assert self.send('DELETE', self.url + '.other').status_code == 404
