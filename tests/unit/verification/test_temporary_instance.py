"""Verification level restore, and the cleanup of temporary instances."""

import dataclasses
import datetime

from karbor import exception
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import verification_journal
from karbor_trove.bank import verification_results
from karbor_trove.bank import worker_process
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import connect
from karbor_trove.verification import cleanup
from tests.fake_trove import cloud
from tests.fake_trove import fixtures
from tests.fake_trove import karbor_records

ELSEWHERE = '22222222-3333-4444-8555-666666666666'
KEY = 'OS::Trove::Instance#'


@pytest.fixture
def original(fake_trove, resource):
    """The original instance, with databases and users."""
    fake_trove.instances[resource.id].update(
        databases=['orders', 'stock'], users=['seller'],
        access={'is_public': True, 'allowed_cidrs': ['192.0.2.0/24']})
    return fake_trove.instances[resource.id]


@pytest.fixture
def backup(original, protect_at, fake_trove):
    """A backup of the original, protected at level restore."""
    protect_at('restore')
    [backup] = fake_trove.backups.values()
    return backup


@pytest.fixture
def verify_again(verify_at, context, checkpoint):
    """Return a function that runs one more verification."""
    return lambda *args, **kw: verify_at(*args, record=karbor_records.new(
        karbor_records.Verification, context, checkpoint.id), **kw)


def test_temporary_instance_is_deleted_after_a_passed_test_restore(
        backup, verify_at, list_temporary, temporary_journal, section):
    assert verify_at('restore')[4:] == [
        'restore: the database was up 12.0 s after the request',
        'restore: 2 of 2 databases exist', 'restore: 1 of 1 users exist']
    assert not list_temporary() and not temporary_journal.list_entries()
    [result] = verification_results.read_all(section)
    assert result.recovery_seconds == pytest.approx(12)
    assert result.verified_at.startswith('2026-01-01T00:00:')


def test_journal_entry_is_written_before_the_request(
        backup, verify_at, fake_trove, temporary_journal, verify, monkeypatch,
        resource):
    entries = []
    create = fake_trove._on_instances.create
    monkeypatch.setattr(
        fake_trove._on_instances, 'create',
        lambda *args: (entries.extend(temporary_journal.list_entries()),
                       create(*args))[1])
    verify_at('restore', restore_timeout=1000, delete_timeout=200)
    [entry] = entries
    assert entry.name == 'karbor-verify-%s-%s' % (verify.id, resource.id)
    assert entry.project_id == cloud.PROJECT
    assert entry.time_before_request and entry.instance_id is None
    assert worker_process.may_be_alive(entry.worker)
    # 600 s are for the requests.
    assert datetime.datetime.fromisoformat(entry.ends_by) == (
        datetime.datetime.fromisoformat(entry.time_before_request)
        + datetime.timedelta(seconds=1000 + 200 + 600))


@pytest.mark.parametrize('fault', ['refused', 'timeout', 500, 503, 429])
@pytest.mark.parametrize('ends', [True, False])
def test_temporary_instance_of_a_sibling_is_never_adopted(
        backup, verify_at, verify_again, fake_trove, before_post, fault, ends,
        list_temporary, temporary_journal):
    def verify_sibling():
        if ends:
            verify_again('restore')
        else:
            fake_trove.add_instance(name='karbor-verify-%s-%s' % (
                ELSEWHERE, backup['instance_id']))
        fake_trove.fail('POST', '/instances', fault)

    before_post(verify_sibling)
    reason = verify_at('restore', passes=False)
    assert any('It may still be created' in line for line in reason)
    assert len(list_temporary()) == (not ends)
    [entry] = temporary_journal.list_entries()
    assert entry.instance_id is None


def test_temporary_instance_uses_provider_options_and_has_no_access(
        backup, verify_at, fake_trove):
    verify_at('restore', verify_flavor_id='1', verify_net_id=ELSEWHERE)
    [request] = fake_trove.find_requests('POST', '/instances')
    body = request.body['instance']
    assert body['flavorRef'].endswith('1')
    assert body['nics'] == [{'net-id': ELSEWHERE}]
    assert body['restorePoint'] == {'backupRef': backup['id']}
    assert body['volume'] == {'size': 2}
    assert 'access' not in body


def test_temporary_instance_has_the_volume_type_and_zone_of_the_provider(
        backup, verify_at, fake_trove):
    fake_trove.volume_types = {'fast'}
    verify_at('restore', verify_volume_type='fast',
              verify_availability_zone='zone-1')
    [request] = fake_trove.find_requests('POST', '/instances')
    body = request.body['instance']
    assert body['volume'] == {'size': 2, 'type': 'fast'}
    assert body['availability_zone'] == 'zone-1'


def test_refusal_of_the_volume_type_names_the_provider_option(
        backup, verify_at, fake_trove):
    fake_trove.volume_types = {'fast'}
    [line] = verify_at('restore', passes=False)
    assert line.endswith(': the provider file may set verify_volume_type')


@pytest.mark.parametrize('fault, name', [
    ('Failed to create User port for instance x', 'verify_net_id'),
    ('The requested availability zone is not available',
     'verify_availability_zone')])
def test_fault_of_the_temporary_instance_names_the_provider_option(
        backup, verify_at, fake_trove, fault, name):
    fake_trove.next_instance(fault=fault)
    assert verify_at('restore', passes=False)[0].endswith(
        '%s: the provider file may set %s' % (fault, name))


def test_temporary_instance_is_as_recorded_without_provider_options(
        backup, verify_at, fake_trove):
    fake_trove.instances.clear()
    verify_at('restore')
    [request] = fake_trove.find_requests('POST', '/instances')
    assert request.body['instance']['flavorRef'].endswith('2')
    assert request.body['instance']['nics'] == [{'net-id': cloud.NETWORK}]


# Databases and users.


def test_reason_names_missing_databases_and_users(
        backup, verify_at, list_temporary, section):
    backup.update(databases=['stock'], users=['buyer'])
    lines = verify_at('restore', passes=False)
    assert lines[:2] == ['databases are missing after the test restore: '
                         'orders',
                         'users are missing after the test restore: seller']
    assert 'the database was up' in lines[2]
    assert not list_temporary()
    [result] = verification_results.read_all(section)
    assert result.recovery_seconds == pytest.approx(12)


def test_verify_passes_with_additional_databases(backup, verify_at):
    backup.update(databases=['a', 'orders', 'stock'])
    verify_at('restore')


@pytest.mark.parametrize('level', ['backup', 'data'])
def test_accounts_are_not_compared_when_none_were_recorded(
        original, protect_at, verify_at, level):
    protect_at(level)
    assert verify_at('restore')[-2:] == [
        'restore: the protect recorded no %s, so they were not compared' % kind
        for kind in ('databases', 'users')]


@pytest.mark.parametrize('code', [400, 404, 422, 501, 503])
def test_users_are_not_recorded_when_trove_does_not_list_them(
        original, protect_at, verify_at, fake_trove, section, code):
    fake_trove.fail('GET', '/instances/*/users', code, times=None)
    protect_at('restore')
    document = section.get_object('metadata')
    assert document['databases'] == ['orders', 'stock']
    assert document['users'] is None
    assert 'recorded no users' in verify_at('restore')[-1]


def test_protect_succeeds_with_a_datastore_without_accounts(
        protect_at, fake_trove, resource, section):
    fake_trove.instances[resource.id]['datastore'] = dict(
        fake_trove.version('redis', '7'))
    protect_at('restore')
    document = section.get_object('metadata')
    assert document['databases'] is None and document['users'] is None


@pytest.mark.parametrize('release', ['zed'])
def test_accounts_of_postgresql_are_not_compared_with_trove_18(
        protect_at, verify_at, section):
    protect_at('restore')
    document = section.get_object('metadata')
    assert document['databases'] is None and document['users'] is None
    assert verify_at('restore')[-2:] == [
        'restore: the protect recorded no %s, so they were not compared'
        % kind for kind in ('databases', 'users')]


def test_users_are_not_compared_when_trove_does_not_list_them(
        backup, verify_at, fake_trove):
    fake_trove.fail('GET', '/instances/*/users', 501, times=None)
    assert verify_at('restore')[-1] == (
        'restore: Trove does not return the users, so they were not compared')


def test_protect_records_accounts_that_exist_before_and_after(
        original, protect_at, fake_trove, section, monkeypatch):
    create = fake_trove._on_backups.create

    def creating(*args):
        response = create(*args)
        original['databases'] = ['orders', 'later']
        return response

    monkeypatch.setattr(fake_trove._on_backups, 'create', creating)
    protect_at('restore')
    assert section.get_object('metadata')['databases'] == ['orders']


def test_all_pages_of_databases_are_compared(
        original, protect_at, section, fake_trove, verify_at):
    original['databases'] = ['db%02d' % number for number in range(45)]
    protect_at('restore')
    assert section.get_object('metadata')['databases'] == (
        original['databases'])
    assert 'restore: 45 of 45 databases exist' in verify_at('restore')


# Failures.


def test_verify_fails_with_the_fault_of_the_temporary_instance(
        backup, verify_at, fake_trove, list_temporary, temporary_journal,
        section):
    fake_trove.next_instance('ERROR', fault='the disk is bad')
    [line] = verify_at('restore', passes=False)
    assert line.endswith('has the status ERROR: the disk is bad')
    assert not list_temporary() and not temporary_journal.list_entries()
    [result] = verification_results.read_all(section)
    assert result.recovery_seconds is None


def test_temporary_instance_is_deleted_after_restore_timeout(
        backup, verify_at, fake_trove, list_temporary, temporary_journal,
        clock):
    fake_trove.next_instance('ACTIVE', seconds=200)
    start_time = clock.now()
    [line] = verify_at('restore', passes=False, restore_timeout=50)
    assert line.endswith('is not up: given up after 50 s '
                         '(the last status is BUILD)')
    assert not list_temporary() and not temporary_journal.list_entries()
    assert 200 <= clock.now() - start_time < 220


@pytest.mark.parametrize('passes', [True, False])
def test_reason_names_a_temporary_instance_that_is_not_deleted(
        backup, verify_at, fake_trove, list_temporary, temporary_journal,
        clock, caplog, verify, passes):
    caplog.set_level('INFO')
    if not passes:
        fake_trove.next_instance('ERROR')
    fake_trove.next_delete(seconds=None)
    start_time = clock.now()
    line = verify_at('restore', passes, delete_timeout=40)[-1]
    [entry] = temporary_journal.list_entries()
    assert line == ('the temporary instance %s was not deleted, and the next '
                    'verification deletes it: instance %s is not deleted yet: '
                    'given up after 40 s (the last status is %s)'
                    % (entry.instance_id, entry.instance_id,
                       'SHUTDOWN' if passes else 'ERROR'))
    assert entry.abandoned_reason and list_temporary() == [entry.name]
    assert clock.now() - start_time < 80
    assert 'has deleted temporary' not in caplog.text
    assert ('Temporary instance %s of verification %s was not deleted: '
            % (entry.instance_id, verify.id)) in caplog.text


def test_verify_does_not_wait_when_trove_fails_to_delete(
        backup, verify_at, fake_trove, temporary_journal, clock):
    fake_trove.next_delete('ERROR', seconds=3)
    start_time = clock.now()
    assert 'Trove could not delete instance' in verify_at('restore')[-1]
    assert clock.now() - start_time < 60


def test_deletion_is_retried_during_a_trove_outage(
        backup, verify_at, fake_trove, list_temporary):
    fake_trove.fail('DELETE', '/instances/*', 503, times=3)
    fake_trove.fail('DELETE', '/instances/*', 'reset', after=True)
    verify_at('restore')
    assert not list_temporary()
    assert len(fake_trove.find_requests('DELETE', '/instances/*')) == 4


def test_lost_response_creates_no_second_instance(
        backup, verify_at, fake_trove, list_temporary):
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    verify_at('restore')
    assert len(fake_trove.find_requests('POST', '/instances')) == 1
    assert not list_temporary()


def test_rejected_request_leaves_no_journal_entry(
        backup, verify_at, fake_trove, temporary_journal):
    fake_trove.fail('POST', '/instances', 400)
    verify_at('restore', passes=False)
    assert not temporary_journal.list_entries()


def test_programming_error_leaves_no_temporary_instance(
        backup, verify_at, list_temporary, temporary_journal, monkeypatch):
    def fail(*args):
        raise KeyError('bug')

    monkeypatch.setattr('karbor_trove.trove.accounts.list_accounts', fail)
    with pytest.raises(exception.VerifyResourceFailed, match="KeyError"):
        verify_at('restore')
    assert not list_temporary() and not temporary_journal.list_entries()


def test_verify_ends_by_its_deadlines_during_a_total_outage(
        backup, verify_at, fake_trove, temporary_journal, clock, monkeypatch):
    create = fake_trove._on_instances.create

    def creating(*args):
        fake_trove.fail('*', '*', 503, times=None)
        return create(*args)

    monkeypatch.setattr(fake_trove._on_instances, 'create', creating)
    start_time = clock.now()
    verify_at('restore', passes=False, restore_timeout=50, delete_timeout=20)
    assert clock.now() - start_time == pytest.approx(50 + 20, abs=2)
    [entry] = temporary_journal.list_entries()
    assert entry.abandoned_reason and entry.instance_id


def test_broken_instance_with_status_error_is_deleted_once(
        backup, verify_at, fake_trove, temporary_journal, list_temporary):
    fake_trove.next_instance('ERROR', fault='no valid host')
    fake_trove.delete_seconds = 30
    lines = verify_at('restore', passes=False)
    assert not any('was not deleted' in line for line in lines)
    assert not list_temporary() and not temporary_journal.list_entries()
    assert len(fake_trove.find_requests('DELETE', '/instances/*')) == 1


@pytest.mark.parametrize('times', [2, 8])
def test_bank_error_after_the_request_leaves_no_temporary_instance(
        backup, verify_at, fake_trove, list_temporary, bank, monkeypatch,
        verify_again, temporary_journal, times):
    write = bank._plugin.update_object
    failures = [times]

    def fail(key, value, context=None):
        if '/rehearsals/' in key and list_temporary() and failures[0]:
            failures[0] -= 1
            raise OSError('disc')
        write(key, value, context)

    monkeypatch.setattr(bank._plugin, 'update_object', fail)
    verify_at('restore')
    assert not list_temporary() and not temporary_journal.list_entries()


@pytest.mark.parametrize('times', [1, 3])
def test_next_verification_cleans_up_when_a_lost_response_is_not_recovered(
        backup, verify_at, fake_trove, list_temporary, verify_again,
        temporary_journal, monkeypatch, times):
    create = fake_trove._on_instances.create

    def creating(*args):
        fake_trove.fail('GET', '/instances', 403, times=times)
        return create(*args)

    monkeypatch.setattr(fake_trove._on_instances, 'create', creating)
    fake_trove.fail('POST', '/instances', 'reset', after=True)
    verify_at('restore', passes=False)
    assert list_temporary()
    assert temporary_journal.list_entries()[0].abandoned_reason
    fake_trove.heal()
    monkeypatch.undo()
    verify_again('backup')
    assert not list_temporary() and not temporary_journal.list_entries()


def test_recovery_time_is_kept_after_a_refused_verification(
        backup, verify_at, verify_again, fake_trove, section):
    verify_at('restore')
    [measured] = verification_results.read_all(section)
    verify_again('restore', passes=False, verify_max_volumes=1)
    [result] = verification_results.read_all(section)
    assert not result.passed
    assert result.recovery_seconds == measured.recovery_seconds


@pytest.mark.parametrize('content', ['', {'version': 9, 'passed': True}])
def test_recovery_time_is_none_when_a_result_is_corrupt(
        backup, verify_at, bank, checkpoint, resource, section, content):
    section.update_object('verified-data', content)
    with pytest.raises(errors.Rejected):
        verification_results.read_all(section)
    assert verification_results.read_recovery_seconds(
        section, 'restore') is None


# Temporary instances that an earlier verification left.


@pytest.fixture
def leftover(backup, verify_at, fake_trove, list_temporary, temporary_journal):
    """The journal entry of an instance that can be deleted now."""
    fake_trove.next_delete('ERROR', seconds=1)
    verify_at('restore')
    [entry] = temporary_journal.list_entries()
    assert list_temporary()
    return entry


@pytest.mark.parametrize('level', ['backup', 'data', 'restore'])
def test_next_verification_at_any_level_deletes_the_leftover(
        leftover, verify_again, list_temporary, temporary_journal, level,
        resource, caplog):
    caplog.set_level('INFO')
    verify_again(level)
    assert not list_temporary() and not temporary_journal.list_entries()
    assert ('Original instance %s: temporary instance %s is deleted, which '
            'verification %s left' % (
                resource.id, leftover.instance_id, leftover.verification_id)
            ) in caplog.messages


def test_verify_passes_and_reports_a_leftover_that_cannot_be_deleted(
        leftover, verify_again, fake_trove, temporary_journal):
    fake_trove.fail('DELETE', '/instances/*', 403, times=None)
    last = verify_again('backup')[-1]
    assert last.startswith(
        'verification %s left the temporary instance "%s": '
        % (leftover.verification_id, leftover.name))
    [entry] = temporary_journal.list_entries()
    assert entry.abandoned_reason in last


def test_cleanup_at_level_backup_ends_after_30_s(
        leftover, verify_again, fake_trove, clock):
    fake_trove.delete_seconds = None
    start_time = clock.now()
    verify_again('backup')
    assert clock.now() - start_time <= 30 + 1


def test_cleanup_without_leftovers_sends_no_request(
        backup, verify_at, fake_trove):
    fake_trove.requests.clear()
    verify_at('backup')
    assert not fake_trove.find_requests('*', '/instances*')


@pytest.fixture
def running_entry(leftover, temporary_journal):
    """The journal entry of a verification that another process runs."""
    entry = dataclasses.replace(leftover, abandoned_reason=None,
                                ends_by='2026-01-02T00:00:00')
    temporary_journal.write(entry)
    return entry


def test_instance_of_a_running_verification_is_not_touched(
        running_entry, verify_again, list_temporary, temporary_journal):
    verify_again('restore')
    assert list_temporary() == [running_entry.name]
    assert temporary_journal.list_entries() == [running_entry]


def test_instance_is_deleted_after_the_latest_end_of_its_verification(
        running_entry, verify_again, list_temporary, temporary_journal, clock):
    clock.sleep(24 * 3600)
    verify_again('backup')
    assert not list_temporary() and not temporary_journal.list_entries()


def test_instance_is_deleted_when_its_worker_has_ended(
        running_entry, verify_again, list_temporary, temporary_journal):
    temporary_journal.write(dataclasses.replace(
        running_entry, worker=dict(worker_process.current(), pid=2 ** 22 + 1,
                                   started='1')))
    verify_again('backup')
    assert not list_temporary() and not temporary_journal.list_entries()


def test_leftover_without_a_recorded_id_is_found_by_its_name(
        leftover, verify_again, list_temporary, temporary_journal):
    temporary_journal.write(dataclasses.replace(leftover, instance_id=None))
    verify_again('backup')
    assert not list_temporary() and not temporary_journal.list_entries()


def test_journal_entry_is_kept_while_the_request_is_not_settled(
        leftover, verify_again, fake_trove, temporary_journal, clock,
        list_temporary):
    before = dict(fake_trove.instances)
    del before[leftover.instance_id]
    late = fake_trove.instances.pop(leftover.instance_id)
    temporary_journal.write(dataclasses.replace(leftover, instance_id=None))
    assert 'may still create it' in verify_again('backup')[-1]
    assert len(temporary_journal.list_entries()) == 1
    fake_trove.instances[late['id']] = late
    verify_again('backup')
    assert not list_temporary() and not temporary_journal.list_entries()


def test_journal_entry_is_deleted_when_the_request_is_settled(
        backup, verify_at, verify_again, fake_trove, temporary_journal, clock,
        list_temporary):
    fake_trove.fail('POST', '/instances', 'reset')
    [line] = verify_at('restore', passes=False)
    assert 'the created object was not found' in line
    [entry] = temporary_journal.list_entries()
    assert entry.abandoned_reason and entry.instance_id is None
    clock.sleep(14 * 60)
    verify_again('backup')
    assert temporary_journal.list_entries()
    clock.sleep(60)
    verify_again('backup')
    assert not temporary_journal.list_entries() and not list_temporary()


@pytest.mark.parametrize('content', ['', '{"until": "', '[]', {
    'version': 2, 'until': ''}])
def test_corrupt_journal_entry_does_not_stop_the_cleanup(
        leftover, verify_again, bank, temporary_journal, content):
    bank.update_object(
        '/karbor-trove/%s/rehearsals/corrupt' % temporary_journal.instance_id,
        content)
    verify_again('restore')
    assert not temporary_journal.list_entries()


def test_verify_passes_when_the_journal_cannot_be_listed(
        leftover, verify_again, monkeypatch):
    def fail(*args):
        raise OSError('disc')

    monkeypatch.setattr(verification_journal.VerificationJournal,
                        'list_entries', fail)
    verify_again('backup')


@pytest.mark.parametrize('code', [None, 403])
def test_verify_passes_when_the_journal_cannot_be_changed(
        leftover, verify_again, list_temporary, fake_trove, monkeypatch, code):
    def fail(*args):
        raise errors.BankError('disc')

    if code:
        fake_trove.fail('DELETE', '/instances/*', code, times=None)
    for name in 'write', 'delete':
        monkeypatch.setattr(verification_journal.VerificationJournal, name,
                            fail)
    last = verify_again('backup')[-1]
    assert bool(list_temporary()) == bool(code) == (
        'left the temporary instance' in last)


def test_cleanup_succeeds_when_the_entry_cannot_be_deleted(
        leftover, bank, temporary_journal, context, clock, list_temporary,
        monkeypatch):
    def fail(*args):
        raise errors.BankError('disc')

    monkeypatch.setattr(verification_journal.VerificationJournal, 'delete',
                        fail)
    assert cleanup.TemporaryInstanceCleanup(
        bank, temporary_journal.instance_id, context.project_id,
        lambda deadline: connect.connect(context), polling.Poller(1, clock)
    ).run(30) == []
    assert not list_temporary()


def test_second_cleanup_succeeds_when_the_instance_is_deleted(
        leftover, bank, temporary_journal, context, clock):
    cleanups = [cleanup.TemporaryInstanceCleanup(
        bank, temporary_journal.instance_id, context.project_id,
        lambda deadline: connect.connect(context), polling.Poller(1, clock))
        for _ in range(2)]
    assert cleanups[0].run(30) == []
    temporary_journal.write(leftover)
    assert cleanups[1].run(30) == []
    assert not temporary_journal.list_entries()


def test_cleanup_leaves_the_instance_of_another_project(
        leftover, bank, temporary_journal, clock, list_temporary):
    other = fixtures.request_context('00000000000040008000000000000000')
    assert cleanup.TemporaryInstanceCleanup(
        bank, temporary_journal.instance_id, other.project_id,
        lambda deadline: connect.connect(other), polling.Poller(1, clock)
    ).run(30) == []
    assert temporary_journal.list_entries() == [leftover]
    assert list_temporary()


def test_verify_reports_a_leftover_that_is_not_deleted_in_time(
        leftover, verify_again, fake_trove):
    fake_trove.delete_seconds = None
    last = verify_again('backup', delete_timeout=100)[-1]
    assert 'left the temporary instance' in last and 'given up' in last


# Preflight checks.


@pytest.fixture
def get_problems(backup, verify_at, fake_trove, temporary_journal):
    """Return a function that runs a verification which preflight refuses."""
    def run(**options):
        lines = verify_at('restore', passes=False, **options)
        assert not fake_trove.find_requests('POST', '/instances')
        assert not temporary_journal.list_entries()
        return lines
    return run


def test_unknown_flavor_names_the_option_of_the_provider_file(get_problems):
    [line] = get_problems(verify_flavor_id='99')
    assert line == ('flavor 99 was not found or is not available for this '
                    'version: the provider file may set verify_flavor_id, '
                    'one of 1, 2, 3')


@pytest.mark.parametrize('quota', ['instances', 'volumes', 'ram'])
def test_preflight_checks_quotas_of_a_test_restore(
        get_problems, fake_trove, quota):
    fake_trove.quotas[quota] = 1
    [line] = get_problems()
    assert line.startswith('quota of %s: this restore needs ' % quota)


def test_leftovers_are_deleted_before_quotas_are_checked(
        leftover, verify_again, fake_trove, list_temporary):
    fake_trove.quotas['instances'] = 2
    verify_again('restore')
    assert not list_temporary()


def test_verification_reason_says_that_quotas_were_not_checked(
        backup, verify_at, fake_trove):
    fake_trove.shows_quotas = False
    assert ('restore: quotas were not checked, because Trove does not return '
            'them') in verify_at('restore')


def test_preflight_fails_above_verify_max_volumes(get_problems):
    assert get_problems(verify_max_volumes=1) == [
        'the test restores of this verification need 2 GB of volumes '
        'together, and verify_max_volumes in the provider file is 1']


def test_preflight_passes_at_verify_max_volumes(backup, verify_at):
    verify_at('restore', verify_max_volumes=2)


@pytest.mark.parametrize('options, message', [
    ({'verify_level': 'all'}, 'verify_level'),
    ({'verify_net_id': 'databases'}, "verify_net_id 'databases'"),
    ({'verify_flavor_id': '---'}, "verify_flavor_id '---'"),
    ({'verify_volume_type': '---'}, "verify_volume_type '---'"),
    ({'verify_availability_zone': '---'}, "verify_availability_zone '---'"),
    ({'verify_max_volumes': '0'}, 'verify_max_volumes')])
@pytest.mark.parametrize('hook', ['on_prepare_begin', 'on_main'])
def test_invalid_option_fails_before_any_request(
        backup, make_plugin, checkpoint, resource, context, verify, fake_trove,
        options, message, hook):
    fake_trove.requests.clear()
    checkpoint.resource_graph = graph.build_graph([resource], lambda node: [])
    with pytest.raises(exception.VerifyResourceFailed):
        getattr(make_plugin(**options).get_verify_operation(resource), hook)(
            checkpoint, resource, context, {}, verify)
    assert message in verify.resources_reason[KEY + resource.id]
    assert not fake_trove.requests
    assert not verification_results.read_all(
        checkpoint.get_resource_bank_section(resource.id))


@pytest.fixture
def pair(backup, protect_at, fake_trove, build_resource, checkpoint, resource):
    """Two resources of one checkpoint."""
    other = build_resource(fake_trove.add_instance('other'))
    protect_at('restore', resource=other)
    checkpoint.resource_graph = graph.build_graph(
        [resource, other], lambda node: [])
    return [resource, other]


@pytest.fixture
def run_preflight(pair, make_plugin, checkpoint, context, verify):
    """Return a function that runs the preflight checks of both resources.

    It returns their operations.
    """
    def run(**options):
        plugin = make_plugin(poll_interval=1, verify_level='restore',
                             **options)
        operations = [plugin.get_verify_operation(resource)
                      for resource in pair]
        for resource, operation in zip(pair, operations):
            operation.on_prepare_begin(
                checkpoint, resource, context, {}, verify, new_resources={})
        return operations
    return run


def test_two_instances_of_one_verification_have_their_own_temporary_instances(
        pair, run_preflight, checkpoint, context, verify, fake_trove):
    for resource, operation in zip(pair, run_preflight()):
        operation.on_main(checkpoint, resource, context, {}, verify)
    names = {request.body['instance']['name']
             for request in fake_trove.find_requests('POST', '/instances')}
    assert names == {'karbor-verify-%s-%s' % (verify.id, resource.id)
                     for resource in pair}
    assert set(fake_trove.instances) == {resource.id for resource in pair}


@pytest.mark.parametrize('options, quotas', [
    ({'verify_max_volumes': 3}, {}), ({}, {'volumes': 7})])
def test_preflight_checks_the_sum_of_all_test_restores(
        pair, run_preflight, fake_trove, options, quotas):
    fake_trove.quotas.update(quotas)
    with pytest.raises(exception.VerifyResourceFailed, match=' 4 GB'):
        run_preflight(**options)


def test_no_test_restore_starts_when_one_backup_has_a_problem(
        pair, make_plugin, checkpoint, context, verify, fake_trove):
    [_, other] = pair
    checkpoint.get_resource_bank_section(other.id).delete_object('metadata')
    plugin = make_plugin(verify_level='restore')
    for resource in pair:
        with pytest.raises(exception.VerifyResourceFailed):
            plugin.get_verify_operation(resource).on_prepare_begin(
                checkpoint, resource, context, {}, verify)
    reasons = verify.resources_reason
    assert 'holds no backup' in reasons[KEY + other.id]
    assert reasons[KEY + pair[0].id] == (
        'not started, because another database of this checkpoint cannot be '
        'restored: ' + other.id)
    assert not fake_trove.find_requests('POST', '/instances')
    # The first backup was not tested, so it has no result.
    assert [[result.passed for result in verification_results.read_all(
        checkpoint.get_resource_bank_section(resource.id))]
        for resource in pair] == [[], [False]]
