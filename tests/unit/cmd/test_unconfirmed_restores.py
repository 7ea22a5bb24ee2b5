"""karbor-trove-manage deferred: restores that ended without an answer."""

import dataclasses
import datetime

from karbor import exception
import pytest

from karbor_trove.bank import restore_journal
from karbor_trove.bank import worker
from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone
from tests.unit.cmd import test_checkpoints
from tests.unit import plugin_fixtures as flows

do_restore = flows.do_restore

ASKED = '2026-01-01T00:00:00'
LONG_AGO = '2020-01-01T00:00:00'


@pytest.fixture
def notes(bank, resource):
    return restore_journal.RestoreJournal(bank, resource.id)


@pytest.fixture
def leave(notes, resource):
    """Leaves a note as an interrupted restore does."""
    def leave(restore_id='restore-1', **kw):
        kept = dict({'name': 'again', 'not_before': ASKED,
                     'project_id': clouds.PROJECT,
                     'worker': test_checkpoints.gone()}, **kw)
        notes.write(restore_journal.RestoreEntry(resource.id, restore_id, **kept))
    return leave


@pytest.fixture
def landed(clock):
    """Lets the time pass in which a request may still be carried out."""
    return lambda: clock.sleep(600)


def test_a_restore_whose_answer_is_lost_leaves_a_note(
        protect, do_restore, notes, fake_trove, restore):
    protect()
    fake_trove.fail('POST', '/instances', 'reset')
    with pytest.raises(exception.RestoreResourceFailed):
        do_restore(restore_name='again')
    assert notes.list_keys() == [restore.id]
    kept = notes.read(restore.id)
    assert kept.name == 'again'
    assert kept.project_id == clouds.PROJECT
    assert kept.not_before
    assert kept.worker == worker.current()


@pytest.mark.parametrize('code', [None, 403])
def test_a_restore_that_was_answered_leaves_none(
        protect, do_restore, notes, fake_trove, code):
    protect()
    if code is None:
        do_restore()
    else:
        fake_trove.fail('POST', '/instances', code)
        with pytest.raises(exception.RestoreResourceFailed):
            do_restore()
    assert notes.list_keys() == []


def test_a_restore_that_was_interrupted_is_told(manage, leave, resource):
    leave()
    [row] = manage('deferred', 'list')
    assert row['what'] == 'restore'
    assert row['project'] == clouds.PROJECT
    assert row['instance'] == resource.id
    assert row['since'] == ASKED
    assert 'restore-1' in row['why'] and '"again"' in row['why']


def old(bank, resource):
    bank.update_object(
        '/karbor-trove/%s/restores/restore-1' % resource.id,
        {'version': 1, 'name': 'again', 'not_before': ASKED})


def test_one_of_an_earlier_release_is_told(manage, bank, resource):
    old(bank, resource)
    [row] = manage('deferred', 'list')
    assert row['project'] is None
    assert row['since'] == ASKED and '"again"' in row['why']


@pytest.mark.parametrize('kept, said', [
    ('{"na', 'is corrupt'), ({'version': 2, 'name': 'x'}, 'has version 2')])
def test_one_that_cannot_be_read_is_told_and_can_be_dismissed(
        manage, bank, resource, notes, kept, said):
    where = '/karbor-trove/%s/restores/restore-1' % resource.id
    bank.update_object(where, kept)
    [row] = manage('deferred', 'list')
    assert where in row['why'] and said in row['why']
    [row] = manage('deferred', 'sweep', expect=1)
    assert where in row['outcome'] and where in manage.err
    assert manage('deferred', 'sweep', '--project', clouds.PROJECT) == []
    assert 'an unknown process may still' in manage(
        'deferred', 'dismiss', 'restore-1', expect=1)
    [row] = manage('deferred', 'dismiss', 'restore-1', '--force')
    assert row['restore'] == 'restore-1' and row['name'] is None
    assert notes.list_keys() == []


def test_a_sweep_forgets_what_nothing_came_of(
        manage, leave, notes, landed, fake_trove, resource):
    leave()
    landed()
    [row] = manage('deferred', 'sweep')
    assert row['outcome'] == 'nothing came of restore restore-1'
    assert row['project'] == clouds.PROJECT
    assert row['instance'] == resource.id
    assert notes.list_keys() == []
    assert set(fake_trove.instances) == {resource.id}


def test_a_sweep_keeps_what_may_still_come(manage, leave, notes, clock):
    leave()
    clock.sleep(599)
    [row] = manage('deferred', 'sweep')
    assert 'may still be made' in row['outcome']
    assert notes.list_keys() == ['restore-1']


@pytest.mark.parametrize('later', [0, 1, 700])
def test_a_sweep_names_what_may_have_come_of_it(
        manage, leave, notes, landed, fake_trove, later, clock):
    leave()
    clock.sleep(later)
    made = fake_trove.add_instance(name='again')
    landed()
    [row] = manage('deferred', 'sweep')
    assert made in row['outcome'] and 'restore-1' in row['outcome']
    assert notes.list_keys() == ['restore-1']
    assert made in fake_trove.instances


def test_what_was_there_before_did_not_come_of_it(
        manage, leave, notes, landed, fake_trove, clock):
    before = fake_trove.add_instance(name='again')
    clock.sleep(60)
    leave(not_before='2026-01-01T00:01:00')
    landed()
    manage('deferred', 'sweep')
    assert notes.list_keys() == []
    assert before in fake_trove.instances


def test_what_goes_between_two_looks_is_gone(
        manage, leave, notes, landed, fake_trove):
    leave()
    fake_trove.fail('GET', '/instances/' + fake_trove.add_instance(
        name='again'), 404)
    landed()
    manage('deferred', 'sweep')
    assert notes.list_keys() == []


def test_a_sweep_looks_with_a_token_of_the_tenants_project(
        manage, leave, fake_trove):
    leave(project_id='other')
    before = len(fake_trove.requests)
    manage('deferred', 'sweep')
    asked = fake_trove.requests[before:]
    assert asked and {one.project_id for one in asked} == {'other'}


@pytest.mark.parametrize('changed, said', [
    ({'project_id': keystone.CLOSED_PROJECT}, 'has no role in project'),
    ({'project_id': None}, 'nobody knows the project'),
    ({'not_before': None}, 'nobody knows the project or the time')])
def test_a_sweep_keeps_what_it_cannot_find_out(
        manage, leave, notes, landed, changed, said):
    leave(**changed)
    landed()
    [row] = manage('deferred', 'sweep', expect=1)
    assert said in row['outcome'] and said in manage.err
    assert notes.list_keys() == ['restore-1']


@pytest.mark.parametrize('which', ['--instance', '--project'])
def test_a_sweep_may_be_of_one_only(
        manage, leave, notes, landed, which, resource):
    leave()
    landed()
    assert manage('deferred', 'sweep', which, 'another') == []
    assert notes.list_keys()
    mine = {'--instance': resource.id, '--project': clouds.PROJECT}[which]
    assert len(manage('deferred', 'sweep', which, mine)) == 1
    assert not notes.list_keys()


def test_a_bank_of_two_providers_is_told_once(
        manage, leave, notes, landed, tmp_path, config_file):
    folder = tmp_path / 'providers.d'
    (folder / 'second.conf').write_text(
        (folder / 'databases.conf').read_text())
    leave()
    assert len(manage('deferred', 'list')) == 1
    assert len(manage('deferred', 'sweep')) == 1
    assert len(manage('deferred', 'dismiss', 'restore-1')) == 1


def test_what_is_dismissed_is_forgotten(
        manage, leave, notes, resource, fake_trove):
    made = fake_trove.add_instance(name='again')
    for id_ in 'restore-1', 'restore-2', 'restore-3':
        leave(id_)
    rows = manage('deferred', 'dismiss', 'restore-1', 'restore-3')
    assert {row['restore']: row for row in rows}['restore-1'] == {
        'project': clouds.PROJECT, 'instance': resource.id,
        'restore': 'restore-1', 'name': 'again', 'since': ASKED}
    assert len(rows) == 2
    assert notes.list_keys() == ['restore-2']
    assert made in fake_trove.instances


def test_all_databases_of_a_restore_are_dismissed(
        manage, leave, notes, bank):
    leave()
    other = restore_journal.RestoreJournal(bank, 'another')
    other.write(dataclasses.replace(
        notes.read('restore-1'), instance_id='another'))
    assert {row['instance'] for row in manage(
        'deferred', 'dismiss', 'restore-1')} == {
            notes.instance_id, 'another'}
    assert notes.list_keys() == other.list_keys() == []


@pytest.mark.parametrize('force', [(), ('--force',)])
def test_an_unknown_one_is_named_and_nothing_done(
        manage, leave, notes, force):
    leave()
    assert 'no bank has a note of restore restore-2' in manage(
        'deferred', 'dismiss', 'restore-1', 'restore-2', *force, expect=1)
    assert notes.list_keys() == ['restore-1']


def young():
    return datetime.datetime.now(datetime.timezone.utc).replace(
        tzinfo=None, microsecond=0).isoformat()


@pytest.mark.parametrize('named', [
    worker.current(), {'host': 'elsewhere', 'pid': 1, 'started': '1'}, None])
@pytest.mark.parametrize('when', [young(), None], ids=['young', 'unknown'])
def test_what_may_still_run_is_not_dismissed(
        manage, leave, notes, named, when):
    leave('restore-1', not_before=LONG_AGO)
    leave('restore-2', not_before=when, worker=named)
    said = manage('deferred', 'dismiss', 'restore-1', 'restore-2', expect=1)
    assert 'may still work on restore restore-2. --force says' in said
    assert sorted(notes.list_keys()) == ['restore-1', 'restore-2']
    manage('deferred', 'dismiss', 'restore-1', 'restore-2', '--force')
    assert notes.list_keys() == []


def test_a_karbor_that_lives_does_not_look_for_ever(manage, leave, notes):
    leave(not_before=LONG_AGO, worker=worker.current())
    manage('deferred', 'dismiss', 'restore-1')
    assert notes.list_keys() == []


def test_a_process_that_is_gone_has_ended_its_restore(manage, leave, notes):
    leave(not_before=young())
    manage('deferred', 'dismiss', 'restore-1')
    assert notes.list_keys() == []
