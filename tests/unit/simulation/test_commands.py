"""Commands of karbor-trove-manage beside each other and beside operations.

The commands have no lock. These tests interleave them at their effects.
"""

import contextlib
import dataclasses
import itertools
import json
import types

from karbor import resource as karbor_resource
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph
import pytest

from karbor_trove.bank import backup_journal
from karbor_trove.bank import worker_process
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import checkpoints
from karbor_trove.cmd.commands import deferred
from karbor_trove.cmd.commands import orphans
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import connect
from tests.fake_trove import cloud
from tests.unit.simulation import final_checks
from tests.unit.simulation import interleaving
from tests.unit.simulation import invariants
from tests.unit.simulation import simulation as worlds

#: More effects than a command has before it only polls.
EFFECTS = 18
STEPS = list(itertools.product(range(1, EFFECTS), repeat=2))


class ProjectClients:
    """Clients of the simulated Trove, which has one project."""

    def get(self, project_id=None, swift=None):
        client = connect.connect(worlds.CONTEXT)
        list_backups = client.list_backups
        client.list_backups = lambda all_projects=False: list_backups()
        return client


@pytest.fixture
def new_world(monkeypatch):
    """Return a function that creates a world whose clock the commands have."""
    @contextlib.contextmanager
    def new_world():
        world = worlds.World()
        monkeypatch.setattr(polling, 'SYSTEM_CLOCK', world.clock)
        monkeypatch.setattr(clients, 'ProjectClients', ProjectClients)
        with world.connected():
            yield world
    return new_world


def begin(world, action, **arguments):
    """Return a process that carries out a command."""
    provider = providers.Provider('databases', world.bank, worlds.SETTINGS)
    process = interleaving.Process(
        lambda: list(action.list_rows(types.SimpleNamespace(**arguments),
                                      [provider])), world.clock)
    process.action = action
    return process


def sweep(world):
    return begin(world, deferred.DeferredSweep(), instance=None, project=None,
                 force=False)


def delete_orphans(world):
    return begin(world, orphans.OrphanDeletion(), ids=[], yes=True,
                 orphans=None)


def reset(world, checkpoint_id, force=False):
    return begin(world, checkpoints.CheckpointReset(), id=checkpoint_id,
                 force=force)


def run(world, process, effects=None):
    """Run a command or an operation for so many effects."""
    if hasattr(process, 'action'):
        process.resume(effects)
        assert process.error is None or isinstance(
            process.error, errors.Rejected), repr(process.error)
    else:
        final_checks.resume(world, process, effects)


def interleave(world, processes, effects):
    """Run so many effects of each process, then all to their ends."""
    for process, number in zip(processes, effects):
        run(world, process, number)
    for process in processes:
        if not process.dead:
            run(world, process)
    invariants.check(world)


def protect(world, **parameters):
    """Create a checkpoint, with the object that describes it in the bank."""
    final_checks.resume(world, world.protect(world.instances[0],
                                             **parameters))
    checkpoint = world.checkpoints[-1]
    describe(world, checkpoint)
    return checkpoint


def describe(world, checkpoint):
    world.plugin.objects['/checkpoints/%s/index.json' % checkpoint.id] = (
        json.dumps({'id': checkpoint.id, 'status': checkpoint.status,
                    'project_id': cloud.PROJECT}))


def defer_deletions(world):
    """Leave the deferred deletions of a chain of two backups."""
    for checkpoint in [protect(world, incremental=True) for _ in range(2)]:
        checkpoint.status = 'deleted'
        checkpoint.doomed = True
        describe(world, checkpoint)
        journal = backup_journal.BackupJournal(world.bank,
                                               checkpoint.resource.id)
        journal.write(dataclasses.replace(
            journal.read(checkpoint.id), reason='Trove is unavailable',
            deleted_at=world.clock.utc().isoformat()))


def lose_checkpoint(world):
    """Leave an orphan: a backup whose checkpoint is missing in the bank."""
    protect(world)
    lost = protect(world)
    del world.plugin.objects['/checkpoints/%s/index.json' % lost.id]
    lost.status = 'error'
    lost.doomed = True
    return lost


@pytest.mark.parametrize('is_operation', [False, True])
def test_two_sweeps_or_a_sweep_and_a_delete_keep_invariants(
        new_world, is_operation):
    for effects in STEPS:
        with new_world() as world:
            other = protect(world, incremental=True) if is_operation else None
            defer_deletions(world)
            interleave(world, [sweep(world), world.delete(other)
                               if is_operation else sweep(world)], effects)
            run(world, sweep(world))
            assert not world.fake.backups
            final_checks.delete_everything(world)


def test_sweep_and_protect_keep_invariants(new_world):
    for effects in STEPS:
        with new_world() as world:
            defer_deletions(world)
            operation = world.protect(world.instances[0], incremental=True)
            interleave(world, [sweep(world), operation], effects)
            final_checks.delete_everything(world)


@pytest.mark.parametrize('begin_other', [delete_orphans, sweep])
def test_two_deletions_of_orphans_keep_invariants(new_world, begin_other):
    for effects in STEPS:
        with new_world() as world:
            lost = lose_checkpoint(world)
            interleave(world, [delete_orphans(world), begin_other(world)],
                       effects)
            run(world, sweep(world))
            assert not set(lost.made) & set(world.fake.backups)
            assert len(world.fake.backups) == 1
            final_checks.delete_everything(world)


def test_deletion_of_orphans_and_protect_keep_invariants(new_world):
    for effects in STEPS:
        with new_world() as world:
            lost = lose_checkpoint(world)
            # The orphan may become the parent of the new backup.
            operation = world.protect(world.instances[0], incremental=True)
            interleave(world, [delete_orphans(world), operation], effects)
            if operation.error is None:
                [parent] = [world.fake.backups[id_]['parent_id']
                            for id_ in operation.checkpoint.made]
                assert (parent in lost.made) == (
                    lost.made[0] in world.fake.backups)
            final_checks.delete_everything(world)


@pytest.mark.parametrize('prepare, begin_command', [
    (defer_deletions, sweep), (lose_checkpoint, delete_orphans)])
def test_interrupted_deletions_can_be_repeated(
        new_world, prepare, begin_command):
    for effects in itertools.count(1):
        with new_world() as world:
            prepare(world)
            process = begin_command(world)
            run(world, process, effects)
            has_ended = process.dead
            if not has_ended:
                process.kill()
            invariants.check(world)
            for repeated in begin_command, sweep:
                run(world, repeated(world))
            assert not [id_ for id_, checkpoint in world.ours.items()
                        if checkpoint.doomed and id_ in world.fake.backups]
            final_checks.delete_everything(world)
        if has_ended:
            # The interleavings reach the end of each command.
            assert effects <= EFFECTS
            break


@pytest.fixture
def interrupted(new_world):
    """Return a function that creates a world with a killed delete operation.

    It also returns Karbor's checkpoint, whose index files are in the bank.
    """
    @contextlib.contextmanager
    def interrupted():
        with new_world() as world:
            collection = karbor_checkpoint.CheckpointCollection(world.bank)
            plan = {'id': 'plan', 'name': 'plan', 'resources': [],
                    'provider_id': 'provider', 'project_id': cloud.PROJECT}
            checkpoint = collection.create(plan, context=worlds.CONTEXT)
            resource = karbor_resource.Resource(
                'OS::Trove::Instance', world.instances[0], 'orders')
            checkpoint.resource_graph = [graph.GraphNode(resource, ())]
            checkpoint.status = 'deleting'
            checkpoint.commit()
            section = checkpoint.get_resource_bank_section(resource.id)
            section.update_object('status', 'deleting')
            section.update_object('worker', dict(
                worker_process.current(), started='0'))
            yield world, checkpoint
    return interrupted


def begin_deletion(world, checkpoint_id):
    """Return a process that deletes a checkpoint as Karbor does."""
    def run():
        checkpoint = karbor_checkpoint.CheckpointCollection(
            world.bank).get(checkpoint_id)
        # Karbor's API accepts no other status [PlansController, 1.6.0].
        if checkpoint.status in ('error', 'available'):
            checkpoint.status = 'deleting'
            checkpoint.commit()
            checkpoint.delete()

    return interleaving.Process(run, world.clock)


@pytest.mark.parametrize('deletes', [False, True])
def test_two_resets_leave_a_checkpoint_that_can_be_deleted(
        interrupted, deletes):
    for effects in STEPS:
        with interrupted() as (world, checkpoint):
            processes = [reset(world, checkpoint.id),
                         reset(world, checkpoint.id)]
            if deletes:
                run(world, processes[0], effects[0])
                run(world, processes[1])
                processes = [begin_deletion(world, checkpoint.id),
                             processes[0]]
            for process, number in zip(processes, effects):
                process.resume(number)
            for process in processes:
                process.resume()
            # Whatever one process has overwritten, the operator can repeat
            # the reset, and the user can repeat the deletion.
            for _ in range(2):
                reset(world, checkpoint.id, force=True).resume()
                begin_deletion(world, checkpoint.id).resume()
            index = json.loads(world.plugin.objects[
                '/checkpoints/%s/index.json' % checkpoint.id])
            assert index['status'] == 'deleted'
            assert not [key for key in world.plugin.objects
                        if key.startswith('/indices/')]
