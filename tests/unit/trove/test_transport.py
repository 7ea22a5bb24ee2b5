"""Timeouts, patched troveclient and error translation, at the HTTP boundary.
"""

import logging

import pytest

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import connect
from karbor_trove.trove import models
from tests.fake_trove import keystone
from tests.fake_trove import Response


@pytest.mark.parametrize('fault', [
    'refused', 'reset', 'timeout', 'connect-timeout', 'broken', 408, 429, 500,
    502, 503, 504])
def test_request_without_usable_response_is_unreachable_and_can_be_retried(
        client, fake_trove, resource, fault):
    fake_trove.fail('GET', '/instances/*', fault)
    with pytest.raises(errors.Unreachable, match=resource.id) as raised:
        client.get_instance(resource.id)
    assert raised.value.__cause__ is not None
    assert client.get_instance(resource.id).name == 'orders'


@pytest.mark.parametrize('code', [400, 403, 405, 409, 413, 422])
def test_permanent_http_error_is_rejected_with_its_status(
        client, fake_trove, resource, code):
    fake_trove.fail('GET', '/instances/*', code)
    with pytest.raises(errors.Rejected, match='HTTP %d' % code):
        client.get_instance(resource.id)


def test_expired_token_is_rejected(client, fake_trove, resource):
    fake_trove.refuse_tokens()
    with pytest.raises(errors.Rejected, match='refused|401'):
        client.get_instance(resource.id)


def test_service_token_is_omitted_after_trove_rejects_it(
        context, fake_trove, resource):
    client = connect.connect(context)
    # keystoneauth itself retries once.
    fake_trove.refuse_tokens(times=2)
    for _ in range(2):
        assert client.get_instance(resource.id).name == 'orders'
    assert ['X-Service-Token' in request.headers
            for request in fake_trove.requests] == [True, True, False, False]
    assert {request.headers['X-Auth-Token']
            for request in fake_trove.requests} == {keystone.TOKEN}


@pytest.mark.parametrize('code', [200, 202, 300])
@pytest.mark.parametrize('text', [
    '', 'null', '[]', '{}', '"well"', '<html>Welcome</html>',
    '{"versions": []}', '{"instances": null, "instance": null, '
    '"backup": null}', '{"instance": {}, "instances": [{}], "backup": []}'])
def test_successful_response_of_another_server_is_unreachable(
        client, fake_trove, resource, text, code):
    request = models.BackupRequest(resource.id, 'nightly', 'of the night')
    for method, path, call in (
            ('GET', '/instances', client.list_instances),
            ('GET', '/instances/*', lambda: client.get_instance(resource.id)),
            ('POST', '/backups', lambda: client.create_backup(request))):
        fake_trove.fail(method, path, Response(code, text))
        with pytest.raises(errors.Unreachable,
                           match='not a response of Trove'):
            call()


@pytest.mark.parametrize('code, expected', [
    (403, errors.Rejected), (404, errors.NotFound), (503, errors.Unreachable)])
@pytest.mark.parametrize('text', [
    '{}', '[]', 'null', '{"error": "upstream away"}', '{"detail": ["a"]}',
    '<html>Sorry</html>', '{"message": "plain"}'])
def test_error_response_of_another_server_is_translated_by_its_status(
        client, fake_trove, resource, text, code, expected):
    fake_trove.fail('GET', '/instances/*', Response(code, text))
    with pytest.raises(expected, match='HTTP %d' % code):
        client.get_instance(resource.id)


@pytest.mark.parametrize('header, seconds', [
    ('17', 17.0), ('Fri, 02 Jan 2026 00:00:00 GMT', None), (None, None)])
def test_retry_after_is_parsed_if_it_is_a_number(
        client, fake_trove, resource, header, seconds):
    headers = {'Retry-After': header} if header else {}
    fake_trove.fail('GET', '/instances/*', Response(503, '', headers))
    with pytest.raises(errors.Unreachable) as raised:
        client.get_instance(resource.id)
    assert raised.value.retry_after == seconds


def test_every_request_has_timeouts(client, fake_trove, resource):
    client.get_instance(resource.id)
    client.list_instances()
    assert {request.timeout for request in fake_trove.requests} == {
        (timeouts.HTTP_CONNECT, timeouts.HTTP_READ)}


def test_timeouts_of_requests_end_at_the_deadline(
        context, fake_trove, resource, clock):
    client = connect.connect(context, polling.Deadline(28.0, clock))
    client.get_instance(resource.id)
    clock.sleep(26)
    client.get_instance(resource.id)
    clock.sleep(2)
    with pytest.raises(errors.DeadlineExceeded, match='given up after 28 s'):
        client.get_instance(resource.id)
    assert [request.timeout for request in fake_trove.requests] == [
        (5.0, 10.0), (2.0, 2.0)]


def test_tokens_are_never_logged(client, fake_trove, resource, caplog):
    caplog.set_level(logging.DEBUG)
    client.get_instance(resource.id)
    fake_trove.refuse_tokens()
    with pytest.raises(errors.Rejected):
        client.get_instance(resource.id)
    assert keystone.TOKEN not in caplog.text
