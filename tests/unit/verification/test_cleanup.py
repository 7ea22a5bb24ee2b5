"""A verification that dies anywhere leaves nothing that no later one takes."""

import contextlib
import dataclasses

import pytest

from karbor_trove.bank import verification_journal
from karbor_trove.bank import worker
from tests.unit.simulation import final_checks
from tests.unit.simulation import interleaving
from tests.unit.simulation import simulation as worlds

SETTINGS = dataclasses.replace(worlds.SETTINGS, verify_level='restore')
#: Seconds after which nothing comes of a request any more.
LANDED = 700


class World(worlds.World):
    """One with a checkpoint that can be compared in every way."""

    def begin_with_a_checkpoint(self):
        self.fake.objects.segment_count = 2
        [self.original, _] = self.instances
        self.fake.instances[self.original].update(
            databases=['orders'], users=['seller'])
        final_checks.go(self, self.protect(self.original, SETTINGS))
        self.notes = verification_journal.VerificationJournal(self.bank, self.original)

    def verified(self, effects=None, settings=SETTINGS):
        """Verify, and be killed after so many effects; None: never."""
        process = self.verify(self.checkpoints[0], settings)
        self.running.remove(process)
        process.go(effects)
        if not process.dead:
            process.kill()
        return process

    @property
    def temporary(self):
        """The instances that are there beside the users'."""
        return set(self.fake.instances) - set(self.instances)


@pytest.fixture
def new_world(monkeypatch):
    """Makes worlds in which a process that was killed is known to be gone."""
    def this():
        process = interleaving.current()
        known[id(process)] = process
        return {'pid': id(process)}

    known = {}
    monkeypatch.setattr(worker, 'current', this)
    monkeypatch.setattr(worker, 'may_be_alive',
                        lambda named: not known[named['pid']].dead)

    @contextlib.contextmanager
    def new():
        world = World()
        with world.connected():
            world.begin_with_a_checkpoint()
            yield world
        assert not world.violations
    return new


@pytest.fixture
def effects(new_world):
    """How many effects a verification has that nothing happens to."""
    with new_world() as world:
        process = world.verified()
        assert process.error is None
        assert not world.temporary and not world.notes.list_entries()
        return process.effects


def nothing(world):
    """All is well."""


def lost(world):
    world.fake.fail('POST', '/instances', 'reset')


def made_and_lost(world):
    world.fake.fail('POST', '/instances', 'reset', after=True)


def late(world):
    world.session.late = 300


def not_deleted(world):
    world.fake.fail('DELETE', '/instances/*', 403)


@pytest.mark.parametrize('trouble', [nothing, lost, made_and_lost, late,
                                     not_deleted])
def test_one_that_dies_anywhere_leaves_nothing_to_the_next(
        new_world, effects, trouble):
    for first in range(1, effects + 3):
        with new_world() as world:
            trouble(world)
            world.verified(first)
            world.heal()
            assert world.verified().error is None
            assert not world.temporary
            # Nobody knows yet what comes of a request without an answer.
            assert all(note.instance_id is None
                       for note in world.notes.list_entries())
            world.clock.sleep(LANDED)
            world.verified(settings=worlds.SETTINGS)
            assert not world.temporary and not world.notes.list_entries()


def test_so_does_one_that_dies_while_it_sweeps_up(new_world, effects):
    for first in range(effects // 2, effects):
        for second in range(1, 12):
            with new_world() as world:
                world.verified(first)
                world.verified(second)
                world.verified()
                assert not world.temporary
                world.clock.sleep(LANDED)
                world.verified(settings=worlds.SETTINGS)
                assert not world.temporary and not world.notes.list_entries()


def test_all_that_is_made_is_noted(new_world, effects):
    for first in range(1, effects):
        with new_world() as world:
            world.verified(first)
            names = {note.name for note in world.notes.list_entries()}
            assert {of['name'] for of in world.fake.instances.values()
                    if of['id'] in world.temporary} <= names
