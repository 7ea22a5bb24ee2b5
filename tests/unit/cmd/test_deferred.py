"""Tests of karbor-trove-manage deferred list and sweep."""

import dataclasses
import datetime
import json
import re
import shutil
import uuid

from karbor.services.protection.bank_plugins import file_system_bank_plugin
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import instance_markers
from karbor_trove.bank import verification_journal
from karbor_trove.bank import worker_process
from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone


@pytest.fixture
def deferred(protect, journal, checkpoint):
    """Return the journal entry of a backup whose checkpoint was deleted."""
    protect()
    [entry] = journal.list_entries()
    entry = dataclasses.replace(entry, deleted_at='2026-01-01T00:00:00',
                                reason='Trove is unavailable')
    journal.write(entry)
    return entry


@pytest.fixture
def delete_at_once(fake_trove):
    fake_trove.delete_seconds = 0


def test_list_and_sweep_are_empty_without_deferred_deletions(manage, protect):
    protect()
    assert manage('deferred', 'list') == []
    assert manage('deferred', 'sweep') == []


def test_list_has_a_deferred_deletion_with_its_reason(
        manage, deferred, resource):
    assert manage('deferred', 'list') == [{
        'what': 'backup', 'project': clouds.PROJECT,
        'instance': resource.id, 'checkpoint': deferred.checkpoint_id,
        'backup': deferred.backup_id, 'restore': None,
        'since': '2026-01-01T00:00:00Z', 'why': 'Trove is unavailable'}]


def test_list_has_an_interrupted_deletion(manage, deferred, journal):
    journal.write(dataclasses.replace(deferred, reason=None))
    [row] = manage('deferred', 'list')
    assert row['why'] == 'its deletion was interrupted'


def test_list_has_a_request_without_a_backup(manage, journal, checkpoint):
    journal.write(backup_journal.BackupEntry(
        journal.instance_id, checkpoint.id, clouds.PROJECT, 'nightly',
        time_before_request='2026-01-01T00:00:00'))
    [row] = manage('deferred', 'list')
    assert row['what'] == 'request'
    assert row['checkpoint'] == checkpoint.id
    assert row['since'] == '2026-01-01T00:00:00Z'
    assert '"nightly"' in row['why']


@pytest.fixture
def fail_bank(monkeypatch):
    """Return a function that lets a method fail for keys with this part."""
    def fail_bank(part, method='list_objects'):
        plugin = file_system_bank_plugin.FileSystemBankPlugin
        original = getattr(plugin, method)

        def fail(self, key=None, prefix=None, **kwargs):
            if part in (key or prefix).split('/'):
                raise OSError('disc')
            return original(self, key or prefix, **kwargs)

        monkeypatch.setattr(plugin, method, fail)
    return fail_bank


def test_bank_of_two_providers_is_listed_and_swept_once(
        manage, deferred, add_provider, tmp_path, delete_at_once):
    (tmp_path / 'providers.d').joinpath('second.conf').write_text(
        (tmp_path / 'providers.d' / 'databases.conf').read_text())
    assert len(manage('deferred', 'list')) == 1
    assert len(manage('deferred', 'sweep')) == 1


def test_list_has_the_banks_of_all_providers(
        manage, deferred, journal, add_provider, tmp_path):
    shutil.copytree(tmp_path / 'bank', tmp_path / 'other')
    (tmp_path / 'providers.d' / 'other.conf').write_text(
        (tmp_path / 'providers.d' / 'databases.conf').read_text().replace(
            str(tmp_path / 'bank'), str(tmp_path / 'other')))
    assert len(manage('deferred', 'list')) == 1, 'a copy without changes'
    journal.write(dataclasses.replace(deferred, checkpoint_id='new'))
    assert sorted(row['checkpoint'] for row in manage('deferred', 'list')
                  ) == sorted(['new'] + [deferred.checkpoint_id] * 2)


@pytest.fixture
def kept(deferred, bank, journal):
    """The entry of the last backup of an instance that was left out."""
    checkpoint_id = str(uuid.uuid4())
    instance_markers.MarkerStore(bank, journal.instance_id).write(
        instance_markers.OmissionMarker(checkpoint_id, datetime.datetime(
            2126, 1, 1)))
    return deferred


def test_sweep_keeps_the_last_backup_of_an_instance_that_was_left_out(
        manage, kept, fake_trove):
    [row] = manage('deferred', 'sweep')
    assert row['outcome'].startswith('it is the last complete backup')
    assert 'deferred release %s --yes' % kept.backup_id in row['outcome']
    assert fake_trove.backups
    [row] = manage('deferred', 'list')
    assert row['why'].startswith('it is the last complete backup')


def test_release_deletes_the_last_backup_only_with_yes(
        manage, kept, journal, fake_trove, delete_at_once):
    columns = {'project': clouds.PROJECT, 'instance': journal.instance_id,
               'checkpoint': kept.checkpoint_id, 'backup': kept.backup_id}
    assert manage('deferred', 'release', kept.backup_id) == [
        {**columns, 'outcome': 'would be deleted'}]
    assert fake_trove.backups
    assert manage('deferred', 'release', kept.backup_id, '--yes') == [
        {**columns, 'outcome': 'deleted'}]
    assert not fake_trove.backups and not journal.list_entries()


def test_release_of_a_backup_with_children_says_why_it_stays(
        manage, kept, journal, fake_trove):
    child = fake_trove.add_backup(
        journal.instance_id, parent_id=kept.backup_id)
    [row] = manage('deferred', 'release', kept.backup_id, '--yes')
    assert row['outcome'] == 'the backup has children: %s' % child


def test_release_of_another_backup_is_refused(
        manage, protect, journal, fake_trove):
    protect()
    [entry] = journal.list_entries()
    assert 'no deferred deletions: backup %s' % entry.backup_id in manage(
        'deferred', 'release', entry.backup_id, '--yes', expect=1)
    assert fake_trove.backups


def test_sweep_deletes_a_backup_without_children(
        manage, deferred, journal, fake_trove, delete_at_once):
    [row] = manage('deferred', 'sweep')
    assert row['outcome'] == 'deleted'
    assert row['backup'] == deferred.backup_id
    assert not fake_trove.backups and not fake_trove.objects.list_urls()
    assert journal.list_entries() == []


@pytest.mark.parametrize('option', ['--debug', '-v', '--log-file'])
def test_debug_shows_the_requests_of_a_sweep_and_no_secret(
        run, deferred, config_file, fake_trove, tmp_path, delete_at_once,
        option):
    config_file.write_text(config_file.read_text().replace(
        'password = password', 'password = of-karbors-user'))
    log = tmp_path / 'manage.log'
    options = (option, log) if option == '--log-file' else (option,)
    code, out, err = run('deferred', 'sweep', *options, '--config-file',
                         config_file, '-f', 'json')
    assert (code, len(json.loads(out))) == (0, 1)
    text = log.read_text() if option == '--log-file' else err
    # The password is in the same request as the project.
    assert 'of-karbors-user' in str([
        request.text for request in fake_trove.mocker.request_history])
    for part in ('/v3/auth/tokens', 'DELETE', '/backups/' + deferred.backup_id,
                 '/v1/AUTH_'):
        assert part in text
    for secret in 'of-karbors-user', keystone.SERVICE_TOKEN, keystone.TOKEN:
        assert secret not in text and repr(secret)[1:-1] not in out


def test_sweep_uses_a_token_of_the_project_of_the_backup(
        manage, deferred, fake_trove, delete_at_once):
    first = len(fake_trove.requests)
    manage('deferred', 'sweep')
    requests = fake_trove.requests[first:]
    assert {request.project_id for request in requests} == {clouds.PROJECT}
    assert {request.headers['X-Auth-Token'] for request in requests} == {
        keystone.SERVICE_TOKEN}


def test_sweep_keeps_a_backup_with_children(
        manage, deferred, journal, fake_trove):
    child = fake_trove.add_backup(
        journal.instance_id, parent_id=deferred.backup_id)
    [row] = manage('deferred', 'sweep')
    assert row['outcome'] == 'the backup has children: %s' % child
    assert set(fake_trove.backups) == {deferred.backup_id, child}
    [entry] = journal.list_entries()
    assert entry.reason == row['outcome']


def test_sweep_deletes_the_marker_that_an_earlier_release_left(
        manage, protect, journal, checkpoint, fake_trove, resource):
    protect()
    [entry] = journal.list_entries()
    fake_trove.add_backup(resource.id, parent_id=entry.backup_id)
    journal.write_document(checkpoint.id, dataclasses.replace(
        entry, deleted_at='2026-01-01T00:00:00',
        reason='the backup has children: %s' % list(fake_trove.backups)[-1]
        ).to_document())
    assert not journal.list_abridged()[0].deleted_at
    [row] = manage('deferred', 'sweep')
    assert 'has children' in row['outcome']
    assert journal.list_abridged() == journal.list_entries()


def test_sweep_deletes_children_before_their_parents(
        manage, deferred, journal, fake_trove, delete_at_once):
    child = fake_trove.add_backup(
        journal.instance_id, parent_id=deferred.backup_id)
    journal.write(dataclasses.replace(
        deferred, checkpoint_id='later', backup_id=child,
        parent_id=deferred.backup_id))
    assert [row['outcome'] for row in manage('deferred', 'sweep')] == [
        'deleted', 'deleted']
    assert not fake_trove.backups


@pytest.mark.parametrize('which', ['--instance', '--project'])
def test_sweep_is_limited_to_an_instance_or_a_project(
        manage, deferred, fake_trove, which, resource, delete_at_once):
    assert manage('deferred', 'sweep', which, 'another') == []
    assert fake_trove.backups
    id_ = {'--instance': resource.id, '--project': clouds.PROJECT}[which]
    assert len(manage('deferred', 'sweep', which, id_)) == 1
    assert not fake_trove.backups


@pytest.mark.parametrize('project, message', [
    (keystone.CLOSED_PROJECT, 'has no role in project'),
    (None, 'the journal has no project')])
def test_sweep_changes_nothing_without_access_to_the_project(
        manage, deferred, journal, fake_trove, project, message):
    entry = dataclasses.replace(deferred, project_id=project)
    journal.write(entry)
    [row] = manage('deferred', 'sweep', expect=1)
    assert message in row['outcome'] and message in manage.err
    assert deferred.backup_id in fake_trove.backups
    assert journal.list_entries() == [entry]


def test_sweep_deletes_the_entry_of_a_backup_that_another_plugin_deleted(
        manage, protect, journal, checkpoint, fake_trove):
    protect()
    fake_trove.backups.clear()
    checkpoint.delete()
    [row] = manage('deferred', 'list')
    assert row['why'] == 'the checkpoint was deleted by another plugin'
    manage('deferred', 'sweep')
    assert journal.list_entries() == []


def test_backup_whose_checkpoint_is_lost_is_not_deferred(
        manage, protect, journal, checkpoint, fake_trove, bank):
    protect()
    bank.delete_object('/checkpoints/%s/index.json' % checkpoint.id)
    assert manage('deferred', 'list') == manage('deferred', 'sweep') == []
    assert fake_trove.backups and journal.list_entries()


@pytest.mark.parametrize('journal_name, document, message', [
    ('backups', '{"instance_', 'is corrupt'),
    ('backups', {'version': 2, 'checkpoint_id': 'x'}, 'has version 2'),
    ('rehearsals', '{"until', 'is corrupt')])
def test_list_has_objects_that_cannot_be_read(
        manage, bank, resource, journal_name, document, message):
    path = '/karbor-trove/%s/%s/id-1' % (resource.id, journal_name)
    bank.update_object(path, document)
    [row] = manage('deferred', 'list')
    assert row['instance'] == resource.id
    assert path in row['why'] and message in row['why']


def test_sweep_reports_a_bank_error_and_what_was_deleted(
        manage, deferred, fake_trove, delete_at_once, fail_bank):
    fail_bank('rehearsals')
    [row] = manage('deferred', 'sweep', expect=1)
    assert row['outcome'] == 'deleted'
    assert 'the bank failed' in manage.err


def test_sweep_of_a_project_reports_a_bank_error_of_a_restore_journal(
        manage, bank, resource, fail_bank):
    bank.update_object('/karbor-trove/%s/restores/id-1' % resource.id, {})
    fail_bank('restores', 'get_object')
    manage('deferred', 'sweep', '--project', clouds.PROJECT, expect=1)
    assert 'the bank failed' in manage.err


def test_list_has_a_corrupt_restore_entry(manage, bank, resource):
    bank.update_object(
        '/karbor-trove/%s/restores/restore-1' % resource.id, '{"na')
    [row] = manage('deferred', 'list')
    assert 'restore-1' in row['why']


@pytest.mark.parametrize('abandoned_reason, worker, reason', [
    ('Trove is unavailable', None, 'Trove is unavailable'),
    (None, None, 'it runs until 2026-01-02T00:00:00Z, or was interrupted'),
    (None, dict(worker_process.current(), started='1'), 'it was interrupted')])
def test_list_has_a_temporary_instance(
        manage, bank, resource, abandoned_reason, worker, reason):
    verification_journal.VerificationJournal(bank, resource.id).write(
        verification_journal.TemporaryInstanceEntry(
            'verification-1', clouds.PROJECT, worker, '2026-01-02T00:00:00',
            'karbor-verify-1', '2026-01-01T00:00:00',
            '11111111-1111-4111-8111-111111111111',
            abandoned_reason))
    assert manage('deferred', 'list') == [{
        'what': 'temporary instance', 'project': clouds.PROJECT,
        'instance': resource.id, 'checkpoint': None, 'backup': None,
        'restore': None, 'since': '2026-01-01T00:00:00Z',
        'why': 'verification verification-1 created a temporary instance '
               '"karbor-verify-1" (11111111-1111-4111-8111-111111111111): '
               + reason}]


@pytest.fixture
def temporary_instance(bank, resource, fake_trove, clock):
    """Return a function that adds a temporary instance and its entry."""
    def add(ends_by, project=clouds.PROJECT):
        id_ = fake_trove.add_instance('karbor-verify-1')
        verification_journal.VerificationJournal(bank, resource.id).write(
            verification_journal.TemporaryInstanceEntry(
                'verification-1', project, None, ends_by, 'karbor-verify-1',
                '2026-01-01T00:00:00', id_))
        fake_trove.delete_seconds = 0
        return id_
    return add


def test_sweep_deletes_a_temporary_instance(
        manage, temporary_instance, fake_trove, resource):
    id_ = temporary_instance('2025-12-31T00:00:00')
    [row] = manage('deferred', 'sweep')
    assert row['instance'] == resource.id
    assert row['outcome'] == 'the temporary instances are deleted'
    assert id_ not in fake_trove.instances
    assert manage('deferred', 'list') == manage('deferred', 'sweep') == []


def test_sweep_needs_force_if_the_verification_may_run(
        manage, temporary_instance, fake_trove):
    id_ = temporary_instance('2999-01-01T00:00:00')
    [row] = manage('deferred', 'sweep')
    assert 'may still use the temporary instance' in row['outcome']
    assert id_ in fake_trove.instances
    manage('deferred', 'sweep', '--force')
    assert id_ not in fake_trove.instances


def test_sweep_keeps_a_temporary_instance_without_access_to_the_project(
        manage, temporary_instance, fake_trove):
    id_ = temporary_instance('2025-12-31T00:00:00', keystone.CLOSED_PROJECT)
    [row] = manage('deferred', 'sweep', expect=1)
    assert 'has no role in project' in row['outcome']
    assert id_ in fake_trove.instances
    assert manage('deferred', 'list')


def test_sweep_of_another_project_or_instance_keeps_a_temporary_instance(
        manage, temporary_instance, fake_trove):
    id_ = temporary_instance('2025-12-31T00:00:00')
    assert manage('deferred', 'sweep', '--project', 'other') == []
    assert manage('deferred', 'sweep', '--instance', 'other') == []
    assert id_ in fake_trove.instances


@pytest.mark.parametrize('method, path, status', [
    ('GET', '/backups', 503), ('GET', '/backups', 403),
    ('GET', '/backups', 401), ('DELETE', '/backups/*', 403),
    ('DELETE', '/backups/*', 503), ('DELETE', '/backups/*', 400)])
def test_sweep_that_fails_exits_with_1_and_names_the_backup(
        manage, deferred, fake_trove, method, path, status):
    fake_trove.fail(method, path, status, times=None)
    [row] = manage('deferred', 'sweep', expect=1)
    assert row['outcome'] in manage.err
    assert deferred.backup_id in manage.err
    assert deferred.backup_id in fake_trove.backups


def test_sweep_of_a_temporary_instance_that_fails_exits_with_1(
        manage, temporary_instance, resource, fake_trove):
    id_ = temporary_instance('2025-12-31T00:00:00')
    fake_trove.fail('DELETE', '/instances/*', 403, times=None)
    [row] = manage('deferred', 'sweep', expect=1)
    assert row['outcome'] in manage.err and resource.id in manage.err
    assert id_ in fake_trove.instances


def test_sweep_exits_with_0_if_a_backup_waits_for_its_children(
        manage, deferred, fake_trove):
    child = fake_trove.add_backup(deferred.instance_id, name='by hand',
                                  parent_id=deferred.backup_id)
    [row] = manage('deferred', 'sweep')
    assert child in row['outcome']


def test_debug_of_a_sweep_shows_its_requests_and_no_secrets(
        run, config_file, deferred, fake_trove):
    config_file.write_text(config_file.read_text().replace(
        'password = password', 'password = of-karbors-user'))
    fake_trove.fail('GET', '/backups', 403, times=None)
    code, _, err = run('deferred', 'sweep', '--debug', '--config-file',
                       config_file)
    assert code == 1 and 'DEBUG' in err and '/backups' in err
    for secret in ('of-karbors-user', keystone.SERVICE_TOKEN,
                   'RequestContext', 'auth_token'):
        assert secret not in err


@pytest.fixture
def slow_bank(monkeypatch, clock):
    """Return a function that lets each read of the bank take a time.

    It returns the keys that are read.
    """
    def slow_bank(seconds):
        plugin = file_system_bank_plugin.FileSystemBankPlugin
        get_object = plugin.get_object
        reads = []

        def read_slowly(self, key, *args, **kwargs):
            clock.sleep(seconds)
            reads.append(key)
            return get_object(self, key, *args, **kwargs)

        monkeypatch.setattr(plugin, 'get_object', read_slowly)
        return reads
    return slow_bank


@pytest.fixture
def add_deferred(fake_trove, journal):
    """Return a function that adds backups whose deletion is deferred."""
    def add_deferred(count, journal=journal):
        for _ in range(count):
            journal.write(backup_journal.BackupEntry(
                journal.instance_id, str(uuid.uuid4()), clouds.PROJECT,
                'nightly', time_before_request='2026-01-01T00:00:00',
                backup_id=fake_trove.add_backup(journal.instance_id),
                is_complete=True, deleted_at='2026-01-01T00:00:00'))
    return add_deferred


@pytest.mark.parametrize('seconds', [0.1, 13, 61])
def test_sweep_does_not_take_the_time_of_the_bank_for_troves(
        manage, deferred, temporary_instance, fake_trove, delete_at_once,
        slow_bank, seconds, add_deferred):
    add_deferred(3)
    id_ = temporary_instance('2025-12-31T00:00:00')
    slow_bank(seconds)
    assert len(manage('deferred', 'sweep')) == 5
    assert not fake_trove.backups and id_ not in fake_trove.instances


def test_sweep_reads_the_journal_once(
        manage, delete_at_once, slow_bank, add_deferred, fake_trove):
    reads = slow_bank(0.044)
    costs = []
    for count in 5, 10, 20:
        add_deferred(count)
        reads.clear()
        assert len(manage('deferred', 'sweep')) == count
        costs.append(len(reads))
    assert not fake_trove.backups
    assert costs[2] - costs[1] == 2 * (costs[1] - costs[0])


@pytest.mark.parametrize('count', [1, 3])
def test_sweep_waits_only_once_if_trove_is_unavailable(
        run, config_file, add_deferred, fake_trove, clock, bank, count):
    add_deferred(10)
    for _ in range(count - 1):
        journal = backup_journal.BackupJournal(bank, str(uuid.uuid4()))
        add_deferred(10, journal)
    fake_trove.fail('*', '*', 503, times=None)
    start = clock.now()
    code, out, err = run('deferred', 'sweep', '--config-file', config_file)
    assert code == 1 and len(err.splitlines()) == 10 * count
    assert clock.now() - start < 70
    assert len(fake_trove.backups) == 10 * count


def test_sweep_goes_on_after_a_journal_entry_that_cannot_be_deleted(
        run, config_file, add_deferred, fake_trove, journal, fail_bank,
        delete_at_once):
    add_deferred(5)
    [first, *others] = [entry.checkpoint_id
                        for entry in journal.list_entries()]
    fail_bank(first, 'delete_object')
    code, out, err = run('deferred', 'sweep', '--config-file', config_file)
    assert code == 1 and len(err.splitlines()) == 1
    assert not fake_trove.backups
    assert [entry.checkpoint_id
            for entry in journal.list_entries()] == [first]


@pytest.mark.parametrize('folder', ['backups', 'rehearsals', 'restores'])
@pytest.mark.parametrize('content', ['{"checkpoint_id', {'version': 9}])
def test_sweep_names_a_journal_entry_that_cannot_be_read(
        manage, deferred, bank, resource, fake_trove, delete_at_once, folder,
        content):
    key = str(uuid.uuid4())
    if isinstance(content, dict):
        content = {**content, 'checkpoint_id': key, 'verification_id': key,
                   'restore_id': key}
    bank.update_object('/karbor-trove/%s/%s/%s' % (
        resource.id, folder, key), content)
    rows = manage('deferred', 'sweep', expect=1)
    assert folder + '/' + key in manage.err
    assert rows[0]['outcome'] == 'deleted' and not fake_trove.backups


def test_sweep_connects_to_swift_as_the_provider_file_says(
        manage, deferred, fake_trove, delete_at_once, tmp_path, ca_file):
    with (tmp_path / 'providers.d' / 'databases.conf').open('a') as file:
        file.write('swift_endpoint_override = https://swift.internal/v1\n'
                   'swift_ca_cert_file = %s\n' % ca_file)
    head = fake_trove.mocker.head(
        re.compile('https://swift.internal/v1/AUTH_%s/' % clouds.PROJECT),
        status_code=404, headers={'X-Trans-Id': 'tx1'})
    [row] = manage('deferred', 'sweep')
    assert row['outcome'] == 'deleted'
    assert {request.verify for request in head.request_history} == {
        str(ca_file)}
    assert not fake_trove.find_requests('*', '/swift/*')


def test_sweep_names_the_region_in_which_swift_is_not(
        manage, deferred, journal, fake_trove, delete_at_once, tmp_path):
    journal.write(dataclasses.replace(
        deferred, deleted_at=datetime.datetime.utcnow().isoformat()))
    with (tmp_path / 'providers.d' / 'databases.conf').open('a') as file:
        file.write('swift_region_name = RegionTwo\n')
    [row] = manage('deferred', 'sweep', expect=1)
    assert 'RegionTwo' in row['outcome'] and 'RegionTwo' in manage.err
    assert fake_trove.backups
