"""What the benchmark reads in Karbor's process and in that of the server."""

import datetime
import http.client
import http.server
import json
import sqlite3
import threading
import time
import uuid

import pytest
import requests

from tests.benchmark import real_trove
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


@pytest.fixture
def http_server(monkeypatch):
    """The "host:port" of a server that has nothing."""
    for name in ('putrequest', 'getresponse'):
        # Undone after the test.
        monkeypatch.setattr(http.client.HTTPConnection, name,
                            getattr(http.client.HTTPConnection, name))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(0.05)
            self.send_error(404)

        do_DELETE = do_GET

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield '127.0.0.1:%d' % server.server_address[1]
        server.shutdown()


BACKUP = '/v1.0/0123456789abcdef0123456789abcdef/backups'


def test_requests_of_this_process_are_recorded_without_ids(http_server):
    recorder = recording.RequestRecorder({http_server: 'Trove'})
    start = time.time()
    for method, path in (
            ('GET', '/1e0fb0e8-4ed0-4fa4-9b1f-6a7f0b8a5a10'),
            ('GET', '/2e0fb0e8-4ed0-4fa4-9b1f-6a7f0b8a5a10'),
            ('GET', '?limit=5'), ('GET', '?limit=5&marker=5'),
            ('DELETE', '/2e0fb0e8-4ed0-4fa4-9b1f-6a7f0b8a5a10')):
        requests.request(method, 'http://%s%s%s' % (http_server, BACKUP, path))
    assert recorder.counts == {
        'Trove GET /v1.0/*/backups/*': 2, 'Trove GET /v1.0/*/backups': 1,
        'Trove GET /v1.0/*/backups (further page)': 1,
        'Trove DELETE /v1.0/*/backups/*': 1}
    assert 0.05 <= recorder.longest <= time.time() - start
    assert start < recorder.times[
        'DELETE', BACKUP + '/2e0fb0e8-4ed0-4fa4-9b1f-6a7f0b8a5a10']
    recorder.reset()
    assert not recorder.counts and not recorder.times
    assert recorder.longest == 0.0


def test_requests_to_other_servers_are_not_recorded(http_server):
    recorder = recording.RequestRecorder({'127.0.0.1:1': 'Trove'})
    requests.get('http://%s%s' % (http_server, BACKUP))
    assert not recorder.counts and recorder.longest == 0.0


class RealTrove:
    """A database of Trove, and the requests of this process to Trove."""

    def __init__(self, path):
        self.database = sqlite3.connect(path)
        self.database.execute(
            'CREATE TABLE backups (id, instance_id, created, updated, state, '
            'deleted, deleted_at)')
        self.database.execute(
            'CREATE TABLE instances (id, created, updated, deleted)')
        self.trove = real_trove.RealTrove({
            'servers': {}, 'database': str(path), 'instances': ['db-1']})
        self.start = self.trove._start

    def at(self, seconds):
        """Return a time after the reset, as Trove's database has it."""
        return datetime.datetime.fromtimestamp(
            self.start + seconds, datetime.timezone.utc
        ).replace(tzinfo=None).isoformat(' ')

    def add(self, table, *values):
        with self.database:
            self.database.execute('INSERT INTO %s VALUES (%s)' % (
                table, ', '.join('?' * len(values))), values)


@pytest.fixture
def real(tmp_path, http_server):
    return RealTrove(tmp_path / 'trove.sqlite')


def test_ends_and_durations_are_those_of_the_database_of_trove(real):
    real.add('backups', 'b-1', 'db-1', real.at(1.0), real.at(6.5),
             'COMPLETED', 0, None)
    real.add('instances', 'restored', real.at(7.0), real.at(10.25), 0)
    report = real.trove.report()
    assert report['instances'] == ['db-1']
    assert report['backup_ends'] == {
        'db-1': pytest.approx(real.start + 6.5, abs=1e-4)}
    assert report['restore_ends'] == {
        'restored': pytest.approx(real.start + 10.25, abs=1e-4)}
    assert report['deletion_ends'] == {}
    assert report['durations'] == {'backup': [pytest.approx(5.5, abs=1e-4)],
                                   'build': [pytest.approx(3.25, abs=1e-4)],
                                   'delete': []}


def test_what_is_older_or_incomplete_or_deleted_has_no_end(real):
    for values in (('b-1', 'db-1', -9.0, -1.0, 'COMPLETED', 0, None),
                   ('b-2', 'db-2', 1.0, 2.0, 'BUILDING', 0, None),
                   ('b-3', 'db-3', 1.0, 2.0, 'COMPLETED', 1, 3.0)):
        real.add('backups', *(real.at(value) if isinstance(value, float)
                              else value for value in values))
    real.add('instances', 'db-1', real.at(-9.0), real.at(-1.0), 0)
    real.add('instances', 'deleted', real.at(1.0), real.at(2.0), 1)
    report = real.trove.report()
    assert report['backup_ends'] == report['restore_ends'] == {}
    # This process did not request the deletion.
    assert report['deletion_ends'] == {}


def test_deletion_takes_from_its_request_until_trove_has_deleted(real):
    real.trove._recorder.times['DELETE', BACKUP + '/b-1'] = real.start + 1.0
    real.add('backups', 'b-1', 'db-1', real.at(-9.0), real.at(-1.0),
             'COMPLETED', 1, real.at(1.75))
    report = real.trove.report()
    assert report['deletion_ends'] == {
        'db-1': pytest.approx(real.start + 1.75, abs=1e-4)}
    assert report['durations']['delete'] == [pytest.approx(0.75, abs=1e-4)]


def test_time_without_microseconds_is_read():
    assert real_trove.parse_time('1970-01-02 00:00:01') == 86401.0


class Client:
    """Sends requests to the server of the benchmark, without a socket."""

    def __init__(self, path, **settings):
        self.clock = shared_clock.SharedClock.create(path)
        self._server = trove_server.Server({
            'clock': str(path), 'instances': 2, 'backup_seconds': 8.0,
            **settings})
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


def test_server_takes_the_seconds_of_its_settings(tmp_path):
    client = Client(tmp_path / 'clock', build_seconds=3.0,
                    delete_seconds=0.5)
    [instance_id, _] = client.send('GET', '/control/report')['instances']
    start = client.clock.time()
    backup_id = client.create_backup(instance_id)
    client.clock.skip(100.0)
    restored = client.send_to_trove('POST', '/instances', {'instance': {
        'name': 'restored', 'flavorRef': '1', 'volume': {'size': 1},
        'restorePoint': {'backupRef': backup_id}}})['instance']['id']
    client.clock.skip(100.0)
    client.send_to_trove('GET', '/instances/' + restored)
    client.send_to_trove('DELETE', '/backups/' + backup_id)
    report = client.send('GET', '/control/report')
    assert report['restore_ends'] == {
        restored: pytest.approx(start + 103.0, abs=1.0)}
    assert report['deletion_ends'] == {
        instance_id: pytest.approx(start + 200.5, abs=0.4)}


def test_urls_of_the_server_are_its_own(client):
    instance_id = client.send('GET', '/control/report')['instances'][0]
    backup_id = client.create_backup(instance_id)
    client.clock.skip(100.0)
    backup = client.send_to_trove('GET', '/backups/' + backup_id)['backup']
    assert backup['locationRef'].startswith('http://127.0.0.1:1/v1/AUTH_')
    assert uuid.UUID(backup['instance_id']) == uuid.UUID(instance_id)
