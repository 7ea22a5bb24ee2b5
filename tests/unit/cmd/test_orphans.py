"""Tests of karbor-trove-manage orphans list and delete."""

import dataclasses
import json
import shutil
import uuid

from karbor.services.protection.bank_plugins import file_system_bank_plugin
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import record
from karbor_trove.bank import worker_process
from karbor_trove.trove import serialization
from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone
from tests.unit.cmd import test_checkpoints

OLD = '2026-01-01T00:00:00'


@pytest.fixture(autouse=True)
def delete_at_once(fake_trove):
    fake_trove.delete_seconds = 0


@pytest.fixture
def backup(fake_trove, resource):
    """Return a function that adds a backup, by default an orphan."""
    def add(name=None, checkpoint_id=None, **kw):
        return fake_trove.add_backup(resource.id, name=name or (
            'karbor-%s-%s' % (checkpoint_id or uuid.uuid4(), resource.id)),
            **kw)
    return add


@pytest.fixture
def list_ids(manage):
    """Return a function that returns the ids of all orphans."""
    return lambda **kw: {row['backup'] for row in manage(
        'orphans', 'list', **kw)}


def test_backup_of_a_checkpoint_is_no_orphan(
        list_ids, protect, bank, fake_trove):
    protect()
    assert fake_trove.backups
    assert list_ids() == set()


def test_backup_of_a_checkpoint_of_the_in_tree_plugin_is_no_orphan(
        list_ids, backup, checkpoint, resource, clock):
    id_ = backup('backup' + resource.id)
    clock.sleep(3600)
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'metadata', {'instance_id': resource.id, 'backup_id': id_})
    checkpoint.status = 'available'
    checkpoint.commit()
    assert list_ids() == set()
    checkpoint.delete()
    assert list_ids() == {id_}


@pytest.mark.parametrize('how', ['name', 'description'])
def test_backup_with_a_name_of_karbor_and_no_checkpoint_is_an_orphan(
        manage, backup, resource, how):
    checkpoint = str(uuid.uuid4())
    id_ = backup(checkpoint_id=checkpoint) if how == 'name' else backup(
        'nightly', description='Karbor checkpoint %s of database instance %s'
        % (checkpoint, resource.id))
    [row] = manage('orphans', 'list')
    assert row['backup'] == id_
    assert row['project'] == clouds.PROJECT
    assert row['instance'] == resource.id
    assert row['reason'] == 'no bank has the checkpoint %s' % checkpoint


@pytest.mark.parametrize('name', [
    'nightly', 'backup', 'karbor-x', 'backup' + str(uuid.UUID(int=1)),
    'karbor-%s-%s' % (uuid.UUID(int=2), uuid.UUID(int=3))])
def test_backup_of_a_user_is_no_orphan(list_ids, backup, name, clock):
    backup(name)
    clock.sleep(3600)
    assert list_ids() == set()


def test_list_has_the_orphans_of_all_projects(list_ids, fake_trove, backup):
    id_ = backup()
    other = fake_trove.add_instance(project_id='other')
    other_id = fake_trove.add_backup(other, name='karbor-%s-%s' % (
        uuid.uuid4(), other))
    assert list_ids() == {id_, other_id}


def test_backup_in_the_bank_of_a_disabled_provider_is_no_orphan(
        list_ids, protect, add_provider, tmp_path, config_file):
    protect()
    folder = tmp_path / 'providers.d'
    text = (folder / 'databases.conf').read_text()
    (folder / 'databases.conf').write_text(
        text.replace('enabled = True', 'enabled = False'))
    (folder / 'other.conf').write_text(text.replace(
        str(tmp_path / 'bank'), str(tmp_path / 'empty')))
    bank = tmp_path / 'empty' / 'karbor'
    shutil.copytree(tmp_path / 'bank' / 'karbor' / 'checkpoints',
                    bank / 'checkpoints')
    assert list_ids() == set()


def test_list_fails_if_a_provider_cannot_be_loaded(
        manage, backup, tmp_path, config_file):
    backup()
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.with_name('broken.conf').write_text(path.read_text().replace(
        'karbor-fs-bank-plugin', 'no-such-bank'))
    assert 'broken.conf cannot be loaded' in manage(
        'orphans', 'list', expect=1)


def test_deferred_deletion_is_no_orphan(manage, protect, journal, fake_trove):
    protect()
    [entry] = journal.list_entries()
    journal.write(dataclasses.replace(entry, deleted_at=OLD))
    assert manage('orphans', 'list') == []
    assert len(manage('deferred', 'list')) == 1


def test_instance_with_unreadable_objects_is_left_out_and_reported(
        manage, backup, checkpoint, resource, bank):
    backup()
    section = checkpoint.get_resource_bank_section(resource.id)
    for content in ({'record_version': record.VERSION + 1}, '{"instance'):
        section.update_object('metadata', content)
        assert 'instance %s are not included' % resource.id in read_problem(
            manage)
    section.delete_object('metadata')
    path = '/karbor-trove/%s/backups/%s' % (resource.id, checkpoint.id)
    bank.update_object(path, '{')
    assert path in read_problem(manage)
    bank.delete_object(path)
    assert len(manage('orphans', 'list')) == 1


def read_problem(manage):
    assert manage('orphans', 'list', expect=1) == []
    return manage.err


def test_backup_of_a_running_protect_operation_is_no_orphan(
        list_ids, backup, checkpoint, resource):
    backup(checkpoint_id=checkpoint.id)
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'worker', worker_process.current())
    assert list_ids() == set()


def test_backup_of_a_running_protect_of_the_in_tree_plugin_is_no_orphan(
        list_ids, backup, checkpoint, resource, clock):
    id_ = backup('backup' + resource.id)
    checkpoint.status = 'error'
    checkpoint.commit()
    clock.sleep(899)
    assert list_ids() == set(), 'too new'
    clock.sleep(1)
    assert list_ids() == {id_}
    checkpoint.status = 'protecting'
    checkpoint.commit()
    assert list_ids() == set()


def test_backup_of_the_in_tree_plugin_without_a_time_is_no_orphan(
        list_ids, backup, resource, clock, monkeypatch):
    parse = serialization.parse_backup
    monkeypatch.setattr(serialization, 'parse_backup',
                        lambda data: parse(dict(data, created=None)))
    backup('backup' + resource.id)
    clock.sleep(3600)
    assert list_ids() == set()


@pytest.fixture
def open_request(journal, checkpoint, resource):
    """Return a function that leaves an intent of a process that has ended."""
    def leave(time_before_request=OLD, **kw):
        checkpoint.get_resource_bank_section(resource.id).update_object(
            'worker', test_checkpoints.ended_worker())
        entry = backup_journal.BackupEntry(
            resource.id, checkpoint.id, clouds.PROJECT, 'nightly',
            time_before_request=time_before_request, **kw)
        journal.write(entry)
        return entry
    return leave


@pytest.mark.parametrize('deleted', [None, OLD])
def test_backup_that_may_be_adopted_is_no_orphan(
        list_ids, backup, open_request, deleted):
    open_request(deleted_at=deleted)
    backup('nightly')
    assert list_ids() == set()


@pytest.mark.parametrize('deleted', [None, OLD])
def test_ambiguous_backups_are_listed_and_deleted_only_by_id(
        manage, backup, open_request, checkpoint, fake_trove, deleted):
    open_request(deleted_at=deleted)
    ids = {backup('nightly'), backup('nightly')}
    rows = manage('orphans', 'list')
    assert {row['backup'] for row in rows} == ids
    assert all(checkpoint.id in row['reason'] for row in rows)
    assert manage('orphans', 'delete', '--yes') == []
    assert set(fake_trove.backups) == ids
    id_ = min(ids)
    [row] = manage('orphans', 'delete', id_, '--yes')
    assert row['outcome'] == 'deleted'
    assert set(fake_trove.backups) == ids - {id_}


def test_backup_that_matches_two_requests_is_deleted_only_by_id(
        manage, backup, open_request, journal, fake_trove):
    entry = open_request()
    journal.write(dataclasses.replace(entry, checkpoint_id='another'))
    id_ = backup('nightly')
    [row] = manage('orphans', 'list')
    assert row['backup'] == id_
    assert entry.checkpoint_id in row['reason'] and 'another' in row['reason']
    assert manage('orphans', 'delete', '--yes') == []
    assert id_ in fake_trove.backups


def test_backup_that_matches_a_running_request_is_no_orphan(
        list_ids, backup, open_request, checkpoint, resource):
    open_request()
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'worker', worker_process.current())
    backup('nightly')
    backup('nightly')
    assert list_ids() == set()


def test_backup_of_a_request_without_a_time_is_deleted_only_by_id(
        manage, backup, open_request):
    open_request(time_before_request=None)
    id_ = backup('nightly')
    assert [row['backup'] for row in manage('orphans', 'list')] == [id_]
    assert manage('orphans', 'delete', '--yes') == []


def test_backup_is_no_orphan_if_the_list_of_the_bank_lags_behind(
        list_ids, protect, checkpoint, fake_trove, monkeypatch):
    # The lists of Swift may lack what was just written.
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()
    plugin = file_system_bank_plugin.FileSystemBankPlugin
    list_objects = plugin.list_objects
    monkeypatch.setattr(plugin, 'list_objects', lambda *args, prefix, **_: [
        key for key in list_objects(*args, prefix)
        if checkpoint.id not in key])
    assert fake_trove.backups
    assert list_ids() == set()


def test_second_backup_of_a_checkpoint_is_deleted_only_by_id(
        manage, backup, protect, checkpoint, resource, fake_trove):
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()
    id_ = backup(checkpoint_id=checkpoint.id)
    [row] = manage('orphans', 'list')
    assert row['backup'] == id_
    assert row['reason'] == 'checkpoint %s does not know it' % checkpoint.id
    assert manage('orphans', 'delete', '--yes') == []
    manage('orphans', 'delete', id_, '--yes')
    assert len(fake_trove.backups) == 1


def test_delete_without_yes_only_shows_the_orphans(manage, backup, fake_trove):
    id_ = backup()
    [row] = manage('orphans', 'delete', '--orphans', '1')
    assert row['outcome'] == 'would be deleted'
    assert id_ in fake_trove.backups
    [row] = manage('orphans', 'delete', '--yes', '--orphans', '1')
    assert row['outcome'] == 'deleted'
    assert not fake_trove.backups and not fake_trove.objects.list_urls()
    assert manage('orphans', 'list') == manage('deferred', 'list') == []


def test_delete_needs_the_id_of_an_orphan_of_the_in_tree_plugin(
        manage, backup, resource, clock, fake_trove):
    id_ = backup('backup' + resource.id)
    clock.sleep(3600)
    [row] = manage('orphans', 'list')
    assert 'a user may have chosen it' in row['reason']
    assert manage('orphans', 'delete', '--yes') == []
    assert id_ in fake_trove.backups
    [row] = manage('orphans', 'delete', '--yes', '--orphans', '1', id_)
    assert (row['backup'], row['outcome']) == (id_, 'deleted')
    assert not fake_trove.backups


def test_delete_rejects_a_backup_that_is_no_orphan(
        manage, backup, protect, fake_trove):
    protect()
    [known] = fake_trove.backups
    id_ = backup()
    assert 'no orphans: backup %s' % known in manage(
        'orphans', 'delete', id_, known, '--yes', expect=1)
    assert set(fake_trove.backups) == {known, id_}


def test_delete_counts_an_id_that_is_named_twice_once(
        manage, backup, fake_trove):
    id_ = backup()
    for yes, outcome in ((), 'would be deleted'), (('--yes',), 'deleted'):
        [row] = manage('orphans', 'delete', *yes, '--orphans', 1, id_, id_)
        assert row['outcome'] == outcome
    assert not fake_trove.backups


@pytest.mark.parametrize('before, after', [
    (('--format', 'json'), ()), (('-f', 'json'), ()),
    ((), ('--format', 'json')), ((), ('-f', 'json')), ((), ('-fjson',))])
def test_delete_accepts_a_format_and_ids_after_two_dashes(
        run, config_file, backup, fake_trove, before, after):
    id_ = backup()
    code, out, err = run(*before, '--config-file', config_file, 'orphans',
                         'delete', '--yes', '--orphans', 1, *after, '--', id_)
    assert (code, err) == (0, '')
    assert [row['backup'] for row in json.loads(out)] == [id_]
    assert not fake_trove.backups


@pytest.mark.parametrize('columns', [('typo',), ('backup', 'typo')])
def test_unknown_column_is_rejected_before_a_backup_is_deleted(
        manage, backup, fake_trove, columns):
    id_ = backup()
    words = [word for name in columns for word in ('-c', name)]
    assert 'nothing is done: there is no column "typo"' in manage(
        'orphans', 'delete', '--yes', '--orphans', 1, *words, expect=1)
    assert id_ in fake_trove.backups


@pytest.mark.parametrize('words', [
    ('orphans', 'dele'), ('o', 'delete'), ('o', 'd')])
def test_command_that_deletes_cannot_be_abbreviated(
        run, config_file, backup, fake_trove, words):
    id_ = backup()
    code, out, err = run(*words, '--yes', '--orphans', 1, '--config-file',
                         config_file)
    assert (code, out) == (2, '')
    assert 'cannot be abbreviated: "%s"' % ' '.join(words) in err
    assert id_ in fake_trove.backups


@pytest.mark.parametrize('option', ['--y', '--ye'])
def test_yes_cannot_be_abbreviated(run, config_file, backup, fake_trove,
                                   option):
    id_ = backup()
    code, _, err = run('orphans', 'delete', option, '--orphans', 1,
                       '--config-file', config_file)
    assert code == 2 and 'unrecognized arguments: %s' % option in err
    assert id_ in fake_trove.backups


@pytest.mark.parametrize('words', [
    ('checkpoint', 'reset', 'x'), ('deferred', 'sweep'),
    ('deferred', 'dismiss', 'x')])
def test_force_cannot_be_abbreviated(run, words):
    code, _, err = run(*words, '--forc')
    assert code == 2 and 'unrecognized arguments: --forc' in err


@pytest.mark.parametrize('words', [
    ('deferred', 'sw'), ('def', 'dismiss', 'x'), ('check', 'reset', 'x')])
def test_command_that_changes_something_cannot_be_abbreviated(run, words):
    code, out, err = run(*words)
    assert (code, out) == (2, '')
    assert 'cannot be abbreviated: "%s"' % ' '.join(words[:2]) in err


def test_command_that_lists_can_be_abbreviated(run, config_file, fake_trove):
    assert run('orph', 'li', '--config-file', config_file) == (0, '\n', '')


def test_delete_keeps_an_orphan_with_children(manage, backup, fake_trove):
    id_ = backup()
    child = backup('by hand', parent_id=id_)
    [row] = manage('orphans', 'delete', '--yes', '--orphans', '1')
    assert row['outcome'] == 'the backup has children: %s' % child
    assert set(fake_trove.backups) == {id_, child}
    assert manage('deferred', 'list') == []


def test_delete_of_a_chain_starts_with_the_last_child(
        manage, backup, fake_trove):
    first = backup()
    backup(parent_id=backup(parent_id=first))
    assert [row['outcome'] for row in manage(
        'orphans', 'delete', '--yes', '--orphans', '3')] == ['deleted'] * 3
    assert not fake_trove.backups


def test_deletion_that_fails_is_deferred(manage, backup, fake_trove):
    id_ = backup()
    fake_trove.next_delete('DELETE_FAILED', seconds=1)
    [row] = manage('orphans', 'delete', '--yes', '--orphans', '1',
                   expect=1)
    assert row['outcome'] == 'Trove could not delete backup %s' % id_
    [deferred] = manage('deferred', 'list')
    assert deferred['backup'] == id_ and deferred['why'] == row['outcome']
    assert manage('orphans', 'list') == []


def test_delete_deletes_the_journal_entry_of_a_backup_without_checkpoint(
        manage, protect, journal, checkpoint, bank, fake_trove):
    protect(backup_name='nightly', description='of the night')
    bank.delete_object('/checkpoints/%s/index.json' % checkpoint.id)
    [row] = manage('orphans', 'list')
    assert checkpoint.id in row['reason']
    manage('orphans', 'delete', '--yes', '--orphans', '1')
    assert not fake_trove.backups and journal.list_entries() == []


def test_delete_changes_nothing_without_access_to_the_project(
        manage, fake_trove):
    other = fake_trove.add_instance(project_id=keystone.CLOSED_PROJECT)
    id_ = fake_trove.add_backup(other, name='karbor-%s-%s' % (
        uuid.uuid4(), other))
    [row] = manage('orphans', 'delete', '--yes', '--orphans', '1',
                   expect=1)
    assert 'has no role in project' in row['outcome']
    assert id_ in fake_trove.backups


def test_list_fails_if_trove_rejects_the_list(manage, fake_trove):
    fake_trove.forbid()
    assert 'listing backups' in manage('orphans', 'list', expect=1)
