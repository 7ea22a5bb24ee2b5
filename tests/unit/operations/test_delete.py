"""What deleting a checkpoint leaves in Trove and in the bank."""

from karbor import exception
import pytest


@pytest.fixture
def backup(protect, fake_trove):
    """The state of the checkpoint's backup in Trove."""
    protect()
    [made] = fake_trove.backups.values()
    return made


def test_the_backup_goes_and_only_it(backup, delete, fake_trove, section):
    other = fake_trove.add_backup(backup['instance_id'])
    delete()
    assert set(fake_trove.backups) == {other}
    assert section.list_objects() == ['status']
    assert section.get_object('status') == 'deleted'


def test_it_waits_until_the_backup_is_gone(backup, delete, fake_trove, clock):
    fake_trove.delete_seconds = 300
    began = clock.now()
    delete()
    assert clock.now() - began >= 300


def test_gone_already_is_success(backup, delete, fake_trove, section):
    fake_trove.backups.clear()
    delete()
    assert section.get_object('status') == 'deleted'


def test_a_second_delete_is_success(backup, delete, section):
    delete()
    delete()
    assert section.get_object('status') == 'deleted'


def test_a_checkpoint_that_never_had_a_backup_is_deleted(
        delete, section, fake_trove):
    delete()
    assert section.get_object('status') == 'deleted'
    assert not fake_trove.requests


def test_a_failed_protect_is_deleted_with_its_backup(
        protect, delete, fake_trove, section):
    fake_trove.next_backup('FAILED')
    with pytest.raises(exception.CreateResourceFailed):
        protect()
    delete()
    assert not fake_trove.backups
    assert section.get_object('status') == 'deleted'


def test_the_bank_says_so_while_it_takes_place(
        backup, delete, section, clock, monkeypatch):
    seen = []
    sleep = clock.sleep
    monkeypatch.setattr(clock, 'sleep', lambda seconds: (
        seen.append((section.get_object('status'),
                     section.get_object('metadata')['backup_id'])),
        sleep(seconds)))
    delete()
    assert set(seen) == {('deleting', backup['id'])}


def test_a_deletion_that_fails_in_trove_is_told_and_the_backup_stays_known(
        backup, delete, fake_trove, section):
    fake_trove.next_delete('DELETE_FAILED', seconds=3)
    with pytest.raises(exception.DeleteResourceFailed,
                       match='could not delete backup'):
        delete()
    assert section.get_object('status') == 'error'
    assert section.get_object('metadata')['backup_id'] == backup['id']


def test_an_earlier_failure_does_not_fail_a_new_deletion(
        backup, delete, fake_trove):
    backup['status'] = 'DELETE_FAILED'
    fake_trove.delete_seconds = 60
    delete()
    assert not fake_trove.backups


def test_a_deletion_that_never_ends_is_given_up(
        backup, make_plugin, checkpoint, resource, context, fake_trove,
        section, clock):
    fake_trove.next_delete(seconds=None)
    began = clock.now()
    with pytest.raises(exception.DeleteResourceFailed,
                       match='not gone: given up after 120 s'):
        make_plugin(delete_timeout=120).get_delete_operation(
            resource).on_main(checkpoint, resource, context, {})
    assert clock.now() - began == pytest.approx(120)
    assert section.get_object('status') == 'error'


def test_a_refusal_is_told_with_troves_words(
        backup, delete, fake_trove, section):
    fake_trove.forbid()
    with pytest.raises(exception.DeleteResourceFailed, match='HTTP 403'):
        delete()
    assert section.get_object('metadata')['backup_id'] == backup['id']


@pytest.mark.parametrize('after', [False, True])
@pytest.mark.parametrize('trouble', ['reset', 'timeout', 503])
def test_requests_that_fail_in_passing_are_repeated(
        backup, delete, fake_trove, trouble, after):
    fake_trove.fail('DELETE', '/backups/*', trouble, times=3, after=after)
    fake_trove.fail('GET', '/backups/*', trouble, times=2)
    delete()
    assert not fake_trove.backups
