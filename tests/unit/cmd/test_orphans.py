"""karbor-trove-manage orphans: found, and deleted only when told to."""

import uuid

from karbor.services.protection.bank_plugins import file_system_bank_plugin
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import record
from karbor_trove.bank import worker
from karbor_trove.trove import serialization
from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone
from tests.unit.cmd import test_checkpoints

OLD = '2026-01-01T00:00:00'


@pytest.fixture(autouse=True)
def nothing_takes_time(fake_trove):
    fake_trove.delete_seconds = 0


@pytest.fixture
def backup(fake_trove, resource):
    """Puts a backup into Trove, by default one of a lost checkpoint."""
    def add(name=None, checkpoint_id=None, **kw):
        return fake_trove.add_backup(resource.id, name=name or (
            'karbor-%s-%s' % (checkpoint_id or uuid.uuid4(), resource.id)),
            **kw)
    return add


@pytest.fixture
def listed(manage):
    """The ids of what is listed."""
    return lambda **kw: {row['backup'] for row in manage(
        'orphans', 'list', **kw)}


def test_what_checkpoints_know_is_no_orphan(
        listed, protect, bank, fake_trove):
    protect()
    assert fake_trove.backups
    assert listed() == set()


def test_what_only_the_record_of_the_in_tree_plugin_knows_is_no_orphan(
        listed, backup, checkpoint, resource, clock):
    id_ = backup('backup' + resource.id)
    clock.sleep(3600)
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'metadata', {'instance_id': resource.id, 'backup_id': id_})
    checkpoint.status = 'available'
    checkpoint.commit()
    assert listed() == set()
    checkpoint.delete()
    assert listed() == {id_}


@pytest.mark.parametrize('how', ['name', 'description'])
def test_what_has_a_name_of_karbors_and_no_checkpoint_is_one(
        manage, backup, resource, how):
    checkpoint = str(uuid.uuid4())
    id_ = backup(checkpoint_id=checkpoint) if how == 'name' else backup(
        'nightly', description='Karbor checkpoint %s of database instance %s'
        % (checkpoint, resource.id))
    [row] = manage('orphans', 'list')
    assert row['backup'] == id_
    assert row['project'] == clouds.PROJECT
    assert row['instance'] == resource.id
    assert row['why'] == 'there is no checkpoint %s any more' % checkpoint


@pytest.mark.parametrize('name', [
    'nightly', 'backup', 'karbor-x', 'backup' + str(uuid.UUID(int=1)),
    'karbor-%s-%s' % (uuid.UUID(int=2), uuid.UUID(int=3))])
def test_what_users_made_is_none(listed, backup, name, clock):
    backup(name)
    clock.sleep(3600)
    assert listed() == set()


def test_those_of_all_projects_are_found(
        listed, fake_trove, backup):
    mine = backup()
    other = fake_trove.add_instance(project_id='other')
    theirs = fake_trove.add_backup(other, name='karbor-%s-%s' % (
        uuid.uuid4(), other))
    assert listed() == {mine, theirs}


def test_what_a_bank_of_a_disabled_provider_knows_is_none(
        listed, protect, add_provider, tmp_path, config_file):
    protect()
    folder = tmp_path / 'providers.d'
    text = (folder / 'databases.conf').read_text()
    (folder / 'databases.conf').write_text(
        text.replace('enabled = True', 'enabled = False'))
    (folder / 'other.conf').write_text(text.replace(
        str(tmp_path / 'bank'), str(tmp_path / 'empty')))
    assert listed() == set()


def test_a_provider_that_cannot_be_loaded_ends_it(
        manage, backup, tmp_path, config_file):
    backup()
    path = tmp_path / 'providers.d' / 'databases.conf'
    path.with_name('broken.conf').write_text(path.read_text().replace(
        'karbor-fs-bank-plugin', 'no-such-bank'))
    assert 'broken.conf cannot be loaded' in manage(
        'orphans', 'list', expect=1)


def test_what_waits_is_listed_as_deferred_only(
        manage, protect, journal, fake_trove):
    protect()
    [entry] = journal.list_entries()
    journal.write(backup_journal.dataclasses.replace(entry, deleted_at=OLD))
    assert manage('orphans', 'list') == []
    assert len(manage('deferred', 'list')) == 1


def test_what_the_bank_cannot_read_is_left_out_and_told(
        manage, backup, checkpoint, resource, bank):
    backup()
    section = checkpoint.get_resource_bank_section(resource.id)
    section.update_object('metadata', '{"instance_id": ')
    for problem in ({'record_version': record.VERSION + 1}, '{"instance'):
        section.update_object('metadata', problem)
        assert 'instance %s are left out' % resource.id in manage_err(
            manage)
    section.delete_object('metadata')
    where = '/karbor-trove/%s/backups/%s' % (resource.id, checkpoint.id)
    bank.update_object(where, '{')
    assert where in manage_err(manage)
    bank.delete_object(where)
    assert len(manage('orphans', 'list')) == 1


def manage_err(manage):
    assert manage('orphans', 'list', expect=1) == []
    return manage.err


def test_what_is_being_made_is_none(listed, backup, checkpoint, resource):
    backup(checkpoint_id=checkpoint.id)
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'worker', worker.current())
    assert listed() == set()


def test_what_the_in_tree_plugin_is_making_is_none(
        listed, backup, checkpoint, resource, clock):
    id_ = backup('backup' + resource.id)
    checkpoint.status = 'error'
    checkpoint.commit()
    assert listed() == set(), 'too new'
    clock.sleep(601)
    assert listed() == {id_}
    checkpoint.status = 'protecting'
    checkpoint.commit()
    assert listed() == set()


@pytest.fixture
def request_of(journal, checkpoint, resource):
    """An intent of a process that has ended."""
    def leave(not_before=OLD, **kw):
        checkpoint.get_resource_bank_section(resource.id).update_object(
            'worker', test_checkpoints.gone())
        entry = backup_journal.BackupEntry(
            resource.id, checkpoint.id, clouds.PROJECT, 'nightly',
            not_before=not_before, **kw)
        journal.write(entry)
        return entry
    return leave


@pytest.mark.parametrize('deleted', [None, OLD])
def test_what_a_request_will_adopt_is_none(
        listed, backup, request_of, deleted):
    request_of(deleted_at=deleted)
    backup('nightly')
    assert listed() == set()


@pytest.mark.parametrize('deleted', [None, OLD])
def test_what_cannot_be_told_apart_is_listed_and_must_be_named_to_go(
        manage, backup, request_of, checkpoint, fake_trove, deleted):
    request_of(deleted_at=deleted)
    ids = {backup('nightly'), backup('nightly')}
    rows = manage('orphans', 'list')
    assert {row['backup'] for row in rows} == ids
    assert all(checkpoint.id in row['why'] for row in rows)
    assert manage('orphans', 'delete', '--yes') == []
    assert set(fake_trove.backups) == ids
    one = min(ids)
    [row] = manage('orphans', 'delete', one, '--yes')
    assert row['outcome'] == 'deleted'
    assert set(fake_trove.backups) == ids - {one}


def test_what_two_requests_may_have_made_must_be_named(
        manage, backup, request_of, journal, fake_trove):
    entry = request_of()
    journal.write(
        backup_journal.dataclasses.replace(
            entry, checkpoint_id='another'))
    id_ = backup('nightly')
    [row] = manage('orphans', 'list')
    assert row['backup'] == id_
    assert entry.checkpoint_id in row['why'] and 'another' in row['why']
    assert manage('orphans', 'delete', '--yes') == []
    assert id_ in fake_trove.backups


def test_what_a_request_that_runs_may_have_made_is_none(
        listed, backup, request_of, checkpoint, resource):
    request_of()
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'worker', worker.current())
    backup('nightly')
    backup('nightly')
    assert listed() == set()


def test_what_came_of_a_request_at_an_unknown_time_must_be_named(
        manage, backup, request_of):
    request_of(not_before=None)
    id_ = backup('nightly')
    assert [row['backup'] for row in manage('orphans', 'list')] == [id_]
    assert manage('orphans', 'delete', '--yes') == []


def test_a_list_that_lags_behind_makes_no_orphan(
        listed, protect, checkpoint, fake_trove, monkeypatch):
    """Swift's lists may not show what was written last."""
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()
    monkeypatch.setattr(file_system_bank_plugin.FileSystemBankPlugin,
                        'list_objects', lambda *_, **__: [])
    assert fake_trove.backups
    assert listed() == set()


def test_a_second_one_of_a_checkpoint_must_be_named(
        manage, backup, protect, checkpoint, resource, fake_trove):
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()
    id_ = backup(checkpoint_id=checkpoint.id)
    [row] = manage('orphans', 'list')
    assert row['backup'] == id_
    assert row['why'] == 'checkpoint %s does not know it' % checkpoint.id
    assert manage('orphans', 'delete', '--yes') == []
    manage('orphans', 'delete', id_, '--yes')
    assert len(fake_trove.backups) == 1


def test_nothing_is_deleted_without_yes(manage, backup, fake_trove):
    id_ = backup()
    [row] = manage('orphans', 'delete')
    assert row['outcome'] == 'would be deleted'
    assert id_ in fake_trove.backups
    [row] = manage('orphans', 'delete', '--yes')
    assert row['outcome'] == 'deleted'
    assert not fake_trove.backups and not fake_trove.objects.list_urls()
    assert manage('orphans', 'list') == manage('deferred', 'list') == []


def test_what_is_no_orphan_is_not_deleted(
        manage, backup, protect, fake_trove):
    protect()
    [known] = fake_trove.backups
    id_ = backup()
    assert 'no orphan: backup %s' % known in manage(
        'orphans', 'delete', id_, known, '--yes', expect=1)
    assert set(fake_trove.backups) == {known, id_}


def test_what_has_live_children_stays(manage, backup, fake_trove):
    id_ = backup()
    child = backup('by hand', parent_id=id_)
    [row] = manage('orphans', 'delete', '--yes')
    assert row['outcome'] == 'the backup has children: %s' % child
    assert set(fake_trove.backups) == {id_, child}
    assert manage('deferred', 'list') == []


def test_a_chain_goes_from_its_end(manage, backup, fake_trove):
    first = backup()
    backup(parent_id=backup(parent_id=first))
    assert [row['outcome'] for row in manage(
        'orphans', 'delete', '--yes')] == ['deleted'] * 3
    assert not fake_trove.backups


def test_what_fails_half_way_waits_in_the_ledger(
        manage, backup, fake_trove):
    id_ = backup()
    fake_trove.next_delete('DELETE_FAILED')
    fake_trove.delete_seconds = 0
    [row] = manage('orphans', 'delete', '--yes')
    assert row['outcome'] != 'deleted'
    [waits] = manage('deferred', 'list')
    assert waits['backup'] == id_ and waits['why'] == row['outcome']
    assert manage('orphans', 'list') == []


def test_what_a_lost_checkpoint_left_in_the_ledger_goes_with_it(
        manage, protect, journal, checkpoint, bank, fake_trove):
    protect(backup_name='nightly', description='of the night')
    bank.delete_object('/checkpoints/%s/index.json' % checkpoint.id)
    [row] = manage('orphans', 'list')
    assert checkpoint.id in row['why']
    manage('orphans', 'delete', '--yes')
    assert not fake_trove.backups and journal.list_entries() == []


def test_a_closed_project_is_named(manage, fake_trove):
    other = fake_trove.add_instance(project_id=keystone.CLOSED_PROJECT)
    id_ = fake_trove.add_backup(other, name='karbor-%s-%s' % (
        uuid.uuid4(), other))
    [row] = manage('orphans', 'delete', '--yes', expect=1)
    assert 'has no role in project' in row['outcome']
    assert id_ in fake_trove.backups


def test_a_trove_that_refuses_is_told(manage, fake_trove):
    fake_trove.forbid()
    assert 'listing backups' in manage('orphans', 'list', expect=1)


def test_values_know_the_project():
    known = serialization.parse_backup({'id': 'x', 'project_id': 'p'})
    assert known.project_id == 'p'
