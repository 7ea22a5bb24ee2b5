"""Which endpoint of Swift is used, and how its certificate is verified."""

import re

from karbor.services.protection import client_factory
import pytest
import requests_mock

from karbor_trove import errors
from karbor_trove import options
from karbor_trove.trove import connect
from karbor_trove.trove import swift
from tests.fake_trove import cloud
from tests.fake_trove import keystone
from tests.fake_trove import serialization

ACCOUNT = '/v1/AUTH_' + cloud.PROJECT
ELSEWHERE = 'https://elsewhere.example.com'


@pytest.fixture
def location(fake_trove, resource):
    """The URL of a complete backup's object."""
    return serialization.location(
        fake_trove.backups[fake_trove.add_backup(resource.id)])


@pytest.fixture
def elsewhere(fake_trove):
    """The requests to another Swift, which has none of the objects."""
    requests = []

    def serve(request, context):
        requests.append(request.url)
        context.status_code = 404
        context.headers['X-Trans-Id'] = 'tx2'
        return ''

    fake_trove.mocker.register_uri(requests_mock.ANY,
                                   re.compile(ELSEWHERE), text=serve)
    return requests


@pytest.fixture
def exists(context, provider_conf, location):
    """Return a function that reads the object with these options."""
    def exists(**values):
        settings = options.register(provider_conf(**values))
        settings.check()
        return swift.object_exists(
            connect.connect(context, swift=settings.swift), location)
    return exists


@pytest.fixture
def set_catalog(context):
    """Return a function that replaces Swift's endpoints in the catalog.

    Each is a region, an interface and a host.
    """
    def set_catalog(*endpoints):
        data = keystone.build_token()
        for service in data['token']['catalog']:
            if service['type'] == 'object-store':
                service['endpoints'] = [
                    {'id': str(number), 'region': region, 'region_id': region,
                     'interface': interface, 'url': host + ACCOUNT}
                    for number, (region, interface, host)
                    in enumerate(endpoints)]
        context._auth_token_info = data
    return set_catalog


HERE = serialization.SWIFT_URL
ONE = ('RegionOne', 'public', HERE)
TWO = ('RegionTwo', 'public', ELSEWHERE)


@pytest.mark.parametrize('catalog', [(ONE, TWO), (TWO, ONE)])
def test_region_is_that_of_trove(set_catalog, exists, elsewhere, catalog):
    set_catalog(*catalog)
    assert exists()
    assert not elsewhere


@pytest.mark.parametrize('region', ['RegionTwo', 'Sydney 2'])
def test_region_of_karbor_conf_applies(set_catalog, exists, karbor_conf,
                                       elsewhere, region):
    set_catalog(('RegionOne', 'public', ELSEWHERE), (region, 'public', HERE))
    karbor_conf.set_override('region_id', region, 'trove_client')
    assert exists()
    assert not elsewhere


def test_region_of_the_provider_file_replaces_that_of_karbor_conf(
        set_catalog, exists, karbor_conf, elsewhere):
    set_catalog(ONE, TWO)
    karbor_conf.set_override('region_id', 'RegionTwo', 'trove_client')
    assert exists(swift_region_name='RegionOne')
    assert not elsewhere


def test_only_swift_of_the_cloud_serves_trove_in_another_region(
        set_catalog, exists):
    set_catalog(('Global', 'public', HERE))
    assert exists()


@pytest.mark.parametrize('values, region', [
    ({}, 'RegionOne'), ({'swift_region_name': 'RegionFour'}, 'RegionFour')])
def test_object_is_not_missing_if_no_endpoint_is_in_the_region(
        set_catalog, exists, elsewhere, values, region):
    set_catalog(TWO, ('RegionThree', 'public', ELSEWHERE))
    with pytest.raises(errors.Rejected, match=(
            'region %s .*RegionTwo public, RegionThree public.* '
            'swift_region_name' % region)):
        exists(**values)
    assert not elsewhere


def test_region_of_the_provider_file_is_never_replaced_by_the_only_one(
        set_catalog, exists):
    set_catalog(ONE)
    with pytest.raises(errors.Rejected, match='RegionTwo'):
        exists(swift_region_name='RegionTwo')


INTERFACES = [('RegionOne', 'public', ELSEWHERE),
              ('RegionOne', 'internal', HERE),
              ('RegionOne', 'admin', ELSEWHERE)]


@pytest.mark.parametrize('catalog', [INTERFACES, INTERFACES[::-1]])
@pytest.mark.parametrize('option, value', [
    ('interface', 'internal'),
    ('trove_catalog_info', 'database:trove:internalURL')])
def test_interface_of_karbor_conf_applies(
        set_catalog, exists, karbor_conf, elsewhere, catalog, option, value):
    set_catalog(*catalog)
    karbor_conf.set_override(option, value, 'trove_client')
    assert exists()
    assert not elsewhere


def test_interface_of_swift_in_karbor_conf_precedes_that_of_trove(
        set_catalog, exists, karbor_conf, elsewhere):
    set_catalog(*INTERFACES)
    karbor_conf.set_override('interface', 'admin', 'trove_client')
    karbor_conf.set_override(
        'swift_catalog_info', 'object-store:swift:internalURL',
        'swift_client')
    assert exists()
    assert not elsewhere


def test_interface_of_the_provider_file_precedes_that_of_karbor_conf(
        set_catalog, exists, karbor_conf, elsewhere):
    set_catalog(*INTERFACES)
    karbor_conf.set_override('interface', 'admin', 'trove_client')
    assert exists(swift_interface='internal')
    assert not elsewhere


def test_public_interface_is_the_default(set_catalog, exists, elsewhere):
    set_catalog(('RegionOne', 'internal', ELSEWHERE), ONE)
    assert exists()
    assert not elsewhere


@pytest.mark.parametrize('interface', ['public', 'internal', 'admin'])
def test_only_interface_of_the_catalog_is_used(set_catalog, exists,
                                               karbor_conf, interface):
    set_catalog(('RegionOne', interface, HERE))
    karbor_conf.set_override('interface', 'admin', 'trove_client')
    assert exists()


def test_interface_of_the_provider_file_is_never_replaced(set_catalog,
                                                          exists):
    set_catalog(ONE)
    with pytest.raises(errors.Rejected, match='interface internal.*public'):
        exists(swift_interface='internal')


def test_wrong_interface_in_karbor_conf_is_named(exists, karbor_conf):
    karbor_conf.set_override('interface', 'intern', 'trove_client')
    with pytest.raises(errors.Rejected,
                       match=r'\[trove_client\] interface = intern'):
        exists()


@pytest.mark.parametrize('trove, swift_client, provider, option, verify', [
    ({}, {}, {}, False, True),
    ({'trove_ca_cert_file': '/trove'}, {}, {}, False, '/trove'),
    ({'trove_auth_insecure': True}, {}, {}, False, False),
    ({'trove_ca_cert_file': '/trove'}, {'swift_ca_cert_file': '/swift'}, {},
     False, '/swift'),
    ({'trove_auth_insecure': True}, {'swift_ca_cert_file': '/swift'}, {},
     False, '/swift'),
    ({'trove_ca_cert_file': '/trove'}, {'swift_auth_insecure': True}, {},
     False, False),
    ({}, {'swift_ca_cert_file': '/swift'}, {'swift_ca_cert_file': '/bank'},
     False, '/bank'),
    ({}, {}, {'swift_auth_insecure': True}, False, False),
    ({'trove_auth_insecure': True}, {'swift_auth_insecure': True},
     {'swift_auth_insecure': True}, True, 'option')])
def test_certificate_options_apply_from_the_most_specific_section(
        fake_trove, context, karbor_conf, provider_conf, location, ca_file,
        monkeypatch, trove, swift_client, provider, option, verify):
    for name in 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE':
        monkeypatch.delenv(name, raising=False)
    conf = provider_conf(**({'swift_ca_cert_file': ca_file} if option else {}))
    settings = options.register(conf)
    client_factory.ClientFactory.get_client_module('swift').register_opts(conf)
    for config, group, values in ((karbor_conf, 'trove_client', trove),
                                  (karbor_conf, 'swift_client', swift_client),
                                  (conf, 'swift_client', provider)):
        for name, value in values.items():
            config.set_override(name, value, group)
    client = connect.connect(context, swift=settings.swift)
    assert swift.object_exists(client, location)
    assert fake_trove.mocker.last_request.verify == (
        str(ca_file) if verify == 'option' else verify)


def test_unreadable_ca_file_of_karbor_conf_is_no_outage(
        fake_trove, exists, location):
    fake_trove.mocker.head(location, exc=OSError(
        'Could not find a suitable TLS CA certificate bundle, invalid path: '
        '/etc/ssl/lost.pem'))
    with pytest.raises(errors.Rejected, match='/etc/ssl/lost.pem'):
        exists()


@pytest.mark.parametrize('url', [
    HERE + '/v1', HERE + '/v1/', HERE + '/v1/AUTH_%(project_id)s',
    HERE + '/v1/AUTH_$(tenant_id)s/', HERE + ACCOUNT,
    HERE + '/v1/AUTH_of-another-project'])
def test_endpoint_of_the_provider_file_replaces_that_of_the_catalog(
        set_catalog, exists, elsewhere, url):
    set_catalog(TWO, ('RegionThree', 'public', ELSEWHERE))
    assert exists(swift_endpoint_override=url)
    assert not elsewhere


@pytest.mark.parametrize('url', [
    HERE + '/v1/AUTH_%(project_id)s', HERE + '/v1/AUTH_%(tenant_id)s/'])
def test_endpoint_of_the_provider_file_needs_no_catalog(
        fake_trove, set_catalog, exists, url):
    set_catalog()
    assert not exists()
    assert exists(swift_endpoint_override=url)


def test_endpoint_of_a_store_without_accounts_is_used_as_it_is(
        fake_trove, set_catalog, exists, location):
    set_catalog()
    url = 'https://objects.example.com:7480/swift/v1'
    path = '/'.join(location.split('/')[-2:])
    fake_trove.mocker.head('%s/%s' % (url, path),
                           headers={'X-Trans-Id': 'tx3'})
    assert exists(swift_endpoint_override=url)
