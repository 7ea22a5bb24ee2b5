"""Two operations on one instance, interleaved at each of their effects."""

import contextlib
import itertools

import pytest

from tests.unit.simulation import final_checks
from tests.unit.simulation import invariants
from tests.unit.simulation import simulation as worlds

#: More effects than an operation has before it only polls.
EFFECTS = 17
NAMES = {'backup_name': 'nightly', 'description': 'of the night'}


@contextlib.contextmanager
def new_world(checkpoints):
    """Create a world with so many checkpoints in one chain."""
    world = worlds.World()
    with world.connected():
        for _ in range(checkpoints):
            final_checks.resume(world, world.protect(world.instances[0],
                                                     incremental=True,
                                                     **NAMES))
        yield world
        invariants.check(world)
        final_checks.delete_everything(world)


def interleave(world, earlier, later, first, second):
    """Run so many effects of both processes, then both to their ends."""
    final_checks.resume(world, earlier, first)
    final_checks.resume(world, later, second)
    for process in earlier, later:
        if not process.dead:
            final_checks.resume(world, process)
        invariants.check(world)


@pytest.mark.parametrize('protect_first', [False, True])
def test_protect_while_its_parent_is_deleted_keeps_invariants(protect_first):
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with new_world(2) as world:
            pair = [world.delete(world.checkpoints[1]),
                    world.protect(world.instances[0], incremental=True)]
            interleave(world, *pair[::-1 if protect_first else 1],
                       first, second)


def test_two_deletes_of_one_chain_keep_invariants():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        for order in ([0, 1], [1, 0]):
            with new_world(2) as world:
                interleave(world, *(world.delete(world.checkpoints[number])
                                    for number in order), first, second)


def test_two_protects_with_one_name_and_lost_responses_keep_invariants():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with new_world(0) as world:
            world.fake.fail('POST', '/backups', 'reset')
            world.fake.fail('POST', '/backups', 'reset', after=True)
            interleave(world, *(world.protect(world.instances[0], **NAMES)
                                for _ in range(2)), first, second)


def test_protect_with_the_name_of_a_deleted_failed_one_keeps_invariants():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with new_world(0) as world:
            world.fake.fail('POST', '/backups', 'reset')
            final_checks.resume(
                world, world.protect(world.instances[0], **NAMES))
            interleave(world, world.protect(world.instances[0], **NAMES),
                       world.delete(world.checkpoints[0]), first, second)


def leave_out(world):
    """Create a checkpoint that leaves out the first database."""
    world.break_instance(world.instances[0])
    world.clock.sleep(1)
    final_checks.resume(world, world.protect_all(world.instances[:2]))
    assert world.checkpoints[-2].omitted_at
    return world.checkpoints[-2]


def test_two_deletes_after_an_omission_keep_the_last_backup():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        for order in ([0, 1], [1, 0]):
            with new_world(2) as world:
                leave_out(world)
                interleave(world, *(world.delete(world.checkpoints[number])
                                    for number in order), first, second)
                assert world.checkpoints[1].made[0] in world.fake.backups


def test_delete_while_a_protect_leaves_the_database_out_keeps_invariants():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with new_world(2) as world:
            world.break_instance(world.instances[0])
            interleave(world, world.protect_all(world.instances[:2]),
                       world.delete(world.checkpoints[0]), first, second)
            final_checks.resume(world, world.delete(world.checkpoints[1]))


def test_deletes_of_an_omission_and_of_the_last_backup_keep_invariants():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with new_world(1) as world:
            interleave(world, world.delete(leave_out(world)),
                       world.delete(world.checkpoints[0]), first, second)


def test_released_backup_is_deleted_although_a_database_is_left_out():
    with new_world(1) as world:
        leave_out(world)
        [last] = world.checkpoints[0].made
        final_checks.resume(world, world.delete(world.checkpoints[0]))
        assert last in world.fake.backups
        final_checks.resume(world, world.release(world.checkpoints[0], last))
        world.clock.sleep(10)
        assert last not in world.fake.backups


@pytest.mark.parametrize('protect_first', [False, True])
def test_release_and_protect_keep_invariants(protect_first):
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with new_world(1) as world:
            leave_out(world)
            [last] = world.checkpoints[0].made
            final_checks.resume(world, world.delete(world.checkpoints[0]))
            assert last in world.fake.backups
            world.repair_instance(world.instances[0])
            pair = [world.release(world.checkpoints[0], last),
                    world.protect(world.instances[0], incremental=True)]
            interleave(world, *pair[::-1 if protect_first else 1],
                       first, second)
            world.clock.sleep(10)
            assert last not in world.fake.backups


def test_killed_delete_of_an_accepted_omission_keeps_the_last_backup():
    statuses = set()
    for effects in range(1, EFFECTS):
        with new_world(1) as world:
            omission = leave_out(world)
            deletion = world.delete(omission)
            final_checks.resume(world, deletion, effects)
            if not deletion.dead:
                deletion.kill()
                final_checks.resume(world, deletion)
                final_checks.resume(world, world.accept(omission))
            statuses.add(omission.status)
            final_checks.resume(world, world.delete(world.checkpoints[0]))
    assert 'available' in statuses


@pytest.mark.parametrize('leaves_out', [False, True])
def test_killed_accept_can_be_repeated(leaves_out):
    for effects, torn in itertools.product(range(1, EFFECTS), [False, True]):
        with new_world(1) as world:
            world.fake.next_backup('COMPLETED', 100)
            final_checks.resume(
                world, world.protect_all(world.instances[:2]))
            failed, other = world.checkpoints[1:]
            assert failed.status == 'error'
            # The backup of the first database is not complete.
            final_checks.resume(world, world.accept(failed))
            assert failed.status == 'error'
            world.clock.sleep(100)
            without = [failed] if leaves_out else []
            accept = world.accept(failed, without)
            final_checks.resume(world, accept, effects)
            if not accept.dead:
                accept.kill(torn)
                final_checks.resume(world, accept)
                accept = world.accept(failed, without)
                final_checks.resume(world, accept)
            # A write that is half done may leave a corrupt object.
            assert failed.status == 'available' or (
                torn and 'is corrupt' in str(accept.error))
            invariants.check(world)
            if failed.status == 'available':
                final_checks.resume(world, world.restore(other, [other]))
            final_checks.resume(world, world.delete(world.checkpoints[0]))
