"""Invariants that hold after any fault, in Trove, Swift and the bank."""

import datetime
import time

from karbor import exception

from karbor_trove.bank import instance_markers
from karbor_trove.bank import omissions
from karbor_trove.bank import resource_status
from karbor_trove import errors
from tests.fault_injection import environment as environments
from tests.fault_injection import timeouts

_ALLOWED_ERRORS = {
    'protect': exception.CreateResourceFailed,
    'restore': exception.RestoreResourceFailed,
    'verify': exception.VerifyResourceFailed,
    'delete': (),
}
_STATUS_AFTER_SUCCESS = {'protect': 'available', 'delete': 'deleted'}
_STATUS_AFTER_ERROR = {'protect': 'error'}
#: Seconds until everything is deleted that can be deleted.
_TIMEOUT = 20.0


class TimeLimitMissed(AssertionError):
    """An operation was too slow. A busy machine may be the cause."""


def check_every_backup_is_known(environment):
    """I1: the journal has the id or a matching intent of every backup."""
    entries = environment.list_entries()
    ids = {entry.backup_id for entry in entries}
    tolerance = datetime.timedelta(seconds=timeouts.CLOCK_TOLERANCE)
    intents = [entry for entry in entries if entry.backup_id is None]
    for id_, backup in environment.list_backups().items():
        created = datetime.datetime.fromisoformat(backup['created'])
        assert id_ in ids or any(
            entry.backup_name == backup['name']
            and datetime.datetime.fromisoformat(entry.time_before_request)
            <= created + tolerance
            for entry in intents), ('I1: lost', backup, entries)


def check_deferred_deletions_have_a_reason(environment):
    """I2, I3: every deferred deletion has a reason."""
    for entry in environment.list_entries():
        assert not entry.deleted_at or entry.reason, ('I3: no reason', entry)


def check_live_checkpoints(environment, checkpoints):
    """I4: the backups of live checkpoints are in Trove and in Swift."""
    backups = environment.list_backups()
    object_ids = environment.list_object_ids()
    for checkpoint in checkpoints:
        id_ = environment.read_record(checkpoint).backup_id
        assert id_ in backups, ('I4: not in Trove', id_)
        assert backups[id_]['status'] == 'COMPLETED', ('I4', backups[id_])
        assert id_ in object_ids, ('I4: not in Swift', id_)


def check_end(environment, scenario, result, bank_unavailable):
    """I2, I5: the operation ended as Karbor expects.

    :param bank_unavailable: whether the bank was unavailable until the end.
        Then the operation could not write a deferred deletion or a status.
    """
    raised = result.get('raised', ())
    allowed = _ALLOWED_ERRORS[scenario.hook]
    if bank_unavailable and scenario.hook == 'delete':
        allowed = exception.DeleteResourceFailed
    for error in raised:
        assert isinstance(error, allowed), ('I5, I2', error)
        assert error.kwargs['reason'], 'I5: without a reason'
    if scenario.hook in _STATUS_AFTER_SUCCESS:
        if bank_unavailable and raised:
            return
        statuses = _STATUS_AFTER_ERROR if raised else _STATUS_AFTER_SUCCESS
        assert environment.get_status(scenario.checkpoint) == statuses[
            scenario.hook]
    elif raised:
        record = result[scenario.hook]
        statuses = dict(record.resources_status)
        assert not scenario.left_out or statuses.pop(
            _get_key(scenario.left_out)) in ('error', 'undefined'), record
        assert set(statuses.values()) == {'error'}, record
        assert all(record.resources_reason.values()), record


def _get_key(resource):
    """Return the key of a database in Karbor's record."""
    return '%s#%s' % (resource.type, resource.id)


def check_omissions(environment, scenario, result):
    """I7: the checkpoint leaves out the broken database and no other."""
    for resource in environments.list_resources(scenario.checkpoint):
        section = environment.section(scenario.checkpoint, resource)
        omission = omissions.read(section, resource.id)
        if scenario.left_out is None or resource != scenario.left_out:
            assert omission is None, ('I7: left out', omission)
        elif scenario.hook == 'accept' or 'raised' not in result:
            assert omission and omission.reason, 'I7: without a reason'
            assert resource_status.read_failure_reason(section)
            assert environment.get_status(
                scenario.checkpoint, resource) == 'error'


def check_acceptance(environment, scenario, result):
    """I5: the checkpoint is accepted, or the command can be repeated."""
    checkpoint, raised = scenario.checkpoint, result.get('raised', ())
    for error in raised:
        assert isinstance(error, errors.KarborTroveError), ('I5', error)
        assert str(error), 'I5: without a reason'
    checkpoint.reload_meta_data()
    if raised and checkpoint.status == 'error':
        result = environment.accept(checkpoint)
        assert 'raised' not in result, result['raised']
        checkpoint.reload_meta_data()
    assert checkpoint.status == 'available'
    assert environment.get_status(checkpoint) == 'available'
    result = environment.run('verify', checkpoint)
    assert 'raised' not in result, result['raised']
    check_omissions(environment, scenario, result)


def check_duration(scenario, result):
    """I5: the operation ended in time.

    :raises TimeLimitMissed: it did not.
    """
    if result['seconds'] > scenario.longest:
        raise TimeLimitMissed('I5: the operation took %.1f s. The limit is '
                              '%.1f s' % (result['seconds'], scenario.longest))


def check_nothing_was_created_twice(before, after, requests, retries):
    """I6: at most one backup or instance was created.

    :param retries: how many times a create request may be repeated with a
        new token. A request with a rejected token creates nothing.
    """
    assert len(after - before) <= 1, ('I6', after - before)
    creations = [request for request in requests
                 if request.service == 'trove' and request.method == 'POST']
    assert len(creations) <= 1 + retries, ('I6', creations)


def check_every_instance_is_reported(environment, created, result):
    """I1: Karbor's record or the restore journal has every new instance."""
    reported = ' '.join(result['restore'].resources_status)
    entries = _list_entries(environment, 'restores')
    for id_ in created:
        assert id_ in reported or entries, ('I1: lost', id_)


def check_restored(scenario, created, result):
    """I6: a successful restore created one instance, and left out the rest."""
    if 'raised' in result:
        return
    assert len(created) == 1, ('I6', created)
    if scenario.left_out:
        record, key = result['restore'], _get_key(scenario.left_out)
        assert record.resources_status[key] == 'undefined', record
        assert 'restore_skip' in record.resources_reason[key], record


def check_temporary_instances_are_in_journal(environment, created):
    """I1: the verification journal has the temporary instances."""
    entries = _list_entries(environment, 'rehearsals')
    assert not created or entries, ('I1: lost', created)


def _list_entries(environment, folder):
    return [key for id_ in environment.database_ids
            for key in environment.bank.get_sub_section(
                '/karbor-trove/%s/%s/' % (id_, folder)).list_objects()]


def _list_omission_markers(environment):
    return [marker for id_ in environment.database_ids
            for marker in instance_markers.MarkerStore(
                environment.bank, id_).list_markers().omissions]


def check_no_temporary_instance_is_left(environment, instances):
    """I3: later verifications delete the temporary instances of this one.

    :param instances: ids of the instances that existed before.
    """
    deadline = time.monotonic() + _TIMEOUT
    while (environment.tenant.list_instance_ids() - instances
           and time.monotonic() < deadline):
        result = environment.run('verify', environment.survivor)
        assert 'raised' not in result, result['raised']
    assert not environment.tenant.list_instance_ids() - instances, 'I3: left'


def check_nothing_is_left(environment, survivor):
    """I3: later operations delete all backups but that of the survivor."""
    backup_id = environment.read_record(survivor).backup_id
    deadline = time.monotonic() + _TIMEOUT
    left = None
    while time.monotonic() < deadline:
        result = environment.run('verify', survivor)
        assert 'raised' not in result, result['raised']
        entries = environment.list_entries()
        left = (set(environment.list_backups()) - {backup_id},
                environment.list_object_ids() - {backup_id},
                set(_list_entries(environment, 'contents')) - {backup_id},
                {entry.checkpoint_id for entry in entries} - {survivor.id},
                _list_omission_markers(environment))
        if not any(left):
            return
        time.sleep(0.25)
    raise AssertionError(
        ('I3: left', left, environment.list_entries()))
