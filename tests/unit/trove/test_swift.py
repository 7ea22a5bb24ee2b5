"""Paths of objects in Swift, and the rights of the user."""

from karbor.services.protection import client_factory
import pytest

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove.trove import connect
from karbor_trove.trove import swift
from tests.fake_trove import cloud
from tests.fake_trove import keystone
from tests.fake_trove import Response
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


def test_object_is_read_with_the_users_token_alone_after_a_401(
        fake_trove, context, location):
    """Swift may reject the service token. The session repeats a 401 once."""
    fake_trove.fail('HEAD', '/swift/*', 401, times=2)
    assert swift.object_exists(connect.connect(context), location)
    assert ['X-Service-Token' in request.headers
            for request in fake_trove.mocker.request_history
            if request.method == 'HEAD'] == [True, True, False]


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


@pytest.fixture
def delete_leftover(fake_trove, context, location):
    """Return a function that deletes the object of a deleted backup."""
    poller = polling.Poller(1.0, fake_trove.clock)

    def delete():
        fake_trove.backups.clear()
        fake_trove.leftover_objects.add(location)
        swift.delete_leftover_object(connect.connect(context), location,
                                     poller.deadline(60.0), poller)
    return delete


@pytest.mark.parametrize('segments', [0, 1, 3])
def test_object_is_deleted_with_all_its_segments_if_it_has_any(
        fake_trove, delete_leftover, segments):
    fake_trove.objects.segment_count = segments
    delete_leftover()
    assert not fake_trove.objects.list_urls()


@pytest.mark.parametrize('fault', [
    'foreign-404', 'foreign-404-text', 'foreign-200', 503])
@pytest.mark.parametrize('method', ['HEAD', 'DELETE'])
def test_answer_of_another_server_does_not_delete_an_object(
        fake_trove, delete_leftover, method, fault):
    fake_trove.fail(method, '/swift/*', fault, times=None)
    with pytest.raises(errors.DeadlineExceeded, match='may still hold'):
        delete_leftover()
    assert fake_trove.objects.list_urls()


@pytest.mark.parametrize('fault', ['foreign-404', 'foreign-200'])
def test_answer_of_another_server_does_not_make_an_object_missing(
        fake_trove, context, location, fault):
    fake_trove.fail('HEAD', '/swift/*', fault)
    with pytest.raises(errors.Unreachable):
        swift.object_exists(connect.connect(context), location)


def test_partial_deletion_of_a_manifest_is_repeated(
        fake_trove, delete_leftover):
    fake_trove.objects.segment_count = 2
    fake_trove.fail('DELETE', '/swift/*', Response(
        200, '{"Response Status": "400 Bad Request", "Errors": [["/c/s", '
        '"409 Conflict"]], "Number Deleted": 1}',
        {'X-Trans-Id': 'tx1', 'Content-Type': 'application/json'}))
    delete_leftover()
    assert [request.method for request in fake_trove.mocker.request_history
            ][-2:] == ['HEAD', 'DELETE']
    assert not fake_trove.objects.list_urls()


@pytest.mark.parametrize('location', [
    'http://swift.example.com/v1/AUTH_x/..', 'http://swift/../x',
    'http://swift/v1/AUTH_x/c/', 'http://swift/./x'])
def test_location_that_is_no_path_of_an_object_is_not_requested(
        fake_trove, context, location):
    assert not swift.object_exists(connect.connect(context), location)
    assert not [request for request in fake_trove.mocker.request_history
                if request.url.startswith(serialization.SWIFT_URL)]


def test_account_has_a_url_once_swift_has_responded(fake_trove, context):
    client = connect.connect(context)
    # The fake responds with 404 for an account, as Swift does for one that
    # does not exist yet.
    assert swift.find_account_url(client) == (
        '%s/v1/AUTH_%s' % (serialization.SWIFT_URL, cloud.PROJECT))
    fake_trove.fail('HEAD', '/swift/*', 503, times=None)
    with pytest.raises(errors.Unreachable):
        swift.find_account_url(client)


def test_account_has_no_url_without_swift_in_the_catalog(fake_trove, context):
    catalog = context.auth_token_info['token']['catalog']
    catalog[:] = [service for service in catalog
                  if service['type'] != 'object-store']
    assert swift.find_account_url(connect.connect(context)) is None
