"""Deletion of an instance and the wait for its end."""

import pytest

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import connect
from karbor_trove.trove import instances


@pytest.fixture
def delete_instance(context, clock):
    return lambda instance_id, timeout=100.0: instances.delete_and_wait(
        connect.connect(context), instance_id, timeout,
        polling.Poller(5.0, clock))


def test_delete_instance_returns_when_the_instance_is_deleted(
        delete_instance, fake_trove, resource):
    fake_trove.delete_seconds = 30.0
    delete_instance(resource.id)
    assert resource.id not in fake_trove.instances


def test_delete_instance_succeeds_if_it_is_deleted_already(
        delete_instance, fake_trove, resource):
    del fake_trove.instances[resource.id]
    delete_instance(resource.id)


@pytest.mark.parametrize('method, fault', [
    ('DELETE', 'reset'), ('DELETE', 422), ('DELETE', 503),
    ('GET', 'reset'), ('GET', 503)])
def test_delete_instance_retries_transient_errors(
        delete_instance, fake_trove, resource, method, fault):
    fake_trove.fail(method, '/instances/*', fault, times=3)
    delete_instance(resource.id)
    assert resource.id not in fake_trove.instances


def test_delete_instance_recovers_from_a_lost_response(
        delete_instance, fake_trove, resource):
    fake_trove.fail('DELETE', '/instances/*', 'reset', after=True)
    delete_instance(resource.id)
    assert resource.id not in fake_trove.instances


def test_delete_instance_fails_at_once_if_trove_forbids_it(
        delete_instance, fake_trove, resource, clock):
    fake_trove.forbid()
    start = clock.now()
    with pytest.raises(errors.Rejected, match='HTTP 403'):
        delete_instance(resource.id)
    assert clock.now() == start


@pytest.mark.parametrize('prepare', [
    lambda fake: fake.next_delete(),
    lambda fake: fake.fail('DELETE', '/instances/*', 422, times=None),
    lambda fake: fake.fail('*', '*', 'refused', times=None)],
    ids=['deletion hangs', 'instance stays busy', 'outage'])
def test_delete_instance_fails_at_its_timeout(
        delete_instance, fake_trove, resource, clock, prepare):
    prepare(fake_trove)
    start = clock.now()
    with pytest.raises(errors.DeadlineExceeded, match='given up after 60 s'):
        delete_instance(resource.id, 60.0)
    assert clock.now() - start == pytest.approx(60)
    assert resource.id in fake_trove.instances


def test_instance_whose_server_is_lost_is_deleted_after_5_minutes(
        delete_instance, fake_trove, resource, clock):
    fake_trove.lose_server(resource.id)
    start = clock.now()
    delete_instance(resource.id, timeout=3600.0)
    assert resource.id not in fake_trove.instances
    assert 300 <= clock.now() - start < 400


def test_instance_that_is_being_deleted_gets_no_second_request(
        delete_instance, fake_trove, resource, context):
    fake_trove.delete_seconds = 200.0
    connect.connect(context).delete_instance(resource.id)
    delete_instance(resource.id, timeout=3600.0)
    assert len(fake_trove.find_requests('DELETE', '/instances/*')) == 1
