"""Sweeps of deferred deletions by later operations on the instance."""

import pytest

from karbor_trove.backups import deferred_deletion


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
def test_sweep_that_cannot_delete_takes_30_s_and_fails_no_operation(
        operations, deferred, fake_trove, clock, operation):
    operations.protect()
    fake_trove.add_backup(deferred, id=deferred)
    fake_trove.fail('DELETE', '*', 503, times=None)
    start = clock.now()
    getattr(operations, 'verify' if operation == 'protect' else operation)()
    assert clock.now() - start <= 30 + 60


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
    assert len(fake_trove.find_requests('DELETE')) == 1


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
