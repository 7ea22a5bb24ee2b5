"""Operations run, and at the end all is deleted and nothing is left."""

from tests.unit.simulation import invariants

#: Seconds; so short that a note and its request stay together.
STAND_STILL = 100


def go(world, process, effects=None):
    """Let a process do so many effects more; None: all that are left."""
    process.go(effects)
    for one in list(world.running):
        if one is not process and not one.dead and (
                world.clock.now() - one.stood_since > STAND_STILL):
            one.kill()
        if one.dead:
            world.running.remove(one)
            invariants.ended(world, one)
    process.stood_since = world.clock.now()


def end(world):
    """Delete all that is there, and see that nothing is left: I3."""
    world.heal()
    world.fake.keeps_objects = False
    world.fake.plans.update(instance=[], backup=[], delete=[])
    while world.running:
        go(world, world.running[0])
    for checkpoint in world.checkpoints:
        if checkpoint.status != 'deleted':
            go(world, world.delete(checkpoint))
    world.clock.sleep(700)
    _sweep(world)
    invariants.check(world)
    invariants.left(world)
    for id_ in sorted(set(world.fake.backups) - set(world.ours)):
        world.user_deletes(id_)
    world.clock.sleep(100)
    _sweep(world)
    assert not invariants.stored(world), 'I3: objects are left'
    # Of several nobody knows which it is; what they hang on waits for them.
    left = invariants.left(world)
    for id_, reason in left.items():
        assert 'several' in reason or any(
            'has children' in reason and child in reason for child in left), (
                'I3: it is left without need', id_, left)


def _sweep(world):
    """A delete that is repeated takes with it what others left."""
    for _ in range(3):
        for checkpoint in world.checkpoints:
            if invariants.noted(world, checkpoint):
                go(world, world.delete(checkpoint))
