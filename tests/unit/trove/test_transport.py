"""Timeouts, patched troveclient and error translation, at the HTTP boundary.
"""

import contextlib
import json
import logging

from keystoneauth1 import plugin
import pytest
import requests

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


@pytest.mark.parametrize('message, expected', [
    ('[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate',
     errors.Rejected),
    ('[SSL: TLSV1_ALERT_INTERNAL_ERROR] tlsv1 alert', errors.Unreachable)])
def test_certificate_that_is_not_valid_is_rejected_and_other_tls_errors_not(
        client, fake_trove, resource, message, expected):
    fake_trove.fail('GET', '/instances/*',
                    requests.exceptions.SSLError(message))
    with pytest.raises(errors.KarborTroveError) as raised:
        client.get_instance(resource.id)
    assert type(raised.value) is expected
    assert message in str(raised.value)


def test_expired_token_is_rejected(client, fake_trove, resource):
    fake_trove.refuse_tokens()
    with pytest.raises(errors.Rejected, match='refused|401'):
        client.get_instance(resource.id)


def test_service_token_is_sent_again_after_trove_rejected_it_once(
        context, fake_trove, resource):
    client = connect.connect(context)
    # keystoneauth itself retries once.
    fake_trove.refuse_tokens(times=2)
    for _ in range(2):
        assert client.get_instance(resource.id).name == 'orders'
    assert ['X-Service-Token' in request.headers
            for request in fake_trove.requests] == [True, True, False, True]
    assert {request.headers['X-Auth-Token']
            for request in fake_trove.requests} == {keystone.TOKEN}


@pytest.mark.parametrize('code, expected', [
    (404, errors.NotFound), (403, errors.Rejected), (422, errors.Busy),
    (503, errors.Unreachable)])
def test_error_response_to_the_users_token_alone_is_translated(
        context, fake_trove, resource, code, expected):
    client = connect.connect(context)
    fake_trove.refuse_tokens(times=2)
    fake_trove.fail('GET', '/instances/*', code)
    with pytest.raises(errors.KarborTroveError) as raised:
        client.get_instance(resource.id)
    assert type(raised.value) is expected
    assert ['X-Service-Token' in request.headers
            for request in fake_trove.requests] == [True, True, False]


@pytest.mark.parametrize('times, code, count', [
    (2, 200, 1), (2, 404, 1), (None, 401, 0)])
def test_rejected_service_token_is_logged_once_if_the_users_is_accepted(
        context, fake_trove, resource, caplog, times, code, count):
    client = connect.connect(context)
    for _ in range(2):
        fake_trove.refuse_tokens(times)
        if code == 404:
            fake_trove.fail('GET', '/instances/*', code)
        with contextlib.suppress(errors.Rejected, errors.NotFound):
            client.get_instance(resource.id)
    assert caplog.text.count('rejects Karbor\'s service token') == count


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


@pytest.mark.parametrize('code', [400, 401, 403, 404, 413, 422, 501, 503])
@pytest.mark.parametrize('text', [
    '', '{}', '[]', 'null', '{"error": "upstream away"}', '{"detail": ["a"]}',
    '<html>Sorry</html>', '{"message": "no Route matched"}',
    '{"itemNotFound": {"code": 404}}', '{"error": {"message": "", "code": 7}}',
    '404 page not found', 'default backend - 404'])
def test_error_response_of_another_server_is_unreachable(
        client, fake_trove, resource, text, code):
    for method, path, call in (
            ('GET', '/instances/*', lambda: client.get_instance(resource.id)),
            ('DELETE', '/backups/*', lambda: client.delete_backup('x'))):
        fake_trove.fail(method, path, Response(code, text), times=None)
        with pytest.raises(errors.Unreachable, match='HTTP %d from %s' % (
                code, fake_trove.url)):
            call()


@pytest.mark.parametrize('code, expected', [
    (400, errors.Rejected), (403, errors.Rejected), (404, errors.NotFound),
    (413, errors.Rejected), (422, errors.Busy),
    (501, errors.Unsupported),
    (505, errors.Rejected), (500, errors.Unreachable),
    (503, errors.Unreachable), (507, errors.Unreachable),
    (408, errors.Unreachable), (429, errors.Unreachable)])
def test_error_response_of_trove_is_translated_by_its_status(
        client, fake_trove, resource, code, expected):
    body = {'fault': {'message': 'because', 'code': code}}
    fake_trove.fail('GET', '/instances/*', Response(code, json.dumps(body)))
    with pytest.raises(errors.KarborTroveError, match='because') as raised:
        client.get_instance(resource.id)
    assert type(raised.value) is expected


def test_url_that_trove_does_not_have_is_rejected_and_named(
        client, fake_trove, resource):
    fake_trove.fail('GET', '/instances/*', Response(404, (
        '404 Not Found\n\nThe resource could not be found.\n\n   ')))
    with pytest.raises(errors.Rejected, match=(
            'does not have the URL %s.*Check the endpoint' % fake_trove.url)):
        client.get_instance(resource.id)


@pytest.mark.parametrize('code, text', [(200, '<html>'), (202, 'ok')])
def test_response_of_another_server_to_a_deletion_is_unreachable(
        client, fake_trove, code, text):
    fake_trove.fail('DELETE', '/backups/*', Response(code, text))
    with pytest.raises(errors.Unreachable):
        client.delete_backup('x')


@pytest.mark.parametrize('error', [
    AttributeError('x'), KeyError('x'), TypeError('x'), ValueError('x')])
def test_fault_of_a_program_is_no_outage(client, error, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(client._api.client.session, 'request', fail)
    with pytest.raises(type(error)):
        client.list_instances()


def test_service_auth_without_get_access_is_used(
        context, fake_trove, resource, monkeypatch):
    class TokenOnly(plugin.BaseAuthPlugin):
        def get_token(self, session):
            return 'service'

    client = connect.connect(context)
    monkeypatch.setattr(client._api.client.session.auth, 'service_auth',
                        TokenOnly())
    assert client.get_instance(resource.id).name == 'orders'
    [request] = fake_trove.requests
    assert request.headers['X-Service-Token'] == 'service'


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
