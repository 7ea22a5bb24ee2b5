"""Karbor's options, and Keystone during the connection."""

import re

from karbor.services.protection import client_factory
import pytest
import requests
import requests_mock

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import connect
from tests.fake_trove import keystone


@pytest.mark.parametrize('option, value, verify', [
    ('trove_ca_cert_file', '/etc/ssl/cloud.pem', '/etc/ssl/cloud.pem'),
    ('trove_auth_insecure', True, False)])
def test_certificate_options_of_karbor_apply_to_requests(
        http_layer, karbor_conf, context, fake_trove, resource, option, value,
        verify):
    karbor_conf.set_override(option, value, 'trove_client')
    connect.connect(context).get_instance(resource.id)
    assert fake_trove.mocker.last_request.verify == verify


@pytest.mark.parametrize('fault', [
    {'status_code': 503}, {'exc': requests.exceptions.ConnectionError}])
@pytest.mark.parametrize('auth_url', ['', '/v3'])
def test_request_during_keystone_outage_is_unreachable(
        context, fake_trove, resource, karbor_conf, fault, auth_url):
    factory = client_factory.ClientFactory
    factory.get_keystone_plugin()  # This registers the option.
    karbor_conf.set_override('auth_url', keystone.URL + auth_url, 'trustee')
    factory._keystone_plugin = None
    client = connect.connect(context)
    fake_trove.mocker.register_uri(requests_mock.ANY,
                                   re.compile(keystone.URL), **fault)
    with pytest.raises(errors.Unreachable):
        client.get_instance(resource.id)


def test_service_token_needs_no_discovery_of_versions(
        context, fake_trove, resource, refused_discovery):
    connect.connect(context).get_instance(resource.id)
    [request] = fake_trove.requests
    assert request.headers['X-Service-Token']


@pytest.mark.parametrize('seconds, expected', [
    (None, (timeouts.HTTP_CONNECT, timeouts.HTTP_READ)),
    (3.0, (3.0, 3.0))])
def test_connect_with_hanging_keystone_sends_one_request_with_timeouts(
        context, fake_trove, clock, seconds, expected):
    """Karbor would read Keystone's versions without a timeout."""
    mocker = fake_trove.mocker
    mocker.register_uri(requests_mock.ANY, re.compile(keystone.URL),
                        exc=requests.exceptions.ReadTimeout)
    with pytest.raises(errors.Unreachable, match=keystone.URL):
        connect.connect(context, seconds and polling.Deadline(seconds, clock))
    [request] = mocker.request_history
    assert request.timeout == expected


def test_second_connect_sends_no_request_to_keystone(context, fake_trove):
    connect.connect(context)
    count = len(fake_trove.mocker.request_history)
    connect.connect(context)
    assert len(fake_trove.mocker.request_history) == count
