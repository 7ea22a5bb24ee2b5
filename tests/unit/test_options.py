"""Values of the options of the provider file."""

import os

import pytest

from karbor_trove import errors
from karbor_trove import options


@pytest.fixture
def check(provider_conf):
    """Return a function that reads and checks options of a provider file."""
    def check(**values):
        settings = options.register(provider_conf(**values))
        settings.check()
        return settings.swift
    return check


def test_options_of_swift_are_not_set_by_default(check):
    swift = check()
    assert (swift.region_name, swift.interface, swift.ca_cert_file,
            swift.endpoint_override) == (None,) * 4


@pytest.mark.parametrize('name', ['region_name', 'ca_cert_file',
                                  'endpoint_override'])
def test_empty_option_of_swift_is_not_set(check, name):
    assert getattr(check(**{'swift_' + name: ''}), name) is None


@pytest.mark.parametrize('name, value, allowed', [
    ('interface', 'publicURL', 'public, internal, admin'),
    ('interface', 'intern', 'public, internal, admin'),
    ('interface', '', 'public, internal, admin'),
    ('region_name', 'x' * 256, 'one line'),
    ('ca_cert_file', '/absent/ca.pem', 'PEM'),
    ('endpoint_override', 'swift.example.org', 'https://'),
    ('endpoint_override', 'swift.example.org:8080/v1', 'https://'),
    ('endpoint_override', 'ftp://swift.example.org/v1', 'https://'),
    ('endpoint_override', 'https://', 'https://'),
    ('endpoint_override', 'https:///v1', 'https://'),
    ('endpoint_override', 'https://[::1/v1', 'https://'),
    ('endpoint_override', 'https://swift.example.org:port/v1', 'https://'),
    ('endpoint_override', 'https://swift.example.org:99999/v1', 'https://'),
    ('endpoint_override', 'https://swift.example.org/v 1', 'https://'),
    ('endpoint_override', 'https://swift.example.org/v1?a=b', 'https://'),
    ('endpoint_override', 'https://swift.example.org/%(user)s', 'https://'),
    ('endpoint_override', 'https://swift.example.org/AUTH_%(tenant', 'http')])
def test_wrong_option_of_swift_is_named_with_what_is_allowed(
        check, name, value, allowed):
    with pytest.raises(errors.Rejected) as raised:
        check(**{'swift_' + name: value})
    assert 'swift_' + name in str(raised.value)
    assert allowed in str(raised.value)


@pytest.mark.parametrize('content', ['', 'text', (
    '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n')])
def test_ca_file_without_a_certificate_is_refused(check, tmp_path, content):
    path = tmp_path / 'ca.pem'
    path.write_text(content)
    with pytest.raises(errors.Rejected, match='swift_ca_cert_file'):
        check(swift_ca_cert_file=path)


def test_ca_file_that_may_not_be_read_is_refused(check, ca_file):
    ca_file.chmod(0)
    if os.geteuid() == 0:
        # root may read every file. /proc/self/mem fails to read for root too.
        ca_file = '/proc/self/mem'
    with pytest.raises(errors.Rejected, match='swift_ca_cert_file'):
        check(swift_ca_cert_file=ca_file)


def test_ca_file_or_directory_is_accepted(check, ca_file):
    assert check(swift_ca_cert_file=ca_file).ca_cert_file == str(ca_file)
    folder = str(ca_file.parent)
    assert check(swift_ca_cert_file=folder).ca_cert_file == folder


@pytest.mark.parametrize('url', [
    'http://192.0.2.1:8080/v1', 'HTTPS://swift.example.org',
    'https://[2001:db8::1]:8080/v1/AUTH_$(tenant_id)s',
    'https://swift.example.org/v1/AUTH_%(project_id)s'])
def test_url_of_swift_is_accepted(check, url):
    assert check(swift_endpoint_override=url).endpoint_override == url
