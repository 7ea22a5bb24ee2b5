"""Two operations on one instance, switched at each of their effects."""

import contextlib
import itertools

import pytest

from tests.unit.simulation import final_checks
from tests.unit.simulation import invariants
from tests.unit.simulation import simulation as worlds

#: More effects than either has before it only waits.
EFFECTS = 16
WORDS = {'backup_name': 'nightly', 'description': 'of the night'}


@contextlib.contextmanager
def worlds_with(backups):
    """A world with so many checkpoints, in one chain."""
    world = worlds.World()
    with world.connected():
        for _ in range(backups):
            final_checks.go(world, world.protect(world.instances[0],
                                                 incremental=True, **WORDS))
        yield world
        invariants.check(world)
        final_checks.end(world)


def switched(world, one, other, first, second):
    """One, the other, one to its end, the other to its end."""
    final_checks.go(world, one, first)
    final_checks.go(world, other, second)
    for process in one, other:
        if not process.dead:
            final_checks.go(world, process)
        invariants.check(world)


@pytest.mark.parametrize('protect_first', [False, True])
def test_a_protect_while_its_parent_is_deleted(protect_first):
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with worlds_with(2) as world:
            pair = [world.delete(world.checkpoints[1]),
                    world.protect(world.instances[0], incremental=True)]
            switched(world, *pair[::-1 if protect_first else 1],
                     first, second)


def test_two_deletes_of_one_chain():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        for order in ([0, 1], [1, 0]):
            with worlds_with(2) as world:
                switched(world, *(world.delete(world.checkpoints[number])
                                  for number in order), first, second)


def test_two_protects_of_one_name_whose_answers_are_lost():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with worlds_with(0) as world:
            world.fake.fail('POST', '/backups', 'reset')
            world.fake.fail('POST', '/backups', 'reset', after=True)
            switched(world, *(world.protect(world.instances[0], **WORDS)
                              for _ in range(2)), first, second)


def test_a_protect_of_the_name_of_one_that_failed_and_is_deleted():
    for first, second in itertools.product(range(1, EFFECTS), repeat=2):
        with worlds_with(0) as world:
            world.fake.fail('POST', '/backups', 'reset')
            final_checks.go(world, world.protect(world.instances[0], **WORDS))
            switched(world, world.protect(world.instances[0], **WORDS),
                     world.delete(world.checkpoints[0]), first, second)
