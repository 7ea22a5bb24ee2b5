"""Tests of bank_plugins/swift.py: time limits, pages and foreign responses."""

from karbor import exception
import pytest
import requests
from urllib3 import exceptions as urllib3_exceptions

from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import timeouts
from tests.fake_trove import faults
from tests.fake_trove import keystone
from tests.fake_trove import object_store

PAGE_OF_A_PROXY = '<html>Please log in</html>'
KEY = 'karbor//a/status'


@pytest.fixture
def bank(make_bank):
    return make_bank('swift')


@pytest.fixture
def section(bank):
    section = bank.get_sub_section('/a')
    section.update_object('status', 'available')
    return section


def test_every_request_has_a_time_limit(section, store):
    section.list_objects()
    section.get_object('status')
    section.delete_object('status')
    section.bank._plugin.renew_lease()
    limit = (timeouts.HTTP_CONNECT, timeouts.HTTP_READ)
    assert {request.method for request in store.requests} == {
        'PUT', 'GET', 'DELETE', 'POST'}
    assert {request.timeout for request in store.mocker.request_history
            } == {limit}
    assert any(request.url.startswith(keystone.URL)
               for request in store.mocker.request_history)


@pytest.mark.parametrize('sort_dir', ['asc', 'desc'])
@pytest.mark.parametrize('limit', [None, 4, 100])
def test_list_has_all_pages_of_swift(bank, store, sort_dir, limit):
    keys = ['/a/%02d' % number for number in range(10)]
    for key in keys:
        bank.update_object(key, key)
    store.page_size = 3
    assert bank.list_objects('/a/', limit, sort_dir=sort_dir) == (
        keys[::-1] if sort_dir == 'desc' else keys)[:limit]


def test_ascending_list_ends_with_the_page_that_has_enough_keys(bank, store):
    for number in range(10):
        bank.update_object('/a/%d' % number, number)
    store.page_size = 3
    del store.requests[:]
    assert len(bank.list_objects(limit=3)) == 3
    assert len(store.requests) == 1


def test_descending_list_has_no_request_for_keys_after_the_marker(
        bank, store):
    for number in range(10):
        bank.update_object('/a/%d' % number, number)
    store.page_size = 3
    del store.requests[:]
    assert bank.list_objects(marker='/a/2', sort_dir='desc') == [
        '/a/1', '/a/0']
    assert len(store.requests) == 2  # The second page is empty.


def test_list_from_a_server_that_ignores_markers_fails(bank, store):
    for number in range(3):
        bank.update_object('/a/%d' % number, number)
    page = faults.Response(200, '[{"name": "/a/1"}]', object_store.OWN_HEADERS)
    store.fail('GET', 'karbor', page, times=9)
    with pytest.raises(exception.BankListObjectsFailed, match='/a/1'):
        bank.list_objects()


@pytest.mark.parametrize('method, request_', [
    ('GET', lambda section: section.get_object('status')),
    ('PUT', lambda section: section.update_object('status', 'deleted')),
    ('DELETE', lambda section: section.delete_object('status')),
    ('GET', lambda section: section.list_objects()),
], ids=['get', 'update', 'delete', 'list'])
@pytest.mark.parametrize('result', [
    401, 403, 429, 500, 503, 'refused', 'reset', 'timeout', 'connect-timeout',
    faults.Response(404, PAGE_OF_A_PROXY),
    faults.Response(200, PAGE_OF_A_PROXY), faults.Response(200, '[]'),
], ids=str)
def test_failed_request_is_karbors_error_and_no_absence(
        section, store, method, request_, result):
    store.fail(method, 'karbor*', result, times=None)
    with pytest.raises(exception.KarborException) as raised:
        request_(section)
    assert type(raised.value).__name__.startswith('Bank')
    assert not storage._is_absence(raised.value, None)
    store.heal()
    assert section.get_object('status') == 'available'


def test_list_that_is_not_json_is_a_failure(section, store):
    store.fail('GET', 'karbor', faults.Response(
        200, '[{"name": "/a', object_store.OWN_HEADERS))
    with pytest.raises(exception.BankListObjectsFailed):
        section.list_objects()


def test_404_of_a_proxy_does_not_make_an_object_absent(section, store):
    store.fail('GET', KEY, faults.Response(404, PAGE_OF_A_PROXY), times=None)
    with pytest.raises(errors.BankError):
        storage.read(section, 'status')
    with pytest.raises(errors.BankError):
        storage.delete(section, 'status')


def test_404_for_the_account_does_not_make_an_object_absent(bank, store):
    store.fail('PUT', 'karbor', 404, times=None)
    section = bank.get_sub_section('/a')
    with pytest.raises(exception.BankGetObjectFailed) as raised:
        section.get_object('status')
    assert not storage._is_absence(raised.value, None)


def test_keystone_that_is_away_is_a_failure_of_the_bank(bank, store):
    store.mocker.post(keystone.URL + '/v3/auth/tokens',
                      exc=requests.exceptions.ConnectTimeout)
    with pytest.raises(exception.BankGetObjectFailed):
        bank.get_object('/a')
    keystone.attach(store.mocker)
    bank.update_object('/a', 1)
    assert bank.get_object('/a') == 1


def test_response_that_breaks_off_is_a_failure(section, store, monkeypatch):
    headers = dict(object_store.OWN_HEADERS, **{'Content-Length': '9'})
    store.fail('GET', KEY, faults.Response(200, 'avail', headers))
    with pytest.raises(exception.BankGetObjectFailed):
        section.get_object('status')

    def break_off(self, *arguments, **options):
        raise urllib3_exceptions.ProtocolError('Connection broken')

    with monkeypatch.context() as patched:
        patched.setattr('urllib3.response.HTTPResponse.read', break_off)
        with pytest.raises(exception.BankListObjectsFailed, match='broken'):
            section.list_objects()


def test_deletion_with_a_lost_response_succeeds(make_bank, store):
    section = make_bank('swift', retries=1).get_sub_section('/a')
    section.update_object('status', 'available')
    store.fail('DELETE', KEY, 'reset', after=True)
    section.delete_object('status')
    assert not store.containers['karbor']


def test_write_is_repeated_with_the_whole_content(make_bank, store):
    section = make_bank('swift', retries=1).get_sub_section('/a')
    store.fail('PUT', KEY, 503)
    section.update_object('status', {'a': 1})
    assert section.get_object('status') == {'a': 1}


def test_object_without_karbors_header_is_a_text(section, store):
    store.containers['karbor']['/a/status'] = object_store.Object(
        b'uploaded', {})
    assert section.get_object('status') == 'uploaded'


def test_lease_that_failed_is_acquired_by_the_next_request(bank, store):
    store.fail('PUT', 'leases/*', 503)
    with pytest.raises(exception.BankUpdateObjectFailed):
        bank.update_object('/a', 1)
    bank.update_object('/a', 1)
    assert len(store.containers['leases']) == 1


@pytest.mark.parametrize('result', [404, 503, 'timeout'])
def test_failed_renewal_does_not_end_the_renewals(section, store, result):
    store.fail('POST', 'leases/*', result)
    section.bank._plugin.renew_lease()
