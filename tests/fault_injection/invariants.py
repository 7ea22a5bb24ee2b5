"""What has to hold whatever failed, on what Trove, Swift and the bank hold."""

import datetime
import time

from karbor import exception

_RAISED = {
    'protect': exception.CreateResourceFailed,
    'restore': exception.RestoreResourceFailed,
    'verify': exception.VerifyResourceFailed,
    'delete': (),
}
_ENDS_AS = {'protect': 'available', 'delete': 'deleted'}
_IN_THE_END = {'protect': 'error'}
#: Seconds until all is gone that can go.
_PATIENCE = 20.0


def every_backup_is_known(lane):
    """I1: by its id, or by what was noted before it was asked for."""
    entries = lane.journal.list_entries()
    ids = {entry.backup_id for entry in entries}
    intents = [entry for entry in entries if entry.backup_id is None]
    for id_, backup in lane.backups().items():
        created = datetime.datetime.fromisoformat(backup['created'])
        assert id_ in ids or any(
            entry.backup_name == backup['name']
            and datetime.datetime.fromisoformat(entry.not_before) <= created
            for entry in intents), ('I1: lost', backup, entries)


def what_waits_has_a_reason(lane):
    """I2, I3: nothing that was deleted stays silently."""
    for entry in lane.journal.list_entries():
        assert not entry.deleted_at or entry.reason, ('I3: no reason', entry)


def living_backups_are_whole(lane, checkpoints):
    """I4: in Trove and in Swift."""
    backups, ids = lane.backups(), lane.object_ids()
    for checkpoint in checkpoints:
        id_ = lane.kept(checkpoint).backup_id
        assert id_ in backups, ('I4: gone', id_)
        assert backups[id_]['status'] == 'COMPLETED', ('I4', backups[id_])
        assert id_ in ids, ('I4: gone from Swift', id_)


def it_ended(lane, scene, told, bank_is_away):
    """I5, and I2: as Karbor understands it.

    :param bank_is_away: until it has ended: then nothing can be put off, and
        no status be written.
    """
    assert told['seconds'] <= scene.longest, ('I5', told['seconds'])
    raised = told.get('raised')
    allowed = _RAISED[scene.hook]
    if bank_is_away and scene.hook == 'delete':
        allowed = exception.DeleteResourceFailed
    assert raised is None or isinstance(raised, allowed), ('I5, I2', raised)
    if raised is not None:
        assert raised.kwargs['reason'], 'I5: without a reason'
    if scene.hook in _ENDS_AS:
        if bank_is_away and raised is not None:
            return
        expected = (_ENDS_AS if raised is None else _IN_THE_END)[scene.hook]
        assert lane.status(scene.checkpoint) == expected
    elif raised is not None:
        kept = told[scene.hook]
        assert set(kept.resources_status.values()) == {'error'}, kept
        assert all(kept.resources_reason.values()), kept


def nothing_was_made_twice(before, after, requests, tried_again):
    """I6: of backups and of instances.

    :param tried_again: how often the same may be asked again, with another
        token; a request that was not allowed has done nothing.
    """
    assert len(after - before) <= 1, ('I6', after - before)
    asked = [one for one in requests if one.service == 'trove'
             and one.method == 'POST']
    assert len(asked) <= 1 + tried_again, ('I6', asked)


def every_instance_is_reported(lane, made, told):
    """I1 for a restore: by Karbor's record, or by a note in the bank."""
    named = ' '.join(told['restore'].resources_status)
    notes = lane.bank.get_sub_section(
        '/karbor-trove/%s/restores/' % lane.resource.id).list_objects()
    for id_ in made:
        assert id_ in named or notes, ('I1: lost', id_)


def every_test_restore_is_noted(lane, made):
    """I1 for a test restore: until its instance is gone."""
    notes = lane.bank.get_sub_section(
        '/karbor-trove/%s/rehearsals/' % lane.resource.id).list_objects()
    assert not made or notes, ('I1: lost', made)


def no_test_restore_is_left(lane, instances):
    """I3: the next verification takes what one could not delete."""
    end = time.monotonic() + _PATIENCE
    while (lane.tenant.list_instance_ids() - instances
           and time.monotonic() < end):
        told = lane.run('verify', lane.survivor)
        assert 'raised' not in told, told['raised']
    assert not lane.tenant.list_instance_ids() - instances, 'I3: left'


def nothing_is_left(lane, but):
    """I3: after as many operations as it takes, in some seconds."""
    [kept] = [lane.kept(checkpoint).backup_id for checkpoint in but]
    end = time.monotonic() + _PATIENCE
    left = None
    while time.monotonic() < end:
        told = lane.run('verify', but[0])
        assert 'raised' not in told, told['raised']
        left = (set(lane.backups()) - {kept}, lane.object_ids() - {kept},
                set(lane.bank.get_sub_section(
                    '/karbor-trove/%s/contents/' % lane.resource.id
                ).list_objects()) - {kept},
                {entry.checkpoint_id for entry in lane.journal.list_entries()}
                - {checkpoint.id for checkpoint in but})
        if not any(left):
            return
        time.sleep(0.25)
    raise AssertionError(('I3: left', left, lane.journal.list_entries()))
