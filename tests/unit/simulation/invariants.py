"""Invariants: what holds in Trove and the bank at any time or at an end.

The functions check the guarantees in doc/source/reference/guarantees.rst:

No backup is lost
    check()
Deletions succeed
    check_result()
Nothing is left behind
    get_remaining_backups(), and delete_everything() in final_checks.py
What is needed is not deleted
    check(), check_restorable(), and World._deleting() in simulation.py
Every operation ends
    check_result()
Nothing is created twice
    check_result(), and World._creating() and World._building() in
    simulation.py

check_omission() and check_result() also check that a checkpoint leaves out
only instances that cannot be backed up, and that it stores the reason.
"""

import datetime
import json

from karbor import exception

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors
from tests.fake_trove import clock as clocks
from tests.unit.simulation import simulation as worlds

FAILURES = {'protect': exception.CreateResourceFailed,
            'delete': exception.DeleteResourceFailed,
            'verify': exception.VerifyResourceFailed,
            'restore': exception.RestoreResourceFailed,
            'accept': errors.KarborTroveError,
            'release': errors.KarborTroveError}
#: Seconds that an operation may take: its deadlines, and the waits for lost
#: requests, for outages and for deferred deletions. One poll may follow a
#: deadline.
S = worlds.SETTINGS
LIMITS = {'protect': 3 * S.ready_timeout + S.backup_timeout + 30
          + S.ready_timeout + 30,
          'delete': 60 + S.delete_timeout + 60 + 30 + 30,
          'verify': S.ready_timeout + 30,
          'restore': 30 + 30 + S.restore_timeout,
          'accept': 60 + 30, 'release': 60 + S.delete_timeout + 60 + 30}


def read_entry(world, checkpoint):
    """Return the bank's entry for the checkpoint's backup.

    None if there is no entry.
    """
    key = '/karbor-trove/%s/backups/%s' % (checkpoint.resource.id,
                                           checkpoint.id)
    objects = world.plugin.objects
    for name in (key, key + '.new') if key in objects else ():
        try:
            return json.loads(objects[name])
        except (KeyError, ValueError):
            """A killed process wrote only a part of it."""
    return None


def may_match(entry, backup):
    """Return True if the backup may be that of an unconfirmed request."""
    requested_at = datetime.datetime.fromisoformat(entry['not_before'])
    return (entry['backup_id'] is None
            and entry['backup_name'] == backup['name']
            and entry['description'] == backup['description']
            and entry['instance_id'] == backup['instance_id']
            and requested_at <= datetime.datetime.fromisoformat(
                clocks.format_time(backup['created'])))


def find_adopting_entry(world, checkpoint, backup_id):
    """Return the entry of another deleted checkpoint that has the backup.

    Of two deleted requests that match the same backups, either may adopt
    either backup. None if no such entry has adopted it or still may.
    """
    backup = world.fake.backups[backup_id]
    entries = [read_entry(world, other) for other in world.checkpoints
               if other.resource.id == checkpoint.resource.id
               and other is not checkpoint]
    return next((entry for entry in entries if entry and entry['deleted']
                 and (entry['backup_id'] == backup_id
                      or may_match(entry, backup))), None)


def check(world):
    """Assert the invariants that hold at any time."""
    assert not world.violations, world.violations
    backups = world.fake.backups
    for id_, checkpoint in world.ours.items():
        if id_ in backups:
            entry = read_entry(world, checkpoint)
            assert entry and (entry['backup_id'] == id_
                              or may_match(entry, backups[id_])) or (
                checkpoint.doomed
                and find_adopting_entry(world, checkpoint, id_)), (
                    'the backup is lost: no journal entry has it', id_, entry)
    for checkpoint in world.checkpoints:
        if checkpoint.status == 'available':
            if checkpoint.omitted_at is None:
                check_restorable(world, checkpoint)
            else:
                check_omission(world, checkpoint)
    missing = world.users - set(backups)
    assert not missing, ('backups of users are missing', missing)


def check_restorable(world, checkpoint):
    """Assert that a live checkpoint can be restored.

    The check ends at a backup that a user deleted.
    """
    entry = read_entry(world, checkpoint)
    [id_] = checkpoint.made
    assert entry['backup_id'] == id_, (
        'the journal entry has another backup than the checkpoint')
    assert read_object(checkpoint, layout.BACKUP_RECORD), (
        'the checkpoint has no record of its backup', id_)
    while id_ is not None and id_ not in world.harmed:
        backup = world.fake.backups.get(id_)
        assert backup, ('a needed backup is missing', id_)
        assert backup['status'] == 'COMPLETED', backup
        assert id_ in world.ours, 'the parent is a backup of a user'
        id_ = backup['parent_id']


def check_omission(world, checkpoint):
    """Assert that a live checkpoint has the reason of an omission.

    Another checkpoint keeps the last backup of the instance, see
    World._check_last_backup().
    """
    omission = read_object(checkpoint, layout.OMISSION)
    assert omission and omission['reason'], 'an omission has no reason'
    assert read_object(checkpoint, layout.BACKUP_RECORD) is None, (
        'an omitted instance has a backup record')
    assert omission['at'] == checkpoint.omitted_at


def read_object(checkpoint, key):
    """Return an object of a section. None if it does not exist."""
    return storage.read(checkpoint.section, key)


def check_result(world, process):
    """Assert that an operation ended in an allowed way."""
    checkpoint = process.checkpoint
    if process.killed:
        if process.kind in ('protect', 'delete', 'accept'):
            # The operator resets it.
            checkpoint.set_status('error')
            for part in checkpoint.parts:
                storage.delete(part.section, layout.WORKER)
        return
    for error in (process.error, *process.errors.values()):
        assert error is None or isinstance(error, FAILURES[process.kind]), (
            'the operation may not end with this error', process.kind,
            repr(error))
    assert process.held_up or process.seconds <= LIMITS[process.kind] * len(
        checkpoint.parts), (
            'the operation took too long', process.kind, process.seconds)
    if process.kind == 'protect':
        _check_protected(world, process)
    elif process.kind == 'delete':
        assert process.error is None, ('a deletion failed', process.error)
        checkpoint.set_status('deleted')
        for part in checkpoint.parts:
            assert read_object(part, layout.STATUS) == 'deleted'
    elif process.kind == 'accept':
        checkpoint.set_status('error' if process.error else 'available')
        for part in checkpoint.parts if process.error is None else ():
            _settle(world, process, part, not part.made
                    or part in process.without)
    elif process.kind == 'restore' and process.error is None:
        assert sorted(process.built) == sorted(
            part.made[0] for part in checkpoint.parts
            if part.omitted_at is None and part not in process.skipped), (
                'the wrong backups are restored, or one of them twice')


def _check_protected(world, process):
    checkpoint = process.checkpoint
    checkpoint.set_status('error' if process.error else 'available')
    for part in checkpoint.parts:
        status = read_object(part, layout.STATUS)
        if part in process.errors:
            assert status == 'error'
            continue
        is_omitted = status == 'error'
        assert is_omitted or status == 'available'
        if is_omitted:
            assert not part.made, 'an omission hides a backup'
            assert not world.was_protectable(
                part.resource.id, part.created), (
                    'an instance is left out that can be backed up')
        if process.error is None:
            _settle(world, process, part, is_omitted)
    assert process.error or any(
        part.omitted_at is None for part in checkpoint.parts), (
            'the available checkpoint has no backup')


def _settle(world, process, part, is_omitted):
    """Note what an available checkpoint has of an instance."""
    part.settled = next(process.numbers)
    if is_omitted:
        omission = read_object(part, layout.OMISSION)
        assert omission, 'an omission is not stored'
        part.omitted_at = omission['at']
        assert (clocks.format_time(part.created) <= part.omitted_at
                <= clocks.format_time(world.clock.now())), (
                    'the omission has the wrong time', part.omitted_at)


def get_remaining_backups(world):
    """Return why backups of operations are still in Trove, by backup id.

    Each of these backups must have a deleted journal entry with a reason.
    """
    reasons = {}
    for id_, checkpoint in world.ours.items():
        if id_ in world.fake.backups:
            entry = (find_adopting_entry(world, checkpoint, id_)
                     or read_entry(world, checkpoint))
            assert entry and entry['deleted'] and entry['reason'], (
                'the backup remains without a reason', id_, entry)
            reasons[id_] = entry['reason']
    return reasons


def get_remaining_objects(world):
    """Return the URLs of our objects whose backups Trove has deleted."""
    return {url for url in world.fake.leftover_objects
            if url.rpartition('/')[2].partition('.')[0]
            in set(world.ours) - world.harmed}
