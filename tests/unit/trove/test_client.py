"""The gateway to Trove, at the HTTP boundary."""

import logging
import re
import uuid

from karbor.services.protection import client_factory
import pytest
import requests
import requests_mock
from troveclient.v1 import backups
from troveclient.v1 import instances

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import connect
from karbor_trove.trove import models
from karbor_trove.trove import serialization
from tests.fake_trove import Response
from tests.fake_trove import keystone


@pytest.fixture(params=['session', 'bare token'])
def layer(request, monkeypatch):
    """Both HTTP layers that Karbor may give."""
    if request.param == 'bare token':
        monkeypatch.setattr(client_factory.ClientFactory, '_generate_session',
                            lambda *args: None)


@pytest.fixture
def gateway(layer, fake_trove, context):
    return connect.connect(context)


@pytest.mark.parametrize('option, value, verify', [
    ('trove_ca_cert_file', '/etc/ssl/cloud.pem', '/etc/ssl/cloud.pem'),
    ('trove_auth_insecure', True, False)])
def test_the_operators_word_on_certificates_counts(
        layer, karbor_conf, context, fake_trove, resource, option, value,
        verify):
    karbor_conf.set_override(option, value, 'trove_client')
    connect.connect(context).get_instance(resource.id)
    assert fake_trove.mocker.last_request.verify == verify


@pytest.mark.parametrize('trouble', [
    'refused', 'reset', 'timeout', 'connect-timeout', 'broken', 408, 429, 500,
    502, 503, 504])
def test_no_usable_answer_may_be_asked_for_again(
        gateway, fake_trove, resource, trouble):
    fake_trove.fail('GET', '/instances/*', trouble)
    with pytest.raises(errors.Unreachable, match=resource.id) as raised:
        gateway.get_instance(resource.id)
    assert raised.value.__cause__ is not None
    assert gateway.get_instance(resource.id).name == 'orders'


@pytest.mark.parametrize('code', [400, 403, 405, 409, 413, 422])
def test_a_refusal_is_final_and_told(gateway, fake_trove, resource, code):
    fake_trove.fail('GET', '/instances/*', code)
    with pytest.raises(errors.Rejected, match='HTTP %d' % code):
        gateway.get_instance(resource.id)


def test_a_refused_token_is_a_refusal(gateway, fake_trove, resource):
    fake_trove.refuse_tokens()
    with pytest.raises(errors.Rejected, match='refused|401'):
        gateway.get_instance(resource.id)


def test_a_service_token_that_trove_refuses_is_left_out(
        context, fake_trove, resource):
    gateway = connect.connect(context)
    # keystoneauth itself asks once more.
    fake_trove.refuse_tokens(times=2)
    for _ in range(2):
        assert gateway.get_instance(resource.id).name == 'orders'
    assert ['X-Service-Token' in asked.headers
            for asked in fake_trove.requests] == [True, True, False, False]
    assert {asked.headers['X-Auth-Token']
            for asked in fake_trove.requests} == {keystone.TOKEN}


def test_what_is_not_there_is_gone(gateway, resource):
    for look in (gateway.get_instance, gateway.get_backup, gateway.delete_backup):
        with pytest.raises(errors.NotFound):
            look(str(uuid.uuid4()))


@pytest.mark.parametrize('code', [200, 202, 300])
@pytest.mark.parametrize('text', [
    '', 'null', '[]', '{}', '"well"', '<html>Welcome</html>',
    '{"versions": []}', '{"instances": null, "instance": null, '
    '"backup": null}', '{"instance": {}, "instances": [{}], "backup": []}'])
def test_an_answer_that_is_not_troves_is_none(gateway, fake_trove, resource,
                                              text, code):
    request = models.BackupRequest(resource.id, 'nightly', 'of the night')
    for method, path, call in (
            ('GET', '/instances', gateway.list_instances),
            ('GET', '/instances/*', lambda: gateway.get_instance(resource.id)),
            ('POST', '/backups', lambda: gateway.create_backup(request))):
        fake_trove.fail(method, path, Response(code, text))
        with pytest.raises(errors.Unreachable, match='not a response of'):
            call()


@pytest.mark.parametrize('code, raised', [
    (403, errors.Rejected), (404, errors.NotFound), (503, errors.Unreachable)])
@pytest.mark.parametrize('text', [
    '{}', '[]', 'null', '{"error": "upstream away"}', '{"detail": ["a"]}',
    '<html>Sorry</html>', '{"message": "plain"}'])
def test_an_error_that_is_not_troves_counts_by_its_code(
        gateway, fake_trove, resource, text, code, raised):
    fake_trove.fail('GET', '/instances/*', Response(code, text))
    with pytest.raises(raised, match='HTTP %d' % code):
        gateway.get_instance(resource.id)


@pytest.mark.parametrize('trouble', [503, 'refused'])
@pytest.mark.parametrize('auth_url', ['', '/v3'])
def test_a_keystone_that_is_away_may_be_asked_again(
        context, fake_trove, resource, karbor_conf, trouble, auth_url):
    factory = client_factory.ClientFactory
    factory.get_keystone_plugin()  # registers the option
    karbor_conf.set_override('auth_url', keystone.URL + auth_url, 'trustee')
    factory._keystone_plugin = None
    gateway = connect.connect(context)
    mocker = fake_trove.mocker
    if trouble == 'refused':
        mocker.register_uri(requests_mock.ANY, re.compile(keystone.URL),
                            exc=requests.exceptions.ConnectionError)
    else:
        mocker.register_uri(requests_mock.ANY, re.compile(keystone.URL),
                            status_code=trouble)
    with pytest.raises(errors.Unreachable):
        gateway.get_instance(resource.id)


@pytest.mark.parametrize('seconds, expected', [
    (None, (timeouts.HTTP_CONNECT, timeouts.HTTP_READ)),
    (3.0, (3.0, 3.0))])
def test_karbor_does_not_look_for_a_keystone_that_hangs(
        context, fake_trove, clock, seconds, expected):
    """Its own look for versions would wait without a limit."""
    mocker = fake_trove.mocker
    mocker.register_uri(requests_mock.ANY, re.compile(keystone.URL),
                        exc=requests.exceptions.ReadTimeout)
    with pytest.raises(errors.Unreachable, match=keystone.URL):
        connect.connect(context, seconds and polling.Deadline(seconds, clock))
    [asked] = mocker.request_history
    assert asked.timeout == expected


def test_a_keystone_that_karbor_knows_is_not_looked_for_again(
        context, fake_trove):
    connect.connect(context)
    known = len(fake_trove.mocker.request_history)
    connect.connect(context)
    assert len(fake_trove.mocker.request_history) == known


def test_a_client_too_old_for_an_option_says_so(
        gateway, fake_trove, resource, monkeypatch):
    def create(self, name, instance, description=None, parent_id=None,
               incremental=False, swift_container=None):
        raise AssertionError('not to be called')

    monkeypatch.setattr(backups.Backups, 'create', create)
    with pytest.raises(errors.Rejected, match='too old to send '
                       'storage_driver'):
        gateway.create_backup(models.BackupRequest(
            resource.id, 'nightly', 'of the night', storage_driver='cinder'))


def test_a_client_too_old_for_a_versions_number_does_without(
        gateway, fake_trove, resource, monkeypatch):
    seen = []

    def create(self, name, flavor_id=None, volume=None, restorePoint=None,
               datastore=None, datastore_version=None, **kwargs):
        seen.append(kwargs)
        return original(self, name, flavor_id, volume,
                        restorePoint=restorePoint, datastore=datastore,
                        datastore_version=datastore_version)

    original = instances.Instances.create
    monkeypatch.setattr(instances.Instances, 'create', create)
    backup_id = fake_trove.add_backup(resource.id)
    gateway.create_instance(models.InstanceRequest(
        'a', backup_id, 'again', datastore='postgresql',
        datastore_version='18', datastore_version_number='18.1',
        flavor_id='2', volume_size=2))
    assert seen == [{}]


@pytest.mark.parametrize('told, pause', [
    ('17', 17.0), ('Fri, 02 Jan 2026 00:00:00 GMT', None), (None, None)])
def test_the_pause_that_trove_asks_for_is_kept(
        gateway, fake_trove, resource, told, pause):
    headers = {'Retry-After': told} if told else {}
    fake_trove.fail('GET', '/instances/*', Response(503, '', headers))
    with pytest.raises(errors.Unreachable) as raised:
        gateway.get_instance(resource.id)
    assert raised.value.retry_after == pause


def test_every_request_has_a_limit(gateway, fake_trove, resource):
    gateway.get_instance(resource.id)
    gateway.list_instances()
    assert {asked.timeout for asked in fake_trove.requests} == {
        (timeouts.HTTP_CONNECT, timeouts.HTTP_READ)}


def test_all_requests_together_end_by_the_deadline(
        context, fake_trove, resource, clock):
    gateway = connect.connect(context, polling.Deadline(28.0, clock))
    gateway.get_instance(resource.id)
    clock.sleep(26)
    gateway.get_instance(resource.id)
    clock.sleep(2)
    with pytest.raises(errors.DeadlineExceeded, match='given up after 28 s'):
        gateway.get_instance(resource.id)
    assert [asked.timeout for asked in fake_trove.requests] == [
        (5.0, 10.0), (2.0, 2.0)]


def test_a_list_that_repeats_itself_ends(gateway, fake_trove, monkeypatch):
    id_ = fake_trove.add_instance()
    page = '{"instances": [{"id": "%s"}], "links": [{"rel": "next", "href": ' \
           '"http://trove.example.com/v1.0/p/instances?marker=%s"}]}' % (
               id_, id_)
    fake_trove.fail('GET', '/instances', Response(200, page), times=None)
    assert {found.id for found in gateway.list_instances()} == {id_}
    assert len(fake_trove.find_requests('GET', '/instances')) == 2


def test_a_list_sends_no_request_for_what_it_does_not_tell(
        gateway, fake_trove):
    fake_trove.add_instance()
    [listed] = gateway.list_instances()
    assert listed.fault is None
    assert len(fake_trove.requests) == 1


def test_an_instance_with_next_to_nothing_told_is_read():
    assert serialization.parse_instance({'id': '1'}) == models.Instance('1')
    assert serialization.parse_instance({
        'id': '1', 'flavor': None, 'datastore': None, 'volume': None,
        'access': None, 'addresses': None, 'fault': None,
        'replica_of': None, 'configuration': None}) == models.Instance('1')


def test_no_token_is_ever_logged(gateway, fake_trove, resource, caplog):
    caplog.set_level(logging.DEBUG)
    gateway.get_instance(resource.id)
    fake_trove.refuse_tokens()
    with pytest.raises(errors.Rejected):
        gateway.get_instance(resource.id)
    assert keystone.TOKEN not in caplog.text
