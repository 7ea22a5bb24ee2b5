"""State of Trove and the bank after a protect."""

import inspect

from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import graph
import pytest
from troveclient.v1 import backups

from karbor_trove.bank import resource_status
from tests.fake_trove import cloud


def get_only(mapping):
    [value] = mapping.values()
    return value


def test_backup_has_the_users_name_and_description(protect, fake_trove):
    protect(backup_name=' Nightly ', description='before the "sale"')
    backup = get_only(fake_trove.backups)
    assert backup['name'] == ' Nightly '
    assert backup['description'] == 'before the "sale"'
    assert backup['status'] == 'COMPLETED'


@pytest.mark.parametrize('parameters', [
    {}, {'backup_name': None, 'description': None},
    {'backup_name': '', 'description': ''}])
def test_default_name_and_description_have_both_ids(
        protect, fake_trove, checkpoint, resource, parameters):
    protect(**parameters)
    backup = get_only(fake_trove.backups)
    for text in backup['name'], backup['description']:
        assert checkpoint.id in text
        assert resource.id in text


@pytest.mark.parametrize('key', ['backup_name', 'description'])
@pytest.mark.parametrize('value', ['---', ' ', 'x' * 256, 'two\nlines',
                                   '\u6570\u636e'])
def test_protect_rejects_invalid_names_before_any_request(
        protect, fake_trove, section, key, value):
    with pytest.raises(exception.CreateResourceFailed) as raised:
        protect(**{key: value})
    assert key in str(raised.value)
    assert repr(value) in str(raised.value)
    assert not fake_trove.requests
    assert section.get_object('status') == 'error'


@pytest.mark.parametrize('hook', ['on_prepare_begin', 'on_main'])
def test_protect_with_an_invalid_option_fails_before_any_request(
        make_plugin, checkpoint, resource, context, fake_trove, section,
        hook):
    checkpoint.resource_graph = graph.build_graph(
        [resource], lambda node: [])
    operation = make_plugin(backup_timeout='soon').get_protect_operation(
        resource)
    with pytest.raises(exception.CreateResourceFailed,
                       match='backup_timeout'):
        getattr(operation, hook)(checkpoint, resource, context, {})
    assert section.get_object('status') == 'error'
    assert not fake_trove.requests


def test_protect_records_what_a_restore_needs(
        protect, fake_trove, section, resource):
    fake_trove.configurations['tuned'] = {}
    fake_trove.instances[resource.id].update(
        configuration_id='tuned', locality='affinity', replica_of='source',
        access={'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']})
    protect(backup_name='nightly')
    document = section.get_object('metadata')
    backup_id = get_only(fake_trove.backups)['id']
    assert document == {
        'record_version': 1,
        'instance_id': resource.id, 'name': 'orders',
        'flavor': {'id': '2'}, 'size': 2,
        'datastore': {'type': 'postgresql', 'version': '18',
                      'version_number': '18',
                      'version_id': '2f67e56a-0266-5c2b-a31e-d0b73b543592'},
        'network_id': cloud.NETWORK,
        'access': {'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']},
        'configuration_id': 'tuned', 'configuration': {
            'name': 'group', 'datastore': 'postgresql',
            'datastore_version': '18', 'values': {}}, 'region': 'RegionOne',
        'locality': 'affinity', 'replica_of': 'source',
        'backup_id': backup_id, 'backup_name': 'nightly',
        'backup_size': 0.1, 'databases': None, 'users': None}
    assert section.get_object('status') == 'available'


def test_record_is_written_before_the_request(
        protect, fake_trove, section, monkeypatch):
    document = {}
    original_create = fake_trove._on_backups.create

    def create(project_id, body):
        document.update(section.get_object('metadata'),
                        status=section.get_object('status'))
        return original_create(project_id, body)

    monkeypatch.setattr(fake_trove._on_backups, 'create', create)
    protect(backup_name='nightly')
    assert document['status'] == 'protecting'
    assert document['backup_name'] == 'nightly'
    assert document['backup_id'] is None


def test_protect_fails_after_backup_timeout_and_records_the_backup(
        make_plugin, checkpoint, resource, context, fake_trove, section,
        clock):
    fake_trove.next_backup(seconds=None)
    start_time = clock.now()
    with pytest.raises(exception.CreateResourceFailed, match='given up after'):
        make_plugin(poll_interval=7000, restore_timeout=1,
                    delete_timeout=1).get_protect_operation(
            resource).on_main(checkpoint, resource, context, {})
    assert clock.now() - start_time == pytest.approx(86400)
    assert (section.get_object('metadata')['backup_id']
            == get_only(fake_trove.backups)['id'])
    assert section.get_object('status') == 'error'


@pytest.mark.parametrize('status', ['FAILED', 'DELETE_FAILED'])
def test_failed_backup_fails_the_protect_and_stays_recorded(
        protect, fake_trove, section, status):
    fake_trove.next_backup(status=status)
    with pytest.raises(exception.CreateResourceFailed, match=status):
        protect()
    assert (section.get_object('metadata')['backup_id']
            == get_only(fake_trove.backups)['id'])
    assert section.get_object('status') == 'error'


def test_record_has_the_backup_id_while_the_backup_runs(
        protect, fake_trove, section, clock, monkeypatch):
    backup_ids = []
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds, *_: (
        backup_ids.append(section.get_object('metadata')['backup_id']),
        sleep(seconds)))
    protect()
    assert set(backup_ids) == {get_only(fake_trove.backups)['id']}


def test_protect_fails_when_the_backup_disappears(protect, fake_trove, clock):
    sleep = clock.sleep
    clock.sleep = lambda seconds, *_: (
        fake_trove.backups.clear(), sleep(seconds))
    with pytest.raises(exception.CreateResourceFailed,
                       match='cannot be found'):
        protect()
    assert len(fake_trove.find_requests('GET', '/backups/*')) == 1


@pytest.mark.parametrize('release', ['train', 'ussuri', 'victoria',
                                     'wallaby', 26.0])
class TestReleases:
    def test_protect_succeeds_with_each_release(
            self, protect, fake_trove, release):
        protect()
        assert get_only(fake_trove.backups)['status'] == 'COMPLETED'


@pytest.mark.parametrize('status', [
    'NEW', 'BUILD', 'REBOOT', 'RESIZE', 'BACKUP', 'PROMOTE', 'EJECT',
    'UPGRADE', 'DETACH', 'BLOCKED', 'UNKNOWN', 'LATER_INVENTION'])
def test_protect_waits_for_a_busy_instance(
        protect, fake_trove, resource, clock, status):
    instance = fake_trove.instances[resource.id]
    instance['status'] = status
    fake_trove.timeline.after(30, lambda at: instance.update(status='ACTIVE'))
    start_time = clock.now()
    protect()
    [request] = fake_trove.find_requests('POST', '/backups')
    assert request.at - start_time >= 30


def test_protect_backs_up_an_instance_that_requires_a_restart(
        protect, fake_trove, resource):
    fake_trove.instances[resource.id]['status'] = 'RESTART_REQUIRED'
    protect()
    assert get_only(fake_trove.backups)['status'] == 'COMPLETED'


def test_protect_waits_for_a_healthy_database(
        protect, fake_trove, resource, clock):
    instance = fake_trove.instances[resource.id]
    instance['operating_status'] = 'ERROR'
    fake_trove.timeline.after(
        60, lambda at: instance.update(operating_status=None))
    start_time = clock.now()
    protect()
    [request] = fake_trove.find_requests('POST', '/backups')
    assert request.at - start_time >= 60


@pytest.mark.parametrize('status', ['ERROR', 'FAILED'])
def test_protect_fails_at_once_with_the_fault_of_a_broken_instance(
        protect, fake_trove, resource, section, clock, status):
    fake_trove.instances[resource.id].update(
        status=status, fault='No valid host')
    start_time = clock.now()
    with pytest.raises(exception.CreateResourceFailed) as raised:
        protect()
    assert status in str(raised.value)
    assert 'No valid host' in str(raised.value)
    assert clock.now() == start_time
    assert not fake_trove.backups
    assert section.get_object('status') == 'error'


def test_protect_waits_until_a_server_has_returned(
        protect, fake_trove, resource, section):
    fake_trove.lose_server(resource.id)
    fake_trove.timeline.after(
        200, lambda at: fake_trove.return_server(resource.id))
    protect()
    assert section.get_object('status') == 'available'


def test_protect_fails_after_five_minutes_without_a_server(
        protect, fake_trove, resource, section, clock):
    fake_trove.lose_server(resource.id)
    start_time = clock.now()
    with pytest.raises(exception.CreateResourceFailed, match='SHUTDOWN'):
        protect()
    assert clock.now() - start_time == pytest.approx(300, abs=10)
    assert section.get_object('status') == 'error'


def test_instance_that_is_deleted_before_its_backup_is_left_out(
        make_plugin, fake_trove, checkpoint, resource, section, context,
        clock, journal):
    operation = make_plugin(poll_interval=1).get_protect_operation(resource)
    fake_trove.start_deletion(resource.id, 200)
    operation.on_main(checkpoint, resource, context, {})
    assert section.get_object('status') == 'error'
    assert resource_status.read_failure_reason(section) == (
        'instance %s was deleted before its backup began' % resource.id)
    assert not journal.list_entries()


@pytest.mark.parametrize('release', [12.0])
def test_instance_of_an_old_release_that_is_deleted_is_left_out(
        make_plugin, fake_trove, checkpoint, resource, section, context):
    operation = make_plugin(poll_interval=1).get_protect_operation(resource)
    fake_trove.start_deletion(resource.id, 200)
    operation.on_main(checkpoint, resource, context, {})
    assert resource_status.read_failure_reason(section) == (
        'instance %s was deleted before its backup began' % resource.id)


def test_instance_that_karbor_listed_with_shutdown_is_left_out(
        make_plugin, fake_trove, checkpoint, resource, section, context):
    fake_trove.instances.clear()
    resource = karbor_resource.Resource(resource.type, resource.id, 'orders',
                                        {'status': 'SHUTDOWN'})
    checkpoint.resource_graph = graph.build_graph([resource], lambda _: [])
    operation = make_plugin().get_protect_operation(resource)
    for hook in operation.on_prepare_begin, operation.on_main:
        hook(checkpoint, resource, context, {})
    assert 'was deleted before' in resource_status.read_failure_reason(
        section)


def test_instance_that_trove_does_not_have_is_not_left_out(
        make_plugin, fake_trove, checkpoint, resource, context):
    fake_trove.instances.clear()
    with pytest.raises(exception.CreateResourceFailed):
        make_plugin().get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})


def test_protect_waits_when_the_instance_becomes_busy_after_the_check(
        protect, fake_trove, resource):
    fake_trove.fail('POST', '/backups', 422, times=3)
    protect()
    assert get_only(fake_trove.backups)['status'] == 'COMPLETED'
    assert len(fake_trove.find_requests('POST', '/backups')) == 4


def test_protect_fails_after_ready_timeout_when_trove_stays_busy(
        make_plugin, fake_trove, checkpoint, resource, context, clock,
        journal):
    fake_trove.fail('POST', '/backups', 422, times=None)
    start_time = clock.now()
    with pytest.raises(exception.CreateResourceFailed, match='HTTP 422'):
        make_plugin(ready_timeout=100).get_protect_operation(
            resource).on_main(checkpoint, resource, context, {})
    assert clock.now() - start_time == pytest.approx(100)
    assert not journal.list_entries()


def test_protect_fails_after_ready_timeout_when_the_instance_stays_busy(
        make_plugin, fake_trove, checkpoint, resource, context, clock):
    fake_trove.instances[resource.id]['status'] = 'RESIZE'
    plugin = make_plugin(ready_timeout=100, poll_interval=30)
    start_time = clock.now()
    with pytest.raises(exception.CreateResourceFailed,
                       match='not ready for a backup: given up after 100 s '
                             r'\(the last status is'):
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
    assert clock.now() - start_time == pytest.approx(100)
    assert not fake_trove.backups


def test_protect_fails_with_troves_message_for_an_unknown_instance(
        protect, fake_trove, resource, section):
    del fake_trove.instances[resource.id]
    with pytest.raises(exception.CreateResourceFailed,
                       match='cannot be found'):
        protect()
    assert section.get_object('status') == 'error'


def test_protect_fails_with_troves_message_when_trove_rejects_it(
        protect, fake_trove, section):
    fake_trove.shows_quotas = False
    fake_trove.quotas['backups'] = 0
    with pytest.raises(exception.CreateResourceFailed,
                       match='Quota exceeded') as raised:
        protect()
    assert raised.value.__cause__ is not None
    assert section.get_object('status') == 'error'
    assert 'Quota exceeded' in resource_status.read_failure_reason(section)


def test_failure_reason_is_in_the_bank_before_the_status(
        protect, fake_trove, section, monkeypatch):
    statuses = []
    set_status = resource_status.set_status
    read_reason = resource_status.read_failure_reason
    monkeypatch.setattr(
        resource_status, 'set_status', lambda section, status: (
            statuses.append((status, read_reason(section))),
            set_status(section, status)))
    fake_trove.next_backup('FAILED')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    [backup_id] = fake_trove.backups
    assert statuses == [('protecting', None), (
        'error', 'backup %s has the status FAILED' % backup_id)]


@pytest.mark.parametrize('fault', ['refused', 'reset', 'timeout', 408, 429,
                                   500, 503, 'broken'])
def test_protect_retries_checks_that_fail_briefly(protect, fake_trove, fault):
    fake_trove.fail('GET', '/instances/*', fault, times=3)
    fake_trove.fail('GET', '/backups/*', fault, times=3)
    protect()
    assert get_only(fake_trove.backups)['status'] == 'COMPLETED'


@pytest.mark.skipif(
    'storage_driver' not in inspect.signature(
        backups.Backups.create).parameters,
    reason='this python-troveclient cannot send it')
def test_storage_options_are_sent_only_when_set(
        make_plugin, fake_trove, checkpoint, resource, context, protect):
    protect()
    make_plugin(storage_driver='cinder', swift_container='karbor',
                ).get_protect_operation(resource).on_main(
        checkpoint, resource, context, {})
    plain, stored = [request.body['backup'] for request
                     in fake_trove.find_requests('POST', '/backups')]
    assert not {'storage_driver', 'swift_container'} & set(plain)
    assert stored['storage_driver'] == 'cinder'
    assert stored['swift_container'] == 'karbor'


def test_thirty_protects_run_in_parallel_threads(
        plugin, fake_trove, new_checkpoint, context, build_resource,
        in_threads):
    def run(number):
        checkpoint = new_checkpoint()
        resource = build_resource(fake_trove.add_instance())
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
        return checkpoint.get_resource_bank_section(
            resource.id).get_object('status')

    assert in_threads(run, 30) == ['available'] * 30
    assert len(fake_trove.backups) == 30
