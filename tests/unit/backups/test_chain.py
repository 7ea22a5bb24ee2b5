"""Decisions on chains, with examples and with generated chains."""

import datetime

import hypothesis
from hypothesis import strategies as st
import pytest

from karbor_trove.backups import chain
from karbor_trove import errors
from karbor_trove.trove import models

NOON = datetime.datetime(2026, 1, 1, 12)


def build_backups(*rows):
    """Return backups by id, from (id, parent's id, status) in time order."""
    return {id_: models.Backup(
        id_, status=status, parent_id=parent_id,
        created=NOON + datetime.timedelta(hours=number))
        for number, (id_, parent_id, status) in enumerate(rows)}


def build_chain(length, status='COMPLETED'):
    """Return the backups of a chain. b0 is the parent of b1, and so on."""
    return build_backups(*(
        ('b%d' % n, 'b%d' % (n - 1) if n else None, status)
        for n in range(length)))


def list_ids(backups, backup_id):
    return [backup.id for backup in chain.list_chain(backups, backup_id)]


def test_walk_ends_at_the_root():
    backups = build_chain(3)
    assert list(chain.walk_to_root(backups.get, 'b1')) == [
        backups['b1'], backups['b0']]


def test_walk_ends_at_a_missing_backup():
    backups = build_chain(3)
    del backups['b0']
    assert [backup.id for backup in chain.walk_to_root(backups.get, 'b2')
            ] == ['b2', 'b1']


def test_walk_fails_at_a_backup_that_is_its_own_ancestor():
    backups = build_backups(('b0', 'b1', 'COMPLETED'),
                            ('b1', 'b0', 'COMPLETED'))
    with pytest.raises(errors.ResourceFailed,
                       match='backup b1 is its own parent'):
        list(chain.walk_to_root(backups.get, 'b1'))


def test_list_chain_returns_the_backups_up_to_the_root():
    assert list_ids(build_chain(3), 'b2') == ['b2', 'b1', 'b0']


@pytest.mark.parametrize('missing', ['b0', 'b1', 'b2'])
def test_list_chain_is_empty_if_a_backup_is_missing(missing):
    backups = build_chain(3)
    del backups[missing]
    assert not chain.list_chain(backups, 'b2')


@pytest.mark.parametrize('status', ['NEW', 'BUILDING', 'FAILED',
                                    'DELETE_FAILED', 'LATER_INVENTION', None])
def test_list_chain_is_empty_if_a_backup_is_not_complete(status):
    backups = build_backups(('b0', None, status), ('b1', 'b0', 'COMPLETED'))
    assert not chain.list_chain(backups, 'b1')


def test_restored_backup_counts_as_complete():
    backups = build_backups(('b0', None, 'RESTORED'), ('b1', 'b0', 'RESTORED'))
    assert list_ids(backups, 'b1') == ['b1', 'b0']
    chain.check_chain(backups.get, 'b1')


def test_list_chain_is_empty_if_a_backup_is_its_own_ancestor():
    backups = build_backups(('b0', 'b1', 'COMPLETED'),
                            ('b1', 'b0', 'COMPLETED'))
    assert not chain.list_chain(backups, 'b1')


def test_check_chain_fails_if_the_root_is_deleted():
    backups = build_chain(3)
    chain.check_chain(backups.get, 'b2')
    del backups['b0']
    with pytest.raises(errors.ResourceFailed,
                       match='the new backup cannot be restored: backup b0, '
                             'in the chain of backup b2, was not found'):
        chain.check_chain(backups.get, 'b2')


def test_parent_is_the_newest_recorded_backup():
    backups = build_chain(3)
    assert chain.choose_parent(backups, ['b0', 'b1', 'b2'], 7) == 'b2'
    assert chain.choose_parent(backups, ['b0', 'b1'], 7) == 'b1'
    assert chain.choose_parent(backups, [], 7) is None
    assert chain.choose_parent({}, ['b2'], 7) is None


def test_parent_is_the_child_if_two_backups_have_the_same_time():
    backups = {id_: models.Backup(id_, status='COMPLETED', created=NOON,
                                  parent_id=parent_id)
               for id_, parent_id in [('b', None), ('a', 'b'), ('c', None)]}
    assert chain.choose_parent(backups, backups, 7) == 'a'


def test_backup_without_a_time_is_not_a_parent():
    backups = build_chain(2)
    backups['b9'] = models.Backup('b9', status='COMPLETED')
    assert chain.choose_parent(backups, backups, 7) == 'b1'
    assert chain.choose_parent(backups, ['b9'], 7) is None


def test_parent_is_never_a_failed_backup():
    backups = dict(build_chain(2), **build_backups(('b9', None, 'FAILED')))
    assert chain.choose_parent(backups, backups, 7) == 'b1'


def test_backup_with_a_failed_child_is_not_a_parent():
    backups = dict(build_chain(2), **build_backups(('b9', 'b1', 'FAILED')))
    assert chain.choose_parent(backups, backups, 7) is None
    backups = dict(build_chain(2), **build_backups(('b9', 'b0', 'FAILED')))
    assert chain.choose_parent(backups, backups, 7) == 'b1'


def test_broken_chain_gives_no_parent(caplog):
    backups = build_chain(3)
    del backups['b0']
    assert chain.choose_parent(backups, backups, 7) is None
    assert ('backup b2 is not used as a parent, because backup b0, in the '
            'chain of backup b2, was not found') in caplog.text


def test_recorded_backups_that_are_unusable_are_named(caplog):
    backups = dict(build_chain(1), **build_backups(('b8', None, 'FAILED')))
    assert chain.choose_parent(backups, ['b0', 'b8', 'b9'], 7) == 'b0'
    assert ('Backups are not used as parents: b8 is FAILED, b9 was not found'
            in caplog.text)
    caplog.clear()
    assert chain.choose_parent(backups, ['b0'], 7) == 'b0'
    assert not caplog.text


@pytest.mark.parametrize('max_chain_length, parent', [
    (1, None), (2, None), (3, None), (4, 'b2')])
def test_chain_of_maximum_length_gives_no_parent(max_chain_length, parent):
    assert chain.choose_parent(build_chain(3), ['b0', 'b1', 'b2'],
                               max_chain_length) == parent


class CountedId(str):
    """An id that counts how often it is compared with another id."""

    comparisons = 0

    def __eq__(self, other):
        type(self).comparisons += 1
        return str(self) == str(other)

    __hash__ = str.__hash__


def test_recorded_backups_are_not_compared_with_each_backup_of_the_project():
    # Every tenth backup of the project is of the instance.
    backups = {id_: models.Backup(id_, status='COMPLETED', created=NOON)
               for id_ in map(CountedId, map(str, range(2000)))}
    recorded_ids = [CountedId(number) for number in range(0, 2000, 10)]
    CountedId.comparisons = 0
    assert chain.choose_parent(backups, recorded_ids, 7) in recorded_ids
    assert CountedId.comparisons < 2 * len(backups)


class CountedBackups(dict):
    """Backups by id. It counts how often a backup is looked up."""

    reads = 0

    def get(self, *args):
        self.reads += 1
        return super().get(*args)


def test_only_the_chain_of_the_newest_backup_is_read():
    backups = CountedBackups(build_chain(200))
    assert chain.choose_parent(backups, list(backups), 1000) == 'b199'
    assert backups.reads < 10 * len(backups)


def test_backup_without_children_may_be_deleted():
    assert chain.find_deletion_blocker(build_chain(3), 'b2', []) is None


def test_children_block_a_deletion_and_are_named():
    backups = dict(build_chain(2), **build_backups(('c', 'b0', 'FAILED')))
    assert chain.find_deletion_blocker(backups, 'b0', []) == (
        'the backup has children: b1, c')


@pytest.mark.parametrize('status', ['NEW', 'BUILDING', 'SAVING', 'LATER'])
def test_running_backup_blocks_its_deletion(status):
    assert chain.find_deletion_blocker(build_chain(1, status), 'b0', []) == (
        'the backup is %s' % status)


@pytest.mark.parametrize('status', ['COMPLETED', 'FAILED', 'DELETE_FAILED',
                                    'RESTORED'])
def test_finished_backup_may_be_deleted(status):
    backups = build_chain(1, status)
    assert chain.find_deletion_blocker(backups, 'b0', ['b1']) is None


def test_parent_reservation_blocks_a_deletion():
    blocker = chain.find_deletion_blocker(build_chain(2), 'b1', ['b1'])
    assert 'is being created' in blocker


def test_missing_backup_has_no_deletion_blocker():
    assert chain.find_deletion_blocker({}, 'b0', ['b0']) is None


STATUSES = st.sampled_from(['COMPLETED'] * 5 + [
    'NEW', 'BUILDING', 'FAILED', 'DELETE_FAILED'])


@st.composite
def generated_backups(draw):
    """Return up to twelve backups. A parent may be any other or deleted."""
    ids = ['b%d' % n for n in range(draw(st.integers(0, 12)))]
    parents = st.sampled_from([None, 'deleted'] + ids)
    # With few times, several backups have the same one.
    times = st.integers(0, 3).map(
        lambda hours: NOON + datetime.timedelta(hours=hours))
    return {id_: models.Backup(id_, status=draw(STATUSES),
                               parent_id=draw(parents), created=draw(times))
            for id_ in ids}


@hypothesis.given(generated_backups(), st.data(), st.integers(1, 5))
def test_chosen_parent_always_has_a_chain_that_can_be_restored(
        backups, data, max_chain_length):
    recorded_ids = [id_ for id_ in backups if data.draw(st.booleans())]
    parent = chain.choose_parent(backups, recorded_ids, max_chain_length)
    if parent is None:
        return
    assert parent in recorded_ids
    length, next_id = 0, parent
    while next_id is not None:
        assert backups[next_id].status == 'COMPLETED'
        length, next_id = length + 1, backups[next_id].parent_id
        assert length < max_chain_length, 'the child would be too many'
    assert backups[parent].created == max(
        backups[id_].created for id_ in recorded_ids
        if backups[id_].status == 'COMPLETED')


@hypothesis.given(generated_backups(), st.data())
def test_allowed_deletion_never_deletes_another_backup(backups, data):
    for id_ in backups:
        reserved_ids = [other for other in backups
                        if data.draw(st.booleans())]
        if chain.find_deletion_blocker(backups, id_, reserved_ids) is None:
            assert backups[id_].status not in ('NEW', 'BUILDING')
            assert id_ not in reserved_ids
            assert id_ not in {backup.parent_id
                               for backup in backups.values()}


@hypothesis.given(st.integers(1, 8), st.randoms(use_true_random=False))
def test_chain_is_deleted_in_any_order_of_its_checkpoints(length, random):
    backups, order = build_chain(length), ['b%d' % n for n in range(length)]
    random.shuffle(order)
    to_delete = set()
    for id_ in order:
        to_delete.add(id_)
        for other in chain.sort_ids_children_first(backups, to_delete):
            if other in backups and not chain.find_deletion_blocker(
                    backups, other, []):
                del backups[other]
        # A backup remains only if a descendant is still needed.
        needed = [int(other[1:]) for other in set(order) - to_delete]
        assert set(backups) == {'b%d' % n for n
                                in range(max(needed, default=-1) + 1)}


@hypothesis.given(generated_backups())
def test_sorted_ids_have_each_child_before_its_parent(backups):
    order = chain.sort_ids_children_first(backups, list(backups))
    assert sorted(order) == sorted(backups)
    for id_ in order:
        parent_id = backups[id_].parent_id
        if parent_id in backups and not _is_in_a_circle(backups, id_):
            assert order.index(id_) < order.index(parent_id)


def _is_in_a_circle(backups, id_):
    visited = set()
    while id_ in backups and id_ not in visited:
        visited.add(id_)
        id_ = backups[id_].parent_id
    return id_ in visited
