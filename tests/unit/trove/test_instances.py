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


def test_refused_deletion_is_requested_again_as_soon_as_the_status_changes(
        delete_instance, fake_trove, resource, clock):
    fake_trove.instances[resource.id]['status'] = 'BUILD'
    fake_trove.timeline.after(200.0, lambda at: fake_trove.instances[
        resource.id].update(status='ACTIVE'))
    start = clock.now()
    delete_instance(resource.id, timeout=3600.0)
    assert resource.id not in fake_trove.instances
    assert 200 <= clock.now() - start < 220
    # The requests after 0, 10, 30, 70 and 150 s are refused.
    assert len(fake_trove.find_requests('DELETE', '/instances/*')) == 6


@pytest.mark.parametrize('is_refused', [True, False])
def test_deletion_uses_the_wait_of_the_caller(
        context, fake_trove, resource, clock, is_refused):
    fake_trove.delete_seconds = 60.0
    if is_refused:
        fake_trove.fail('DELETE', '/instances/*', 422)
    poller = polling.Poller(5.0, clock)
    waits = []

    def wait_for_instance(client, instance_id, check, deadline, description):
        waits.append(description)
        count = len(fake_trove.requests)
        try:
            return poller.wait_for(
                lambda: check(client.get_instance(instance_id)), deadline,
                description)
        finally:
            polls.extend(fake_trove.requests[count:])

    polls = []
    instances.delete_and_wait(connect.connect(context), resource.id, 1000.0,
                              poller, wait_for_instance)
    assert resource.id not in fake_trove.instances
    requested = 'instance %s could not be deleted' % resource.id
    assert waits == [requested] * is_refused + [
        'instance %s is not deleted yet' % resource.id]
    # Every other request is of an attempt: a GET and a DELETE.
    assert len(fake_trove.requests) - len(polls) == 2 + 2 * is_refused
    assert {request.method for request in polls} == {'GET'}
