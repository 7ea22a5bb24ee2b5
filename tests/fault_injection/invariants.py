"""Invariants: what holds after an operation, whatever has failed.

Each function checks a part of a guarantee in
doc/source/reference/guarantees.rst against what Trove, Swift and the bank hold
after the operation:

No backup is lost
    check_every_backup_is_known(), check_every_restored_instance_is_known() and
    check_temporary_instance_is_in_journal()
Deletions succeed
    check_end() and check_deferred_deletions_have_a_reason()
Nothing is left behind
    verify_until_nothing_is_left() and
    verify_until_no_temporary_instance_is_left()
What is needed is not deleted
    check_live_checkpoints()
Every operation ends
    check_end(), complete_and_check_acceptance() and check_duration()
Nothing is created twice
    check_nothing_was_created_twice() and check_restored()

check_omissions() checks that a checkpoint leaves out only databases that
cannot be backed up.

All these functions raise AssertionError if the invariant is violated.
"""

import collections
import datetime
import time

from karbor import exception

from karbor_trove.bank import instance_markers
from karbor_trove.bank import layout
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
#: How many seconds later operations have to delete what is left.
_TIMEOUT = 20.0


class TimeLimitMissed(AssertionError):
    """Violation: an operation was too slow.

    A busy machine may be the cause.
    """


def check_every_backup_is_known(environment):
    """Check that the backup journal has an entry of every backup in Trove.

    The entry has the id of the backup. If the response to the create request
    was lost, the entry is an intent that matches the backup instead.
    """
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
            for entry in intents), (
                'the backup is lost: no journal entry matches', backup,
                entries)


def check_deferred_deletions_have_a_reason(environment):
    """Check that every deferred deletion in the journal has a reason."""
    for entry in environment.list_entries():
        assert not entry.deleted_at or entry.reason, (
            'the deferred deletion has no reason', entry)


def check_live_checkpoints(environment, checkpoints, left_out=None):
    """Check that the backups of checkpoints are in Trove and in Swift.

    :param checkpoints: the checkpoints that the operation may not harm. Each
        has a backup of each of its databases, except the one that is left out.
    :param left_out: the database that a checkpoint leaves out. None if all
        databases are included.
    """
    backups = environment.list_backups()
    object_ids = environment.list_object_ids()
    ids = [environment.read_record(checkpoint, resource).backup_id
           for checkpoint in checkpoints
           for resource in environments.list_resources(checkpoint, left_out)]
    for id_ in ids:
        assert id_ in backups, ('a needed backup is not in Trove', id_)
        assert backups[id_]['status'] == 'COMPLETED', (
            'a needed backup is not complete', backups[id_])
        assert id_ in object_ids, ('a needed backup is not in Swift', id_)


def check_end(environment, scenario, result, bank_unavailable):
    """Check the exceptions and the statuses that an operation ended with.

    Each exception has to be Karbor's exception for this operation, with a
    reason. While the bank is available, a delete operation may raise no
    exception. The resource status of each database has to match its exception.

    :param result: what Environment.run() returned.
    :param bank_unavailable: True if the bank was unavailable until the end of
        the operation. In this case the operation could not write a deferred
        deletion or a status.
    """
    raised = result.get('raised', ())
    allowed = _ALLOWED_ERRORS[scenario.hook]
    if bank_unavailable and scenario.hook == 'delete':
        allowed = exception.DeleteResourceFailed
    for error in raised:
        assert isinstance(error, allowed), (
            'the operation may not end with this error', error)
        assert error.kwargs['reason'], ('the error has no reason', error)
    if scenario.hook in _STATUS_AFTER_SUCCESS:
        if bank_unavailable and raised:
            return
        failed_ids = {error.kwargs['resource_id'] for error in raised}
        for resource in scenario.databases:
            statuses = (_STATUS_AFTER_ERROR if resource.id in failed_ids
                        else _STATUS_AFTER_SUCCESS)
            assert environment.get_status(scenario.checkpoint, resource) == (
                statuses[scenario.hook]), resource.id
    else:
        _check_record(scenario, result[scenario.hook], bool(raised))


def _check_record(scenario, record, has_failed):
    """Check the statuses and reasons in Karbor's record of an operation.

    After a success, the status of each database is `available`. After a
    failure, it is `error`. A database that is left out is an exception:

    * If the restore leaves it out with `restore_skip`, its status is
      `undefined`.
    * If the checkpoint left it out, its status is `error`, also after a
      success.
    * After a failure, its status is one of the two. It is `error` if the
      preflight refused the whole operation.

    Each status has a reason.

    :param record: Karbor's record of a restore or of a verification.
    :param has_failed: True if the operation raised an exception.
    """
    statuses = dict(record.resources_status)
    if scenario.left_out:
        parameters = scenario.each.get(scenario.left_out.id, {})
        allowed = ['undefined' if 'restore_skip' in parameters else 'error']
        if has_failed:
            allowed = ['undefined', 'error']
        assert statuses.pop(_get_key(scenario.left_out)) in allowed, record
    assert set(statuses.values()) == {
        'error' if has_failed else 'available'}, record
    assert set(record.resources_reason) == set(record.resources_status), record
    assert all(record.resources_reason.values()), record


def _get_key(resource):
    """Return the key of a database in Karbor's record of a restore."""
    return '%s#%s' % (resource.type, resource.id)


def check_omissions(environment, scenario, result):
    """Check that a checkpoint leaves out the broken database and no other.

    The checkpoint has to store the reason of this omission. After a failed
    protect operation, only the databases that are not broken are checked.

    :param scenario: its attribute `left_out` is the broken database. If it is
        None, the checkpoint may leave out no database.
    :param result: what Environment.run() or Environment.accept() returned.
    """
    for resource in environments.list_resources(scenario.checkpoint):
        section = environment.section(scenario.checkpoint, resource)
        omission = omissions.read(section, resource.id)
        if scenario.left_out is None or resource != scenario.left_out:
            assert omission is None, (
                'a database is left out that can be backed up', omission)
        elif scenario.hook == 'accept' or 'raised' not in result:
            assert omission and omission.reason, (
                'the omission has no reason', omission)
            assert resource_status.read_failure_reason(section)
            assert environment.get_status(
                scenario.checkpoint, resource) == 'error'


def complete_and_check_acceptance(environment, scenario, result):
    """Accept the checkpoint if it is not accepted yet, and check it.

    If the command "checkpoint accept" failed and the checkpoint still has the
    status `error`, this function repeats the command without the fault. Then
    the command has to succeed. In the end the checkpoint has to be available
    and has to pass a verification.

    :param result: what Environment.accept() returned.
    """
    checkpoint, raised = scenario.checkpoint, result.get('raised', ())
    for error in raised:
        assert isinstance(error, errors.KarborTroveError), (
            'the command may not end with this error', error)
        assert str(error), 'the error has no text'
    checkpoint.reload_meta_data()
    if raised and checkpoint.status == 'error':
        result = environment.accept(checkpoint)
        assert 'raised' not in result, result['raised']
        checkpoint.reload_meta_data()
    assert checkpoint.status == 'available'
    assert environment.get_status(checkpoint) == 'available'
    result = environment.run('verify', checkpoint)
    assert 'raised' not in result, result['raised']
    _check_record(scenario, result['verify'], False)
    check_omissions(environment, scenario, result)


def check_duration(scenario, result):
    """Check that an operation ended within its time limit.

    :raises TimeLimitMissed: the operation took longer.
    """
    if result['seconds'] > scenario.longest:
        raise TimeLimitMissed('the operation took %.1f s. The limit is '
                              '%.1f s' % (result['seconds'], scenario.longest))


def check_nothing_was_created_twice(environment, scenario, backup_ids,
                                    created, requests, retries):
    """Check that an operation created nothing twice.

    At most one backup of each database was created, and at most one instance.
    No backup was created of a database that is left out.

    :param backup_ids: the ids of all backups before the operation.
    :param created: the ids of the new instances.
    :param requests: all requests of the operation.
    :param retries: how many times the operation may repeat a create request
        with a new token. A request with a rejected token creates nothing.
    """
    backups = [backup for id_, backup in environment.list_backups().items()
               if id_ not in backup_ids]
    assert not (
        collections.Counter(backup['instance_id'] for backup in backups)
        - collections.Counter(
            resource.id for resource in scenario.databases)), (
                'more than one backup of a database was created', backups)
    assert len(created) <= 1, ('more than one instance was created', created)
    creations = [request for request in requests
                 if request.service == 'trove' and request.method == 'POST']
    assert len(creations) <= len(scenario.databases) + retries, (
        'too many create requests', creations)


def check_every_restored_instance_is_known(environment, created, result):
    """Check that no instance of a restore is lost.

    Karbor's record of the restore has the id of each new instance. Or the
    restore journal has the entry of this restore, which has the name of the
    instance. The key of this entry is Karbor's id of the restore. The entries
    of earlier restores do not count.

    :param created: the ids of the new instances.
    :param result: what Environment.run() returned.
    """
    restore = result['restore']
    recorded_ids = {key.rpartition('#')[2] for key in restore.resources_status}
    keys = _list_keys(environment, layout.RESTORE_JOURNAL)
    for id_ in created:
        assert id_ in recorded_ids or restore.id in keys, (
            'the instance is lost: its id is not in the record of the '
            'restore, and the restore journal has no entry of this restore',
            id_, restore.id)


def check_restored(scenario, created, result):
    """Check that a successful restore created one instance.

    If the scenario leaves out a database, Karbor's record has to name
    `restore_skip` as the reason. A failed restore is not checked.

    :param created: the ids of the new instances.
    """
    if 'raised' in result:
        return
    assert len(created) == 1, (
        'the restore did not create one instance', created)
    if scenario.left_out:
        record, key = result['restore'], _get_key(scenario.left_out)
        assert record.resources_status[key] == 'undefined', record
        assert 'restore_skip' in record.resources_reason[key], record


def check_temporary_instance_is_in_journal(environment, created, result):
    """Check that no temporary instance of a verification is lost.

    The verification journal has the entry of this verification, with the name
    of the temporary instance. The key of this entry is Karbor's id of the
    verification. The entries of earlier verifications do not count.

    :param created: the ids of the temporary instances that exist. If there are
        none, the journal may lack the entry.
    :param result: what Environment.run() returned.
    """
    keys = _list_keys(environment, layout.VERIFICATION_JOURNAL)
    id_ = result['verify'].id
    assert not created or id_ in keys, (
        'the temporary instance is lost: the verification journal has no '
        'entry of this verification', created, id_)


def _list_keys(environment, folder):
    """Return the keys in a folder of all databases.

    :param folder: the name of the folder, for example
        layout.RESTORE_JOURNAL.
    """
    return [key for id_ in environment.database_ids
            for key in environment.bank.get_sub_section(
                layout.instance_folder(id_, folder)).list_objects()]


def _list_omission_markers(environment):
    """Return the markers of omissions in the bank, for all databases."""
    return [marker for id_ in environment.database_ids
            for marker in instance_markers.MarkerStore(
                environment.bank, id_).list_markers().omission_markers]


def verify_until_no_temporary_instance_is_left(environment, instances):
    """Verify the survivor until no temporary instance is left.

    A verification deletes the temporary instances of earlier verifications.

    :param instances: the ids of the instances that existed before the test
        restore.
    :raises AssertionError: a verification failed, or a temporary instance is
        still left after 20 s.
    """
    deadline = time.monotonic() + _TIMEOUT
    while (environment.tenant.list_instance_ids() - instances
           and time.monotonic() < deadline):
        result = environment.run('verify', environment.survivor)
        assert 'raised' not in result, result['raised']
    assert not environment.tenant.list_instance_ids() - instances, (
        'a temporary instance is left')


def verify_until_nothing_is_left(environment, survivor, databases=()):
    """Verify a checkpoint until nothing is left that is not needed.

    The verifications delete what earlier operations have left. These are
    backups in Trove, their objects in Swift, their manifests and journal
    entries in the bank, and markers of omissions. Only the backup of one
    checkpoint stays.

    The verification journal has to be empty. The caller lets all requests
    count as settled. So a verification deletes each entry together with its
    temporary instance, if there is one. It keeps only the entry of a
    verification that may still run, and none runs.

    The restore journal may have entries. The entry of an unconfirmed restore
    has the name of the instance that Trove may have created. This instance
    belongs to the user. So no operation deletes the entry. The operator
    deletes it with "karbor-trove-manage deferred sweep" or "deferred dismiss".

    :param survivor: this checkpoint. Its verifications run the deferred
        deletions, and delete the temporary instances. All databases with test
        restores have to be in it.
    :param databases: the databases of the operation. The verifications do not
        run the deferred deletions of a database that the survivor lacks. So
        the deletion of a checkpoint without backups runs these.
    :raises AssertionError: a verification or a deletion failed, or something
        is still left after 20 s.
    """
    backup_id = environment.read_record(survivor).backup_id
    known = environments.list_resources(survivor)
    others = [database for database in databases if database not in known]
    deadline = time.monotonic() + _TIMEOUT
    left = None
    while time.monotonic() < deadline:
        results = [environment.run('verify', survivor)]
        if others:
            results.append(environment.run(
                'delete', environment.new_checkpoint(*others)))
        for result in results:
            assert 'raised' not in result, result['raised']
        entries = environment.list_entries()
        left = (set(environment.list_backups()) - {backup_id},
                environment.list_object_ids() - {backup_id},
                set(_list_keys(environment, layout.MANIFESTS)) - {backup_id},
                {entry.checkpoint_id for entry in entries} - {survivor.id},
                _list_keys(environment, layout.VERIFICATION_JOURNAL),
                _list_omission_markers(environment))
        if not any(left):
            return
        time.sleep(0.25)
    raise AssertionError(
        ('something is left that no checkpoint needs', left,
         environment.list_entries()))
