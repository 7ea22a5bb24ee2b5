"""Paths of objects in Swift, and the rights of the user."""

from karbor.services.protection import client_factory
import pytest

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import connect
from karbor_trove.trove import swift
from tests.fake_trove import keystone
from tests.fake_trove import serialization

OTHER_ACCOUNT = (
    'http://swift.example.com:8080/v1/AUTH_of-trove/backups/one.tar.gz')


@pytest.fixture
def location(fake_trove, resource):
    """The URL of a complete backup's object."""
    return serialization.location(
        fake_trove.backups[fake_trove.add_backup(resource.id)])


def test_object_exists_until_it_is_deleted(fake_trove, context, location):
    client = connect.connect(context)
    assert swift.object_exists(client, location)
    fake_trove.backups.clear()
    assert not swift.object_exists(client, location)
    fake_trove.leftover_objects.add(location)
    poller = polling.Poller(1.0, fake_trove.clock)
    swift.delete_leftover_object(client, location, poller.deadline(60.0),
                                 poller)
    assert not fake_trove.objects.list_urls()


def test_object_is_read_at_the_endpoint_of_the_catalog(
        fake_trove, context, location):
    """The endpoint that Trove's guest uses may be another one."""
    assert swift.object_exists(connect.connect(context), location.replace(
        serialization.SWIFT_URL, 'http://192.0.2.7:8080/swift'))


@pytest.mark.parametrize('code', [401, 403])
def test_object_is_not_reported_missing_if_swift_rejects_the_user(
        fake_trove, context, location, code):
    fake_trove.fail('HEAD', '/swift/*', code, times=None)
    with pytest.raises(errors.Rejected):
        swift.object_exists(connect.connect(context), location)


def test_object_in_another_account_is_not_requested(fake_trove, context):
    fake_trove.fail('HEAD', '/swift/*', 403, times=None)
    assert not swift.object_exists(connect.connect(context), OTHER_ACCOUNT)


@pytest.mark.parametrize('token', ['without Swift', 'bare'])
def test_object_does_not_exist_without_swift_in_the_catalog(
        fake_trove, context, location, monkeypatch, token):
    fake_trove.fail('HEAD', '*', 403, times=None)
    if token == 'bare':
        monkeypatch.setattr(client_factory.ClientFactory, '_generate_session',
                            lambda *args: None)
    else:
        data = keystone.build_token()
        data['token']['catalog'] = [
            service for service in data['token']['catalog']
            if service['name'] != 'swift']
        context._auth_token_info = data
    assert not swift.object_exists(connect.connect(context), location)
