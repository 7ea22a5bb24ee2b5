"""The way from Karbor to the fake Trove is the real one."""

from karbor.services.protection import client_factory
from keystoneauth1 import exceptions as keystone_exceptions
import pytest
from troveclient import exceptions as trove_exceptions

from tests.fake_trove import keystone


@pytest.fixture
def client(fake_trove, context):
    return client_factory.ClientFactory.create_client('trove', context)


def test_requests_carry_the_users_and_the_services_token(
        client, fake_trove, resource):
    client.instances.get(resource.id)
    headers = fake_trove.requests[-1].headers
    assert headers['X-Auth-Token'] == keystone.TOKEN
    assert headers['X-Service-Token'] == keystone.SERVICE_TOKEN


def test_without_a_session_the_client_gets_there_too(
        fake_trove, context, resource, monkeypatch):
    monkeypatch.setattr(client_factory.ClientFactory, '_generate_session',
                        lambda *args: None)
    client = client_factory.ClientFactory.create_client('trove', context)
    assert client.instances.get(resource.id).name == 'orders'
    fake_trove.fail('GET', '/instances/*', 'reset')
    with pytest.raises(trove_exceptions.ConnectionRefused):
        client.instances.get(resource.id)


@pytest.mark.parametrize('trouble, raised', [
    ('refused', keystone_exceptions.ConnectFailure),
    ('reset', keystone_exceptions.ConnectFailure),
    ('timeout', keystone_exceptions.ConnectTimeout),
    ('connect-timeout', keystone_exceptions.ConnectTimeout),
    (403, trove_exceptions.Forbidden),
    (413, trove_exceptions.RequestEntityTooLarge),
    (429, trove_exceptions.HttpError),
    (500, trove_exceptions.InternalServerError),
    (503, trove_exceptions.ServiceUnavailable),
])
def test_an_ordered_fault_strikes_once(
        client, fake_trove, resource, trouble, raised):
    fake_trove.fail('GET', '/instances/*', trouble)
    with pytest.raises(raised):
        client.instances.get(resource.id)
    assert client.instances.get(resource.id).id == resource.id


def test_keystoneauth_bears_one_refused_token_by_itself(
        client, fake_trove, resource):
    fake_trove.refuse_tokens(times=1)
    assert client.instances.get(resource.id).id == resource.id
    assert len(fake_trove.find_requests('GET', '/instances/*')) == 2
    fake_trove.refuse_tokens()
    with pytest.raises(trove_exceptions.Unauthorized):
        client.instances.get(resource.id)


def test_a_lost_answer_has_had_its_effect(client, fake_trove, resource):
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    with pytest.raises(keystone_exceptions.ConnectFailure):
        client.backups.create('nightly', resource.id)
    assert [of['name'] for of in fake_trove.backups.values()] == ['nightly']


def test_a_request_refused_on_the_way_has_none(client, fake_trove, resource):
    fake_trove.fail('POST', '/backups', 'reset')
    with pytest.raises(keystone_exceptions.ConnectFailure):
        client.backups.create('nightly', resource.id)
    assert not fake_trove.backups


def test_a_fault_may_take_its_time(client, fake_trove, clock, resource):
    fake_trove.fail('GET', '/instances/*', 504, takes=30)
    before = clock.now()
    with pytest.raises(trove_exceptions.GatewayTimeout):
        client.instances.get(resource.id)
    assert clock.now() == before + 30


def test_records_are_karbors_own(restore, verify):
    for record in (restore, verify):
        record.update_resource_status('OS::Trove::Instance', '1', 'error',
                                      'no valid host')
        record.save()
        assert record.saved == [{
            'resources_status': {'OS::Trove::Instance#1': 'error'},
            'resources_reason': {'OS::Trove::Instance#1': 'no valid host'}}]


def test_the_bank_and_its_checkpoint_are_karbors_own(bank, checkpoint):
    section = checkpoint.get_resource_bank_section('1')
    section.update_object('metadata', {'size': 2})
    assert bank.get_object(
        '/checkpoints/%s/resource-data/1/metadata' % checkpoint.id
    ) == {'size': 2}
