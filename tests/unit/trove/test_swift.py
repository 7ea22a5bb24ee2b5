"""Where an object of a backup is looked for, and who may be asked."""

from karbor.services.protection import client_factory
import pytest

from karbor_trove import errors
from karbor_trove.trove import connect
from karbor_trove.trove import swift
from tests.fake_trove import keystone
from tests.fake_trove import serialization

FOREIGN = 'http://swift.example.com:8080/v1/AUTH_of-trove/backups/one.tar.gz'


@pytest.fixture
def location(fake_trove, resource):
    """The URL of a complete backup's object."""
    return serialization.location(
        fake_trove.backups[fake_trove.add_backup(resource.id)])


def test_an_object_is_seen_and_removed(fake_trove, context, location):
    gateway = connect.connect(context)
    assert swift.object_exists(gateway, location)
    fake_trove.backups.clear()
    assert not swift.object_exists(gateway, location)
    fake_trove.leftover_objects.add(location)
    swift.delete_object(gateway, location)
    assert not fake_trove.objects.list_urls()


def test_the_catalogs_way_is_taken_not_that_of_troves_guest(
        fake_trove, context, location):
    assert swift.object_exists(
        connect.connect(context),
        location.replace(
            serialization.SWIFT_URL,
            'http://192.0.2.7:8080/swift'))


@pytest.mark.parametrize('code', [401, 403])
def test_a_swift_that_refuses_does_not_say_that_it_is_gone(
        fake_trove, context, location, code):
    fake_trove.fail('HEAD', '/swift/*', code, times=None)
    with pytest.raises(errors.Rejected):
        swift.object_exists(connect.connect(context), location)


def test_what_is_in_an_account_of_troves_own_is_not_asked_for(
        fake_trove, context):
    fake_trove.fail('HEAD', '/swift/*', 403, times=None)
    assert not swift.object_exists(connect.connect(context), FOREIGN)


@pytest.mark.parametrize('token', ['without Swift', 'bare'])
def test_a_cloud_without_swift_has_no_object(
        fake_trove, context, location, monkeypatch, token):
    fake_trove.fail('HEAD', '*', 403, times=None)
    if token == 'bare':
        monkeypatch.setattr(client_factory.ClientFactory, '_generate_session',
                            lambda *args: None)
    else:
        told = keystone.build_token()
        told['token']['catalog'] = [
            one for one in told['token']['catalog'] if one['name'] != 'swift']
        context._auth_token_info = told
    assert not swift.object_exists(connect.connect(context), location)
