"""What is made although its answer is lost: found, not made twice."""

from karbor import exception
import pytest

from karbor_trove.backups import adoption
from karbor_trove.trove import serialization
from tests.fake_trove import serialization as views

LOST = ['reset', 'timeout', 500, 503, 'broken']
WORDS = {'backup_name': 'nightly', 'description': 'of the night'}


@pytest.fixture
def mine(fake_trove, resource):
    """Makes a user's own backup that looks like ours."""
    return lambda instance_id=resource.id, **kw: fake_trove.add_backup(
        instance_id, **dict({'name': 'nightly',
                             'description': 'of the night'}, **kw))


@pytest.mark.parametrize('trouble', LOST)
def test_a_backup_whose_answer_is_lost_is_found(
        protect, delete, fake_trove, section, journal, trouble):
    fake_trove.fail('POST', '/backups', trouble, after=True)
    protect()
    [backup_id] = fake_trove.backups
    assert section.get_object('metadata')['backup_id'] == backup_id
    assert journal.list_entries()[0].backup_id == backup_id
    assert len(fake_trove.find_requests('POST', '/backups')) == 1
    delete()
    assert not fake_trove.backups


@pytest.mark.parametrize('trouble', ['refused'] + LOST)
def test_a_request_that_is_lost_fails_and_is_not_repeated(
        protect, fake_trove, section, clock, trouble):
    fake_trove.fail('POST', '/backups', trouble)
    began = clock.now()
    with pytest.raises(exception.CreateResourceFailed,
                       match='the created object was not found'):
        protect()
    assert clock.now() - began == pytest.approx(30)
    assert len(fake_trove.find_requests('POST', '/backups')) == 1
    assert section.get_object('status') == 'error'


def lost_before(protect, fake_trove, **parameters):
    fake_trove.fail('POST', '/backups', 'reset')
    with pytest.raises(exception.CreateResourceFailed):
        protect(**parameters)


def test_what_lands_after_the_protect_goes_with_the_delete(
        protect, delete, fake_trove, mine):
    lost_before(protect, fake_trove, **WORDS)
    mine()
    delete()
    assert not fake_trove.backups


def test_what_lands_after_the_delete_goes_with_the_next(
        protect, delete, fake_trove, journal, mine):
    lost_before(protect, fake_trove, **WORDS)
    delete()
    assert 'may still be made' in journal.list_entries()[0].reason
    mine()
    delete()
    assert not fake_trove.backups
    assert not journal.list_entries()


def test_what_another_operation_has_found_for_the_checkpoint_is_still_it(
        protect, delete, fake_trove, journal, mine, clock):
    """Two may sweep at once: the slower one read its note before."""
    lost_before(protect, fake_trove, **WORDS)
    delete()
    [before] = journal.list_entries()
    mine()
    fake_trove.next_delete('DELETE_FAILED')
    delete()
    assert journal.list_entries()[0].backup_id
    clock.sleep(700)
    assert adoption.find_created_backup(
        told_by(fake_trove), before, journal.list_entries()).id == (
            journal.list_entries()[0].backup_id)


def told_by(fake_trove):
    """What Trove has, as the plugin sees it."""
    return [serialization.parse_backup(views.backup(fake_trove, of))
            for of in fake_trove.backups.values()]


def test_after_10_minutes_nothing_lands(protect, delete, fake_trove, journal,
                                        mine, clock):
    lost_before(protect, fake_trove, **WORDS)
    clock.sleep(500)
    delete()
    assert journal.list_entries()
    clock.sleep(100)
    theirs = mine()
    delete()
    assert not journal.list_entries()
    assert set(fake_trove.backups) == {theirs}


@pytest.mark.parametrize('other', [
    {'name': 'another'}, {'description': 'another'}, {'created': 1767225599.0},
    {'instance_id': 'another'}])
def test_what_is_not_alike_is_not_ours(protect, delete, fake_trove, mine,
                                       other):
    theirs = mine(**other)
    lost_before(protect, fake_trove, **WORDS)
    delete()
    assert set(fake_trove.backups) == {theirs}


def test_of_several_none_is_taken_and_none_ever_deleted(
        protect, delete, fake_trove, journal, mine, clock):
    theirs = mine()
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    with pytest.raises(exception.CreateResourceFailed) as raised:
        protect(**WORDS)
    assert len(fake_trove.backups) == 2
    for backup_id in fake_trove.backups:
        assert backup_id in str(raised.value)
    clock.sleep(1000)
    delete()
    assert theirs in fake_trove.backups and len(fake_trove.backups) == 2
    [entry] = journal.list_entries()
    for backup_id in fake_trove.backups:
        assert backup_id in entry.reason


def test_what_may_be_of_another_request_is_not_taken(
        protect, delete, plugin, new_checkpoint, resource, context,
        fake_trove, journal, mine):
    lost_before(protect, fake_trove, **WORDS)
    other = new_checkpoint()
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    with pytest.raises(exception.CreateResourceFailed, match='several'):
        plugin.get_protect_operation(resource).on_main(
            other, resource, context, WORDS)
    fake_trove.clock.sleep(60)
    delete()
    assert len(fake_trove.backups) == 1
    plugin.get_delete_operation(resource).on_main(
        other, resource, context, {})
    assert not fake_trove.backups


def test_what_was_found_before_a_failure_is_kept(
        protect, delete, fake_trove, journal, mine):
    lost_before(protect, fake_trove, **WORDS)
    backup_id = mine()
    fake_trove.next_delete('DELETE_FAILED', seconds=1)
    delete()
    [entry] = journal.list_entries()
    assert entry.backup_id == backup_id and entry.location


def test_a_backup_that_fails_is_known_by_its_id(protect, fake_trove, journal):
    fake_trove.next_backup('FAILED')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    [backup_id] = fake_trove.backups
    assert journal.list_entries()[0].backup_id == backup_id


def test_what_another_checkpoint_knows_is_not_taken(
        protect, delete, plugin, new_checkpoint, resource, context,
        fake_trove):
    lost_before(protect, fake_trove, **WORDS)
    plugin.get_protect_operation(resource).on_main(
        new_checkpoint(), resource, context, WORDS)
    delete()
    assert len(fake_trove.backups) == 1


def test_a_refusal_leaves_no_note(protect, fake_trove, journal):
    fake_trove.shows_quotas = False
    fake_trove.quotas['backups'] = 0
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    assert not journal.list_entries()


@pytest.mark.parametrize('trouble', LOST)
def test_an_instance_whose_answer_is_lost_is_found(
        protect, do_restore, fake_trove, resource, trouble, bank):
    protect()
    fake_trove.fail('POST', '/instances', trouble, after=True)
    told = do_restore()
    assert told == {resource.id: next(
        id_ for id_ in fake_trove.instances if id_ != resource.id)}
    assert len(fake_trove.instances) == 2
    assert not bank.list_objects('/karbor-trove/%s/restores' % resource.id)


def test_an_instance_that_does_not_come_is_noted_and_not_asked_for_twice(
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


def test_of_several_instances_none_is_taken(
        protect, do_restore, fake_trove, monkeypatch):
    protect()
    create = fake_trove._on_instances.create
    monkeypatch.setattr(fake_trove._on_instances, 'create', lambda *asked: (
        fake_trove.add_instance('orders'), create(*asked))[1])
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    with pytest.raises(exception.RestoreResourceFailed, match='several'):
        do_restore()
