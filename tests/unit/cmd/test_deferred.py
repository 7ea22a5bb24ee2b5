"""karbor-trove-manage deferred: what waits, and taking it away."""

import dataclasses

from karbor.services.protection.bank_plugins import file_system_bank_plugin
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import verification_journal
from karbor_trove.bank import worker as bank_worker_
from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone


@pytest.fixture
def deferred(protect, journal, checkpoint):
    """The entry of a backup whose checkpoint was deleted."""
    protect()
    [entry] = journal.list_entries()
    entry = dataclasses.replace(entry, deleted_at='2026-01-01T00:00:00',
                                reason='Trove is away')
    journal.write(entry)
    return entry


@pytest.fixture
def nothing_takes_time(fake_trove):
    fake_trove.delete_seconds = 0


def test_nothing_waits(manage, protect):
    protect()
    assert manage('deferred', 'list') == []
    assert manage('deferred', 'sweep') == []


def test_what_waits_is_told_with_its_reason(manage, deferred, resource):
    assert manage('deferred', 'list') == [{
        'what': 'backup', 'project': clouds.PROJECT,
        'instance': resource.id, 'checkpoint': deferred.checkpoint_id,
        'backup': deferred.backup_id, 'since': '2026-01-01T00:00:00',
        'why': 'Trove is away'}]


def test_a_deletion_that_was_killed_waits_too(manage, deferred, journal):
    journal.write(dataclasses.replace(deferred, reason=None))
    [row] = manage('deferred', 'list')
    assert row['why'] == 'its deletion was interrupted'


def test_a_request_without_a_backup_is_told(manage, journal, checkpoint):
    journal.write(backup_journal.BackupEntry(
        journal.instance_id, checkpoint.id, clouds.PROJECT, 'nightly',
        not_before='2026-01-01T00:00:00'))
    [row] = manage('deferred', 'list')
    assert row['what'] == 'request'
    assert row['checkpoint'] == checkpoint.id
    assert row['since'] == '2026-01-01T00:00:00'
    assert '"nightly"' in row['why']


@pytest.fixture
def fail_below(monkeypatch):
    """Lets the bank fail where a part of a key has that name."""
    def let(part, name='list_objects'):
        plugin = file_system_bank_plugin.FileSystemBankPlugin
        ask = getattr(plugin, name)

        def fail(self, key=None, prefix=None, **kwargs):
            if part in (key or prefix).split('/'):
                raise OSError('disc')
            return ask(self, key or prefix, **kwargs)

        monkeypatch.setattr(plugin, name, fail)
    return let


def test_a_bank_of_two_providers_is_told_once(
        manage, deferred, add_provider, tmp_path):
    (tmp_path / 'providers.d').joinpath('second.conf').write_text(
        (tmp_path / 'providers.d' / 'databases.conf').read_text())
    assert len(manage('deferred', 'list')) == 1
    assert len(manage('deferred', 'sweep')) == 1


def test_a_sweep_deletes_what_can_go(
        manage, deferred, journal, fake_trove, nothing_takes_time):
    [row] = manage('deferred', 'sweep')
    assert row['outcome'] == 'deleted'
    assert row['backup'] == deferred.backup_id
    assert not fake_trove.backups and not fake_trove.objects.list_urls()
    assert journal.list_entries() == []


def test_a_sweep_asks_with_a_token_of_the_tenants_project(
        manage, deferred, fake_trove, nothing_takes_time):
    before = len(fake_trove.requests)
    manage('deferred', 'sweep')
    asked = fake_trove.requests[before:]
    assert asked and {one.project_id for one in asked} == {clouds.PROJECT}
    assert {one.headers['X-Auth-Token'] for one in asked} == {
        keystone.SERVICE_TOKEN}


def test_a_sweep_leaves_what_cannot_go(
        manage, deferred, journal, fake_trove):
    child = fake_trove.add_backup(
        journal.instance_id, parent_id=deferred.backup_id)
    [row] = manage('deferred', 'sweep')
    assert row['outcome'] == 'the backup has children: %s' % child
    assert set(fake_trove.backups) == {deferred.backup_id, child}
    [entry] = journal.list_entries()
    assert entry.reason == row['outcome']


def test_a_sweep_takes_children_before_their_parents(
        manage, deferred, journal, fake_trove, nothing_takes_time):
    child = fake_trove.add_backup(
        journal.instance_id, parent_id=deferred.backup_id)
    journal.write(dataclasses.replace(
        deferred, checkpoint_id='later', backup_id=child,
        not_before='2999-01-01T00:00:00'))
    assert [row['outcome'] for row in manage('deferred', 'sweep')] == [
        'deleted', 'deleted']
    assert not fake_trove.backups


@pytest.mark.parametrize('which', ['--instance', '--project'])
def test_a_sweep_may_be_of_one_only(
        manage, deferred, fake_trove, which, resource, nothing_takes_time):
    assert manage('deferred', 'sweep', which, 'another') == []
    assert fake_trove.backups
    mine = {'--instance': resource.id, '--project': clouds.PROJECT}[which]
    assert len(manage('deferred', 'sweep', which, mine)) == 1
    assert not fake_trove.backups


@pytest.mark.parametrize('project, said', [
    (keystone.CLOSED_PROJECT, 'has no role in project'),
    (None, 'nobody knows the project')])
def test_a_project_that_is_closed_to_karbor_is_named(
        manage, deferred, journal, fake_trove, project, said):
    entry = dataclasses.replace(deferred, project_id=project)
    journal.write(entry)
    [row] = manage('deferred', 'sweep', expect=1)
    assert said in row['outcome'] and said in manage.err
    assert deferred.backup_id in fake_trove.backups
    assert journal.list_entries() == [entry]


def test_what_another_plugin_deleted_is_taken_from_the_ledger(
        manage, protect, journal, checkpoint, fake_trove):
    protect()
    fake_trove.backups.clear()
    checkpoint.delete()
    [row] = manage('deferred', 'list')
    assert row['why'] == 'the checkpoint was deleted by another plugin'
    manage('deferred', 'sweep')
    assert journal.list_entries() == []


def test_without_a_checkpoint_nothing_is_deleted(
        manage, protect, journal, checkpoint, fake_trove, bank):
    """A bank that lost its checkpoints is no order to delete."""
    protect()
    bank.delete_object('/checkpoints/%s/index.json' % checkpoint.id)
    assert manage('deferred', 'list') == manage('deferred', 'sweep') == []
    assert fake_trove.backups and journal.list_entries()


@pytest.mark.parametrize('where, kept, said', [
    ('backups', '{"instance_', 'is corrupt'),
    ('backups', {'version': 2, 'checkpoint_id': 'x'}, 'has version 2'),
    ('rehearsals', '{"until', 'is corrupt')])
def test_what_cannot_be_read_is_told(manage, bank, resource, where, kept,
                                     said):
    """Nobody knows what it says, so nobody knows that nothing waits."""
    path = '/karbor-trove/%s/%s/id-1' % (resource.id, where)
    bank.update_object(path, kept)
    [row] = manage('deferred', 'list')
    assert row['instance'] == resource.id
    assert path in row['why'] and said in row['why']


def test_a_bank_that_fails_is_told_with_what_was_done(
        manage, deferred, fake_trove, nothing_takes_time, fail_below):
    fail_below('rehearsals')
    [row] = manage('deferred', 'sweep', expect=1)
    assert row['outcome'] == 'deleted'
    assert 'the bank failed' in manage.err


def test_one_that_fails_is_told_where_only_a_project_is_asked_for(
        manage, bank, resource, fail_below):
    bank.update_object('/karbor-trove/%s/restores/id-1' % resource.id, {})
    fail_below('restores', 'get_object')
    manage('deferred', 'sweep', '--project', clouds.PROJECT, expect=1)
    assert 'the bank failed' in manage.err


def test_a_restore_note_that_is_torn_is_told(manage, bank, resource):
    where = '/karbor-trove/%s/restores/restore-1' % resource.id
    bank.update_object(where, '{"na')
    [row] = manage('deferred', 'list')
    assert 'restore-1' in row['why']


@pytest.mark.parametrize('left, worker, said', [
    ('Trove is away', None, 'Trove is away'),
    (None, None, 'it is at work until 2026-01-02T00:00:00, or was '
                 'interrupted'),
    (None, dict(bank_worker_.current(), started='1'), 'it was interrupted')])
def test_a_test_restore_is_told(manage, bank, resource, left, worker, said):
    verification_journal.VerificationJournal(
        bank,
        resource.id).write(
        verification_journal.TemporaryInstanceEntry(
            'verification-1',
            clouds.PROJECT,
            worker,
            '2026-01-02T00:00:00',
            'karbor-verify-1',
            '2026-01-01T00:00:00',
            'instance-1',
            left))
    assert manage('deferred', 'list') == [{
        'what': 'rehearsal', 'project': clouds.PROJECT,
        'instance': resource.id, 'checkpoint': None, 'backup': None,
        'since': '2026-01-01T00:00:00',
        'why': 'verification verification-1 made a temporary instance '
               '"karbor-verify-1" (instance-1): ' + said}]


@pytest.fixture
def rehearsed(bank, resource, fake_trove, clock):
    """Notes a test restore that lasts until then; gives its instance's id."""
    def note(until, project=clouds.PROJECT):
        id_ = fake_trove.add_instance('karbor-verify-1')
        verification_journal.VerificationJournal(
            bank,
            resource.id).write(
            verification_journal.TemporaryInstanceEntry(
                'verification-1',
                project,
                None,
                until,
                'karbor-verify-1',
                '2026-01-01T00:00:00',
                id_))
        fake_trove.delete_seconds = 0
        return id_
    return note


def test_what_a_test_restore_left_is_swept(
        manage, rehearsed, fake_trove, resource):
    id_ = rehearsed('2026-01-02T00:00:00')
    [row] = manage('deferred', 'sweep')
    assert row['instance'] == resource.id
    assert row['outcome'] == 'what test restores left is gone'
    assert id_ not in fake_trove.instances
    assert manage('deferred', 'list') == manage('deferred', 'sweep') == []


def test_one_that_may_be_at_work_is_left_alone_unless_forced(
        manage, rehearsed, fake_trove):
    id_ = rehearsed('2999-01-01T00:00:00')
    [row] = manage('deferred', 'sweep')
    assert 'may still be at work' in row['outcome']
    assert id_ in fake_trove.instances
    manage('deferred', 'sweep', '--force')
    assert id_ not in fake_trove.instances


def test_a_test_restore_in_a_project_without_karbor_is_told(
        manage, rehearsed, fake_trove):
    id_ = rehearsed('2026-01-02T00:00:00', keystone.CLOSED_PROJECT)
    [row] = manage('deferred', 'sweep')
    assert 'has no role in project' in row['outcome']
    assert id_ in fake_trove.instances
    assert manage('deferred', 'list')


def test_that_of_another_project_or_instance_is_not_swept(
        manage, rehearsed, fake_trove):
    id_ = rehearsed('2026-01-02T00:00:00')
    assert manage('deferred', 'sweep', '--project', 'other') == []
    assert manage('deferred', 'sweep', '--instance', 'other') == []
    assert id_ in fake_trove.instances
