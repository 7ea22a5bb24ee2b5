"""Tests of the checks of Keystone, Trove, Swift and what files name."""

import pytest
import requests

from tests.fake_trove import cloud as clouds
from tests.fake_trove import keystone
from tests.fake_trove import serialization


def test_wrong_credentials_are_found(find_one, find, fake_trove, conf):
    fake_trove.mocker.post(keystone.URL + '/v3/auth/tokens', status_code=401,
                           json={})
    rows = find('keystone-fails')
    assert len(rows) == 2
    assert (rows[0]['file'], rows[0]['line']) == (str(conf), 6)
    assert 'Keystone rejects the credentials' in rows[0]['details']
    assert rows[1]['details'].startswith(
        'Keystone rejects the credentials in [trustee]')
    assert not find('trove-works') and not find('trove-fails')


@pytest.mark.parametrize('group', ['trustee', 'keystone_authtoken'])
def test_missing_credentials_are_found(find_one, conf, group):
    text = conf.read_text()
    start = text.index('[%s]' % group)
    conf.write_text(text[:start] + text[start:].replace(
        'auth_type = password', '', 1))
    row = find_one('keystone-fails')
    assert '[%s]' % group in row['details']


def test_keystone_outage_is_found(find, fake_trove):
    fake_trove.fail('*', '/keystone/*', 'refused', times=None)
    assert find('keystone-fails')


def test_wrong_address_of_keystone_for_users_is_found(
        find_one, conf, fake_trove):
    fake_trove.mocker.get('http://absent.example.com',
                          exc=requests.exceptions.ConnectionError)
    conf.write_text(conf.read_text().replace(
        'auth_uri = ' + keystone.URL, 'auth_uri = http://absent.example.com'))
    row = find_one('keystone-fails')
    assert row['details'].startswith('auth_uri of [clients_keystone]')
    assert conf.read_text().splitlines()[row['line'] - 1].startswith(
        'auth_uri')


def test_missing_roles_are_found(find_one):
    row = find_one('admin-role-missing')
    assert keystone.SERVICE_PROJECT in row['details']
    assert 'role service' in find_one('service-role-missing')['details']


def test_token_that_is_shorter_than_a_backup_is_found(find_one, answer):
    answer(expires_at='2026-01-01T01:00:00.000000Z')
    row = find_one('token-too-short')
    assert '3600 s' in row['details']
    assert row['write'] == '[token]\nexpiration = 86400'


def test_way_to_trove_and_release_are_shown(find_one, conf, fake_trove):
    row = find_one('trove-works')
    assert serialization.URL in row['details']
    assert 'trove_endpoint' in row['details']
    assert (row['file'], row['line']) == (str(conf), 21)
    fake_trove.add_backup(fake_trove.add_instance())
    conf.write_text(conf.read_text().replace('trove_endpoint', '#'))
    row = find_one('trove-works')
    assert 'trove_catalog_info' in row['details']
    assert 'in region RegionOne' in row['details']
    assert 'Wallaby (15.0.0) or newer' in row['details']


@pytest.mark.parametrize('release, text', [
    ('train', 'older than Victoria (14.0.0).'),
    ('victoria', 'like Victoria (14.0.0).')])
def test_older_release_is_recognized(find_one, fake_trove, release, text):
    fake_trove.add_backup(fake_trove.add_instance())
    assert text in find_one('trove-works')['details']


def test_release_is_seen_in_the_first_instance_that_can_be_read(
        find_one, fake_trove):
    for gone in None, '00000000-0000-4000-8000-000000000000':
        fake_trove.add_backup(gone)
    for project_id in keystone.CLOSED_PROJECT, clouds.PROJECT:
        fake_trove.add_backup(fake_trove.add_instance(project_id=project_id))
    assert 'like Wallaby' in find_one('trove-works')['details']
    fake_trove.instances.clear()
    assert ('like Victoria (14.0.0) or newer'
            in find_one('trove-works')['details'])


def test_release_cannot_be_seen_without_a_backup(find_one, fake_trove):
    fake_trove.add_instance()
    assert 'release cannot be seen' in find_one('trove-works')['details']


def test_backups_of_the_own_project_are_read_without_the_role_admin(
        find_one, fake_trove):
    id_ = fake_trove.add_instance(project_id=keystone.SERVICE_PROJECT)
    fake_trove.add_backup(id_)
    fake_trove.fail('GET', '/backups', 403)
    assert 'Wallaby' in find_one('trove-works')['details']


def test_unreachable_trove_is_found(find_one, fake_trove):
    fake_trove.fail('*', '*', 'refused', times=None)
    assert 'trove_endpoint' in find_one('trove-fails')['details']


HERE = '%s/%s' % (serialization.URL, keystone.SERVICE_PROJECT)
ELSEWHERE = 'http://elsewhere.example.com'


@pytest.mark.parametrize('endpoints', [
    [('RegionTwo', 'public', HERE)],
    [('RegionTwo', 'public', HERE), ('RegionOne', 'public', ELSEWHERE)],
    [('RegionTwo', 'internal', ELSEWHERE), ('RegionOne', 'public', ELSEWHERE),
     ('RegionTwo', 'public', HERE)]])
def test_first_region_of_the_catalog_is_used_and_compared(
        find_one, find, set_endpoints, conf, endpoints):
    set_endpoints(*endpoints)
    details = find_one('trove-works')['details']
    assert HERE in details and 'in region RegionTwo' in details
    assert 'region_id = RegionOne' in find_one('regions-differ')['details']
    text = conf.read_text()
    conf.write_text(text + 'region_id = RegionThree\n')
    row = find_one('regions-differ')
    assert (row['file'], row['line']) == (str(conf), 22)
    assert 'region_id = RegionThree' in row['details']
    assert 'write region_id = RegionTwo' in row['details']
    conf.write_text(text + 'region_id = RegionTwo\n')
    assert find('trove-works') and not find('regions-differ')


def test_region_of_trove_endpoint_is_not_compared(find, fake_trove, conf):
    conf.write_text(conf.read_text() + 'region_id = RegionTwo\n')
    assert find('trove-works') and not find('regions-differ')


@pytest.fixture
def add_endpoint(fake_trove, set_endpoints):
    """Return a function that adds an endpoint to Keystone's list.

    The catalog of the token has only an endpoint with another interface. The
    function returns the requests for the list.
    """
    def add_endpoint(url):
        set_endpoints(('RegionOne', 'internal', ELSEWHERE))
        fake_trove.mocker.get(keystone.URL + '/v3/services', json={
            'services': [{'id': 'trove', 'type': 'database'}]})
        return fake_trove.mocker.get(keystone.URL + '/v3/endpoints', json={
            'endpoints': [{'id': '1', 'url': url}]})
    return add_endpoint


def test_endpoint_is_in_keystones_list_if_the_catalog_lacks_the_interface(
        find_one, find, add_endpoint, conf):
    listing = add_endpoint(serialization.URL + '/$(tenant_id)s')
    # cfg.CONF.reset() of an earlier test removes Karbor's default.
    conf.write_text(conf.read_text() + 'service_name = trove\n'
                    'region_id = RegionTwo\n')
    details = find_one('trove-works')['details']
    assert HERE in details and 'service_name = trove' in details
    assert 'region_id = RegionTwo' in details
    assert listing.last_request.qs == {
        'service_id': ['trove'], 'interface': ['internal'],
        'region_id': ['RegionTwo']}
    assert not find('regions-differ')


def test_endpoint_that_karbor_cannot_build_is_found(find_one, add_endpoint):
    add_endpoint(serialization.URL + '/$(project_id)s')
    details = find_one('trove-fails')['details']
    assert 'cannot be built' in details and 'service_name' in details


def test_missing_endpoint_is_found(find_one, set_endpoints):
    set_endpoints(('RegionOne', 'internal', ELSEWHERE))
    details = find_one('trove-fails')['details']
    assert 'find the endpoint' in details
    assert 'trove_catalog_info = database:trove:publicURL' in details


def test_wrong_trove_catalog_info_is_ignored_as_by_karbor(
        find_one, add_endpoint, conf):
    add_endpoint(serialization.URL + '/$(tenant_id)s')
    conf.write_text(conf.read_text() + 'trove_catalog_info = database\n')
    assert 'service_name' in find_one('trove-works')['details']


def test_quotas_that_trove_hides_are_found(find_one, fake_trove):
    fake_trove.shows_quotas = False
    assert find_one('quotas-hidden')


@pytest.mark.parametrize('release', ['wallaby'])
def test_quotas_that_trove_hides_from_a_member_are_found(
        find_one, fake_trove, release):
    assert keystone.SERVICE_PROJECT in find_one('quotas-hidden')['details']


@pytest.mark.parametrize('release', ['wallaby'])
def test_quotas_that_trove_shows_to_administrators_only_are_found(
        find_one, assign_roles, fake_trove, release):
    assign_roles({clouds.PROJECT: ('member',), 'other': ('admin',)})
    for project_id in keystone.CLOSED_PROJECT, 'other', clouds.PROJECT:
        fake_trove.add_backup('gone', project_id=project_id)
    assert clouds.PROJECT in find_one('quotas-hidden')['details']


@pytest.mark.parametrize('release', ['xena'])
def test_quotas_that_trove_shows_to_a_tenant_are_no_finding(
        find, assign_roles, fake_trove, release):
    assign_roles({clouds.PROJECT: ('member',)})
    fake_trove.add_backup('gone')
    assert find('trove-works')
    assert not find('quotas-hidden') and not find('quotas-unknown')


@pytest.mark.parametrize('release', ['train'])
def test_quotas_of_a_release_before_victoria_are_hidden(
        find_one, assign_roles, fake_trove, release):
    assign_roles({})
    fake_trove.add_backup('gone')
    assert 'older than Victoria' in find_one('quotas-hidden')['details']


@pytest.mark.parametrize('roles', [{}, {clouds.PROJECT: ('admin', 'member')}])
def test_quotas_are_unknown_if_karbors_user_is_only_an_administrator(
        find_one, find, assign_roles, fake_trove, roles):
    assign_roles(roles)
    for add_backup in False, True:
        if add_backup:
            fake_trove.add_backup('gone')
        details = find_one('quotas-unknown')['details']
        assert 'openstack database quota show PROJECT' in details
        assert not find('quotas-hidden')


@pytest.mark.parametrize('seconds, kind', [
    (299, 'clocks-agree'), (301, 'clocks-differ'), (-301, 'clocks-differ')])
def test_clock_of_trove_is_compared(find_one, fake_trove, seconds, kind):
    fake_trove.date_offset = seconds
    assert '%d s' % abs(seconds) in find_one(kind)['details']


def test_region_without_swift_is_found(find_one, change):
    change('poll_interval = 0.1', 'swift_region_name = RegionTwo')
    row = find_one('swift-fails')
    assert row['line'] == 10 and 'RegionOne public' in row['details']


def test_swift_that_does_not_respond_is_found(find_one, fake_trove):
    fake_trove.fail('*', '/swift/*', 'timeout', times=None)
    assert 'swift_endpoint_override' in find_one('swift-fails')['details']


def test_certificate_of_swift_is_explained(find_one, fake_trove):
    fake_trove.fail('*', '/swift/*', requests.exceptions.SSLError(
        'CERTIFICATE_VERIFY_FAILED'), times=None)
    assert 'swift_ca_cert_file' in find_one('swift-fails')['details']


def test_cloud_without_swift_is_found(find_one, fake_trove):
    token = keystone.build_token(keystone.SERVICE_PROJECT)
    token['token']['catalog'] = [
        service for service in token['token']['catalog']
        if service['type'] != 'object-store']
    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201, json=token,
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    assert find_one('swift-absent')


NETWORK = '3f1c5a52-0a0f-4f0c-8f0a-5d1f7f0e9a11'


@pytest.mark.parametrize('option, wrong, right, kind', [
    ('verify_flavor_id', '99', '2', 'flavor-absent'),
    ('verify_volume_type', 'fast', 'slow', 'volume-type-absent'),
    ('verify_net_id', NETWORK.replace('3', '4'), NETWORK, 'network-absent')])
def test_names_of_the_provider_file_are_looked_up(
        find_one, find, change, fake_trove, answer, option, wrong, right,
        kind):
    fake_trove.volume_types = {'slow'}
    url = 'http://neutron.example.com'
    token = keystone.build_token(keystone.SERVICE_PROJECT)
    token['token']['catalog'].append(
        keystone._service('network', 'neutron', url))
    fake_trove.mocker.post(
        keystone.URL + '/v3/auth/tokens', status_code=201, json=token,
        headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    fake_trove.mocker.get(url + '/v2.0/networks/' + NETWORK,
                          json={'network': {'id': NETWORK}})
    fake_trove.mocker.get(
        url + '/v2.0/networks/' + NETWORK.replace('3', '4'), status_code=404,
        json={'NeutronError': {'type': 'NetworkNotFound', 'message': 'no',
                               'detail': ''}})
    change('poll_interval = 0.1', '%s = %s' % (option, wrong))
    row = find_one(kind)
    assert (row['line'], row['write']) == (
        10, '%s = ...' % option)
    change('%s = %s' % (option, wrong), '%s = %s' % (option, right))
    row = find_one('object-exists')
    assert row['line'] == 10
    assert 'does not know whether tenants may use it' in row['details']
    assert not find(kind)


def test_network_without_neutron_is_not_checked(find_one, change):
    change('poll_interval = 0.1', 'verify_net_id = ' + NETWORK)
    assert find_one('object-unchecked')['line'] == 10
