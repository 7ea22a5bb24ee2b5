"""Incremental backups: choice, reservation and deletion of their parents."""

import dataclasses

from karbor import exception
from karbor import resource as karbor_resource
import pytest

from karbor_trove.backups import incremental
from karbor_trove.bank import backup_journal
from karbor_trove.trove import connect


@pytest.fixture
def back_up(plugin, new_checkpoint, resource, context, fake_trove):
    """Return a function that runs protect in a new checkpoint.

    It returns the checkpoint and the id of its backup.
    """
    def run(plugin=plugin, resource=resource, **parameters):
        checkpoint = new_checkpoint()
        before = set(fake_trove.backups)
        plugin.get_protect_operation(resource).on_main(
            checkpoint, resource, context, dict(
                {'incremental': True}, **parameters))
        [backup_id] = set(fake_trove.backups) - before
        return checkpoint, backup_id
    return run


@pytest.fixture
def delete_checkpoint(plugin, resource, context):
    """Return a function that runs delete for a checkpoint."""
    return lambda checkpoint: plugin.get_delete_operation(resource).on_main(
        checkpoint, resource, context, {})


@pytest.fixture
def get_parent_id(fake_trove):
    """Return a function that returns the parent's id of a backup."""
    return lambda backup_id: fake_trove.backups[backup_id]['parent_id']


@pytest.mark.parametrize('parameters, expected', [
    ({}, False), ({'incremental': None}, False), ({'incremental': ''}, False),
    ({'incremental': False}, False), ({'incremental': 'false'}, False),
    ({'incremental': True}, True), ({'incremental': 'True'}, True)])
def test_backup_is_incremental_if_the_plan_requests_it(
        plugin, new_checkpoint, resource, context, fake_trove, parameters,
        expected):
    for _ in range(2):
        plugin.get_protect_operation(resource).on_main(
            new_checkpoint(), resource, context, parameters)
    assert any(backup['parent_id'] for backup
               in fake_trove.backups.values()) is expected


@pytest.mark.parametrize('value', ['yes', 1, 0, 'None', ['true']])
def test_protect_fails_and_names_a_value_that_is_no_boolean(
        back_up, fake_trove, value):
    with pytest.raises(exception.CreateResourceFailed) as raised:
        back_up(incremental=value)
    assert 'incremental %r' % str(value) in str(raised.value)
    assert not fake_trove.backups


def test_request_names_the_newest_backup_of_this_bank_as_parent(
        back_up, fake_trove, resource, get_parent_id):
    _, first = back_up()
    fake_trove.clock.sleep(60)
    # Trove would choose this backup of a user.
    fake_trove.add_backup(resource.id)
    _, second = back_up()
    _, third = back_up()
    assert get_parent_id(first) is None
    assert get_parent_id(second) == first
    assert get_parent_id(third) == second
    full, *incremental = [request.body['backup'] for request
                          in fake_trove.find_requests('POST', '/backups')]
    assert not full.get('parent_id') and not full.get('incremental')
    assert [body['parent_id'] for body in incremental] == [first, second]


def test_backup_of_another_instance_never_becomes_the_parent(
        back_up, fake_trove, get_parent_id):
    back_up()
    other = karbor_resource.Resource(
        'OS::Trove::Instance', fake_trove.add_instance(), 'other')
    assert get_parent_id(back_up(resource=other)[1]) is None


def test_full_backup_follows_a_chain_of_maximum_length(
        make_plugin, back_up, get_parent_id):
    plugin = make_plugin(full_backup_every=3)
    ids = [back_up(plugin=plugin)[1] for _ in range(7)]
    assert [ids.index(get_parent_id(id_)) if get_parent_id(id_) else None
            for id_ in ids] == [None, 0, 1, None, 3, 4, None]


def test_full_backup_follows_a_broken_chain(
        back_up, fake_trove, get_parent_id):
    _, first = back_up()
    back_up()
    del fake_trove.backups[first]
    assert get_parent_id(back_up()[1]) is None


def test_backup_with_a_deferred_deletion_never_becomes_the_parent(
        back_up, delete_checkpoint, fake_trove, resource, get_parent_id):
    _, first = back_up()
    checkpoint, second = back_up()
    fake_trove.add_backup(resource.id, parent_id=second)
    delete_checkpoint(checkpoint)
    assert get_parent_id(back_up()[1]) == first


def test_backup_that_is_complete_after_its_protect_failed_is_not_a_parent(
        make_plugin, back_up, fake_trove, get_parent_id):
    fake_trove.next_backup('COMPLETED', seconds=600)
    with pytest.raises(exception.CreateResourceFailed,
                       match='is not complete: given up after 60 s'):
        back_up(plugin=make_plugin(backup_timeout=60))
    fake_trove.clock.sleep(600)
    _, second = back_up()
    assert get_parent_id(second) is None
    assert {backup['status'] for backup
            in fake_trove.backups.values()} == {'COMPLETED'}


def test_backup_is_full_if_its_parent_is_marked_as_deleted_after_reservation(
        back_up, journal, monkeypatch, get_parent_id):
    checkpoint, _ = back_up()
    parent_entry = journal.read(checkpoint.id)
    write = backup_journal.BackupJournal.write

    def write_and_mark(self, entry):
        write(self, entry)
        if entry.parent_id:
            write(self, dataclasses.replace(
                parent_entry, deleted_at='2026-01-01T00:00:00'))

    monkeypatch.setattr(backup_journal.BackupJournal, 'write', write_and_mark)
    child_checkpoint, child = back_up()
    assert get_parent_id(child) is None
    assert journal.read(child_checkpoint.id).parent_id is None


@pytest.mark.parametrize('is_deleted', [False, True])
def test_backup_is_full_if_an_earlier_release_left_the_marker_of_its_parent(
        back_up, journal, bank, get_parent_id, is_deleted):
    checkpoint, parent = back_up()
    entry = journal.read(checkpoint.id)
    if is_deleted:
        bank.delete_object('/karbor-trove/%s/backups/%s' % (
            journal.instance_id, checkpoint.id))
    else:
        journal.write_document(checkpoint.id, dataclasses.replace(
            entry, deleted_at='2026-01-01T00:00:00').to_document())
    assert journal.list_abridged()[0].backup_id == parent
    assert get_parent_id(back_up()[1]) is None
    # The sweep at the end has deleted the marker.
    assert parent not in [other.backup_id for other
                          in journal.list_abridged() if not other.deleted_at]


def test_protect_fails_if_a_user_deletes_the_parent_meanwhile(
        back_up, fake_trove, clock, monkeypatch):
    _, first = back_up()
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds, *_: (
        fake_trove.backups.pop(first, None), sleep(seconds)))
    with pytest.raises(exception.CreateResourceFailed,
                       match='in the chain of backup .*, was not found'):
        back_up()


def test_deletion_is_deferred_while_an_intent_reserves_the_backup(
        back_up, delete_checkpoint, fake_trove, journal, resource):
    checkpoint, first = back_up()
    journal.write(backup_journal.BackupEntry(
        resource.id, 'cp', time_before_request='2026-01-01T00:00:00',
        parent_id=first))
    delete_checkpoint(checkpoint)
    assert first in fake_trove.backups
    assert 'is being created' in journal.read(checkpoint.id).reason
    journal.delete('cp')
    delete_checkpoint(checkpoint)
    assert not fake_trove.backups


@pytest.mark.parametrize('fault', ['refused', 'timeout', 'reset', 500, 503,
                                   429])
@pytest.mark.parametrize('seconds, is_deleted', [(800, False), (1000, True)])
def test_request_that_can_create_nothing_any_more_reserves_no_parent(
        back_up, delete_checkpoint, fake_trove, journal, fault, seconds,
        is_deleted):
    checkpoint, first = back_up()
    fake_trove.fail('POST', '/backups', fault)
    with pytest.raises(exception.CreateResourceFailed):
        back_up()
    fake_trove.clock.sleep(seconds)
    delete_checkpoint(checkpoint)
    assert (first not in fake_trove.backups) == is_deleted
    [dead] = [entry for entry in journal.list_entries()
              if entry.checkpoint_id != checkpoint.id]
    assert dead.parent_id == first


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2),
                                   (2, 0, 3, 1)])
def test_checkpoints_of_a_chain_are_deleted_in_any_order(
        back_up, delete_checkpoint, fake_trove, journal, order):
    created = [back_up() for _ in range(4)]
    remaining = set(range(4))
    for number in order:
        delete_checkpoint(created[number][0])
        remaining.remove(number)
        assert set(fake_trove.backups) == {
            backup_id for _, backup_id
            in created[:max(remaining, default=-1) + 1]}
    assert not journal.list_entries()
    assert not fake_trove.objects.list_urls()


def test_reserved_parent_that_is_deleted_meanwhile_gives_a_full_backup(
        protect, journal, context, resource, monkeypatch):
    protect()
    client = connect.connect(context)
    [parent] = journal.list_entries()
    original_write = journal.write

    def write(entry):
        original_write(entry)
        journal.delete(parent.checkpoint_id)

    monkeypatch.setattr(journal, 'write', write)
    entry, ancestor_ids = incremental.reserve_parent(
        client, journal,
        backup_journal.BackupEntry(resource.id, 'checkpoint-2'),
        lambda is_new: client.list_backups(), 7)
    assert entry.parent_id is None and not ancestor_ids
    assert journal.read('checkpoint-2').parent_id is None


def test_first_incremental_backup_reserves_no_parent(
        fake_trove, journal, context, resource):
    entry, ancestor_ids = incremental.reserve_parent(
        connect.connect(context), journal,
        backup_journal.BackupEntry(resource.id, 'checkpoint-1'),
        lambda is_new: {}, 7)
    assert entry.parent_id is None and not ancestor_ids


def test_parent_is_chosen_from_a_new_list_if_a_recent_one_lacks_a_backup(
        protect, journal, context, resource):
    protect()
    client = connect.connect(context)
    [parent] = journal.list_entries()
    entry, ancestor_ids = incremental.reserve_parent(
        client, journal,
        backup_journal.BackupEntry(resource.id, 'checkpoint-2'),
        lambda is_new: client.list_backups() if is_new else {}, 7)
    assert entry.parent_id == parent.backup_id
    assert ancestor_ids == [parent.backup_id]


@pytest.fixture
def delete_before_request(fake_trove):
    """Return a function that deletes backups before the next requests."""
    def run(*backup_ids):
        create = fake_trove._on_backups.create

        def delete_and_create(project_id, body):
            for id_ in backup_ids:
                fake_trove.backups.pop(id_, None)
            return create(project_id, body)

        fake_trove._on_backups.create = delete_and_create
    return run


@pytest.mark.parametrize('count', [1, 2])
def test_parent_is_chosen_again_if_a_user_deletes_it_before_the_request(
        back_up, fake_trove, clock, journal, get_parent_id,
        delete_before_request, count):
    ids = []
    for _ in range(2):
        ids.append(back_up()[1])
        clock.sleep(60)
    delete_before_request(*ids[-count:])
    checkpoint, last = back_up()
    expected = ids[0] if count == 1 else None
    assert get_parent_id(last) == expected
    assert journal.read(checkpoint.id).parent_id == expected
    parents = [request.body['backup'].get('parent_id') for request
               in fake_trove.find_requests('POST', '/backups')]
    assert parents == [None, ids[0], ids[1], expected]


def test_parent_is_chosen_again_only_once(back_up, fake_trove, journal):
    checkpoint, _ = back_up()
    fake_trove.fail('POST', '/backups', 404, times=None)
    with pytest.raises(exception.CreateResourceFailed, match='HTTP 404'):
        back_up()
    assert len(fake_trove.find_requests('POST', '/backups')) == 1 + 2
    assert [entry.checkpoint_id for entry in journal.list_entries()] == [
        checkpoint.id]


def test_backup_after_a_failed_incremental_one_is_a_full_one(
        back_up, fake_trove, get_parent_id):
    _, first = back_up()
    for _ in range(2):
        # The parent's data are damaged, so its children fail.
        fake_trove.clock.sleep(86400)
        fake_trove.next_backup('FAILED')
        with pytest.raises(exception.CreateResourceFailed):
            back_up()
    fake_trove.clock.sleep(86400)
    _, full = back_up()
    parents = [request.body['backup'].get('parent_id') for request
               in fake_trove.find_requests('POST', '/backups')]
    assert parents == [None, first, None, None]
    fake_trove.clock.sleep(86400)
    _, last = back_up()
    assert get_parent_id(last) == full


@pytest.mark.parametrize('link', [0, 1])
def test_backup_whose_object_is_missing_is_not_a_parent(
        back_up, fake_trove, get_parent_id, caplog, link):
    backups = []
    for _ in range(2):
        backups.append(back_up()[1])
        fake_trove.clock.sleep(60)
    [url] = [url for url in fake_trove.objects.list_urls()
             if backups[link] in url]
    fake_trove.objects.changed[url] = None
    _, full = back_up()
    assert get_parent_id(full) is None
    assert 'object of backup %s is missing' % backups[link] in caplog.text


@pytest.mark.parametrize('fault', [403, 503, 'connect-timeout'])
def test_parent_is_used_if_swift_does_not_show_its_object(
        back_up, fake_trove, get_parent_id, fault):
    _, first = back_up()
    fake_trove.clock.sleep(60)
    fake_trove.fail('*', '/swift/*', fault, times=None)
    _, second = back_up()
    assert get_parent_id(second) == first


def test_protect_reads_the_chain_if_a_list_lacks_a_backup(
        back_up, fake_trove, get_parent_id, monkeypatch):
    _, first = back_up()
    fake_trove.clock.sleep(60)
    index = fake_trove._on_backups.index

    def hide_first(*args):
        page, marker = index(*args)
        if len(fake_trove.backups) > 1:
            page = {'backups': [backup for backup in page['backups']
                                if backup['id'] != first]}
        return page, marker

    monkeypatch.setattr(fake_trove._on_backups, 'index', hide_first)
    _, second = back_up()
    assert get_parent_id(second) == first
