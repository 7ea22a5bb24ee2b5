"""Tests of the reads of several backups or instances."""

import pytest

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import batch_reads


@pytest.fixture
def ids(fake_trove):
    return [fake_trove.add_instance() for _ in range(3)]


def test_404_to_a_list_of_backups_does_not_mean_that_they_are_gone(
        client, fake_trove, ids):
    backups = [fake_trove.add_backup(id_) for id_ in ids]
    fake_trove.fail('GET', '/backups', 404, times=None)
    answers = batch_reads.read_backups(client, backups)
    assert {answer.id for answer in answers.values()} == set(backups)


def test_404_to_a_list_of_instances_does_not_mean_that_they_are_gone(
        client, fake_trove, ids):
    fake_trove.fail('GET', '/instances*', 404, times=2)
    answers = batch_reads.InstanceReader().read(client, ids)
    assert {answer.id for answer in answers.values()} == set(ids)


@pytest.fixture
def many_backups(fake_trove, ids):
    """The ids of 100 backups, in the order of Trove's list."""
    return [fake_trove.add_backup(ids[0]) for _ in range(100)]


def test_few_backups_of_a_large_project_are_read_one_by_one(
        client, fake_trove, many_backups):
    wanted = many_backups[-3:]
    answers = batch_reads.read_backups(client, wanted, 100)
    assert set(answers) == set(wanted)
    assert not fake_trove.find_requests('GET', '/backups')


def test_many_backups_of_a_large_project_are_read_in_pages(
        client, fake_trove, many_backups):
    wanted = many_backups[-40:]
    answers = batch_reads.read_backups(client, wanted, 100)
    assert set(answers) == set(wanted)
    assert not fake_trove.find_requests('GET', '/backups/*')
    assert len(fake_trove.find_requests('GET', '/backups')) == 2


def test_page_has_at_least_the_given_size(client, fake_trove, many_backups):
    wanted = many_backups[-40:]
    answers = batch_reads.read_backups(client, wanted, least_size=100)
    assert set(answers) == set(wanted)
    assert len(fake_trove.requests) == 1


def test_deleted_instances_do_not_make_the_list_longer(client, fake_trove):
    # Three pages have all instances.
    ids = [fake_trove.add_instance() for _ in range(55)]
    deleted = ids[:8]
    for id_ in deleted:
        del fake_trove.instances[id_]
    reader = batch_reads.InstanceReader()
    answers = reader.read(client, ids[:10])
    assert [id_ for id_ in ids[:10] if isinstance(
        answers[id_], errors.NotFound)] == deleted
    fake_trove.requests.clear()
    reader.read(client, ids[20:30])
    assert len(fake_trove.find_requests('GET', '/instances*')) <= 3


def test_deadline_of_the_client_is_not_an_answer_about_an_object(
        client, clock, fake_trove, ids):
    backups = [fake_trove.add_backup(id_) for id_ in ids]
    fake_trove.fail('GET', '/backups', 403, times=None)
    fake_trove.fail('GET', '/backups/*', 404, takes=60.0)
    deadline = polling.Deadline(30.0, clock)
    with pytest.raises(errors.DeadlineExceeded):
        batch_reads.read_backups(client.with_deadline(deadline), backups)
