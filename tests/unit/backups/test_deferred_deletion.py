"""Sweeps of deferred deletions by later operations on the instance."""

import collections
import dataclasses
import uuid

import pytest

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import backup_journal
from tests.fake_trove import serialization


@pytest.fixture
def deferred(protect, delete, fake_trove, resource, clock):
    """A backup whose deletion was deferred and is possible now."""
    protect()
    [backup_id] = fake_trove.backups
    child = fake_trove.add_backup(resource.id, parent_id=backup_id)
    delete()
    del fake_trove.backups[child]
    clock.sleep(60)
    fake_trove.requests.clear()
    return backup_id


@pytest.fixture
def operations(plugin, new_checkpoint, resource, context, verify):
    """The operations on another checkpoint of the same instance."""
    checkpoint = new_checkpoint()
    arguments = dict(checkpoint=checkpoint, resource=resource,
                     context=context, parameters={})

    class Operations:
        """One method for each operation."""

        def protect(self):
            plugin.get_protect_operation(resource).on_main(**arguments)

        def delete(self):
            plugin.get_delete_operation(resource).on_main(**arguments)

        def verify(self):
            plugin.get_verify_operation(resource).on_main(
                verify=verify, **arguments)

    return Operations()


@pytest.fixture
def delete_checkpoint(plugin, resource, context):
    """Return a function that runs delete for a checkpoint."""
    return lambda checkpoint: plugin.get_delete_operation(resource).on_main(
        checkpoint, resource, context, {})


@pytest.mark.parametrize('operation', ['protect', 'delete', 'verify'])
def test_next_operation_deletes_a_deferred_backup(
        operations, deferred, fake_trove, journal, operation):
    if operation == 'verify':
        fake_trove.fail('DELETE', '*', 503, times=None)
        operations.protect()
        fake_trove.heal()
    assert deferred in fake_trove.backups
    getattr(operations, operation)()
    assert deferred not in fake_trove.backups
    assert not [entry for entry in journal.list_entries() if entry.deleted_at]


@pytest.mark.parametrize('operation', ['protect', 'delete', 'verify'])
def test_sweep_that_cannot_delete_takes_15_s_and_fails_no_operation(
        operations, deferred, fake_trove, clock, operation):
    path = '/backups/%s' % deferred
    fake_trove.fail('DELETE', path, 503, times=None)
    if operation != 'protect':
        operations.protect()
    fake_trove.requests.clear()
    getattr(operations, operation)()
    assert deferred in fake_trove.backups
    times = [request.at for request in fake_trove.find_requests(
        'DELETE', path)]
    assert len(times) > 1
    # Half of the 30 s is for the other deferred deletions.
    assert 14 <= clock.now() - times[0] <= 16


@pytest.mark.parametrize('operation', ['protect', 'delete', 'verify'])
def test_sweep_without_deferred_deletions_sends_no_request(
        operations, fake_trove, operation):
    operations.protect()
    if operation == 'delete':
        operations.delete()
    before = len(fake_trove.find_requests('GET', '/backups'))
    getattr(operations, operation)()
    assert len(fake_trove.find_requests('GET', '/backups')) == before


def test_sweep_ignores_deferred_deletions_of_other_instances(
        deferred, plugin, new_checkpoint, context, fake_trove,
        build_resource):
    other = build_resource(fake_trove.add_instance())
    plugin.get_protect_operation(other).on_main(
        new_checkpoint(), other, context, {})
    assert deferred in fake_trove.backups


@pytest.mark.parametrize('error', [OSError('disc'), KeyError('bug')])
def test_sweep_with_an_unexpected_error_fails_no_operation(
        operations, deferred, monkeypatch, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(deferred_deletion.BackupDeletion, '_delete', fail)
    operations.protect()
    operations.verify()


@pytest.fixture
def checkpoints(plugin, new_checkpoint, resource, context):
    """Five checkpoints of the instance."""
    checkpoints = [new_checkpoint() for _ in range(5)]
    for checkpoint in checkpoints:
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {})
    return checkpoints


def test_sweep_of_five_deletions_takes_30_s_together(
        operations, checkpoints, delete_checkpoint, fake_trove, clock):
    operations.protect()
    for state in fake_trove.backups.values():
        state['status'] = 'SAVING'
    for checkpoint in checkpoints:
        delete_checkpoint(checkpoint)
    for state in fake_trove.backups.values():
        state['status'] = 'COMPLETED'
    fake_trove.delete_seconds = None
    start = clock.now()
    operations.verify()
    assert clock.now() - start == pytest.approx(30, abs=1)
    # A deletion that never ends leaves time for the others.
    assert len(fake_trove.find_requests('DELETE')) == 5


def test_sweep_lists_backups_once_if_no_deletion_is_possible(
        operations, checkpoints, delete_checkpoint, resource, fake_trove,
        journal):
    children = [fake_trove.add_backup(resource.id, parent_id=backup_id)
                for backup_id in list(fake_trove.backups)]
    for checkpoint in checkpoints:
        delete_checkpoint(checkpoint)
    fake_trove.requests.clear()
    operations.protect()
    assert len(fake_trove.find_requests('GET', '/backups')) == 1
    assert all('has children' in entry.reason
               for entry in journal.list_entries() if entry.deleted_at)
    for child in children:
        del fake_trove.backups[child]
    operations.verify()
    assert [entry.deleted_at for entry in journal.list_entries()] == [None]


def test_sweep_deletes_a_parent_right_after_its_child(
        operations, plugin, new_checkpoint, resource, context, fake_trove,
        delete_checkpoint):
    parent, child = new_checkpoint(), new_checkpoint()
    for checkpoint in parent, child:
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, {'incremental': 'True'})
    backups = set(fake_trove.backups)
    [child_backup] = [id_ for id_, state in fake_trove.backups.items()
                      if state['parent_id']]
    users_backup = fake_trove.add_backup(resource.id, parent_id=child_backup)
    for checkpoint in parent, child:
        delete_checkpoint(checkpoint)
    assert backups < set(fake_trove.backups)
    del fake_trove.backups[users_backup]
    operations.protect()
    assert not backups & set(fake_trove.backups)


@pytest.mark.parametrize('text', ['', '{"checkpoint_id": "', '[]'])
def test_sweep_goes_on_after_a_corrupt_entry_of_another_checkpoint(
        operations, deferred, bank, resource, fake_trove, text):
    bank.update_object('/karbor-trove/%s/backups/corrupt' % resource.id, text)
    operations.protect()
    assert deferred not in fake_trove.backups


def test_sweep_goes_on_after_an_entry_of_a_later_release(
        operations, deferred, bank, resource, fake_trove):
    key = '/karbor-trove/%s/backups/later' % resource.id
    bank.update_object(key, {'version': 2, 'checkpoint_id': 'later'})
    operations.protect()
    assert deferred not in fake_trove.backups
    assert bank.get_object(key)['version'] == 2


def test_write_to_the_bank_is_repeated_once_after_a_failure(
        operations, bank, fake_trove, monkeypatch):
    failed_keys = set()
    write = bank._plugin.update_object

    def fail_once(key, value, context=None):
        if key not in failed_keys:
            failed_keys.add(key)
            raise OSError('the directory was deleted')
        write(key, value, context)

    monkeypatch.setattr(bank._plugin, 'update_object', fail_once)
    operations.protect()
    operations.delete()
    assert not fake_trove.backups


@pytest.fixture
def add_entry(fake_trove, resource, context, journal, new_checkpoint):
    """Return a function that writes a journal entry and creates its backup.

    Its result is the entry.
    """
    def add(parent=None, **fields):
        if 'backup_id' in fields:
            backup_id = fields.pop('backup_id')
        else:
            backup_id = fake_trove.add_backup(
                resource.id, parent_id=parent and parent.backup_id)
        entry = backup_journal.BackupEntry(**{**dict(
            instance_id=resource.id, checkpoint_id=str(uuid.uuid4()),
            project_id=context.project_id, backup_name='nightly',
            time_before_request='2026-01-01T00:00:00', backup_id=backup_id,
            parent_id=parent and parent.backup_id, is_complete=True,
            location='http://swift.example.com/v1/AUTH_%s/backups/%s' % (
                context.project_id, backup_id)), **fields})
        journal.write(entry)
        return entry
    return add


@pytest.fixture
def sweep(plugin, journal, context, clock, fake_trove, checkpoint, resource):
    """Return a function that runs one sweep, as an operation does."""
    operation = plugin.get_delete_operation(resource)

    def run():
        operation._store_arguments(checkpoint, resource, context, None)
        operation._backup_deletion().sweep()
    return run


NOW = '2026-01-01T00:00:00'


@pytest.mark.parametrize('is_listed', [True, False])
def test_sweep_deletes_a_chain_of_equal_times_in_one_pass(
        add_entry, sweep, fake_trove, journal, is_listed):
    entries = [add_entry(deleted_at=NOW)]
    for _ in range(6):
        entries.append(add_entry(entries[-1], deleted_at=NOW))
    if not is_listed:
        # Users have deleted some backups in the middle.
        for entry in entries[2], entries[4]:
            del fake_trove.backups[entry.backup_id]
    sweep()
    assert not fake_trove.backups
    assert not journal.list_entries()


def test_delete_of_a_parent_sweeps_its_child_and_then_deletes_the_parent(
        add_entry, delete_checkpoint, checkpoint, fake_trove, journal):
    parent = add_entry(checkpoint_id=checkpoint.id)
    add_entry(parent, deleted_at=NOW, reason='Trove was unavailable')
    delete_checkpoint(checkpoint)
    assert not fake_trove.backups
    assert not journal.list_entries()


def test_backup_that_a_list_lacks_is_not_treated_as_deleted(
        add_entry, sweep, fake_trove, journal, monkeypatch):
    entry = add_entry(deleted_at=NOW)
    index = fake_trove._on_backups.index
    with monkeypatch.context() as patch:
        patch.setattr(fake_trove._on_backups, 'index',
                      lambda *args: ({'backups': []}, None))
        sweep()
    assert [entry.backup_id] == [other.backup_id
                                 for other in journal.list_entries()]
    assert fake_trove._on_backups.index == index
    sweep()
    assert not fake_trove.backups and not journal.list_entries()


def test_child_that_a_list_lacks_keeps_its_parent_from_being_deleted(
        add_entry, sweep, fake_trove, journal, monkeypatch):
    parent = add_entry(deleted_at=NOW)
    child = add_entry(parent)
    index = fake_trove._on_backups.index

    def hide_child(*args):
        page, marker = index(*args)
        return {'backups': [backup for backup in page['backups']
                            if backup['id'] != child.backup_id]}, marker

    monkeypatch.setattr(fake_trove._on_backups, 'index', hide_child)
    sweep()
    assert set(fake_trove.backups) == {parent.backup_id, child.backup_id}
    assert journal.read(parent.checkpoint_id).reason == (
        'the backup has children: %s' % child.backup_id)
    del fake_trove.backups[child.backup_id]
    sweep()
    assert not fake_trove.backups


@pytest.mark.parametrize('has_id', [True, False])
def test_interrupted_request_releases_its_parent_when_it_is_settled(
        add_entry, sweep, fake_trove, journal, clock, has_id):
    parent = add_entry(deleted_at=NOW)
    dead = dataclasses.replace(add_entry(parent), is_complete=False,
                               time_before_request=clock.utc().isoformat())
    if not has_id:
        dead = dataclasses.replace(dead, backup_id=None, location=None)
        fake_trove.backups.popitem()
    journal.write(dead)
    sweep()
    assert parent.backup_id in fake_trove.backups
    clock.sleep(3600)
    if has_id:
        # A user has deleted the failed backup.
        fake_trove.backups.popitem()
    sweep()
    assert not fake_trove.backups
    assert [entry.checkpoint_id for entry in journal.list_entries()] == [
        dead.checkpoint_id]


@pytest.fixture
def slow_bank(bank, monkeypatch, clock):
    """Return a function that lets each request to the bank take a time.

    It returns the number of reads by key.
    """
    plugin_class = type(bank._plugin)

    def slow_bank(seconds):
        reads = collections.Counter()
        for name in ('get_object', 'update_object', 'delete_object',
                     'list_objects'):
            def request(self, *args, _name=name,
                        _request=getattr(plugin_class, name), **kwargs):
                clock.sleep(seconds)
                if _name == 'get_object':
                    reads[args[0]] += 1
                return _request(self, *args, **kwargs)
            monkeypatch.setattr(plugin_class, name, request)
        return reads
    return slow_bank


@pytest.mark.parametrize('seconds', [0.02, 1, 61])
def test_each_sweep_makes_progress_however_slow_the_bank_is(
        add_entry, sweep, fake_trove, slow_bank, seconds):
    for _ in range(20):
        add_entry()
    deleted = {add_entry(deleted_at=NOW).backup_id for _ in range(5)}
    slow_bank(seconds)
    for number in range(5):
        before = len(deleted & set(fake_trove.backups))
        sweep()
        assert not before or len(deleted & set(fake_trove.backups)) < before
    assert not deleted & set(fake_trove.backups)


@pytest.mark.parametrize('seconds', [0.05, 1, 61])
def test_sweep_with_an_ambiguous_request_makes_progress_on_a_slow_bank(
        add_entry, sweep, fake_trove, slow_bank, resource, seconds):
    for _ in range(20):
        add_entry()
    for _ in range(2):
        fake_trove.add_backup(resource.id, name='nightly')
    add_entry(deleted_at=NOW, backup_id=None, location=None,
              is_complete=False)
    leaf = add_entry(deleted_at=NOW)
    slow_bank(seconds)
    for _ in range(2):
        sweep()
    assert leaf.backup_id not in fake_trove.backups


@pytest.mark.parametrize('seconds', [1, 3])
def test_sweep_on_a_slow_bank_ends(
        add_entry, sweep, fake_trove, slow_bank, clock, seconds):
    for _ in range(50):
        add_entry(deleted_at=NOW)
    slow_bank(seconds)
    start = clock.now()
    sweep()
    # The journal is read, and the reads and writes of one deletion may follow
    # the limit.
    assert clock.now() - start < 55 * seconds + 60 + 15 * seconds
    assert len(fake_trove.backups) < 50


@pytest.mark.parametrize('seconds', [0.1, 13, 100])
def test_delete_does_not_take_the_time_of_the_bank_for_troves(
        add_entry, delete_checkpoint, checkpoint, fake_trove, journal,
        slow_bank, seconds):
    for _ in range(10):
        add_entry()
    # The location is not known yet, so the journal is written once more.
    entry = add_entry(checkpoint_id=checkpoint.id, location=None)
    slow_bank(seconds)
    delete_checkpoint(checkpoint)
    assert entry.backup_id not in fake_trove.backups
    assert journal.read(checkpoint.id) is None


def test_child_that_is_created_while_the_bank_is_read_is_not_deleted(
        add_entry, delete_checkpoint, checkpoint, fake_trove, journal, clock,
        resource, monkeypatch):
    parent = add_entry(checkpoint_id=checkpoint.id)
    list_abridged = backup_journal.BackupJournal.list_abridged
    children = []

    def create_child_and_list(self):
        clock.sleep(60)
        if not children:
            children.append(fake_trove.add_backup(
                resource.id, parent_id=parent.backup_id))
        return list_abridged(self)

    monkeypatch.setattr(backup_journal.BackupJournal, 'list_abridged',
                        create_child_and_list)
    delete_checkpoint(checkpoint)
    assert set(fake_trove.backups) == {parent.backup_id, *children}
    assert 'has children' in journal.read(checkpoint.id).reason


@pytest.mark.parametrize('seconds', [0.02, 0.044, 1])
def test_sweep_makes_progress_on_a_slow_bank_with_many_entries(
        add_entry, sweep, fake_trove, clock, bank, journal, monkeypatch,
        seconds):
    old = [add_entry() for _ in range(40)]
    parent = add_entry(deleted_at=NOW)
    add_entry(parent)
    leaf = add_entry(deleted_at=NOW)
    reads = collections.Counter()
    plugin_class = type(bank._plugin)
    get_object = plugin_class.get_object

    def read_slowly(self, key, *args, **kwargs):
        clock.sleep(seconds)
        reads[key] += 1
        return get_object(self, key, *args, **kwargs)

    monkeypatch.setattr(plugin_class, 'get_object', read_slowly)
    sweep()
    assert leaf.backup_id not in fake_trove.backups
    assert parent.backup_id in fake_trove.backups
    assert {reads[key] for key in reads
            if key.rpartition('/')[2] in {entry.checkpoint_id
                                          for entry in old}} == {1}


def test_deletion_that_never_ends_does_not_starve_the_others(
        add_entry, sweep, fake_trove):
    stuck = [add_entry(deleted_at=NOW) for _ in range(10)]
    for entry in stuck:
        fake_trove.fail('DELETE', '/backups/%s' % entry.backup_id, 503,
                        times=None)
    leaves = {add_entry(deleted_at=NOW).backup_id for _ in range(3)}
    for _ in range(30):
        sweep()
    assert not leaves & set(fake_trove.backups)


def test_sweep_keeps_the_reasons_of_the_deletions_that_it_does_not_reach(
        add_entry, sweep, fake_trove, journal):
    entries = [add_entry(deleted_at=NOW, reason='Trove was unavailable')
               for _ in range(3)]
    fake_trove.fail('DELETE', '/backups/*', 503, times=None, takes=40)
    sweep()
    assert len(fake_trove.find_requests('DELETE')) == 1
    [changed] = [entry for entry in journal.list_entries()
                 if entry not in entries]
    assert 'could not be deleted' in changed.reason


def test_sweep_writes_reasons_for_30_s_only_and_the_next_one_the_others(
        add_entry, sweep, fake_trove, journal, resource, slow_bank):
    for _ in range(4):
        parent = add_entry(deleted_at=NOW)
        fake_trove.add_backup(resource.id, parent_id=parent.backup_id)
    # The bank takes more than 30 s for one entry.
    slow_bank(10)
    for count in range(1, 5):
        sweep()
        assert len([entry for entry in journal.list_entries()
                    if entry.reason]) == count


def test_sweep_from_another_project_sends_no_request(
        add_entry, sweep, fake_trove, journal):
    entry = add_entry(deleted_at=NOW, reason='Trove was unavailable',
                      project_id='00000000000040008000000000000000')
    sweep()
    assert journal.list_entries() == [entry]
    assert not fake_trove.requests


def test_location_stays_in_the_journal_if_trove_does_not_return_it(
        add_entry, sweep, fake_trove, journal, monkeypatch):
    entry = add_entry(deleted_at=NOW)
    monkeypatch.setattr(serialization, 'location', lambda state: None)
    fake_trove.next_delete('DELETE_FAILED', seconds=1)
    sweep()
    [deferred] = journal.list_entries()
    assert 'could not delete backup' in deferred.reason
    assert deferred.location == entry.location


def test_backup_is_deleted_after_a_day_although_swift_is_unavailable(
        add_entry, sweep, fake_trove, clock, journal):
    fake_trove.keeps_objects = True
    entry = add_entry(deleted_at=clock.utc().isoformat())
    fake_trove.fail('*', '/swift/*', 'connect-timeout', times=None)
    clock.sleep(86000)
    sweep()
    assert fake_trove.backups
    clock.sleep(1000)
    sweep()
    assert not fake_trove.backups
    [deferred] = journal.list_entries()
    assert 'Swift is unavailable and may still hold' in deferred.reason
    assert entry.backup_id in deferred.location
    fake_trove.heal()
    sweep()
    assert not journal.list_entries()
    assert not fake_trove.objects.list_urls()
