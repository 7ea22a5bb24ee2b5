"""Backups that hang on one another: chosen, claimed, left and taken away."""

import dataclasses

from karbor import exception
from karbor import resource as karbor_resource
import pytest

from karbor_trove.bank import backup_journal


@pytest.fixture
def back_up(plugin, new_checkpoint, resource, context, fake_trove):
    """Protects in a new checkpoint; gives it and its backup's id."""
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
def remove(plugin, resource, context):
    """Deletes a checkpoint."""
    return lambda checkpoint: plugin.get_delete_operation(resource).on_main(
        checkpoint, resource, context, {})


def parent(fake_trove, backup_id):
    return fake_trove.backups[backup_id]['parent_id']


@pytest.mark.parametrize('given, expected', [
    ({}, False), ({'incremental': None}, False), ({'incremental': ''}, False),
    ({'incremental': False}, False), ({'incremental': 'false'}, False),
    ({'incremental': True}, True), ({'incremental': 'True'}, True)])
def test_it_is_the_users_choice(plugin, new_checkpoint, resource, context,
                                fake_trove, given, expected):
    for _ in range(2):
        plugin.get_protect_operation(resource).on_main(
            new_checkpoint(), resource, context, given)
    assert any(of['parent_id'] for of
               in fake_trove.backups.values()) is expected


@pytest.mark.parametrize('value', ['yes', 1, 0, 'None', ['true']])
def test_a_bad_choice_is_named(back_up, fake_trove, value):
    with pytest.raises(exception.CreateResourceFailed) as raised:
        back_up(incremental=value)
    assert 'incremental %r' % str(value) in str(raised.value)
    assert not fake_trove.backups


def test_the_parent_is_named_and_the_newest_of_this_bank(
        back_up, fake_trove, resource):
    _, first = back_up()
    fake_trove.clock.sleep(60)
    # Trove's own choice would be this one.
    fake_trove.add_backup(resource.id)
    _, second = back_up()
    _, third = back_up()
    assert parent(fake_trove, first) is None
    assert parent(fake_trove, second) == first
    assert parent(fake_trove, third) == second
    plain, *others = [asked.body['backup'] for asked
                      in fake_trove.find_requests('POST', '/backups')]
    assert not plain.get('parent_id') and not plain.get('incremental')
    assert [one['parent_id'] for one in others] == [first, second]


def test_another_instances_backup_is_no_parent(back_up, fake_trove):
    back_up()
    other = karbor_resource.Resource(
        'OS::Trove::Instance', fake_trove.add_instance(), 'other')
    assert parent(fake_trove, back_up(resource=other)[1]) is None


def test_a_chain_begins_anew_when_it_is_long_enough(
        make_plugin, back_up, fake_trove):
    plugin = make_plugin(full_backup_every=3)
    made = [back_up(plugin=plugin)[1] for _ in range(7)]
    assert [made.index(parent(fake_trove, one)) if parent(fake_trove, one)
            else None for one in made] == [None, 0, 1, None, 3, 4, None]


def test_after_a_broken_chain_comes_a_full_backup(back_up, fake_trove):
    _, first = back_up()
    back_up()
    del fake_trove.backups[first]
    assert parent(fake_trove, back_up()[1]) is None


def test_a_backup_that_failed_is_no_parent(back_up, fake_trove):
    _, first = back_up()
    fake_trove.next_backup('FAILED')
    with pytest.raises(exception.CreateResourceFailed):
        back_up()
    assert parent(fake_trove, back_up()[1]) == first


def test_what_waits_for_its_deletion_is_no_parent(
        back_up, remove, fake_trove, resource):
    _, first = back_up()
    checkpoint, second = back_up()
    fake_trove.add_backup(resource.id, parent_id=second)
    remove(checkpoint)
    assert parent(fake_trove, back_up()[1]) == first


def test_a_parent_that_is_deleted_while_it_is_claimed_is_let_go(
        back_up, fake_trove, journal, monkeypatch):
    checkpoint, _ = back_up()
    doomed = journal.read(checkpoint.id)
    write = backup_journal.BackupJournal.write

    def also(self, entry):
        write(self, entry)
        if entry.parent_id:
            write(self, dataclasses.replace(
                doomed, deleted_at='2026-01-01T00:00:00'))

    monkeypatch.setattr(backup_journal.BackupJournal, 'write', also)
    made, second = back_up()
    assert parent(fake_trove, second) is None
    assert journal.read(made.id).parent_id is None


def test_a_parent_that_a_user_deletes_meanwhile_fails_the_backup(
        back_up, fake_trove, clock, monkeypatch):
    _, first = back_up()
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds: (
        fake_trove.backups.pop(first, None), sleep(seconds)))
    with pytest.raises(exception.CreateResourceFailed,
                       match='hangs on one that was deleted meanwhile'):
        back_up()


def test_a_delete_heeds_the_claim_of_an_open_request(
        back_up, remove, fake_trove, journal, resource):
    checkpoint, first = back_up()
    intent = backup_journal.BackupEntry(
        resource.id,
        'cp',
        not_before='2026-01-01T00:00:00',
        parent_id=first)
    journal.write(intent)
    remove(checkpoint)
    assert first in fake_trove.backups
    assert 'being made' in journal.read(checkpoint.id).reason
    journal.delete(intent.checkpoint_id)
    remove(checkpoint)
    assert not fake_trove.backups


@pytest.mark.parametrize('order', [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2),
                                   (2, 0, 3, 1)])
def test_checkpoints_go_in_any_order(back_up, remove, fake_trove, journal,
                                     order):
    made = [back_up() for _ in range(4)]
    kept = set(range(4))
    for number in order:
        remove(made[number][0])
        kept.remove(number)
        assert set(fake_trove.backups) == {
            backup_id for _, backup_id in made[:max(kept, default=-1) + 1]}
    assert not journal.list_entries()
    assert not fake_trove.objects.list_urls()
