"""What waits goes with the next operation on the instance that can take it."""

import pytest

from karbor_trove.backups import deferred_deletion


@pytest.fixture
def left(protect, delete, fake_trove, resource, clock):
    """A backup of a deleted checkpoint that could not go, and now can."""
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
    """One function each: on another checkpoint of the same instance."""
    checkpoint = new_checkpoint()
    common = dict(checkpoint=checkpoint, resource=resource, context=context,
                  parameters={})

    class Operations:
        """As Karbor calls them."""

        def protect(self):
            plugin.get_protect_operation(resource).on_main(**common)

        def delete(self):
            plugin.get_delete_operation(resource).on_main(**common)

        def verify(self):
            plugin.get_verify_operation(resource).on_main(
                verify=verify, **common)

    return Operations()


@pytest.mark.parametrize('kind', ['protect', 'delete', 'verify'])
def test_what_waits_goes_with_the_next_operation(
        operations, left, fake_trove, journal, kind):
    if kind == 'verify':
        fake_trove.fail('DELETE', '*', 503, times=None)
        operations.protect()
        fake_trove.heal()
    assert left in fake_trove.backups
    getattr(operations, kind)()
    assert left not in fake_trove.backups
    assert not [entry for entry in journal.list_entries() if entry.deleted_at]


@pytest.mark.parametrize('kind', ['protect', 'delete', 'verify'])
def test_what_does_not_go_takes_30_s_and_fails_nothing(
        operations, left, make_plugin, fake_trove, clock, kind):
    operations.protect()
    fake_trove.add_backup(left, id=left)
    fake_trove.fail('DELETE', '*', 503, times=None)
    began = clock.now()
    getattr(operations, 'verify' if kind == 'protect' else kind)()
    assert clock.now() - began <= 30 + 60


@pytest.mark.parametrize('kind', ['protect', 'delete', 'verify'])
def test_where_nothing_waits_nothing_is_asked(
        operations, fake_trove, kind):
    operations.protect()
    if kind == 'delete':
        operations.delete()
    listed = len(fake_trove.find_requests('GET', '/backups'))
    getattr(operations, kind)()
    assert len(fake_trove.find_requests('GET', '/backups')) == listed


def test_what_waits_of_another_instance_is_left_to_it(
        left, plugin, new_checkpoint, context, fake_trove, in_threads):
    other = in_threads.resource(fake_trove.add_instance())
    plugin.get_protect_operation(other).on_main(
        new_checkpoint(), other, context, {})
    assert left in fake_trove.backups


@pytest.mark.parametrize('trouble', [OSError('disc'), KeyError('bug')])
def test_a_sweep_that_fails_fails_no_operation(
        operations, left, monkeypatch, trouble):
    def fail(*args):
        raise trouble

    monkeypatch.setattr(deferred_deletion.BackupDeletion, '_delete', fail)
    operations.protect()
    operations.verify()


@pytest.fixture
def made(plugin, new_checkpoint, resource, context):
    """Five checkpoints of the instance."""
    made = [new_checkpoint() for _ in range(5)]
    for one in made:
        plugin.get_protect_operation(resource).on_main(
            one, resource, context, {})
    return made


def test_all_that_waits_together_takes_30_s(
        operations, plugin, made, resource, context, fake_trove, clock):
    operations.protect()
    for state in fake_trove.backups.values():
        state['status'] = 'SAVING'
    for one in made:
        plugin.get_delete_operation(resource).on_main(
            one, resource, context, {})
    for state in fake_trove.backups.values():
        state['status'] = 'COMPLETED'
    fake_trove.delete_seconds = None
    began = clock.now()
    operations.verify()
    assert clock.now() - began == pytest.approx(30, abs=1)
    assert len(fake_trove.find_requests('DELETE')) == 1


def test_one_look_tells_of_all_that_has_to_wait_on(
        operations, plugin, made, resource, context, fake_trove, journal):
    children = [fake_trove.add_backup(resource.id, parent_id=id_)
                for id_ in list(fake_trove.backups)]
    for one in made:
        plugin.get_delete_operation(resource).on_main(
            one, resource, context, {})
    fake_trove.requests.clear()
    operations.protect()
    assert len(fake_trove.find_requests('GET', '/backups')) == 1
    assert all('hangs on it' in entry.reason for entry in journal.list_entries()
               if entry.deleted_at)
    for child in children:
        del fake_trove.backups[child]
    operations.verify()
    assert [entry.deleted_at for entry in journal.list_entries()] == [None]


def test_a_child_takes_its_parent_along(
        operations, plugin, new_checkpoint, resource, context, fake_trove):
    parent, child = new_checkpoint(), new_checkpoint()
    for one in parent, child:
        plugin.get_protect_operation(resource).on_main(
            one, resource, context, {'incremental': 'True'})
    backups = set(fake_trove.backups)
    [hanging] = [id_ for id_, of in fake_trove.backups.items()
                 if of['parent_id']]
    users = fake_trove.add_backup(resource.id, parent_id=hanging)
    for one in parent, child:
        plugin.get_delete_operation(resource).on_main(
            one, resource, context, {})
    assert backups < set(fake_trove.backups)
    del fake_trove.backups[users]
    operations.protect()
    assert not backups & set(fake_trove.backups)


@pytest.mark.parametrize('torn', ['', '{"checkpoint_id": "', '[]'])
def test_a_torn_note_of_another_checkpoint_is_in_nobodys_way(
        operations, left, bank, resource, fake_trove, torn):
    bank.update_object('/karbor-trove/%s/backups/torn' % resource.id, torn)
    operations.protect()
    assert left not in fake_trove.backups


def test_so_is_one_of_a_later_version(
        operations, left, bank, resource, fake_trove):
    key = '/karbor-trove/%s/backups/later' % resource.id
    bank.update_object(key, {'version': 2, 'checkpoint_id': 'later'})
    operations.protect()
    assert left not in fake_trove.backups
    assert bank.get_object(key)['version'] == 2


def test_a_write_to_the_bank_that_fails_once_is_repeated(
        operations, bank, fake_trove, monkeypatch):
    seen = set()
    write = bank._plugin.update_object

    def once(key, value, context=None):
        if key not in seen:
            seen.add(key)
            raise OSError('the directory has gone')
        write(key, value, context)

    monkeypatch.setattr(bank._plugin, 'update_object', once)
    operations.protect()
    operations.delete()
    assert not fake_trove.backups
