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
