"""Running of operations, and the checks after all is deleted."""

from tests.unit.simulation import invariants

#: Seconds that a process may be suspended. So short that little time passes
#: between a journal entry and its request.
MAX_SUSPENSION = 100


def resume(world, process, effects=None):
    """Run a process for so many more effects, by default to its end.

    Processes that are suspended for too long are killed.
    """
    process.resume(effects)
    for other in list(world.running):
        if other is not process and not other.dead and (
                world.clock.now() - other.stood_since > MAX_SUSPENSION):
            other.kill()
        if other.dead:
            world.running.remove(other)
            invariants.check_result(world, other)
    process.stood_since = world.clock.now()


def delete_everything(world):
    """Delete all checkpoints and check that nothing is left behind."""
    world.heal()
    world.fake.keeps_objects = False
    world.fake.plans.update(instance=[], backup=[], delete=[])
    while world.running:
        resume(world, world.running[0])
    for checkpoint in world.checkpoints:
        if checkpoint.status != 'deleted':
            resume(world, world.delete(checkpoint))
    world.clock.sleep(1000)
    _repeat_deletions(world)
    invariants.check(world)
    invariants.get_remaining_backups(world)
    for id_ in sorted(set(world.fake.backups) - set(world.ours)):
        world.user_deletes(id_)
    world.clock.sleep(100)
    _repeat_deletions(world)
    assert not invariants.get_remaining_objects(world), (
        'objects of deleted backups remain')
    # If several backups match a request, or one that may be older than it,
    # none of them is deleted, and neither are their parents.
    remaining = invariants.get_remaining_backups(world)
    for id_, reason in remaining.items():
        assert 'several' in reason or 'may be another' in reason or any(
            'has children' in reason and child in reason
            for child in remaining), (
                'the backup remains without need', id_, remaining)
    # All checkpoints are deleted, so no backup is complete and kept.
    assert not [key for key in world.plugin.objects
                if '/complete-backups/' in key], (
                    'a marker of a complete backup remains')


def _repeat_deletions(world):
    """Repeat delete operations, which also run deferred deletions."""
    for _ in range(3):
        for checkpoint in world.checkpoints:
            if invariants.read_entry(world, checkpoint):
                resume(world, world.delete(checkpoint))
