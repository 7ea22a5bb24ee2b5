"""Reads and lists of backups that the resources of a flow share."""

import gc
import uuid
import weakref

import pytest

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import backup_polls


@pytest.fixture
def polls(clock):
    return backup_polls.BackupPolls(polling.Poller(5.0, clock))


@pytest.fixture
def deadline(clock):
    return polling.Deadline(60.0, clock)


@pytest.fixture
def ids(fake_trove):
    """The ids of two backups."""
    instance_id = fake_trove.add_instance()
    return [fake_trove.add_backup(instance_id) for _ in range(2)]


def test_outdated_list_is_not_kept_during_a_wait(
        client, clock, polls, deadline, ids):
    reference = weakref.ref(
        polls.list_recent_backups(client, deadline)[ids[0]])
    gc.collect()
    assert reference() is not None
    with pytest.raises(errors.DeadlineExceeded):
        polls.wait_for(client, ids[1], lambda backup: None,
                       polling.Deadline(40.0, clock), 'never')
    gc.collect()
    assert reference() is None


def test_backup_that_does_not_exist_is_not_among_the_backups_that_were_read(
        client, polls, deadline, ids):
    missing = str(uuid.uuid4())
    backups = polls.read_backups(client, [*ids, missing], deadline, 'failed')
    assert set(backups) == set(ids)
    assert not polls.read_backups(client, [missing], deadline, 'failed')


def test_outage_during_a_read_of_backups_is_retried(
        client, fake_trove, polls, deadline, ids):
    fake_trove.fail('GET', '/backups', 403, times=None)
    fake_trove.fail('GET', '/backups/' + ids[1], 503, times=2)
    assert set(polls.read_backups(client, ids, deadline, 'failed')) == set(ids)


def test_backup_that_cannot_be_read_does_not_count_as_deleted(
        client, fake_trove, polls, deadline, ids):
    fake_trove.fail('GET', '/backups', 403, times=None)
    fake_trove.fail('GET', '/backups/' + ids[1], 403, times=None)
    with pytest.raises(errors.Rejected):
        polls.read_backups(client, ids, deadline, 'failed')
