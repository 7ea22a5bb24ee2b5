"""Lost responses: the created backup or instance is found, never repeated."""

import dataclasses
import uuid

from karbor import exception
import pytest
import requests

from karbor_trove.backups import adoption
from karbor_trove.bank import backup_journal
from karbor_trove import errors
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import serialization
from tests.fake_trove import clock as clocks
from tests.fake_trove import Response
from tests.fake_trove import serialization as views

LOST_RESPONSES = ['reset', 'timeout', 500, 503, 'broken']
PARAMETERS = {'backup_name': 'nightly', 'description': 'of the night'}


@pytest.fixture
def add_matching_backup(fake_trove, resource):
    """Return a function that adds a backup that matches PARAMETERS."""
    return lambda instance_id=resource.id, **kw: fake_trove.add_backup(
        instance_id, **dict({'name': 'nightly',
                             'description': 'of the night'}, **kw))


def protect_with_lost_request(protect, fake_trove, **parameters):
    """Run a protect whose request for a backup never reaches Trove."""
    fake_trove.fail('POST', '/backups', 'reset')
    with pytest.raises(exception.CreateResourceFailed):
        protect(**parameters)


@pytest.mark.parametrize('fault', LOST_RESPONSES)
def test_backup_is_adopted_after_a_lost_response(
        protect, delete, fake_trove, section, journal, fault):
    fake_trove.fail('POST', '/backups', fault, after=True)
    protect()
    [backup_id] = fake_trove.backups
    assert section.get_object('metadata')['backup_id'] == backup_id
    assert journal.list_entries()[0].backup_id == backup_id
    assert len(fake_trove.find_requests('POST', '/backups')) == 1
    delete()
    assert not fake_trove.backups


@pytest.mark.parametrize('retry_after, seconds', [('17', 17), ('3600', 30)])
def test_search_for_a_lost_backup_begins_after_the_retry_after_or_30_s(
        protect, fake_trove, retry_after, seconds):
    fake_trove.fail('POST', '/backups', Response(
        503, '', {'Retry-After': retry_after}), after=True)
    protect()
    [request] = fake_trove.find_requests('POST', '/backups')
    searches = [search.at for search in
                fake_trove.find_requests('GET', '/backups')
                if search.at >= request.at]
    assert searches[0] - request.at == pytest.approx(seconds, abs=1)


def test_request_of_an_unknown_time_is_never_settled(
        protect, delete, fake_trove, journal, clock):
    protect_with_lost_request(protect, fake_trove)
    [entry] = journal.list_entries()
    journal.write(dataclasses.replace(entry, time_before_request=None))
    clock.sleep(1e6)
    delete()
    assert 'may still create the backup' in journal.list_entries()[0].reason


def test_request_is_not_settled_without_a_time_of_trove(
        protect, delete, fake_trove, journal, clock, monkeypatch):
    protect_with_lost_request(protect, fake_trove)
    monkeypatch.setattr(trove_client.TroveClient, 'last_response_time', None)
    clock.sleep(1e6)
    delete()
    assert 'may still create the backup' in journal.list_entries()[0].reason


@pytest.mark.parametrize('fault', ['refused'] + LOST_RESPONSES)
def test_protect_fails_after_30_s_if_the_request_is_lost_and_never_repeats_it(
        protect, fake_trove, section, clock, fault):
    fake_trove.fail('POST', '/backups', fault)
    start = clock.now()
    with pytest.raises(exception.CreateResourceFailed,
                       match='the created object was not found'):
        protect()
    assert clock.now() - start == pytest.approx(30)
    assert len(fake_trove.find_requests('POST', '/backups')) == 1
    assert section.get_object('status') == 'error'


def test_delete_deletes_a_backup_that_was_created_after_the_protect_failed(
        protect, delete, fake_trove, add_matching_backup):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    add_matching_backup()
    delete()
    assert not fake_trove.backups


def test_next_delete_deletes_a_backup_that_was_created_after_the_first(
        protect, delete, fake_trove, journal, add_matching_backup):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    delete()
    assert 'may still create the backup' in journal.list_entries()[0].reason
    add_matching_backup()
    delete()
    assert not fake_trove.backups
    assert not journal.list_entries()


def test_backup_that_another_operation_adopted_for_the_checkpoint_is_adopted(
        protect, delete, fake_trove, journal, add_matching_backup, clock):
    """Two sweeps may run at once. The slower one has read an old entry."""
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    delete()
    [old_entry] = journal.list_entries()
    add_matching_backup()
    fake_trove.next_delete('DELETE_FAILED', seconds=1)
    delete()
    assert 'could not delete' in journal.list_entries()[0].reason
    clock.sleep(700)
    assert adoption.find_created_backup(
        list_backups(fake_trove), old_entry, journal.list_entries()).id == (
            journal.list_entries()[0].backup_id)


def list_backups(fake_trove):
    """Return all backups as models."""
    return [serialization.parse_backup(views.backup(fake_trove, state))
            for state in fake_trove.backups.values()]


def test_request_is_settled_after_15_minutes(
        protect, delete, fake_trove, journal, add_matching_backup, clock):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    clock.sleep(800)
    delete()
    assert journal.list_entries()
    clock.sleep(100)
    users_backup = add_matching_backup()
    delete()
    assert not journal.list_entries()
    assert set(fake_trove.backups) == {users_backup}


@pytest.mark.parametrize('difference', [
    {'name': 'another'}, {'description': 'another'}, {'created': 1767225599.0},
    {'instance_id': 'another'}])
def test_backup_that_differs_from_the_request_is_never_adopted(
        protect, delete, fake_trove, add_matching_backup, difference):
    users_backup = add_matching_backup(**difference)
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    delete()
    assert set(fake_trove.backups) == {users_backup}


def test_backup_that_existed_before_the_request_is_not_adopted(
        protect, delete, fake_trove, journal, add_matching_backup):
    users_backup = add_matching_backup()
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    protect(**PARAMETERS)
    assert journal.list_entries()[0].backup_id != users_backup
    delete()
    assert set(fake_trove.backups) == {users_backup}


@pytest.mark.parametrize('zone', ['Z', '+00:00'])
def test_created_backup_is_found_if_times_have_a_zone(
        protect, fake_trove, section, zone, monkeypatch):
    format_time = clocks.format_time
    monkeypatch.setattr(clocks, 'format_time',
                        lambda seconds: format_time(seconds) + zone)
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    protect(backup_name='nightly', description='orders')
    assert section.get_object('status') == 'available'
    assert len(fake_trove.backups) == 1


def test_backup_that_existed_before_a_lost_request_is_never_deleted(
        protect, delete, fake_trove, journal, add_matching_backup, clock):
    users_backup = add_matching_backup()
    clock.sleep(1)
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    delete()
    assert set(fake_trove.backups) == {users_backup}
    [entry] = journal.list_entries()
    assert users_backup in entry.reason and 'not deleted' in entry.reason
    del fake_trove.backups[users_backup]
    clock.sleep(1000)
    delete()
    assert not journal.list_entries()


def test_none_of_several_matching_backups_is_adopted_or_deleted(
        protect, delete, fake_trove, journal, add_matching_backup, clock):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    backups = {add_matching_backup(), add_matching_backup()}
    clock.sleep(1000)
    delete()
    assert set(fake_trove.backups) == backups
    [entry] = journal.list_entries()
    for backup_id in backups:
        assert backup_id in entry.reason


@pytest.mark.parametrize('seconds', [
    -86400, -700, -299, -2, -1, 1, 2, 3, 299, 700, 86400])
def test_backup_with_a_default_name_is_adopted_whatever_the_clocks_show(
        protect, fake_trove, journal, seconds):
    fake_trove.date_offset = seconds
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    protect()
    assert journal.list_entries()[0].backup_id in fake_trove.backups


@pytest.mark.parametrize('seconds', [-299, -1, 1, 299])
def test_backup_with_a_users_name_is_adopted_if_the_clocks_differ(
        protect, fake_trove, journal, seconds):
    fake_trove.date_offset = seconds
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    protect(**PARAMETERS)
    assert journal.list_entries()[0].backup_id in fake_trove.backups


@pytest.mark.parametrize('parameters', [{}, PARAMETERS])
@pytest.mark.parametrize('seconds', [-299, -2, 1, 2, 299])
def test_journal_never_forgets_a_backup_if_the_clocks_differ(
        protect, delete, fake_trove, journal, clock, parameters, seconds):
    """The protect is interrupted, and a host with another clock responds."""
    fake_trove.date_offset = seconds
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    fake_trove.fail('GET', '/backups', 503, times=None)
    with pytest.raises(exception.CreateResourceFailed):
        protect(**parameters)
    fake_trove.heal()
    for pause in 700, 3600:
        clock.sleep(pause)
        delete()
    assert not fake_trove.backups or journal.list_entries()
    if not parameters:
        assert not fake_trove.backups and not journal.list_entries()


def test_backup_that_matches_two_requests_is_deleted_after_both_checkpoints(
        protect, delete, plugin, new_checkpoint, resource, context,
        fake_trove):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    other = new_checkpoint()
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    with pytest.raises(exception.CreateResourceFailed, match='several'):
        plugin.get_protect_operation(resource).on_main(
            other, resource, context, PARAMETERS)
    fake_trove.clock.sleep(60)
    delete()
    assert len(fake_trove.backups) == 1
    plugin.get_delete_operation(resource).on_main(
        other, resource, context, {})
    assert not fake_trove.backups


def test_open_request_with_another_name_does_not_match(
        protect, fake_trove, journal, resource, clock):
    other = backup_journal.BackupEntry(
        resource.id, str(uuid.uuid4()), backup_name='weekly',
        description='of the week', time_before_request=clock.utc().isoformat())
    journal.write(other)
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    protect(**PARAMETERS)
    assert [entry.backup_id for entry in journal.list_entries()
            if entry != other] == list(fake_trove.backups)


def test_earlier_of_two_deleted_requests_adopts_first():
    earlier, later = [backup_journal.BackupEntry(
        'orders', checkpoint_id, backup_name='nightly',
        time_before_request='2026-01-01T00:0%d:00' % minute,
        deleted_at='2026-01-01T00:08:00')
        for minute, checkpoint_id in enumerate(['first', 'second'])]
    backup = serialization.parse_backup({
        'id': 'created-late', 'name': 'nightly', 'instance_id': 'orders',
        'created': '2026-01-01T00:02:00'})
    entries = [earlier, later]
    with pytest.raises(errors.Rejected, match='checkpoint first'):
        adoption.find_created_backup([backup], later, entries)
    assert adoption.find_created_backup([backup], earlier, entries) == backup


def test_adopted_id_and_location_stay_in_the_journal_if_the_deletion_fails(
        protect, delete, fake_trove, journal, add_matching_backup):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    backup_id = add_matching_backup()
    fake_trove.next_delete('DELETE_FAILED', seconds=1)
    delete()
    [entry] = journal.list_entries()
    assert entry.backup_id == backup_id and entry.location


def test_journal_has_the_id_of_a_failed_backup(protect, fake_trove, journal):
    fake_trove.next_backup('FAILED')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    [backup_id] = fake_trove.backups
    assert journal.list_entries()[0].backup_id == backup_id


def test_backup_of_another_checkpoint_is_never_adopted(
        protect, delete, plugin, new_checkpoint, resource, context,
        fake_trove):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    plugin.get_protect_operation(resource).on_main(
        new_checkpoint(), resource, context, PARAMETERS)
    delete()
    assert len(fake_trove.backups) == 1


@pytest.mark.parametrize('same_instance', [True, False])
@pytest.mark.parametrize('fault, after', [
    ('refused', False), ('timeout', False), ('reset', False), (500, False),
    (503, False), (429, False), ('reset', True), (503, True)])
def test_backup_of_a_sibling_that_ends_during_the_request_is_never_adopted(
        protect, plugin, new_checkpoint, resource, context, fake_trove,
        before_post, build_resource, journal, checkpoint, same_instance,
        fault, after):
    sibling = resource if same_instance else build_resource(
        fake_trove.add_instance())

    def protect_sibling():
        plugin.get_protect_operation(sibling).on_main(
            new_checkpoint(), sibling, context, PARAMETERS)
        fake_trove.fail('POST', '/backups', fault, after=after)

    before_post(protect_sibling)
    if after:
        protect(**PARAMETERS)
        assert len(fake_trove.backups) == 2
    else:
        with pytest.raises(exception.CreateResourceFailed):
            protect(**PARAMETERS)
        assert len(fake_trove.backups) == 1
    entry = journal.read(checkpoint.id)
    assert bool(entry.backup_id) == after
    if same_instance:
        ids = [entry.backup_id for entry in journal.list_entries()
               if entry.backup_id]
        assert sorted(ids) == sorted(fake_trove.backups)


def test_rejected_request_has_no_journal_entry(protect, fake_trove, journal):
    fake_trove.shows_quotas = False
    fake_trove.quotas['backups'] = 0
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    assert not journal.list_entries()


@pytest.mark.parametrize('fault', LOST_RESPONSES)
def test_restored_instance_is_found_after_a_lost_response(
        protect, do_restore, fake_trove, resource, fault, bank):
    protect()
    fake_trove.fail('POST', '/instances', fault, after=True)
    new_resources = do_restore()
    assert new_resources == {resource.id: next(
        id_ for id_ in fake_trove.instances if id_ != resource.id)}
    assert len(fake_trove.instances) == 2
    assert not bank.list_objects('/karbor-trove/%s/restores' % resource.id)


def test_lost_restore_request_stays_in_the_journal_and_is_never_repeated(
        protect, do_restore, fake_trove, resource, bank, restore):
    protect()
    fake_trove.fail('POST', '/instances', 'reset')
    with pytest.raises(exception.RestoreResourceFailed,
                       match='the created object was not found'):
        do_restore(restore_name='again')
    assert len(fake_trove.find_requests('POST', '/instances')) == 1
    [key] = bank.list_objects('/karbor-trove/%s/restores' % resource.id)
    assert key.endswith(restore.id)
    assert bank.get_object(key)['name'] == 'again'


def test_restore_fails_if_several_instances_match_after_a_lost_response(
        protect, do_restore, fake_trove, monkeypatch):
    protect()
    create = fake_trove._on_instances.create
    monkeypatch.setattr(fake_trove._on_instances, 'create', lambda *args: (
        fake_trove.add_instance('orders'), create(*args))[1])
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    with pytest.raises(exception.RestoreResourceFailed, match='several'):
        do_restore()


def test_request_is_not_ambiguous_because_of_another_request_alone(
        protect, fake_trove, journal, resource, clock):
    other = backup_journal.BackupEntry(
        resource.id, str(uuid.uuid4()), backup_name='nightly',
        description='of the night',
        time_before_request=clock.utc().isoformat())
    journal.write(other)
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    with pytest.raises(exception.CreateResourceFailed,
                       match='several.*Connection reset by peer'):
        protect(**PARAMETERS)
    [entry] = [entry for entry in journal.list_entries() if entry != other]
    assert not entry.is_ambiguous and entry.backup_id is None


def test_ambiguous_request_stays_in_the_journal_until_it_is_settled(
        protect, delete, fake_trove, journal, clock):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    [entry] = journal.list_entries()
    journal.write(dataclasses.replace(entry, is_ambiguous=True))
    delete()
    assert 'may still create the backup' in journal.list_entries()[0].reason
    clock.sleep(3600)
    delete()
    assert not journal.list_entries()


def test_ambiguous_request_never_adopts_a_backup(
        protect, delete, fake_trove, journal, add_matching_backup):
    protect_with_lost_request(protect, fake_trove, **PARAMETERS)
    first_id, second_id = add_matching_backup(), add_matching_backup()
    delete()
    assert 'several' in journal.list_entries()[0].reason
    del fake_trove.backups[first_id]
    delete()
    assert set(fake_trove.backups) == {second_id}
    assert 'several' in journal.list_entries()[0].reason


def test_request_that_a_protect_found_ambiguous_never_adopts_a_backup(
        protect, delete, fake_trove, journal, add_matching_backup):
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    original_sleep = fake_trove.clock.sleep

    def sleep(seconds, *_):
        if len(fake_trove.backups) == 1:
            add_matching_backup()
        original_sleep(seconds)

    fake_trove.fail('GET', '/backups', 503)
    fake_trove.clock.sleep = sleep
    with pytest.raises(exception.CreateResourceFailed, match='several'):
        protect(**PARAMETERS)
    assert journal.list_entries()[0].is_ambiguous
    fake_trove.backups.popitem()
    delete()
    assert len(fake_trove.backups) == 1


@pytest.mark.parametrize('message', ['tls alert', 'bad record mac'])
def test_backup_is_adopted_after_a_tls_error(
        protect, fake_trove, journal, message):
    fake_trove.fail('POST', '/backups',
                    requests.exceptions.SSLError(message), after=True)
    protect()
    assert journal.list_entries()[0].backup_id in fake_trove.backups
