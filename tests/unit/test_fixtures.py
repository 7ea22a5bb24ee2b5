"""Tests of the fixtures: the fake Trove, the clock and Karbor's records."""

from karbor.services.protection import client_factory
from keystoneauth1 import exceptions as keystone_exceptions
import pytest
from troveclient import exceptions as trove_exceptions

from tests.fake_trove import keystone


@pytest.fixture
def client(fake_trove, context):
    return client_factory.ClientFactory.create_client('trove', context)


def test_requests_have_the_tokens_of_user_and_service(
        client, fake_trove, resource):
    client.instances.get(resource.id)
    headers = fake_trove.requests[-1].headers
    assert headers['X-Auth-Token'] == keystone.TOKEN
    assert headers['X-Service-Token'] == keystone.SERVICE_TOKEN


def test_client_without_session_reaches_fake_trove(
        fake_trove, context, resource, monkeypatch):
    monkeypatch.setattr(client_factory.ClientFactory, '_generate_session',
                        lambda *args: None)
    client = client_factory.ClientFactory.create_client('trove', context)
    assert client.instances.get(resource.id).name == 'orders'
    fake_trove.fail('GET', '/instances/*', 'reset')
    with pytest.raises(trove_exceptions.ConnectionRefused):
        client.instances.get(resource.id)


@pytest.mark.parametrize('fault, raised', [
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
def test_fault_affects_one_request(
        client, fake_trove, resource, fault, raised):
    fake_trove.fail('GET', '/instances/*', fault)
    with pytest.raises(raised):
        client.instances.get(resource.id)
    assert client.instances.get(resource.id).id == resource.id


def test_keystoneauth_retries_after_one_refused_token(
        client, fake_trove, resource):
    fake_trove.refuse_tokens(times=1)
    assert client.instances.get(resource.id).id == resource.id
    assert len(fake_trove.find_requests('GET', '/instances/*')) == 2
    fake_trove.refuse_tokens()
    with pytest.raises(trove_exceptions.Unauthorized):
        client.instances.get(resource.id)


def test_request_with_lost_response_creates_backup(
        client, fake_trove, resource):
    fake_trove.fail('POST', '/backups', 'reset', after=True)
    with pytest.raises(keystone_exceptions.ConnectFailure):
        client.backups.create('nightly', resource.id)
    assert [backup['name'] for backup in fake_trove.backups.values()] == [
        'nightly']


def test_lost_request_creates_no_backup(client, fake_trove, resource):
    fake_trove.fail('POST', '/backups', 'reset')
    with pytest.raises(keystone_exceptions.ConnectFailure):
        client.backups.create('nightly', resource.id)
    assert not fake_trove.backups


def test_fault_with_duration_advances_the_clock(
        client, fake_trove, clock, resource):
    fake_trove.fail('GET', '/instances/*', 504, takes=30)
    before = clock.now()
    with pytest.raises(trove_exceptions.GatewayTimeout):
        client.instances.get(resource.id)
    assert clock.now() == before + 30


def test_records_store_status_as_karbor_does(restore, verify):
    for record in (restore, verify):
        record.update_resource_status('OS::Trove::Instance', '1', 'error',
                                      'no valid host')
        record.save()
        assert record.saved == [{
            'resources_status': {'OS::Trove::Instance#1': 'error'},
            'resources_reason': {'OS::Trove::Instance#1': 'no valid host'}}]


def test_bank_section_has_karbors_path(bank, checkpoint):
    section = checkpoint.get_resource_bank_section('1')
    section.update_object('metadata', {'size': 2})
    assert bank.get_object(
        '/checkpoints/%s/resource-data/1/metadata' % checkpoint.id
    ) == {'size': 2}
