"""What the benchmark reads in Karbor's process and in that of the server."""

import json
import uuid

import pytest

from tests.benchmark import recording
from tests.benchmark import sampling
from tests.benchmark import shared_clock
from tests.benchmark import trove_server
from tests.fake_trove import cloud


@pytest.mark.parametrize('module, part', [
    ('taskflow.engines.action_engine.engine', 'flow engine'),
    ('karbor.services.protection.checkpoint', 'Karbor'),
    ('karbor.services.protection.bank_plugins.file_system', 'bank'),
    ('karbor.services.protection.protection_plugins.database', 'plugin'),
    ('karbor_trove.polling', 'plugin'), ('urllib3', 'clients'),
    ('json.decoder', None), ('threading', None)])
def test_module_belongs_to_a_part(module, part):
    assert sampling.find_part(module) == part


def test_library_function_counts_for_its_caller():
    namespace = {'__name__': 'karbor_trove.polling'}
    exec('import json, sys\n'
         'class Hook:\n'
         '    def __init__(self, sample): self.sample = sample\n'
         'def poll(profile):\n'
         '    json.loads("1", parse_int=lambda text: '
         'profile._sample(0, sys._getframe(1)))\n', namespace)
    profile = sampling.Profile()
    namespace['poll'](profile)
    assert profile.shares() == {'plugin': 1.0}
    assert list(profile.functions()) == ['karbor_trove.polling.poll']


def test_memory_of_this_process_is_read():
    assert 1.0 < sampling.read_memory('VmRSS') <= sampling.read_memory(
        'VmHWM')


def test_requests_to_the_bank_and_statuses_are_recorded(bank):
    recorder = recording.BankRecorder(bank._plugin)
    section = bank.get_sub_section('/checkpoints/1/resource-data/2')
    section.update_object('status', 'protecting')
    section.update_object('metadata', {})
    section.update_object('status', 'available')
    section.get_object('status')
    assert recorder.counts == {'update_object': 3, 'get_object': 1}
    assert list(recorder.find_times('available')) == ['2']
    recorder.reset()
    assert not recorder.counts and not recorder.find_times('available')


def test_time_of_the_last_status_of_a_record_is_kept(restore):
    times = recording.record_updates(restore)
    restore.update_resource_status('type', 'id', 'restoring')
    first = times['id']
    restore.update_resource_status('type', 'id', 'available', 'reason')
    assert times['id'] > first
    assert restore.resources_status == {'type#id': 'available'}


class Client:
    """Sends requests to the server of the benchmark, without a socket."""

    def __init__(self, path):
        self.clock = shared_clock.SharedClock.create(path)
        self._server = trove_server.Server({
            'clock': str(path), 'instances': 2, 'backup_seconds': 8.0})
        self._server.url = 'http://127.0.0.1:1'

    def send(self, method, path, body=None):
        status, _, text = self._server.serve(
            method, path, json.dumps(body) if body else '')
        assert status < 400, text
        return json.loads(text) if text else None

    def send_to_trove(self, method, path, body=None):
        return self.send(method, '/v1.0/%s%s' % (cloud.PROJECT, path), body)

    def create_backup(self, instance_id):
        return self.send_to_trove('POST', '/backups', {'backup': {
            'instance': instance_id, 'name': 'nightly'}})['backup']['id']


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path / 'clock')


def test_server_counts_requests_without_ids(client):
    first, second = client.send('GET', '/control/report')['instances']
    client.send_to_trove('GET', '/instances/' + first)
    client.send_to_trove('GET', '/instances/' + second)
    client.send_to_trove('GET', '/backups?limit=5')
    client.send_to_trove('GET', '/backups?limit=5&marker=5')
    client.send('POST', '/v3/auth/tokens')
    assert client.send('GET', '/control/report')['requests'] == {
        'Trove GET /v1.0/*/instances/*': 2, 'Trove GET /v1.0/*/backups': 1,
        'Trove GET /v1.0/*/backups (further page)': 1,
        'Keystone POST /v3/auth/tokens': 1}
    client.send('POST', '/control/reset')
    assert client.send('GET', '/control/report')['requests'] == {}


def test_server_reports_the_ends_of_backups_and_deletions(client):
    instance_id = client.send('GET', '/control/report')['instances'][0]
    start = client.clock.time()
    backup_id = client.create_backup(instance_id)
    client.clock.skip(7.0)
    assert client.send('GET', '/control/report')['backup_ends'] == {}
    client.clock.skip(100.0)
    assert client.send('GET', '/control/report')['backup_ends'] == {
        instance_id: pytest.approx(start + 8.0, abs=1.0)}
    client.send_to_trove('DELETE', '/backups/' + backup_id)
    assert client.send('GET', '/control/report')['deletion_ends'] == {
        instance_id: pytest.approx(
            start + 107.0 + trove_server.DELETE_SECONDS, abs=1.0)}


def test_urls_of_the_server_are_its_own(client):
    instance_id = client.send('GET', '/control/report')['instances'][0]
    backup_id = client.create_backup(instance_id)
    client.clock.skip(100.0)
    backup = client.send_to_trove('GET', '/backups/' + backup_id)['backup']
    assert backup['locationRef'].startswith('http://127.0.0.1:1/v1/AUTH_')
    assert uuid.UUID(backup['instance_id']) == uuid.UUID(instance_id)
