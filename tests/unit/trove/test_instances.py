"""An instance that nobody wants is gone in the end, or it is told."""

import pytest

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import connect
from karbor_trove.trove import instances


@pytest.fixture
def dispose(context, clock):
    return lambda instance_id, within=100.0: instances.delete_instance(
        connect.connect(context), instance_id, within,
        polling.Poller(5.0, clock))


def test_it_is_gone_when_the_wait_is_over(dispose, fake_trove, resource):
    fake_trove.delete_seconds = 30.0
    dispose(resource.id)
    assert resource.id not in fake_trove.instances


def test_one_that_is_gone_already_is_no_failure(dispose, fake_trove,
                                                resource):
    del fake_trove.instances[resource.id]
    dispose(resource.id)


@pytest.mark.parametrize('method, trouble', [
    ('DELETE', 'reset'), ('DELETE', 422), ('DELETE', 503),
    ('GET', 'reset'), ('GET', 503)])
def test_what_passes_is_borne(dispose, fake_trove, resource, method, trouble):
    fake_trove.fail(method, '/instances/*', trouble, times=3)
    dispose(resource.id)
    assert resource.id not in fake_trove.instances


def test_an_answer_that_is_lost_is_borne(dispose, fake_trove, resource):
    fake_trove.fail('DELETE', '/instances/*', 'reset', after=True)
    dispose(resource.id)
    assert resource.id not in fake_trove.instances


def test_a_refusal_is_told_at_once(dispose, fake_trove, resource, clock):
    fake_trove.forbid()
    began = clock.now()
    with pytest.raises(errors.Rejected, match='HTTP 403'):
        dispose(resource.id)
    assert clock.now() == began


@pytest.mark.parametrize('prepare', [
    lambda fake: fake.next_delete(),
    lambda fake: fake.fail('DELETE', '/instances/*', 422, times=None),
    lambda fake: fake.fail('*', '*', 'refused', times=None)])
def test_asking_and_waiting_end_together(dispose, fake_trove, resource, clock,
                                         prepare):
    prepare(fake_trove)
    began = clock.now()
    with pytest.raises(errors.DeadlineExceeded, match='given up after 60 s'):
        dispose(resource.id, 60.0)
    assert clock.now() - began == pytest.approx(60)
    assert resource.id in fake_trove.instances
