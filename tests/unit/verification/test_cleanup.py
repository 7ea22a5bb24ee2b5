"""Verifications that are killed at any step, and the cleanup after them."""

import contextlib
import dataclasses

import pytest

from karbor_trove.bank import verification_journal
from karbor_trove.bank import worker_process
from tests.unit.simulation import final_checks
from tests.unit.simulation import interleaving
from tests.unit.simulation import simulation as worlds

SETTINGS = dataclasses.replace(worlds.SETTINGS, verify_level='restore')
#: Seconds after which a request is settled.
SETTLED = 1300


class World(worlds.World):
    """A world with a checkpoint whose baseline is complete."""

    def create_checkpoint(self):
        self.fake.objects.segment_count = 2
        self.original = self.instances[0]
        self.fake.instances[self.original].update(
            databases=['orders'], users=['seller'])
        final_checks.resume(self, self.protect(self.original, SETTINGS))
        self.journal = verification_journal.VerificationJournal(
            self.bank, self.original)

    def run_verify(self, effects=None, settings=SETTINGS):
        """Run a verification. Kill it after this many effects, if not None."""
        process = self.verify(self.checkpoints[0], settings)
        self.running.remove(process)
        process.resume(effects)
        if not process.dead:
            process.kill()
        return process

    @property
    def temporary_ids(self):
        """The ids of the temporary instances."""
        return set(self.fake.instances) - set(self.instances)


@pytest.fixture
def new_world(monkeypatch):
    """Return a context manager for worlds whose processes can be killed.

    A killed process counts as an ended worker.
    """
    def current():
        process = interleaving.current()
        processes[id(process)] = process
        return {'pid': id(process)}

    processes = {}
    monkeypatch.setattr(worker_process, 'current', current)
    monkeypatch.setattr(worker_process, 'may_be_alive',
                        lambda worker: not processes[worker['pid']].dead)

    @contextlib.contextmanager
    def new():
        world = World()
        with world.connected():
            world.create_checkpoint()
            yield world
        assert not world.violations
    return new


@pytest.fixture
def effects(new_world):
    """The number of effects of a verification without faults."""
    with new_world() as world:
        process = world.run_verify()
        assert process.error is None
        assert not world.temporary_ids and not world.journal.list_entries()
        return process.effects


def no_fault(world):
    """Do nothing."""


def lost_request(world):
    world.fake.fail('POST', '/instances', 'reset')


def lost_response(world):
    world.fake.fail('POST', '/instances', 'reset', after=True)


def late_request(world):
    world.session.late = 300


def rejected_deletion(world):
    world.fake.fail('DELETE', '/instances/*', 403)


@pytest.mark.parametrize('inject_fault', [
    no_fault, lost_request, lost_response, late_request, rejected_deletion])
def test_next_verification_cleans_up_after_one_killed_at_any_step(
        new_world, effects, inject_fault):
    for first in range(1, effects + 3):
        with new_world() as world:
            inject_fault(world)
            world.run_verify(first)
            world.heal()
            assert world.run_verify().error is None
            assert not world.temporary_ids
            # A request without a response is not settled yet.
            assert all(entry.instance_id is None
                       for entry in world.journal.list_entries())
            world.clock.sleep(SETTLED)
            world.run_verify(settings=worlds.SETTINGS)
            assert not world.temporary_ids
            assert not world.journal.list_entries()


def test_next_verification_cleans_up_after_a_killed_cleanup(
        new_world, effects):
    for first in range(effects // 2, effects):
        for second in range(1, 12):
            with new_world() as world:
                world.run_verify(first)
                world.run_verify(second)
                world.run_verify()
                assert not world.temporary_ids
                world.clock.sleep(SETTLED)
                world.run_verify(settings=worlds.SETTINGS)
                assert not world.temporary_ids
                assert not world.journal.list_entries()


def test_every_temporary_instance_has_a_journal_entry(new_world, effects):
    for first in range(1, effects):
        with new_world() as world:
            world.run_verify(first)
            names = {entry.name for entry in world.journal.list_entries()}
            assert {instance['name']
                    for instance in world.fake.instances.values()
                    if instance['id'] in world.temporary_ids} <= names
