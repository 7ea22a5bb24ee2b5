"""What holds after each step, judged by what Trove and the bank hold."""

import datetime
import json

from karbor import exception

from tests.fake_trove import clock as clocks
from tests.unit.simulation import simulation as worlds

FAILURES = {'protect': exception.CreateResourceFailed,
            'delete': exception.DeleteResourceFailed,
            'verify': exception.VerifyResourceFailed,
            'restore': exception.RestoreResourceFailed}
#: The deadlines, and what else an operation may wait for: what became of a
#: lost request, a Trove that is away, what others left. One look is over.
S = worlds.SETTINGS
LIMITS = {'protect': 3 * S.ready_timeout + S.backup_timeout + 30
          + S.ready_timeout + 30,
          'delete': 60 + S.delete_timeout + 60 + 30 + 30,
          'verify': S.ready_timeout + 30,
          'restore': 30 + 30 + S.restore_timeout}


def noted(world, checkpoint):
    """What the bank knows of the checkpoint's backup; None: nothing."""
    key = '/karbor-trove/%s/backups/%s' % (checkpoint.resource.id,
                                           checkpoint.id)
    kept = world.plugin.kept
    for name in (key, key + '.new') if key in kept else ():
        try:
            return json.loads(kept[name])
        except (KeyError, ValueError):
            """Half written, by who was killed."""
    return None


def fits(entry, backup):
    """Whether it may be what an open intent asked for."""
    asked = datetime.datetime.fromisoformat(entry['not_before'])
    return (entry['backup_id'] is None
            and entry['backup_name'] == backup['name']
            and entry['description'] == backup['description']
            and entry['instance_id'] == backup['instance_id']
            and asked <= datetime.datetime.fromisoformat(
                clocks.format_time(backup['created'])))


def taken_on(world, checkpoint, backup_id):
    """Return the entry of another deleted checkpoint that has the backup.

    Of two deleted requests that match the same backups, either may adopt
    either backup. None if no such entry has adopted it or still may.
    """
    backup = world.fake.backups[backup_id]
    entries = [noted(world, other) for other in world.checkpoints
               if other.resource.id == checkpoint.resource.id
               and other is not checkpoint]
    return next((entry for entry in entries if entry and entry['deleted']
                 and (entry['backup_id'] == backup_id
                      or fits(entry, backup))), None)


def check(world):
    """Assert all that has to hold at any time."""
    assert not world.violations, world.violations
    backups = world.fake.backups
    for id_, checkpoint in world.ours.items():
        if id_ in backups:
            entry = noted(world, checkpoint)
            assert entry and (entry['backup_id'] == id_
                              or fits(entry, backups[id_])) or (
                checkpoint.doomed and taken_on(world, checkpoint, id_)), (
                    'I1: nobody finds backup', id_, entry)
    for checkpoint in world.checkpoints:
        if checkpoint.status == 'available':
            check_whole(world, checkpoint)
    missing = world.users - set(backups)
    assert not missing, ('I4: users\' backups are gone', missing)


def check_whole(world, checkpoint):
    """I4: a live checkpoint can be restored, unless users hurt it."""
    entry = noted(world, checkpoint)
    [id_] = checkpoint.made
    assert entry['backup_id'] == id_, 'somebody else\'s backup'
    while id_ is not None and id_ not in world.harmed:
        backup = world.fake.backups.get(id_)
        assert backup, ('I4: a backup that is needed is gone', id_)
        assert backup['status'] == 'COMPLETED', backup
        assert id_ in world.ours, 'it hangs on a user\'s'
        id_ = backup['parent_id']


def ended(world, process):
    """I2 and I5: how an operation may end."""
    checkpoint = process.checkpoint
    if process.killed:
        # As the operator resets it.
        checkpoint.status = (
            'error' if process.kind in ('protect', 'delete')
            else checkpoint.status)
        return
    error = process.error
    assert error is None or type(error) is FAILURES[process.kind], (
        'I5: not a failure that Karbor knows', process.kind, repr(error)
    )
    assert process.held_up or process.seconds <= LIMITS[process.kind], (
        'I5: too long', process.kind, process.seconds)
    status = checkpoint.section.get_object('status')
    if process.kind == 'protect':
        checkpoint.status = 'error' if error else 'available'
        assert status == checkpoint.status
    elif process.kind == 'delete':
        assert error is None, ('I2: a delete failed', error)
        checkpoint.status = 'deleted'
        assert status == 'deleted'


def left(world):
    """I3: our backups that are still in Trove, by id, with their reasons."""
    found = {}
    for id_, checkpoint in world.ours.items():
        if id_ in world.fake.backups:
            entry = (taken_on(world, checkpoint, id_)
                     or noted(world, checkpoint))
            assert entry and entry['deleted'] and entry['reason'], (
                'I3: it is left and nobody says why', id_, entry)
            found[id_] = entry['reason']
    return found


def stored(world):
    """Our objects in Swift whose backups Trove forgot when we deleted them."""
    return {url for url in world.fake.leftover_objects
            if url.rpartition('/')[2].partition('.')[0]
            in set(world.ours) - world.harmed}
