"""What protecting an instance leaves in Trove and in the bank."""

from karbor import exception
import pytest

from karbor_trove.bank import status as bank_status_
from tests.fake_trove import cloud


def only(mapping):
    [value] = mapping.values()
    return value


def test_the_backup_has_the_users_words_exactly(protect, fake_trove):
    protect(backup_name=' Nightly ', description='before the "sale"')
    made = only(fake_trove.backups)
    assert made['name'] == ' Nightly '
    assert made['description'] == 'before the "sale"'
    assert made['status'] == 'COMPLETED'


@pytest.mark.parametrize('parameters', [
    {}, {'backup_name': None, 'description': None},
    {'backup_name': '', 'description': ''}])
def test_words_not_given_tell_the_checkpoint_and_the_instance(
        protect, fake_trove, checkpoint, resource, parameters):
    protect(**parameters)
    made = only(fake_trove.backups)
    for words in made['name'], made['description']:
        assert checkpoint.id in words
        assert resource.id in words


@pytest.mark.parametrize('key', ['backup_name', 'description'])
@pytest.mark.parametrize('value', ['---', ' ', 'x' * 256, 'two\nlines',
                                   '\u6570\u636e'])
def test_words_that_trove_would_refuse_are_refused_before_the_request(
        protect, fake_trove, section, key, value):
    with pytest.raises(exception.CreateResourceFailed) as raised:
        protect(**{key: value})
    assert key in str(raised.value)
    assert repr(value) in str(raised.value)
    assert not fake_trove.requests
    assert section.get_object('status') == 'error'


def test_what_a_restore_needs_is_recorded(protect, fake_trove, section,
                                          resource):
    fake_trove.configurations['tuned'] = {}
    fake_trove.instances[resource.id].update(
        configuration_id='tuned', locality='affinity', replica_of='source',
        access={'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']})
    protect(backup_name='nightly')
    kept = section.get_object('metadata')
    backup_id = only(fake_trove.backups)['id']
    assert kept == {
        'record_version': 1,
        'instance_id': resource.id, 'name': 'orders',
        'flavor': {'id': '2'}, 'size': 2,
        'datastore': {'type': 'postgresql', 'version': '18',
                      'version_number': '18'},
        'network_id': cloud.NETWORK,
        'access': {'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']},
        'configuration_id': 'tuned', 'region': 'RegionOne',
        'locality': 'affinity', 'replica_of': 'source',
        'backup_id': backup_id, 'backup_name': 'nightly',
        'backup_size': 0.1, 'databases': None, 'users': None}
    assert section.get_object('status') == 'available'


def test_the_bank_knows_what_is_asked_before_trove_does(
        protect, fake_trove, section, monkeypatch):
    seen = {}
    answer = fake_trove._on_backups.create

    def create(project_id, body):
        seen.update(section.get_object('metadata'),
                    status=section.get_object('status'))
        return answer(project_id, body)

    monkeypatch.setattr(fake_trove._on_backups, 'create', create)
    protect(backup_name='nightly')
    assert seen['status'] == 'protecting'
    assert seen['backup_name'] == 'nightly'
    assert seen['backup_id'] is None


def test_a_backup_that_never_ends_is_in_the_bank_and_given_up(
        make_plugin, checkpoint, resource, context, fake_trove, section,
        clock):
    fake_trove.next_backup(seconds=None)
    before = clock.now()
    with pytest.raises(exception.CreateResourceFailed, match='given up after'):
        make_plugin(poll_interval=7000, restore_timeout=1,
                    delete_timeout=1).get_protect_operation(
            resource).on_main(checkpoint, resource, context, {})
    assert clock.now() - before == pytest.approx(86400)
    assert (section.get_object('metadata')['backup_id']
            == only(fake_trove.backups)['id'])
    assert section.get_object('status') == 'error'


@pytest.mark.parametrize('status', ['FAILED', 'DELETE_FAILED'])
def test_a_failed_backup_fails_the_checkpoint_and_stays_known(
        protect, fake_trove, section, status):
    fake_trove.next_backup(status=status)
    with pytest.raises(exception.CreateResourceFailed, match=status):
        protect()
    assert (section.get_object('metadata')['backup_id']
            == only(fake_trove.backups)['id'])
    assert section.get_object('status') == 'error'


def test_the_bank_knows_the_backup_while_it_runs(
        protect, fake_trove, section, clock, monkeypatch):
    kept = []
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds: (
        kept.append(section.get_object('metadata')['backup_id']),
        sleep(seconds)))
    protect()
    assert set(kept) == {only(fake_trove.backups)['id']}


def test_a_backup_that_disappears_ends_the_wait(protect, fake_trove, clock):
    sleep = clock.sleep
    clock.sleep = lambda seconds: (
        fake_trove.backups.clear(), sleep(seconds))
    with pytest.raises(exception.CreateResourceFailed,
                       match='cannot be found'):
        protect()
    assert len(fake_trove.find_requests('GET', '/backups/*')) == 2


@pytest.mark.parametrize('release', ['train', 'ussuri', 'victoria',
                                     'wallaby', 26.0])
class TestReleases:
    def test_a_ready_instance_of_the_release_is_backed_up(
            self, protect, fake_trove, release):
        protect()
        assert only(fake_trove.backups)['status'] == 'COMPLETED'


@pytest.mark.parametrize('status', [
    'NEW', 'BUILD', 'REBOOT', 'RESIZE', 'BACKUP', 'PROMOTE', 'EJECT',
    'UPGRADE', 'DETACH', 'BLOCKED', 'UNKNOWN', 'LATER_INVENTION'])
def test_a_busy_instance_is_waited_for(protect, fake_trove, resource, clock,
                                       status):
    instance = fake_trove.instances[resource.id]
    instance['status'] = status
    fake_trove.timeline.after(30, lambda at: instance.update(status='ACTIVE'))
    began = clock.now()
    protect()
    [asked] = fake_trove.find_requests('POST', '/backups')
    assert asked.at - began >= 30


def test_an_instance_that_wants_a_restart_is_backed_up(
        protect, fake_trove, resource):
    fake_trove.instances[resource.id]['status'] = 'RESTART_REQUIRED'
    protect()
    assert only(fake_trove.backups)['status'] == 'COMPLETED'


def test_a_database_whose_state_is_not_healthy_is_waited_for(
        protect, fake_trove, resource, clock):
    instance = fake_trove.instances[resource.id]
    instance['operating_status'] = 'ERROR'
    fake_trove.timeline.after(
        60, lambda at: instance.update(operating_status=None))
    began = clock.now()
    protect()
    assert fake_trove.find_requests('POST', '/backups')[0].at - began >= 60


@pytest.mark.parametrize('status', ['ERROR', 'FAILED', 'SHUTDOWN'])
def test_a_broken_instance_is_told_at_once_with_its_fault(
        protect, fake_trove, resource, section, clock, status):
    fake_trove.instances[resource.id].update(
        status=status, fault='No valid host')
    began = clock.now()
    with pytest.raises(exception.CreateResourceFailed) as raised:
        protect()
    assert status in str(raised.value)
    assert 'No valid host' in str(raised.value)
    assert clock.now() == began
    assert not fake_trove.backups
    assert section.get_object('status') == 'error'


def test_an_instance_that_turns_busy_after_the_look_is_waited_for(
        protect, fake_trove, resource):
    fake_trove.fail('POST', '/backups', 422, times=3)
    protect()
    assert only(fake_trove.backups)['status'] == 'COMPLETED'
    assert len(fake_trove.find_requests('POST', '/backups')) == 4


def test_but_not_for_ever(make_plugin, fake_trove, checkpoint, resource,
                          context, clock, journal):
    fake_trove.fail('POST', '/backups', 422, times=None)
    began = clock.now()
    with pytest.raises(exception.CreateResourceFailed, match='HTTP 422'):
        make_plugin(ready_timeout=100).get_protect_operation(
            resource).on_main(checkpoint, resource, context, {})
    assert clock.now() - began == pytest.approx(100)
    assert not journal.list_entries()


def test_an_instance_that_stays_busy_is_given_up(
        make_plugin, fake_trove, checkpoint, resource, context, clock):
    fake_trove.instances[resource.id]['status'] = 'RESIZE'
    plugin = make_plugin(ready_timeout=100, poll_interval=30)
    began = clock.now()
    with pytest.raises(exception.CreateResourceFailed,
                       match='not ready for a backup: given up after 100 s'):
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
    assert clock.now() - began == pytest.approx(100)
    assert not fake_trove.backups


def test_an_unknown_instance_is_told_with_troves_words(
        protect, fake_trove, resource, section):
    del fake_trove.instances[resource.id]
    with pytest.raises(exception.CreateResourceFailed,
                       match='cannot be found'):
        protect()
    assert section.get_object('status') == 'error'


def test_a_refusal_is_told_with_troves_words_and_its_cause(
        protect, fake_trove, section):
    fake_trove.shows_quotas = False
    fake_trove.quotas['backups'] = 0
    with pytest.raises(exception.CreateResourceFailed,
                       match='Quota exceeded') as raised:
        protect()
    assert raised.value.__cause__ is not None
    assert section.get_object('status') == 'error'
    assert 'Quota exceeded' in bank_status_.read_failure_reason(section)


def test_a_failure_is_in_the_bank_with_its_reason_first(
        protect, fake_trove, section, monkeypatch):
    told = []
    set_status = bank_status_.set_status
    monkeypatch.setattr(bank_status_, 'set_status', lambda section, status: (
        told.append((status, bank_status_.read_failure_reason(section))),
        set_status(section, status)))
    fake_trove.next_backup('FAILED')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    [backup_id] = fake_trove.backups
    assert told == [('protecting', None), (
        'error', 'backup %s ended as FAILED' % backup_id)]


@pytest.mark.parametrize('trouble', ['refused', 'reset', 'timeout', 408, 429,
                                     500, 503, 'broken'])
def test_a_look_that_fails_in_passing_is_borne(protect, fake_trove, trouble):
    fake_trove.fail('GET', '/instances/*', trouble, times=3)
    fake_trove.fail('GET', '/backups/*', trouble, times=3)
    protect()
    assert only(fake_trove.backups)['status'] == 'COMPLETED'


def test_the_operators_storage_is_sent_only_when_set(
        make_plugin, fake_trove, checkpoint, resource, context, protect):
    protect()
    make_plugin(storage_driver='cinder', swift_container='karbor',
                ).get_protect_operation(resource).on_main(
        checkpoint, resource, context, {})
    plain, stored = [asked.body['backup'] for asked
                     in fake_trove.find_requests('POST', '/backups')]
    assert not {'storage_driver', 'swift_container'} & set(plain)
    assert stored['storage_driver'] == 'cinder'
    assert stored['swift_container'] == 'karbor'


def test_thirty_at_once_in_real_threads(
        plugin, fake_trove, new_checkpoint, context, in_threads):
    def one(number):
        checkpoint = new_checkpoint()
        resource = in_threads.resource(fake_trove.add_instance())
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
        return checkpoint.get_resource_bank_section(
            resource.id).get_object('status')

    assert in_threads(one, 30) == ['available'] * 30
    assert len(fake_trove.backups) == 30
