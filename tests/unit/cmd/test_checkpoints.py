"""karbor-trove-manage checkpoint: reset and show."""

import dataclasses

from karbor.common import constants
from karbor import exception
from karbor import resource as karbor_resource
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import status as bank_status_
from karbor_trove.bank import worker

STUCK = (constants.CHECKPOINT_STATUS_PROTECTING,
         constants.CHECKPOINT_STATUS_DELETING)


def gone():
    """A process of this machine that has ended."""
    return dict(worker.current(), started='0')


@pytest.fixture
def leave(checkpoint, resource):
    """Leaves the checkpoint as a crash does."""
    def leave(status, others=(), named=None, resource_status=None):
        checkpoint.resource_graph = [
            graph.GraphNode(value=one, child_nodes=())
            for one in (resource, *others)]
        checkpoint.status = status
        checkpoint.commit()
        if named:
            section = checkpoint.get_resource_bank_section(resource.id)
            section.update_object('worker', named)
            section.update_object('status', resource_status or status)
        return checkpoint.id
    return leave


@pytest.fixture
def status(checkpoint):
    def status():
        checkpoint.reload_meta_data()
        return checkpoint.status
    return status


@pytest.mark.parametrize('was', STUCK)
def test_what_a_dead_process_left_becomes_error(leave, manage, status, was):
    id_ = leave(was, named=gone())
    [row] = manage('checkpoint', 'reset', id_)
    assert status() == 'error'
    assert (row['checkpoint'], row['was'], row['status']) == (
        id_, was, 'error')


def test_the_old_index_is_kept_beside_it(leave, manage, checkpoint):
    id_ = leave('deleting', named=gone())
    before = checkpoint.checkpoint_section.get_object('index.json')
    [row] = manage('checkpoint', 'reset', id_)
    assert checkpoint.checkpoint_section.get_object(row['backup_copy']) == before


@pytest.mark.parametrize('was', STUCK)
@pytest.mark.parametrize('named', [
    worker.current(), {'host': 'elsewhere', 'pid': 1, 'started': '1'}, 'torn'])
def test_what_may_still_run_is_left_alone(leave, manage, status, was, named):
    id_ = leave(was, named=named)
    assert 'may still work on it' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == was
    manage('checkpoint', 'reset', id_, '--force')
    assert status() == 'error'


@pytest.mark.parametrize('was', STUCK)
def test_without_a_witness_the_operator_has_to_say_so(
        leave, manage, status, was):
    id_ = leave(was)
    said = manage('checkpoint', 'reset', id_, expect=1)
    assert 'nothing in the bank tells' in said
    assert '--force says that no Karbor works on it' in said
    assert status() == was
    manage('checkpoint', 'reset', id_, '--force')
    assert status() == 'error'


def test_who_protected_it_says_nothing_of_its_deletion(leave, manage, status):
    id_ = leave('deleting', named=gone(), resource_status='available')
    assert 'nothing in the bank tells' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == 'deleting'


def test_a_dead_process_says_nothing_of_the_next_deletion(
        leave, manage, checkpoint, status):
    id_ = leave('deleting', named=gone())
    manage('checkpoint', 'reset', id_)
    checkpoint.reload_meta_data()
    leave('deleting')
    assert 'nothing in the bank tells' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == 'deleting'


def test_one_witness_is_enough_for_resources_of_other_types(
        leave, manage, status):
    id_ = leave('protecting', named=gone(), others=[
        karbor_resource.Resource('OS::Cinder::Volume', 'volume', 'data')])
    manage('checkpoint', 'reset', id_)
    assert status() == 'error'


def test_one_that_lives_outweighs_one_that_is_gone(
        leave, manage, checkpoint, status):
    other = karbor_resource.Resource('OS::Trove::Instance', 'other', 'more')
    id_ = leave('protecting', named=gone(), others=[other])
    bank_status_.mark_started(
        checkpoint.get_resource_bank_section('other'),
        'protecting')
    assert 'may still work on it' in manage(
        'checkpoint', 'reset', id_, expect=1)
    assert status() == 'protecting'


def test_karbor_writes_error_deleting_when_it_has_ended(
        leave, manage, status):
    manage('checkpoint', 'reset', leave(
        'error-deleting', named=worker.current(), resource_status='error'))
    assert status() == 'error'


@pytest.mark.parametrize('was', ['available', 'error', 'deleted', 'copying'])
def test_what_is_not_stuck_is_refused(leave, manage, status, was):
    id_ = leave(was, named=gone())
    assert '%s is %s' % (id_, was) in manage(
        'checkpoint', 'reset', id_, '--force', expect=1)
    assert status() == was


@pytest.mark.parametrize('id_', ['11111111-1111-4111-8111-111111111111',
                                 '../x', 'a b', '..'])
def test_an_unknown_checkpoint_is_refused(manage, id_):
    for command in 'reset', 'show':
        assert 'no provider\'s bank has a checkpoint %s' % id_ in (
            manage('checkpoint', command, id_, expect=1))


def test_a_torn_index_is_named(leave, manage, checkpoint):
    id_ = leave('protecting', named=gone())
    checkpoint.checkpoint_section.update_object('index.json', '{"stat')
    said = manage('checkpoint', 'reset', id_, '--force', expect=1)
    assert 'the index of checkpoint %s in the bank is torn' % id_ in said
    [row] = manage('checkpoint', 'show', id_)
    assert row['status'] == 'torn'


def test_a_crash_before_the_indices_does_not_hinder_the_deletion(
        leave, manage, checkpoint, bank):
    id_ = leave('protecting', named=gone())
    indices = bank.get_sub_section('/indices')
    before = set(indices.list_objects())
    for name in before:
        indices.delete_object(name)
    manage('checkpoint', 'reset', id_)
    assert set(indices.list_objects()) == before
    karbor_checkpoint.CheckpointCollection(bank).get(id_).delete()
    assert indices.list_objects() == []


def test_a_crash_before_the_graph_leaves_nothing_to_delete(
        manage, checkpoint):
    assert checkpoint.resource_graph is None
    manage('checkpoint', 'reset', checkpoint.id, '--force')
    checkpoint.reload_meta_data()
    assert checkpoint.resource_graph == []


def test_what_the_bank_knows_is_shown(
        manage, leave, fake_trove, protect, checkpoint, resource):
    protect()
    [backup] = fake_trove.backups
    leave('available')
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert row['checkpoint'] == checkpoint.id
    assert row['status'] == row['resource_status'] == 'available'
    assert row['resource'] == resource.id
    assert row['record'] == row['journal'] == backup
    assert 'may live' in row['worker']
    assert row['note'] is row['reason'] is None


def test_why_a_protect_failed_is_shown_until_the_checkpoint_is_deleted(
        manage, leave, fake_trove, protect, delete, checkpoint, resource):
    fake_trove.quotas['backups'] = 0
    fake_trove.instances[resource.id].update(status='ERROR',
                                             fault='No valid host')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    leave('error')
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert row['resource_status'] == 'error'
    assert row['reason'].splitlines() == [
        'instance %s has the status ERROR: No valid host' % resource.id,
        'quota of backups: this protect needs 1 and 0 of 0 are left']
    delete()
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert row['resource_status'] == 'deleted' and row['reason'] is None


def test_what_the_bank_cannot_read_is_told(
        manage, leave, protect, checkpoint, resource):
    protect()
    leave('error')
    checkpoint.get_resource_bank_section(resource.id).update_object(
        'metadata', '{"inst')
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert 'corrupt' in row['note']


@pytest.mark.parametrize('changed, note', [
    ({'is_complete': False}, 'not complete yet'),
    ({'is_complete': False, 'backup_id': None}, 'asked for, not known yet'),
    ({'deleted_at': 'yesterday'}, 'deleted yesterday'),
    ({'deleted_at': 'yesterday', 'reason': 'Trove is away'}, 'Trove is away')])
def test_what_the_ledger_says_is_told(
        manage, leave, protect, checkpoint, journal, changed, note):
    protect()
    [entry] = journal.list_entries()
    journal.write(dataclasses.replace(entry, **changed))
    leave('error')
    [row] = manage('checkpoint', 'show', checkpoint.id)
    assert row['note'] == note


def test_other_resources_are_shown_without_a_backup(manage, leave):
    id_ = leave('available', others=[
        karbor_resource.Resource('OS::Cinder::Volume', 'volume', 'data')],
        named='torn')
    shown = {row['resource']: row for row in manage('checkpoint', 'show', id_)}
    assert shown['volume']['type'] == 'OS::Cinder::Volume'
    assert len(shown) == 2
    assert {'an unknown process, may live', None} == {
        row['worker'] for row in shown.values()}
