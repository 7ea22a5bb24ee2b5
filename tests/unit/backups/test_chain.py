"""What is decided on chains, by example and for any chains there may be."""

import datetime

import hypothesis
from hypothesis import strategies as st
import pytest

from karbor_trove.backups import chain
from karbor_trove.trove import models

NOON = datetime.datetime(2026, 1, 1, 12)


def backups(*told, **kw):
    """Backups by id, from (id, parent's id, status) in order of time."""
    return {id_: models.Backup(
        id_, status=status, parent_id=parent_id,
        created=NOON + datetime.timedelta(hours=number))
        for number, (id_, parent_id, status) in enumerate(told)}


def line(length, status='COMPLETED'):
    """A chain b0 <- b1 <- ... of so many backups."""
    return backups(*(('b%d' % n, 'b%d' % (n - 1) if n else None, status)
                     for n in range(length)))


def test_a_chain_ends_at_the_full_backup():
    assert chain.walk_to_root(line(3), 'b2') == ['b2', 'b1', 'b0']


@pytest.mark.parametrize('gone', ['b0', 'b1', 'b2'])
def test_a_chain_with_a_link_missing_is_none(gone):
    found = line(3)
    del found[gone]
    assert chain.walk_to_root(found, 'b2') is None


@pytest.mark.parametrize('status', ['NEW', 'BUILDING', 'FAILED',
                                    'DELETE_FAILED', 'LATER_INVENTION', None])
def test_nor_is_one_with_a_link_that_is_not_complete(status):
    found = backups(('b0', None, status), ('b1', 'b0', 'COMPLETED'))
    assert chain.walk_to_root(found, 'b1') is None


def test_a_chain_that_bites_its_tail_is_none():
    found = backups(('b0', 'b1', 'COMPLETED'), ('b1', 'b0', 'COMPLETED'))
    assert chain.walk_to_root(found, 'b1') is None


def test_the_parent_is_the_newest_of_ours():
    found = line(3)
    assert chain.choose_parent(found, ['b0', 'b1', 'b2'], 7) == 'b2'
    assert chain.choose_parent(found, ['b0', 'b1'], 7) == 'b1'
    assert chain.choose_parent(found, [], 7) is None
    assert chain.choose_parent({}, ['b2'], 7) is None


def test_of_two_of_one_second_the_child_is_newer():
    found = {id_: models.Backup(id_, status='COMPLETED', created=NOON,
                                parent_id=parent_id)
             for id_, parent_id in [('b', None), ('a', 'b'), ('c', None)]}
    assert chain.choose_parent(found, found, 7) == 'a'


def test_a_newest_one_that_is_not_complete_is_not_the_newest():
    found = dict(line(2), **backups(('b9', 'b1', 'FAILED')))
    assert chain.choose_parent(found, found, 7) == 'b1'


def test_a_broken_chain_makes_a_full_backup():
    found = line(3)
    del found['b0']
    assert chain.choose_parent(found, found, 7) is None


@pytest.mark.parametrize('longest, parent', [
    (1, None), (2, None), (3, None), (4, 'b2')])
def test_a_chain_that_is_long_enough_makes_a_full_backup(longest, parent):
    assert chain.choose_parent(line(3), ['b0', 'b1', 'b2'], longest) == parent


def test_the_last_of_a_chain_may_go():
    assert chain.deletion_blocker(line(3), 'b2', []) is None


def test_a_parent_waits_and_the_reason_names_the_children():
    found = dict(line(2), **backups(('c', 'b0', 'FAILED')))
    assert chain.deletion_blocker(found, 'b0', []) == 'backup b1, c hangs on it'


@pytest.mark.parametrize('status', ['NEW', 'BUILDING', 'SAVING', 'LATER'])
def test_a_running_backup_waits(status):
    assert chain.deletion_blocker(line(1, status), 'b0', []) == (
        'the backup is %s' % status)


@pytest.mark.parametrize('status', ['COMPLETED', 'FAILED', 'DELETE_FAILED',
                                    'RESTORED'])
def test_one_that_has_ended_goes(status):
    assert chain.deletion_blocker(line(1, status), 'b0', ['b1']) is None


def test_a_claimed_backup_waits():
    assert 'being made' in chain.deletion_blocker(line(2), 'b1', ['b1'])


def test_what_is_not_there_does_not_wait():
    assert chain.deletion_blocker({}, 'b0', ['b0']) is None


STATUSES = st.sampled_from(['COMPLETED'] * 5 + [
    'NEW', 'BUILDING', 'FAILED', 'DELETE_FAILED'])


@st.composite
def clouds(draw):
    """Up to twelve backups; a parent may be any other, or long gone."""
    ids = ['b%d' % n for n in range(draw(st.integers(0, 12)))]
    parents = st.sampled_from([None, 'gone'] + ids)
    # Few moments, so that several share one.
    moments = st.integers(0, 3).map(
        lambda hours: NOON + datetime.timedelta(hours=hours))
    return {id_: models.Backup(id_, status=draw(STATUSES),
                               parent_id=draw(parents), created=draw(moments))
            for id_ in ids}


@hypothesis.given(clouds(), st.data(), st.integers(1, 5))
def test_a_parent_always_gives_a_chain_that_can_be_restored(
        found, data, longest):
    ours = [id_ for id_ in found if data.draw(st.booleans())]
    parent = chain.choose_parent(found, ours, longest)
    if parent is None:
        return
    assert parent in ours
    links, next_id = 0, parent
    while next_id is not None:
        assert found[next_id].status == 'COMPLETED'
        links, next_id = links + 1, found[next_id].parent_id
        assert links < longest, 'the new one would be too many'
    assert found[parent].created == max(
        found[id_].created for id_ in ours
        if found[id_].status == 'COMPLETED')


@hypothesis.given(clouds(), st.data())
def test_no_deletion_that_is_allowed_takes_another_backup_along(found, data):
    for id_ in found:
        claimed = [other for other in found if data.draw(st.booleans())]
        if chain.deletion_blocker(found, id_, claimed) is None:
            assert found[id_].status not in ('NEW', 'BUILDING')
            assert id_ not in claimed
            assert id_ not in {other.parent_id for other in found.values()}


@hypothesis.given(st.integers(1, 8), st.randoms(use_true_random=False))
def test_a_chain_goes_in_any_order_once_nobody_needs_it(length, random):
    found, order = line(length), ['b%d' % n for n in range(length)]
    random.shuffle(order)
    wanted = set()
    for id_ in order:
        wanted.add(id_)
        for other in chain.children_first(found, wanted):
            if other in found and not chain.deletion_blocker(found, other, []):
                del found[other]
        # Whatever is left is needed by one that nobody gave up.
        kept = [int(other[1:]) for other in set(order) - wanted]
        assert set(found) == {'b%d' % n for n in range(max(kept) + 1)
                              } if kept else not found


@hypothesis.given(clouds())
def test_no_parent_comes_before_its_child(found):
    order = chain.children_first(found, list(found))
    assert sorted(order) == sorted(found)
    for id_ in order:
        parent_id = found[id_].parent_id
        if parent_id in found and not _is_circle(found, id_):
            assert order.index(id_) < order.index(parent_id)


def _is_circle(found, id_):
    seen = set()
    while id_ in found and id_ not in seen:
        seen.add(id_)
        id_ = found[id_].parent_id
    return id_ in seen
