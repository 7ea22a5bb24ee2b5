"""The gateway to Trove, at the HTTP boundary."""

import logging
import uuid

from karbor.services.protection import client_factory
import pytest

from karbor_trove import connect
from karbor_trove import errors
from karbor_trove import trove
from karbor_trove import values
from karbor_trove import waiting
from tests.fake_trove import Answer
from tests.fake_trove import keystone


@pytest.fixture(params=['session', 'bare token'])
def gateway(request, fake_trove, context, monkeypatch):
    """Both HTTP layers that Karbor may give."""
    if request.param == 'bare token':
        monkeypatch.setattr(client_factory.ClientFactory, '_generate_session',
                            lambda *args: None)
    return connect.connect(context)


@pytest.mark.parametrize('trouble', [
    'refused', 'reset', 'timeout', 'connect-timeout', 'broken', 408, 429, 500,
    502, 503, 504])
def test_no_usable_answer_may_be_asked_for_again(
        gateway, fake_trove, resource, trouble):
    fake_trove.fail('GET', '/instances/*', trouble)
    with pytest.raises(errors.Unreachable, match=resource.id) as raised:
        gateway.instance(resource.id)
    assert raised.value.__cause__ is not None
    assert gateway.instance(resource.id).name == 'orders'


@pytest.mark.parametrize('code', [400, 403, 405, 409, 413, 422])
def test_a_refusal_is_final_and_told(gateway, fake_trove, resource, code):
    fake_trove.fail('GET', '/instances/*', code)
    with pytest.raises(errors.Refused, match='HTTP %d' % code):
        gateway.instance(resource.id)


def test_a_refused_token_is_a_refusal(gateway, fake_trove, resource):
    fake_trove.refuse_tokens()
    with pytest.raises(errors.Refused, match='refused|401'):
        gateway.instance(resource.id)


def test_a_service_token_that_trove_refuses_is_left_out(
        context, fake_trove, resource):
    gateway = connect.connect(context)
    # keystoneauth itself asks once more.
    fake_trove.refuse_tokens(times=2)
    for _ in range(2):
        assert gateway.instance(resource.id).name == 'orders'
    assert ['X-Service-Token' in asked.headers
            for asked in fake_trove.requests] == [True, True, False, False]
    assert {asked.headers['X-Auth-Token']
            for asked in fake_trove.requests} == {keystone.TOKEN}


def test_what_is_not_there_is_gone(gateway, resource):
    for look in (gateway.instance, gateway.backup, gateway.delete_backup):
        with pytest.raises(errors.Gone):
            look(str(uuid.uuid4()))


@pytest.mark.parametrize('text', ['', 'null', '[]', '<html>Welcome</html>'])
def test_an_answer_that_is_not_troves_is_none(gateway, fake_trove, resource,
                                              text):
    request = values.BackupRequest(resource.id, 'nightly', 'of the night')
    for method, path, call in (
            ('GET', '/instances', gateway.instances),
            ('GET', '/instances/*', lambda: gateway.instance(resource.id)),
            ('POST', '/backups', lambda: gateway.create_backup(request))):
        fake_trove.fail(method, path, Answer(200, text))
        with pytest.raises(errors.Unreachable, match='not JSON'):
            call()


@pytest.mark.parametrize('told, pause', [
    ('17', 17.0), ('Fri, 02 Jan 2026 00:00:00 GMT', None), (None, None)])
def test_the_pause_that_trove_asks_for_is_kept(
        gateway, fake_trove, resource, told, pause):
    headers = {'Retry-After': told} if told else {}
    fake_trove.fail('GET', '/instances/*', Answer(503, '', headers))
    with pytest.raises(errors.Unreachable) as raised:
        gateway.instance(resource.id)
    assert raised.value.retry_after == pause


def test_every_request_has_a_limit(gateway, fake_trove, resource):
    gateway.instance(resource.id)
    gateway.instances()
    assert {asked.timeout for asked in fake_trove.requests} == {
        (trove.CONNECT_TIMEOUT, trove.READ_TIMEOUT)}


def test_all_requests_together_end_by_the_deadline(
        context, fake_trove, resource, clock):
    gateway = connect.connect(context, waiting.Deadline(28.0, clock))
    gateway.instance(resource.id)
    clock.sleep(26)
    gateway.instance(resource.id)
    clock.sleep(2)
    with pytest.raises(errors.TookTooLong, match='given up after 28 s'):
        gateway.instance(resource.id)
    assert [asked.timeout for asked in fake_trove.requests] == [
        (5.0, 25.0), (2.0, 2.0)]


def test_a_list_that_repeats_itself_ends(gateway, fake_trove, monkeypatch):
    id_ = fake_trove.add_instance()
    page = '{"instances": [{"id": "%s"}], "links": [{"rel": "next", "href": ' \
           '"http://trove.example.com/v1.0/p/instances?marker=%s"}]}' % (
               id_, id_)
    fake_trove.fail('GET', '/instances', Answer(200, page), times=None)
    assert {found.id for found in gateway.instances()} == {id_}
    assert len(fake_trove.asked('GET', '/instances')) == 2


def test_a_list_sends_no_request_for_what_it_does_not_tell(
        gateway, fake_trove):
    fake_trove.add_instance()
    [listed] = gateway.instances()
    assert listed.fault is None
    assert len(fake_trove.requests) == 1


def test_an_instance_with_next_to_nothing_told_is_read():
    assert values.instance_from({'id': '1'}) == values.Instance('1')
    assert values.instance_from({
        'id': '1', 'flavor': None, 'datastore': None, 'volume': None,
        'access': None, 'addresses': None, 'fault': None,
        'replica_of': None, 'configuration': None}) == values.Instance('1')


def test_no_token_is_ever_logged(gateway, fake_trove, resource, caplog):
    caplog.set_level(logging.DEBUG)
    gateway.instance(resource.id)
    fake_trove.refuse_tokens()
    with pytest.raises(errors.Refused):
        gateway.instance(resource.id)
    assert keystone.TOKEN not in caplog.text
