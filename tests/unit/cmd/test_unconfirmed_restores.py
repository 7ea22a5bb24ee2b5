"""Tests of unconfirmed restores in karbor-trove-manage deferred."""

import dataclasses
import datetime
import os
import signal

from karbor import exception
import pytest

from karbor_trove.bank import restore_journal
from karbor_trove.bank import worker_process
from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone
from tests.unit.cmd import test_checkpoints

REQUESTED_AT = '2026-01-01T00:00:00'
LONG_AGO = '2020-01-01T00:00:00'
ANOTHER = '22222222-2222-4222-8222-222222222222'


@pytest.fixture
def restores(bank, resource):
    return restore_journal.RestoreJournal(bank, resource.id)


@pytest.fixture
def interrupt(restores, resource):
    """Return a function that leaves an entry as a crash does."""
    def interrupt(restore_id='restore-1', **fields):
        restores.write(restore_journal.RestoreEntry(
            resource.id, restore_id, **{
                'name': 'again', 'time_before_request': REQUESTED_AT,
                'project_id': clouds.PROJECT,
                'worker': test_checkpoints.ended_worker(), **fields}))
    return interrupt


@pytest.fixture
def settle(clock):
    """Return a function that lets the request become settled."""
    return lambda: clock.sleep(900)


def test_restore_with_a_lost_response_leaves_an_entry(
        protect, do_restore, restores, fake_trove, restore):
    protect()
    fake_trove.fail('POST', '/instances', 'reset')
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore(restore_name='again')
    assert restores.list_keys() == [restore.id]
    entry = restores.read(restore.id)
    assert entry.name == 'again'
    assert entry.project_id == clouds.PROJECT
    assert entry.time_before_request
    assert entry.worker == worker_process.current()


@pytest.mark.parametrize('code', [None, 403])
def test_restore_with_a_response_leaves_no_entry(
        protect, do_restore, restores, fake_trove, code):
    protect()
    if code is None:
        do_restore()
    else:
        fake_trove.fail('POST', '/instances', code)
        with pytest.raises(exception.RestoreResourceFailed):
            do_restore()
    assert restores.list_keys() == []


def test_list_has_an_interrupted_restore(manage, interrupt, resource):
    interrupt()
    [row] = manage('deferred', 'list')
    assert row['what'] == 'restore'
    assert row['project'] == clouds.PROJECT
    assert row['instance'] == resource.id
    assert row['since'] == REQUESTED_AT + 'Z'
    assert row['restore'] == 'restore-1'
    assert 'restore-1' in row['why'] and '"again"' in row['why']


def test_list_has_an_entry_of_an_earlier_release(manage, bank, resource):
    bank.update_object(
        '/karbor-trove/%s/restores/restore-1' % resource.id,
        {'version': 1, 'name': 'again', 'not_before': REQUESTED_AT})
    [row] = manage('deferred', 'list')
    assert row['project'] is None
    assert row['since'] == REQUESTED_AT + 'Z' and '"again"' in row['why']


@pytest.mark.parametrize('document, message', [
    ('{"na', 'is corrupt'), ({'version': 2, 'name': 'x'}, 'has version 2'),
    ({'name': 5}, 'its name is 5'), ({'name': 'x', 'not_before': 'soon'},
                                     'is corrupt'),
    ({'name': 'x', 'created_id': '../x'}, 'created_id')])
def test_entry_that_cannot_be_read_is_listed_and_can_be_dismissed(
        manage, bank, resource, restores, document, message):
    path = '/karbor-trove/%s/restores/restore-1' % resource.id
    bank.update_object(path, document)
    [row] = manage('deferred', 'list')
    assert row['restore'] == 'restore-1'
    assert path in row['why'] and message in row['why']
    [row] = manage('deferred', 'sweep', expect=1)
    assert row['restore'] == 'restore-1'
    assert path in row['outcome'] and path in manage.err
    assert manage('deferred', 'sweep', '--project', clouds.PROJECT) == []
    assert 'an unknown process may still' in manage(
        'deferred', 'dismiss', 'restore-1', expect=1)
    [row] = manage('deferred', 'dismiss', 'restore-1', '--force')
    assert row['restore'] == 'restore-1' and row['name'] is None
    assert restores.list_keys() == []


def test_sweep_deletes_the_entry_of_a_restore_without_an_instance(
        manage, interrupt, restores, settle, fake_trove, resource):
    interrupt()
    settle()
    [row] = manage('deferred', 'sweep')
    assert row['outcome'] == 'restore restore-1 has created no instance'
    assert row['project'] == clouds.PROJECT
    assert row['instance'] == resource.id
    assert restores.list_keys() == []
    assert set(fake_trove.instances) == {resource.id}


@pytest.mark.parametrize('recent', [False, True])
def test_trace_of_a_restore_is_deleted_after_an_hour_and_not_listed(
        manage, interrupt, restores, resource, bank, recent):
    interrupt(created_id=ANOTHER,
              time_before_request=recent_time() if recent else LONG_AGO)
    assert manage('deferred', 'list') == []
    assert manage('deferred', 'sweep') == []
    assert bool(restores.list_keys()) == recent
    assert bool(list(bank.list_objects('/karbor-trove-restores'))) == recent


def test_sweep_keeps_the_entry_of_a_restore_that_is_not_settled(
        manage, interrupt, restores, clock):
    interrupt()
    clock.sleep(599)
    [row] = manage('deferred', 'sweep')
    assert 'may still create the instance' in row['outcome']
    assert restores.list_keys() == ['restore-1']


@pytest.mark.parametrize('later', [0, 1, 700])
def test_sweep_names_the_instance_that_a_restore_may_have_created(
        manage, interrupt, restores, settle, fake_trove, later, clock):
    interrupt()
    clock.sleep(later)
    instance = fake_trove.add_instance(name='again')
    settle()
    [row] = manage('deferred', 'sweep')
    assert instance in row['outcome'] and 'restore-1' in row['outcome']
    assert restores.list_keys() == ['restore-1']
    assert instance in fake_trove.instances


def test_sweep_ignores_an_instance_that_is_older_than_the_restore(
        manage, interrupt, restores, settle, fake_trove, clock):
    older = fake_trove.add_instance(name='again')
    clock.sleep(360)
    interrupt(time_before_request='2026-01-01T00:06:00')
    settle()
    manage('deferred', 'sweep')
    assert restores.list_keys() == []
    assert older in fake_trove.instances


def test_sweep_ignores_an_instance_that_is_deleted_meanwhile(
        manage, interrupt, restores, settle, fake_trove):
    interrupt()
    fake_trove.fail('GET', '/instances/' + fake_trove.add_instance(
        name='again'), 404)
    settle()
    manage('deferred', 'sweep')
    assert restores.list_keys() == []


def test_sweep_uses_a_token_of_the_project_of_the_restore(
        manage, interrupt, fake_trove):
    interrupt(project_id='other')
    first = len(fake_trove.requests)
    manage('deferred', 'sweep')
    assert {request.project_id for request in fake_trove.requests[first:]
            } == {'other'}


@pytest.mark.parametrize('fields, message', [
    ({'project_id': keystone.CLOSED_PROJECT}, 'has no role in project'),
    ({'project_id': None}, 'no project or no time'),
    ({'time_before_request': None}, 'no project or no time')])
def test_sweep_keeps_an_entry_that_it_cannot_check(
        manage, interrupt, restores, settle, fields, message):
    interrupt(**fields)
    settle()
    [row] = manage('deferred', 'sweep', expect=1)
    assert message in row['outcome'] and message in manage.err
    assert restores.list_keys() == ['restore-1']


@pytest.mark.parametrize('which', ['--instance', '--project'])
def test_sweep_is_limited_to_an_instance_or_a_project(
        manage, interrupt, restores, settle, which, resource):
    interrupt()
    settle()
    assert manage('deferred', 'sweep', which, ANOTHER) == []
    assert restores.list_keys()
    id_ = {'--instance': resource.id, '--project': clouds.PROJECT}[which]
    assert len(manage('deferred', 'sweep', which, id_)) == 1
    assert not restores.list_keys()


def test_bank_of_two_providers_is_listed_swept_and_dismissed_once(
        manage, interrupt, restores, settle, tmp_path, config_file):
    folder = tmp_path / 'providers.d'
    (folder / 'second.conf').write_text(
        (folder / 'databases.conf').read_text())
    interrupt()
    assert len(manage('deferred', 'list')) == 1
    assert len(manage('deferred', 'sweep')) == 1
    assert len(manage('deferred', 'dismiss', 'restore-1')) == 1


def test_dismiss_is_completed_if_it_is_interrupted(
        run, config_file, interrupt, restores, monkeypatch):
    ids = ['restore-1', 'restore-2', 'restore-3']
    for id_ in ids:
        interrupt(id_)
    delete_entry = restore_journal.RestoreJournal.delete_entry

    def interrupt_and_delete(self, entry):
        os.kill(os.getpid(), signal.SIGINT)
        delete_entry(self, entry)

    monkeypatch.setattr(restore_journal.RestoreJournal, 'delete_entry',
                        interrupt_and_delete)
    # A shell may start its background jobs with this signal ignored.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code, out, _ = run('deferred', 'dismiss', *ids, '--config-file',
                           config_file)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert (code, out) == (130, '')
    assert restores.list_keys() == []


def test_dismiss_deletes_entries_and_no_instance(
        manage, interrupt, restores, resource, fake_trove):
    instance = fake_trove.add_instance(name='again')
    for id_ in 'restore-1', 'restore-2', 'restore-3':
        interrupt(id_)
    rows = manage('deferred', 'dismiss', 'restore-1', 'restore-3')
    assert {row['restore']: row for row in rows}['restore-1'] == {
        'project': clouds.PROJECT, 'instance': resource.id,
        'restore': 'restore-1', 'name': 'again',
        'since': REQUESTED_AT + 'Z'}
    assert len(rows) == 2
    assert restores.list_keys() == ['restore-2']
    assert instance in fake_trove.instances


def test_dismiss_deletes_the_entries_of_all_instances_of_a_restore(
        manage, interrupt, restores, bank):
    interrupt()
    other = restore_journal.RestoreJournal(bank, ANOTHER)
    other.write(dataclasses.replace(
        restores.read('restore-1'), instance_id=ANOTHER))
    assert {row['instance'] for row in manage(
        'deferred', 'dismiss', 'restore-1')} == {
            restores.instance_id, ANOTHER}
    assert restores.list_keys() == other.list_keys() == []


@pytest.mark.parametrize('force', [(), ('--force',)])
def test_dismiss_of_an_unknown_restore_changes_nothing(
        manage, interrupt, restores, force):
    interrupt()
    assert 'no bank has an entry of restore restore-2' in manage(
        'deferred', 'dismiss', 'restore-1', 'restore-2', *force, expect=1)
    assert restores.list_keys() == ['restore-1']


def recent_time():
    return datetime.datetime.now(datetime.timezone.utc).replace(
        tzinfo=None, microsecond=0).isoformat()


@pytest.mark.parametrize('identity', [
    worker_process.current(),
    {'host': 'elsewhere', 'pid': 1, 'started': '1'}, None])
@pytest.mark.parametrize('time_before_request', [recent_time(), None],
                         ids=['recent', 'unknown'])
def test_dismiss_needs_force_if_the_restore_may_run(
        manage, interrupt, restores, identity, time_before_request):
    interrupt('restore-1', time_before_request=LONG_AGO)
    interrupt('restore-2', time_before_request=time_before_request,
              worker=identity)
    message = manage('deferred', 'dismiss', 'restore-1', 'restore-2', expect=1)
    assert 'may still work on restore restore-2. Make sure' in message
    assert sorted(restores.list_keys()) == ['restore-1', 'restore-2']
    manage('deferred', 'dismiss', 'restore-1', 'restore-2', '--force')
    assert restores.list_keys() == []


def test_dismiss_needs_no_force_an_hour_after_the_restore(
        manage, interrupt, restores):
    interrupt(time_before_request=LONG_AGO, worker=worker_process.current())
    manage('deferred', 'dismiss', 'restore-1')
    assert restores.list_keys() == []


def test_dismiss_needs_no_force_if_the_worker_has_ended(
        manage, interrupt, restores):
    interrupt(time_before_request=recent_time())
    manage('deferred', 'dismiss', 'restore-1')
    assert restores.list_keys() == []
