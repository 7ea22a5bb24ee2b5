"""A test restore: what it tells, what it leaves, and what it takes along."""

import dataclasses

from karbor import exception
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import verification_journal
from karbor_trove.bank import verification_results
from karbor_trove.bank import worker
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import connect
from karbor_trove.verification import cleanup
from tests.fake_trove import cloud
from tests.fake_trove import karbor_records

ELSEWHERE = '22222222-3333-4444-8555-666666666666'
KEY = 'OS::Trove::Instance#'


@pytest.fixture
def original(fake_trove, resource):
    """The state of the instance, with databases and users."""
    fake_trove.instances[resource.id].update(
        databases=['orders', 'stock'], users=['seller'],
        access={'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']})
    return fake_trove.instances[resource.id]


@pytest.fixture
def backup(original, protect_at, fake_trove):
    """The state of a backup of it, made for level restore."""
    protect_at('restore')
    [made] = fake_trove.backups.values()
    return made


@pytest.fixture
def again(verify_at, context, checkpoint):
    """Verifies once more: another verification of Karbor's."""
    return lambda *args, **kw: verify_at(*args, record=karbor_records.new(
        karbor_records.Verification, context, checkpoint.id), **kw)


def test_the_database_was_up_and_is_gone(
        backup, verify_at, temporary, notes, section):
    assert verify_at('restore')[4:] == [
        'restore: the database was up 12.0 s after the request',
        'restore: 2 of 2 databases are there',
        'restore: 1 of 1 users are there']
    assert not temporary() and not notes.list_entries()
    [kept] = verification_results.read_all(section)
    assert kept.recovery_seconds == pytest.approx(12)
    assert kept.verified_at.startswith('2026-01-01T00:00:')


def test_a_request_is_noted_before_it_is_sent(
        backup, verify_at, fake_trove, notes, verify, monkeypatch, resource):
    seen = []
    create = fake_trove._on_instances.create
    monkeypatch.setattr(
        fake_trove._on_instances, 'create',
        lambda *args: (seen.extend(notes.list_entries()), create(*args))[1])
    verify_at('restore')
    [note] = seen
    assert note.name == 'karbor-verify-%s-%s' % (verify.id, resource.id)
    assert note.project_id == cloud.PROJECT
    assert note.not_before and note.instance_id is None
    assert worker.may_be_alive(note.worker) and note.ends_by > note.not_before


def test_the_instance_is_the_providers_and_nobody_is_let_in(
        backup, verify_at, fake_trove):
    verify_at('restore', verify_flavor_id='1', verify_net_id=ELSEWHERE)
    [asked] = fake_trove.find_requests('POST', '/instances')
    body = asked.body['instance']
    assert body['flavorRef'].endswith('1')
    assert body['nics'] == [{'net-id': ELSEWHERE}]
    assert body['restorePoint'] == {'backupRef': backup['id']}
    assert body['volume'] == {'size': 2}
    assert 'access' not in body


def test_what_is_not_set_is_as_recorded(backup, verify_at, fake_trove):
    fake_trove.instances.clear()
    verify_at('restore')
    [asked] = fake_trove.find_requests('POST', '/instances')
    assert asked.body['instance']['flavorRef'].endswith('2')
    assert asked.body['instance']['nics'] == [{'net-id': cloud.NETWORK}]


# Databases and users.


def test_what_is_missing_after_the_restore_is_named(
        backup, verify_at, temporary, section):
    backup.update(databases=['stock'], users=['somebody'])
    lines = verify_at('restore', passes=False)
    assert lines[:2] == ['databases are missing after the test restore: '
                         'orders',
                         'users are missing after the test restore: seller']
    assert 'the database was up' in lines[2]
    assert not temporary()
    [kept] = verification_results.read_all(section)
    assert kept.recovery_seconds == pytest.approx(12)


def test_what_is_there_beyond_is_no_failure(backup, verify_at):
    backup.update(databases=['a', 'orders', 'stock'])
    verify_at('restore')


@pytest.mark.parametrize('level', ['backup', 'data'])
def test_what_was_not_recorded_is_not_compared(
        original, protect_at, verify_at, level):
    protect_at(level)
    assert verify_at('restore')[-2:] == [
        'restore: %s were not recorded when the backup was made, so they '
        'were not compared' % kind for kind in ('databases', 'users')]


@pytest.mark.parametrize('code', [400, 404, 422, 501, 503])
def test_where_trove_does_not_tell_them_nothing_is_recorded(
        original, protect_at, verify_at, fake_trove, section, code):
    fake_trove.fail('GET', '/instances/*/users', code, times=None)
    protect_at('restore')
    kept = section.get_object('metadata')
    assert (kept['databases'], kept['users']) == (['orders', 'stock'], None)
    assert 'users were not recorded' in verify_at('restore')[-1]


def test_a_datastore_without_them_is_protected(
        protect_at, fake_trove, resource, section):
    fake_trove.instances[resource.id]['datastore'] = dict(
        fake_trove.version('redis', '7'))
    protect_at('restore')
    kept = section.get_object('metadata')
    assert kept['databases'] is None and kept['users'] is None


def test_where_the_restored_one_does_not_tell_nothing_is_compared(
        backup, verify_at, fake_trove):
    fake_trove.fail('GET', '/instances/*/users', 501, times=None)
    assert verify_at('restore')[-1] == (
        'restore: Trove does not tell the users, so they were not compared')


def test_only_what_is_there_before_and_after_is_recorded(
        original, protect_at, fake_trove, section, monkeypatch):
    create = fake_trove._on_backups.create

    def creating(*args):
        told = create(*args)
        original['databases'] = ['orders', 'later']
        return told

    monkeypatch.setattr(fake_trove._on_backups, 'create', creating)
    protect_at('restore')
    assert section.get_object('metadata')['databases'] == ['orders']


def test_all_pages_of_them_are_listed(
        original, protect_at, section, fake_trove, verify_at):
    original['databases'] = ['db%02d' % number for number in range(45)]
    protect_at('restore')
    assert section.get_object('metadata')['databases'] == (
        original['databases'])
    assert 'restore: 45 of 45 databases are there' in verify_at('restore')


# What goes wrong.


def test_a_restore_that_fails_is_told_with_troves_reason(
        backup, verify_at, fake_trove, temporary, notes, section):
    fake_trove.next_instance('ERROR', fault='the disk is bad')
    [line] = verify_at('restore', passes=False)
    assert line.endswith('has the status ERROR: the disk is bad')
    assert not temporary() and not notes.list_entries()
    [kept] = verification_results.read_all(section)
    assert kept.recovery_seconds is None


def test_a_restore_that_takes_too_long_is_given_up_and_deleted(
        backup, verify_at, fake_trove, temporary, notes, clock):
    fake_trove.next_instance('ACTIVE', seconds=200)
    began = clock.now()
    [line] = verify_at('restore', passes=False, restore_timeout=50)
    assert line.endswith('is not up: given up after 50 s')
    assert not temporary() and not notes.list_entries()
    assert 200 <= clock.now() - began < 220


@pytest.mark.parametrize('passes', [True, False])
def test_what_cannot_be_deleted_is_left_and_told(
        backup, verify_at, fake_trove, temporary, notes, clock, passes):
    if not passes:
        fake_trove.next_instance('ERROR')
    fake_trove.next_delete(seconds=None)
    began = clock.now()
    line = verify_at('restore', passes, delete_timeout=40)[-1]
    [note] = notes.list_entries()
    assert line == ('the temporary instance %s is left, and goes with the '
                    'next verification: instance %s is not deleted yet: given up '
                    'after 40 s' % (note.instance_id, note.instance_id))
    assert note.abandoned_reason and temporary() == [note.name]
    assert clock.now() - began < 80


def test_one_that_trove_fails_to_delete_is_not_waited_for(
        backup, verify_at, fake_trove, notes, clock):
    fake_trove.next_delete('ERROR', seconds=3)
    began = clock.now()
    assert 'Trove could not delete instance' in verify_at('restore')[-1]
    assert clock.now() - began < 60


def test_a_deletion_is_asked_for_again_while_trove_is_away(
        backup, verify_at, fake_trove, temporary):
    fake_trove.fail('DELETE', '/instances/*', 503, times=3)
    fake_trove.fail('DELETE', '/instances/*', 'reset', after=True)
    verify_at('restore')
    assert not temporary()
    assert len(fake_trove.find_requests('DELETE', '/instances/*')) == 4


def test_a_lost_answer_makes_no_second_instance(
        backup, verify_at, fake_trove, temporary):
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    verify_at('restore')
    assert len(fake_trove.find_requests('POST', '/instances')) == 1
    assert not temporary()


def test_a_refusal_leaves_no_note(backup, verify_at, fake_trove, notes):
    fake_trove.fail('POST', '/instances', 400)
    verify_at('restore', passes=False)
    assert not notes.list_entries()


def test_a_fault_of_ours_leaves_no_instance(
        backup, verify_at, temporary, notes, monkeypatch):
    def fail(*args):
        raise KeyError('bug')

    monkeypatch.setattr('karbor_trove.trove.accounts.list_accounts', fail)
    with pytest.raises(KeyError):
        verify_at('restore')
    assert not temporary() and not notes.list_entries()


def test_it_ends_whatever_is_away(
        backup, verify_at, fake_trove, notes, clock, monkeypatch):
    create = fake_trove._on_instances.create

    def creating(*args):
        fake_trove.fail('*', '*', 503, times=None)
        return create(*args)

    monkeypatch.setattr(fake_trove._on_instances, 'create', creating)
    began = clock.now()
    verify_at('restore', passes=False, restore_timeout=50, delete_timeout=20)
    assert clock.now() - began == pytest.approx(50 + 20, abs=2)
    [note] = notes.list_entries()
    assert note.abandoned_reason and note.instance_id


def test_one_with_a_broken_machine_says_error_until_it_is_gone(
        backup, verify_at, fake_trove, notes, temporary):
    fake_trove.next_instance('ERROR', fault='no valid host')
    fake_trove.delete_seconds = 30
    lines = verify_at('restore', passes=False)
    assert not any('is left' in line for line in lines)
    assert not temporary() and not notes.list_entries()
    assert len(fake_trove.find_requests('DELETE', '/instances/*')) == 1


@pytest.mark.parametrize('times', [2, 8])
def test_a_bank_that_fails_after_the_request_leaves_no_instance(
        backup, verify_at, fake_trove, temporary, bank, monkeypatch, again,
        notes, times):
    write = bank._plugin.update_object
    left = [times]

    def fail(key, value, context=None):
        if '/rehearsals/' in key and temporary() and left[0]:
            left[0] -= 1
            raise OSError('disc')
        write(key, value, context)

    monkeypatch.setattr(bank._plugin, 'update_object', fail)
    verify_at('restore')
    assert not temporary() and not notes.list_entries()


@pytest.mark.parametrize('times', [1, 3])
def test_a_look_that_is_refused_after_a_lost_answer_leaves_it_to_the_next(
        backup, verify_at, fake_trove, temporary, again, notes, monkeypatch,
        times):
    create = fake_trove._on_instances.create

    def creating(*args):
        fake_trove.fail('GET', '/instances', 403, times=times)
        return create(*args)

    monkeypatch.setattr(fake_trove._on_instances, 'create', creating)
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    verify_at('restore', passes=False)
    assert temporary() and notes.list_entries()[0].abandoned_reason
    fake_trove.heal()
    monkeypatch.undo()
    again('backup')
    assert not temporary() and not notes.list_entries()


def test_a_measured_time_outlives_a_refusal(
        backup, verify_at, again, fake_trove, section):
    verify_at('restore')
    [measured] = verification_results.read_all(section)
    again('restore', passes=False, verify_max_volumes=1)
    [kept] = verification_results.read_all(section)
    assert not kept.passed
    assert kept.recovery_seconds == measured.recovery_seconds


@pytest.mark.parametrize('torn', ['', {'version': 9, 'passed': True}])
def test_one_that_cannot_be_read_is_none(
        backup, verify_at, bank, checkpoint, resource, section, torn):
    section.update_object('verified-data', torn)
    with pytest.raises(errors.Rejected):
        verification_results.read_all(section)
    assert verification_results.read_recovery_seconds(section, 'restore') is None


# What is left, and goes.


@pytest.fixture
def left(backup, verify_at, fake_trove, temporary, notes):
    """The note of an instance that could not be deleted, and now can."""
    fake_trove.next_delete('ERROR', seconds=1)
    verify_at('restore')
    [note] = notes.list_entries()
    assert temporary()
    return note


@pytest.mark.parametrize('level', ['backup', 'data', 'restore'])
def test_what_is_left_goes_with_the_next_verification(
        left, again, temporary, notes, level):
    again(level)
    assert not temporary() and not notes.list_entries()


def test_what_stays_on_is_told_and_fails_nothing(
        left, again, fake_trove, notes):
    fake_trove.fail('DELETE', '/instances/*', 403, times=None)
    last = again('backup')[-1]
    assert last.startswith('verification %s left an instance "%s": ' % (
        left.verification_id, left.name))
    [note] = notes.list_entries()
    assert note.abandoned_reason in last


def test_a_lower_level_spends_30_s_on_it(left, again, fake_trove, clock):
    fake_trove.delete_seconds = None
    began = clock.now()
    again('backup')
    assert clock.now() - began <= 30 + 1


def test_where_nothing_is_left_nothing_is_asked(backup, verify_at, fake_trove):
    fake_trove.requests.clear()
    verify_at('backup')
    assert not fake_trove.find_requests('*', '/instances*')


@pytest.fixture
def living(left, notes):
    """A note of a verification that is at work in another process."""
    note = dataclasses.replace(left, abandoned_reason=None, ends_by='2026-01-02T00:00:00')
    notes.write(note)
    return note


def test_what_a_living_one_made_is_not_touched(
        living, again, temporary, notes):
    again('restore')
    assert temporary() == [living.name]
    assert notes.list_entries() == [living]


def test_it_is_when_its_time_is_over(
        living, again, temporary, notes, clock):
    clock.sleep(24 * 3600)
    again('backup')
    assert not temporary() and not notes.list_entries()


def test_it_is_when_its_process_is_gone(living, again, temporary, notes):
    notes.write(dataclasses.replace(
        living, worker=dict(worker.current(), pid=2 ** 22 + 1, started='1')))
    again('backup')
    assert not temporary() and not notes.list_entries()


def test_an_instance_whose_id_was_not_noted_is_found_by_its_name(
        left, again, temporary, notes):
    notes.write(dataclasses.replace(left, instance_id=None))
    again('backup')
    assert not temporary() and not notes.list_entries()


def test_a_request_that_may_still_land_is_waited_for(
        left, again, fake_trove, notes, clock, temporary):
    before = dict(fake_trove.instances)
    del before[left.instance_id]
    late = fake_trove.instances.pop(left.instance_id)
    notes.write(dataclasses.replace(left, instance_id=None))
    assert 'may still be made' in again('backup')[-1]
    assert len(notes.list_entries()) == 1
    fake_trove.instances[late['id']] = late
    again('backup')
    assert not temporary() and not notes.list_entries()


def test_a_request_that_came_to_nothing_is_forgotten(
        backup, verify_at, again, fake_trove, notes, clock, temporary):
    fake_trove.fail('POST', '/instances', 'reset')
    [line] = verify_at('restore', passes=False)
    assert 'the created object was not found' in line
    [note] = notes.list_entries()
    assert note.abandoned_reason and note.instance_id is None
    clock.sleep(9 * 60)
    again('backup')
    assert notes.list_entries()
    clock.sleep(60)
    again('backup')
    assert not notes.list_entries() and not temporary()


@pytest.mark.parametrize('torn', ['', '{"until": "', '[]', {
    'version': 2, 'until': ''}])
def test_a_torn_note_is_in_nobodys_way(left, again, bank, notes, torn):
    bank.update_object(
        '/karbor-trove/%s/rehearsals/torn' % notes.instance_id, torn)
    again('restore')
    assert not notes.list_entries()


def test_a_bank_that_fails_while_looking_fails_nothing(
        left, again, monkeypatch):
    def fail(*args):
        raise OSError('disc')

    monkeypatch.setattr(verification_journal.VerificationJournal, 'list_entries', fail)
    again('backup')


@pytest.mark.parametrize('code', [None, 403])
def test_a_bank_that_fails_afterwards_fails_nothing(
        left, again, temporary, fake_trove, monkeypatch, code):
    def fail(*args):
        raise errors.BankError('disc')

    if code:
        fake_trove.fail('DELETE', '/instances/*', code, times=None)
    for name in 'write', 'delete':
        monkeypatch.setattr(verification_journal.VerificationJournal, name, fail)
    last = again('backup')[-1]
    assert bool(temporary()) == bool(code) == ('left an instance' in last)


def test_a_note_that_stays_ends_no_sweep(
        left, bank, notes, context, clock, temporary, monkeypatch):
    def fail(*args):
        raise errors.BankError('disc')

    monkeypatch.setattr(verification_journal.VerificationJournal, 'delete', fail)
    assert cleanup.TemporaryInstanceCleanup(
        bank, notes.instance_id, context.project_id,
        lambda until: connect.connect(context), polling.Poller(1, clock)).run(30) == []
    assert not temporary()


def test_who_comes_second_finds_it_gone(left, bank, notes, context, clock):
    both = [cleanup.TemporaryInstanceCleanup(
        bank, notes.instance_id, context.project_id,
        lambda until: connect.connect(context), polling.Poller(1, clock))
        for _ in range(2)]
    assert both[0].run(30) == []
    notes.write(left)
    assert both[1].run(30) == []
    assert not notes.list_entries()


# What is looked at before.


@pytest.fixture
def refused(backup, verify_at, fake_trove, notes):
    """Verifies in vain; nothing was asked for."""
    def do(**options):
        lines = verify_at('restore', passes=False, **options)
        assert not fake_trove.find_requests('POST', '/instances')
        assert not notes.list_entries()
        return lines
    return do


def test_a_flavor_that_is_not_there_is_told_to_the_operator(refused):
    [line] = refused(verify_flavor_id='99')
    assert line == ('flavor 99 is not there or not for this version: the '
                    'provider file may set verify_flavor_id, one of 1, 2, 3')


@pytest.mark.parametrize('quota', ['instances', 'volumes', 'ram'])
def test_quotas_are_looked_at_before(refused, fake_trove, quota):
    fake_trove.quotas[quota] = 1
    [line] = refused()
    assert line.startswith('quota of %s: this restore needs ' % quota)


def test_what_is_left_does_not_count_in_the_quotas(
        left, again, fake_trove, temporary):
    fake_trove.quotas['instances'] = 2
    again('restore')
    assert not temporary()


def test_quotas_that_are_not_told_are_told_of(backup, verify_at, fake_trove):
    fake_trove.shows_quotas = False
    assert ('restore: quotas were not checked before: Trove does not tell '
            'them') in verify_at('restore')


def test_more_than_the_operator_allows_is_refused(refused):
    assert refused(verify_max_volumes=1) == [
        'the test restores of this verification need volumes of 2 GB '
        'together, and verify_max_volumes of the provider file is 1']


def test_as_much_as_the_operator_allows_is_not(backup, verify_at):
    verify_at('restore', verify_max_volumes=2)


@pytest.mark.parametrize('options, said', [
    ({'verify_level': 'all'}, 'verify_level'),
    ({'verify_net_id': 'databases'}, "verify_net_id 'databases'"),
    ({'verify_flavor_id': '---'}, "verify_flavor_id '---'"),
    ({'verify_max_volumes': '0'}, 'verify_max_volumes')])
def test_a_wrong_option_is_named_and_nothing_asked(
        backup, make_plugin, checkpoint, resource, context, verify,
        fake_trove, options, said):
    fake_trove.requests.clear()
    checkpoint.resource_graph = graph.build_graph([resource], lambda node: [])
    with pytest.raises(exception.VerifyResourceFailed):
        make_plugin(**options).get_verify_operation(
            resource).on_prepare_begin(
                checkpoint, resource, context, {}, verify)
    assert said in verify.resources_reason[KEY + resource.id]
    assert not fake_trove.requests
    assert not verification_results.read_all(
        checkpoint.get_resource_bank_section(resource.id))


@pytest.fixture
def pair(backup, protect_at, fake_trove, in_threads, checkpoint, resource):
    """Two resources of one checkpoint."""
    other = in_threads.resource(fake_trove.add_instance('other'))
    protect_at('restore', resource=other)
    checkpoint.resource_graph = graph.build_graph(
        [resource, other], lambda node: [])
    return [resource, other]


@pytest.fixture
def prepare(pair, make_plugin, checkpoint, context, verify):
    """Begins a verification of both; gives their operations."""
    def do(**options):
        plugin = make_plugin(poll_interval=1, verify_level='restore',
                             **options)
        operations = [plugin.get_verify_operation(one) for one in pair]
        for one, operation in zip(pair, operations):
            operation.on_prepare_begin(
                checkpoint, one, context, {}, verify, new_resources={})
        return operations
    return do


def test_two_of_one_verification_have_instances_of_their_own(
        pair, prepare, checkpoint, context, verify, fake_trove):
    for one, operation in zip(pair, prepare()):
        operation.on_main(checkpoint, one, context, {}, verify)
    names = {asked.body['instance']['name']
             for asked in fake_trove.find_requests('POST', '/instances')}
    assert names == {'karbor-verify-%s-%s' % (verify.id, one.id)
                     for one in pair}
    assert set(fake_trove.instances) == {one.id for one in pair}


@pytest.mark.parametrize('options, quotas', [
    ({'verify_max_volumes': 3}, {}), ({}, {'volumes': 7})])
def test_what_all_need_together_is_what_counts(
        pair, prepare, fake_trove, options, quotas):
    fake_trove.quotas.update(quotas)
    with pytest.raises(exception.VerifyResourceFailed, match=' 4 GB'):
        prepare(**options)


def test_none_is_begun_where_one_cannot_be_restored(
        pair, make_plugin, checkpoint, context, verify, fake_trove):
    [_, other] = pair
    checkpoint.get_resource_bank_section(other.id).delete_object('metadata')
    plugin = make_plugin(verify_level='restore')
    for one in pair:
        with pytest.raises(exception.VerifyResourceFailed):
            plugin.get_verify_operation(one).on_prepare_begin(
                checkpoint, one, context, {}, verify)
    reasons = verify.resources_reason
    assert 'holds no backup' in reasons[KEY + other.id]
    assert reasons[KEY + pair[0].id] == (
        'not started, because another database of this checkpoint cannot be '
        'restored: ' + other.id)
    assert not fake_trove.find_requests('POST', '/instances')
    # Of one that was not looked at nothing was found out.
    assert [[one.passed for one in verification_results.read_all(
        checkpoint.get_resource_bank_section(of.id))]
        for of in pair] == [[], [False]]
