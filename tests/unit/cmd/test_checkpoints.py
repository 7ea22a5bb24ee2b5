"""Tests of karbor-trove-manage checkpoint list, reset and show."""

import dataclasses
import datetime
import signal
import uuid

from karbor.common import constants
from karbor import db
from karbor.db.sqlalchemy import api as db_api
from karbor.db.sqlalchemy import models
from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph
from oslo_config import cfg
from oslo_utils import timeutils
import pytest
import sqlalchemy
from sqlalchemy import orm

from karbor_trove.bank import omissions
from karbor_trove.bank import resource_status
from karbor_trove.bank import worker_process
from karbor_trove.cmd import declarations

INTERRUPTED = (constants.CHECKPOINT_STATUS_PROTECTING,
               constants.CHECKPOINT_STATUS_DELETING)


def created_at(checkpoint):
    return datetime.datetime.fromtimestamp(
        checkpoint._md_cache['timestamp'], datetime.timezone.utc).strftime(
            '%Y-%m-%dT%H:%M:%SZ')


def ended_worker():
    """Return the identity of a process of this machine that has ended."""
    return dict(worker_process.current(), started='0')


@pytest.fixture
def interrupt(checkpoint, resource):
    """Return a function that leaves the checkpoint as a crash does."""
    def interrupt(status, others=(), identity=None, resource_status=None):
        checkpoint.resource_graph = [
            graph.GraphNode(value=value, child_nodes=())
            for value in (resource, *others)]
        checkpoint.status = status
        checkpoint.commit()
        if identity:
            section = checkpoint.get_resource_bank_section(resource.id)
            section.update_object('worker', identity)
            section.update_object('status', resource_status or status)
        return checkpoint.id
    return interrupt


@pytest.mark.parametrize('was', INTERRUPTED)
def test_reset_sets_error_if_the_worker_has_ended(
        interrupt, manage, status, was):
    id_ = interrupt(was, identity=ended_worker())
    [row] = manage('checkpoint', 'reset', id_)
    assert status() == 'error'
    assert (row['checkpoint'], row['was'], row['status']) == (
        id_, was, 'error')


def test_show_has_the_reason_that_the_record_of_a_restore_has_in_part(
        interrupt, manage, protect, do_restore, resource, fake_trove):
    protect()
    text = 'The night before the sale \u20ac. ' * 4000
    do_restore(restore_description=text)
    [row] = manage('checkpoint', 'show', interrupt('available'))
    assert row['long_reason'].endswith(text)
    assert row['long_reason'].startswith(list(fake_trove.instances)[-1])
    assert row['reason'] is None


def test_show_says_which_instance_was_left_out_and_why(
        interrupt, manage, checkpoint, resource):
    section = checkpoint.get_resource_bank_section(resource.id)
    omissions.write(section, omissions.Omission(
        resource.id, checkpoint.id, '2026-01-02T00:00:00', 'it is broken'))
    [row] = manage('checkpoint', 'show', interrupt('available'))
    assert row['note'] == (
        'left out: the checkpoint has no backup of this instance')
    assert row['reason'] == 'it is broken'


def test_unknown_column_is_rejected_before_a_checkpoint_is_reset(
        interrupt, manage, status):
    id_ = interrupt('deleting', identity=ended_worker())
    assert 'no column "typo"' in manage(
        'checkpoint', 'reset', id_, '-c', 'was', '-c', 'typo', expect=1)
    assert status() == 'deleting'


def test_reset_keeps_a_copy_of_the_old_index(interrupt, manage, checkpoint):
    id_ = interrupt('deleting', identity=ended_worker())
    index = checkpoint.checkpoint_section.get_object('index.json')
    [row] = manage('checkpoint', 'reset', id_)
    assert checkpoint.checkpoint_section.get_object(
        row['backup_copy']) == index


@pytest.mark.parametrize('was', INTERRUPTED)
@pytest.mark.parametrize('identity', [
    worker_process.current(), {'host': 'elsewhere', 'pid': 1, 'started': '1'},
    'corrupt'])
def test_reset_needs_force_if_the_worker_may_be_alive(
        interrupt, manage, status, was, identity):
    id_ = interrupt(was, identity=identity)
    assert 'may still work on it' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == was
    manage('checkpoint', 'reset', id_, '--force')
    assert status() == 'error'


@pytest.mark.parametrize('was', INTERRUPTED)
def test_reset_needs_force_if_the_bank_names_no_worker(
        interrupt, manage, status, was):
    id_ = interrupt(was)
    message = manage('checkpoint', 'reset', id_, expect=1)
    assert 'the bank does not name the process' in message
    assert 'Make sure that the process has ended, then use --force' in message
    assert status() == was
    manage('checkpoint', 'reset', id_, '--force')
    assert status() == 'error'


def test_worker_of_protect_does_not_count_for_a_delete_operation(
        interrupt, manage, status):
    id_ = interrupt('deleting', identity=ended_worker(),
                    resource_status='available')
    assert 'the bank does not name the process' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == 'deleting'


def test_worker_of_a_reset_operation_does_not_count_for_the_next_one(
        interrupt, manage, checkpoint, status):
    id_ = interrupt('deleting', identity=ended_worker())
    manage('checkpoint', 'reset', id_)
    checkpoint.reload_meta_data()
    interrupt('deleting')
    assert 'the bank does not name the process' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == 'deleting'


def test_one_ended_worker_is_enough_for_resources_of_other_types(
        interrupt, manage, status):
    id_ = interrupt('protecting', identity=ended_worker(), others=[
        karbor_resource.Resource('OS::Cinder::Volume', 'volume', 'data')])
    manage('checkpoint', 'reset', id_)
    assert status() == 'error'


def test_reset_needs_force_if_one_of_several_workers_may_be_alive(
        interrupt, manage, checkpoint, status):
    other = karbor_resource.Resource('OS::Trove::Instance', 'other', 'more')
    id_ = interrupt('protecting', identity=ended_worker(), others=[other])
    resource_status.mark_started(
        checkpoint.get_resource_bank_section('other'),
        'protecting')
    assert 'may still work on it' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == 'protecting'


def test_reset_of_error_deleting_needs_no_force(interrupt, manage, status):
    manage('checkpoint', 'reset', interrupt(
        'error-deleting', identity=worker_process.current(),
        resource_status='error'))
    assert status() == 'error'


@pytest.mark.parametrize('was', ['available', 'error', 'copying'])
def test_reset_rejects_a_checkpoint_that_is_not_interrupted(
        interrupt, manage, status, was):
    id_ = interrupt(was, identity=ended_worker())
    assert '%s is not reset: it is %s' % (id_, was) in manage(
        'checkpoint', 'reset', id_, '--force', expect=1)
    assert status() == was


@pytest.mark.parametrize('id_, problem', [
    ('11111111-1111-4111-8111-111111111111',
     'no bank of any provider has the checkpoint 11111111-'),
    *((id_, '%r is not the id of a checkpoint' % id_)
      for id_ in ('../x', 'a b', '..', '', 'a' * 36, '1' * 32))])
def test_unknown_checkpoint_is_rejected(manage, id_, problem):
    for command in 'reset', 'show':
        assert problem in manage('checkpoint', command, id_, expect=1)


def test_folder_that_is_no_id_is_reported_and_ignored(
        run, config_file, bank):
    for folder in '/checkpoints/x', '/karbor-trove/@@':
        bank.update_object(folder + '/index.json', {'status': 'available'})
    for words, folder in ((('deferred', 'list'), '/karbor-trove/@@'),
                          (('report',), '/checkpoints/x')):
        code, out, err = run(*words, '--config-file', config_file, '-f', 'csv')
        assert code == 0 and len(out.splitlines()) == 1
        assert err == (
            "karbor-trove-manage: '%s' in the bank of provider databases is "
            'ignored: its name is not an id\n' % folder)


def test_index_that_names_another_checkpoint_is_corrupt(
        interrupt, manage, checkpoint):
    id_ = interrupt('protecting', identity=ended_worker())
    checkpoint.checkpoint_section.update_object('index.json', {
        **checkpoint.checkpoint_section.get_object('index.json'),
        'id': '11111111-1111-4111-8111-111111111111'})
    assert 'its index in the bank is corrupt' in manage(
        'checkpoint', 'reset', id_, '--force', expect=1)


def test_corrupt_index_is_shown_and_not_reset(interrupt, manage, checkpoint):
    id_ = interrupt('protecting', identity=ended_worker())
    checkpoint.checkpoint_section.update_object('index.json', '{"stat')
    message = manage('checkpoint', 'reset', id_, '--force', expect=1)
    assert message.endswith(
        'checkpoint %s is not reset: its index in the bank is corrupt\n' % id_)
    [row] = manage('checkpoint', 'show', id_)
    assert row['status'] == 'corrupt'


def test_reset_writes_index_files_so_that_karbor_can_delete(
        interrupt, manage, checkpoint, bank):
    id_ = interrupt('protecting', identity=ended_worker())
    indices = bank.get_sub_section('/indices')
    before = set(indices.list_objects())
    for name in before:
        indices.delete_object(name)
    manage('checkpoint', 'reset', id_)
    assert set(indices.list_objects()) == before
    karbor_checkpoint.CheckpointCollection(bank).get(id_).delete()
    assert indices.list_objects() == []


def test_reset_writes_an_empty_list_if_karbor_wrote_no_resources(
        manage, checkpoint):
    assert checkpoint.resource_graph is None
    manage('checkpoint', 'reset', checkpoint.id, '--force')
    checkpoint.reload_meta_data()
    assert checkpoint.resource_graph == []


def test_show_lists_status_worker_and_backup(
        manage, interrupt, fake_trove, protect, checkpoint, resource,
        journal):
    protect()
    [entry] = journal.list_entries()
    [backup] = fake_trove.backups
    interrupt('available')
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert row['checkpoint'] == checkpoint.id
    assert row['status'] == row['resource_status'] == 'available'
    assert row['resource'] == resource.id
    assert row['record'] == row['journal'] == backup
    assert row['size_gb'] == fake_trove.backups[backup]['size']
    assert row['requested'] == entry.time_before_request + 'Z'
    assert row['created'] == created_at(checkpoint)
    assert row['worker'].endswith(', may be running')
    assert row['may_run'] is False, 'no protect or delete operation runs'
    assert row['note'] is row['reason'] is None


def test_show_has_the_failure_reason_until_the_checkpoint_is_deleted(
        manage, interrupt, fake_trove, protect, delete, checkpoint, resource):
    fake_trove.quotas['backups'] = 0
    fake_trove.instances[resource.id].update(status='ERROR',
                                             fault='No valid host')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    interrupt('error')
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert row['resource_status'] == 'error'
    assert row['reason'].splitlines() == [
        'instance %s has the status ERROR: No valid host' % resource.id,
        'quota of backups: this protect needs 1 and 0 of 0 are left']
    delete()
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert row['resource_status'] == 'deleted' and row['reason'] is None


def test_show_notes_a_corrupt_record(
        manage, interrupt, protect, checkpoint, resource):
    protect()
    interrupt('error')
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'metadata', '{"inst')
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert 'corrupt' in row['note']


@pytest.mark.parametrize('changed, note', [
    ({'is_complete': False}, 'not complete yet'),
    ({'is_complete': False, 'backup_id': None},
     'requested, backup not known yet'),
    ({'deleted_at': 'yesterday'}, 'deleted yesterday'),
    ({'deleted_at': '2026-01-01T00:00:00'}, 'deleted 2026-01-01T00:00:00Z'),
    ({'deleted_at': 'yesterday', 'reason': 'Trove is unavailable'},
     'Trove is unavailable')])
def test_show_notes_the_state_of_the_journal_entry(
        manage, interrupt, protect, checkpoint, journal, changed, note):
    protect()
    [entry] = journal.list_entries()
    journal.write(dataclasses.replace(entry, **changed))
    interrupt('error')
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert row['note'] == note


def test_show_lists_resources_of_other_types_without_a_backup(
        manage, interrupt):
    id_ = interrupt('available', others=[
        karbor_resource.Resource('OS::Cinder::Volume', 'volume', 'data')],
        identity='corrupt')
    rows = {row['resource']: row for row in manage('checkpoint', 'show', id_)}
    assert rows['volume']['type'] == 'OS::Cinder::Volume'
    assert len(rows) == 2
    assert {row['worker'] for row in rows.values()} == {
        'an unknown process, may be running', None}


@pytest.mark.parametrize('deleted_indices', [0, 1, 2])
def test_reset_repairs_a_checkpoint_whose_deletion_was_killed(
        manage, protect, checkpoint, delete, bank, context, deleted_indices,
        monkeypatch):
    protect()
    checkpoint.status = 'available'
    checkpoint.commit()
    delete()
    section = checkpoint._indices_section
    delete_object = section.delete_object
    calls = []

    def delete_or_be_killed(*args, **kw):
        if len(calls) == deleted_indices:
            raise SystemExit
        calls.append(args)
        delete_object(*args, **kw)

    monkeypatch.setattr(section, 'delete_object', delete_or_be_killed)
    with pytest.raises(SystemExit):
        checkpoint.delete()
    monkeypatch.undo()
    assert '--force' in manage('checkpoint', 'reset', checkpoint.id, expect=1)
    [row] = manage('checkpoint', 'reset', checkpoint.id, '--force')
    assert (row['was'], row['status']) == ('deleted', 'error')
    checkpoint.reload_meta_data()
    checkpoint.delete()
    assert 'is deleted' in manage(
        'checkpoint', 'reset', checkpoint.id, '--force', expect=1)


OTHER_HOST = 'controller-2'


@pytest.fixture
def database(config_file, tmp_path, monkeypatch):
    """Karbor's database, empty. Returns a function that adds a row."""
    connection = 'sqlite:///%s/karbor.sqlite' % tmp_path
    config_file.write_text(config_file.read_text() + (
        '[database]\nconnection = %s\n' % connection))
    # Karbor keeps its first connection for ever.
    monkeypatch.setattr(db_api, '_FACADE', None)
    engine = sqlalchemy.create_engine(connection)
    models.BASE.metadata.create_all(engine)

    def add(row):
        session = orm.Session(engine)
        session.add(row)
        session.commit()
        session.close()
    return add


def add_service(database, minutes, host=OTHER_HOST):
    database(models.Service(
        host=host, binary='karbor-protection', topic='karbor-protection',
        report_count=1, disabled=False, deleted=False,
        updated_at=timeutils.utcnow() - datetime.timedelta(minutes=minutes)))


def other_worker():
    """Return the identity of a process of another host."""
    return dict(worker_process.current(), host='node2',
                service_host=OTHER_HOST)


@pytest.fixture
def age(checkpoint):
    """Return a function that makes the checkpoint older by minutes."""
    def age(minutes):
        checkpoint._md_cache['timestamp'] -= 60 * minutes
        checkpoint.commit()
    return age


def test_worker_of_another_host_has_ended_10_min_after_its_last_heartbeat(
        interrupt, manage, status, database):
    add_service(database, 11)
    id_ = interrupt('protecting', identity=other_worker())
    manage('checkpoint', 'reset', id_)
    assert status() == 'error'


def test_worker_of_another_host_may_run_if_its_service_is_alive(
        interrupt, manage, status, database):
    add_service(database, 9)
    add_service(database, 11, host='controller-3')
    id_ = interrupt('protecting', identity=other_worker())
    message = manage('checkpoint', 'reset', id_, expect=1)
    assert 'on node2 may still work on it' in message
    assert 'service with the host "controller-2" was alive 9 min' in message
    assert 'Run this command on that host' in message
    assert status() == 'protecting'


def test_worker_of_a_host_without_a_service_may_run(
        interrupt, manage, status, database):
    add_service(database, 11, host='controller-3')
    id_ = interrupt('deleting', identity=other_worker())
    assert 'knows no protection service with the host "controller-2"' in (
        manage('checkpoint', 'reset', id_, expect=1))
    assert status() == 'deleting'


def test_worker_of_another_host_may_run_if_the_database_is_unknown(
        interrupt, manage, status):
    id_ = interrupt('deleting', identity=other_worker())
    message = manage('checkpoint', 'reset', id_, expect=1)
    assert 'connection of [database] is not set' in message
    assert 'Run this command on that host' in message


PASSWORD = 'hunter2'


@pytest.fixture
def reject(interrupt, run, config_file, status, monkeypatch):
    """Return a function that lets a command read Karbor's database.

    The command is rejected. The function returns standard error, which does
    not have the password.
    """
    # Karbor keeps its first connection for ever.
    monkeypatch.setattr(db_api, '_FACADE', None)

    def reject(options, *words, identity=None, was='protecting'):
        config_file.write_text('%s[database]\n%s\n' % (
            config_file.read_text(), '\n'.join(
                '%s = %s' % option for option in options.items())))
        id_ = interrupt(was, identity=identity)
        code, out, err = run(*words, id_, '--config-file', config_file)
        assert (code, out) == (1, '')
        assert PASSWORD not in err.lower()
        assert status() == was
        return err
    return reject


@pytest.mark.parametrize('words', [(), ('--debug',)])
@pytest.mark.parametrize('command', ['accept', 'reset'])
@pytest.mark.parametrize('option, url', [
    ('connection', 'mysql:/karbor:hunter2@db/karbor'),
    ('connection', 'mysql+pymysql//karbor:hunter2@db/karbor'),
    ('connection', 'mysql://karbor:hunter2/karbor'),
    ('connection', 'mysql://karbor:$hunter2@db/karbor'),
    ('slave_connection', 'mysql:/karbor:hunter2@db/karbor')])
def test_password_in_a_mistyped_url_of_the_database_is_not_printed(
        reject, words, command, option, url):
    err = reject({'connection': 'sqlite://', option: url},
                 'checkpoint', command, *words, identity=other_worker())
    assert '%s of [database] in karbor.conf is not the URL' % option in err


def test_password_is_not_printed_if_the_start_of_a_deletion_is_not_known(
        reject):
    err = reject({'connection': 'mysql:/karbor:hunter2@db/karbor'},
                 'checkpoint', 'reset', was='deleting')
    assert 'its start is not known: connection of [database]' in err


@pytest.mark.parametrize('words', [(), ('--debug',)])
@pytest.mark.parametrize('url', [
    'sqlite://karbor:hunter2@db/karbor',
    'sqlite://karbor:%68unter2@db/karbor'])
def test_password_is_masked_in_an_error_of_sqlalchemy(reject, words, url):
    err = reject({'connection': url}, 'checkpoint', 'reset', *words,
                 identity=other_worker())
    assert ('could not be read: Invalid SQLite URL: '
            'sqlite://karbor:***@db/karbor') in err


@pytest.mark.parametrize('words', [(), ('--debug',)])
@pytest.mark.parametrize('url, message, masked', [
    ('mysql://karbor:hunter2@db/karbor',
     "Access denied for user 'karbor'@'node1'",
     "Access denied for user 'karbor'@'node1'"),
    ('mysql:///karbor:hunter2@db/karbor',
     "Unknown database 'karbor:hunter2@db/karbor'",
     "Unknown database '***:***@db/***'"),
    ('mysql://karbor:o@Hunter2@db/karbor',
     "Unknown MySQL server host 'hunter2@db'",
     "Unknown MySQL server host '***@db'"),
    ('mysql://karbor:o%2Fhunter2%21@db/karbor',
     'mysql://karbor:o%2Fhunter2!@db/karbor', 'mysql://karbor:***/***@db')])
def test_password_is_masked_in_an_error_of_a_driver(
        reject, monkeypatch, words, url, message, masked):
    def fail(*args):
        raise OSError(message)

    monkeypatch.setattr(db, 'service_get_all_by_args', fail)
    err = reject({'connection': url}, 'checkpoint', 'reset', *words,
                 identity=other_worker())
    assert 'database could not be read: ' + masked in err


def test_live_worker_of_this_host_is_not_looked_up_in_the_database(
        interrupt, manage, status, database):
    id_ = interrupt('deleting', identity=worker_process.current())
    assert 'may still work on it' in manage('checkpoint', 'reset', id_,
                                            expect=1)


@pytest.mark.parametrize('minutes, code', [(9, 1), (11, 0)])
def test_protecting_checkpoint_is_reset_if_nothing_was_noted_for_10_min(
        interrupt, manage, status, age, minutes, code):
    id_ = interrupt('protecting')
    age(minutes)
    output = manage('checkpoint', 'reset', id_, expect=code)
    assert status() == ('protecting' if code else 'error')
    if code:
        assert 'which started 9 min' in output
        assert 'reset without --force after 10 min' in output


def test_checkpoint_that_may_wait_in_karbors_queue_is_not_reset(
        interrupt, manage, status, age):
    id_ = interrupt('protecting')
    age(60)
    cfg.CONF.import_opt('max_concurrent_operations',
                        'karbor.services.protection.manager')
    cfg.CONF.set_override('max_concurrent_operations', 4)
    try:
        output = manage('checkpoint', 'reset', id_, expect=1)
    finally:
        cfg.CONF.clear_override('max_concurrent_operations')
    assert 'may still wait because of max_concurrent_operations' in output
    assert status() == 'protecting'


def test_checkpoint_without_resources_is_reset_after_10_min(
        manage, status, age, checkpoint):
    age(11)
    manage('checkpoint', 'reset', checkpoint.id)
    assert status() == 'error'


@pytest.mark.parametrize('minutes, code', [(9, 1), (11, 0)])
def test_deleting_checkpoint_is_reset_10_min_after_the_start_of_its_deletion(
        interrupt, manage, status, age, database, minutes, code):
    id_ = interrupt('deleting')
    age(10000)
    database(models.OperationLog(
        id=str(uuid.uuid4()), checkpoint_id=id_, status='deleting',
        deleted=False, started_at=timeutils.utcnow()
        - datetime.timedelta(minutes=minutes)))
    manage('checkpoint', 'reset', id_, expect=code)
    assert status() == ('deleting' if code else 'error')


def test_deleting_checkpoint_without_a_start_in_the_database_needs_force(
        interrupt, manage, status, age, database):
    id_ = interrupt('deleting')
    age(10000)
    database(models.OperationLog(
        id=str(uuid.uuid4()), checkpoint_id=id_, status='available',
        deleted=False, started_at=timeutils.utcnow()
        - datetime.timedelta(days=1)))
    assert 'does not have its start' in manage('checkpoint', 'reset', id_,
                                               expect=1)
    assert status() == 'deleting'


def test_status_of_another_plugin_is_a_note_that_needs_force(
        interrupt, manage, status, age, checkpoint, resource):
    id_ = interrupt('protecting')
    age(10000)
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'status', 'protecting')
    assert 'the bank does not name the process' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == 'protecting'


@pytest.mark.parametrize('was, identity, may_run', [
    ('protecting', ended_worker(), False), ('deleting', None, True),
    ('protecting', worker_process.current(), True),
    ('error-deleting', worker_process.current(), False),
    ('available', worker_process.current(), False)])
def test_list_and_show_have_whether_an_operation_may_run(
        interrupt, manage, was, identity, may_run):
    id_ = interrupt(was, identity=identity)
    for words in ('list',), ('show', id_):
        [row] = manage('checkpoint', *words)
        assert (row['checkpoint'], row['may_run']) == (id_, may_run)


@pytest.mark.parametrize('minutes, may_run', [(9, True), (11, False)])
def test_list_and_show_use_the_heartbeat_of_another_host(
        interrupt, manage, database, minutes, may_run):
    add_service(database, minutes)
    id_ = interrupt('protecting', identity=other_worker())
    for words in ('list',), ('show', id_):
        [row] = manage('checkpoint', *words)
        assert row['may_run'] is may_run


def test_list_has_the_columns_of_a_checkpoint(
        manage, interrupt, checkpoint, resource):
    id_ = interrupt('available', others=[
        karbor_resource.Resource('OS::Cinder::Volume', 'volume', 'data')])
    assert manage('checkpoint', 'list') == [{
        'checkpoint': id_, 'project': checkpoint.project_id,
        'status': 'available', 'created': created_at(checkpoint),
        'may_run': False, 'provider': 'databases',
        'plan': checkpoint.protection_plan['id'], 'databases': 1,
        'instances': resource.id}]


def test_list_fits_90_columns_with_ids_in_one_piece(
        run, config_file, interrupt, monkeypatch):
    monkeypatch.setenv('COLUMNS', '80')
    id_ = interrupt('error-deleting')
    code, out, err = run('checkpoint', 'list', '--config-file', config_file)
    assert (code, err) == (0, '') and id_ in out
    assert max(map(len, out.splitlines())) <= 90


def test_list_has_the_chosen_project_instance_and_status(
        manage, interrupt, checkpoint, resource):
    id_ = interrupt('available')
    other = str(uuid.uuid4())
    for words, count in (
            ((), 1), (('--project', checkpoint.project_id), 1),
            (('--project', other), 0), (('--instance', resource.id), 1),
            (('--instance', other), 0), (('--status', 'available'), 1),
            (('--status', 'error'), 0),
            (('--status', 'available', '--instance', other), 0)):
        assert [row['checkpoint'] for row
                in manage('checkpoint', 'list', *words)] == [id_] * count


def test_list_rejects_an_instance_and_a_status_that_cannot_exist(
        manage, run, interrupt):
    interrupt('available')
    assert "'../x' is not the id of a database instance" in manage(
        'checkpoint', 'list', '--instance', '../x', expect=1)
    code, _, err = run('checkpoint', 'list', '--status', 'broken')
    assert code == 2 and "'broken'" in err and "'error-deleting'" in err


def test_list_has_deleted_checkpoints_only_with_their_status(
        manage, interrupt, new_checkpoint):
    id_ = interrupt('available')
    deleted = new_checkpoint()
    deleted.delete()
    assert [row['checkpoint'] for row in manage('checkpoint', 'list')] == [id_]
    rows = manage('checkpoint', 'list', '--status', 'deleted')
    assert deleted.id in {row['checkpoint'] for row in rows}
    assert {row['status'] for row in rows} == {'deleted'}


def test_list_has_a_protecting_checkpoint_that_karbor_does_not_list(
        manage, interrupt, bank):
    id_ = interrupt('protecting')
    indices = bank.get_sub_section('/indices')
    for name in list(indices.list_objects()):
        indices.delete_object(name)
    [row] = manage('checkpoint', 'list', '--status', 'protecting')
    assert row['checkpoint'] == id_


def test_list_has_a_corrupt_checkpoint_and_a_problem(
        manage, interrupt, checkpoint):
    id_ = interrupt('available')
    checkpoint.checkpoint_section.update_object('index.json', '{"stat')
    for words in (), ('--project', 'other'), ('--status', 'corrupt'):
        [row] = manage('checkpoint', 'list', *words, expect=1)
        assert (row['checkpoint'], row['status']) == (id_, 'corrupt')
        assert row['may_run'] is row['databases'] is row['created'] is None
        assert 'checkpoint %s: its index' % id_ in manage.err
    assert manage('checkpoint', 'list', '--status', 'error', expect=1) == []


def test_list_accepts_all_statuses_of_karbor():
    statuses = {value for name, value in vars(constants).items()
                if name.startswith('CHECKPOINT_STATUS_')}
    assert set(declarations.ListCheckpoints.STATUSES) == {
        *statuses, 'corrupt'}


def test_reset_rejects_an_index_that_has_just_changed(
        interrupt, manage, checkpoint, status, monkeypatch):
    id_ = interrupt('protecting', identity=ended_worker())
    may_be_alive = worker_process.may_be_alive

    def check_and_change(identity):
        interrupt('deleting')
        return may_be_alive(identity)

    monkeypatch.setattr(worker_process, 'may_be_alive', check_and_change)
    assert 'has just changed' in manage('checkpoint', 'reset', id_, expect=1)
    assert status() == 'deleting'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('writes', range(3))
def test_reset_is_completed_if_it_is_interrupted(
        interrupt, run_interrupted, bank, status, number, writes):
    id_ = interrupt('protecting', identity=ended_worker())
    for name in list(bank.get_sub_section('/indices').list_objects()):
        bank.get_sub_section('/indices').delete_object(name)
    assert run_interrupted(number, writes, 'checkpoint', 'reset', id_) == 5
    assert status() == 'error'
