"""Tests of the pages that the customization module changes or adds."""

import html
import json
import re

import pytest

from tests.dashboard.fake_karbor import PROJECT_TYPE
from tests.dashboard.fake_karbor import PROVIDER_ID
from tests.dashboard.fake_karbor import TYPE

ORDERS = 'bd7c488f-e24e-4a2f-8409-a8f338227d75'
STOCK = '0ebe73e3-e156-46a0-a144-fd518d1e955f'
CHECKPOINTS = f'/karbor/checkpoints/{PROVIDER_ID}/'
NAMED = {'restore_name': 'again', 'restore_volume_size': ''}


def read(response):
    """Return the HTML of a page."""
    assert response.status_code == 200, response
    return response.content.decode()


def read_rows(page):
    """Return the rows of the page's table, as texts without tags."""
    return [' '.join(html.unescape(re.sub('<[^>]+>', ' ', row)).split())
            for row in re.findall(r'<tr[^>]*data-object-id.*?</tr>', page,
                                  re.DOTALL)]


def read_input(page, name):
    """Return the attributes of an input, '' for those without a value."""
    [text] = re.findall(f'<input[^>]*name="{name}"[^>]*>', page)
    attributes = re.findall(r'([-a-z]+)(?:="([^"]*)")?', text[6:])
    return {key: html.unescape(value) for key, value in attributes[::-1]}


def restore_path(checkpoint):
    return f'{CHECKPOINTS}checkpoints/{checkpoint}/restore'


def restore_form(karbor, checkpoint, **fields):
    """Return what the dashboard's script sends, without credentials."""
    return {
        'provider_id': PROVIDER_ID, 'checkpoint_id': checkpoint,
        'provider': json.dumps(karbor.provider),
        'parameters': json.dumps({PROJECT_TYPE: {}, TYPE: {},
                                  f'{TYPE}#{ORDERS}': NAMED}), **fields}


@pytest.fixture
def checkpoint(karbor):
    return karbor.add_checkpoint(
        instances=[(ORDERS, 'orders'), (STOCK, 'stock')])


def test_restore_with_the_current_session_sends_no_credentials(
        client, karbor, checkpoint):
    response = client.post(restore_path(checkpoint), restore_form(
        karbor, checkpoint, use_current_session='on'))

    assert response.status_code == 302, read(response)
    assert response.url == '/karbor/restores/'
    assert karbor.requests == [('POST', '/restores', {'restore': {
        'provider_id': PROVIDER_ID, 'checkpoint_id': checkpoint,
        'restore_target': None, 'restore_auth': None,
        'parameters': {f'{TYPE}#{ORDERS}': NAMED}}})]


def test_restore_with_credentials_sends_them(client, karbor, checkpoint):
    response = client.post(restore_path(checkpoint), restore_form(
        karbor, checkpoint, restore_target='http://localhost',
        restore_target_username='user', restore_target_password='secret'))

    assert response.status_code == 302, read(response)
    [(_, _, body)] = karbor.requests
    assert body['restore']['restore_target'] == 'http://localhost'
    assert body['restore']['restore_auth'] == {
        'type': 'password', 'username': 'user', 'password': 'secret'}
    assert body['restore']['parameters'] == {f'{TYPE}#{ORDERS}': NAMED}


def test_new_restore_form_uses_the_current_session(client, checkpoint):
    page = read(client.get(restore_path(checkpoint)))

    assert 'checked' in read_input(page, 'use_current_session')


def test_failed_restore_form_keeps_what_was_sent(client, karbor, checkpoint):
    page = read(client.post(restore_path(checkpoint), restore_form(
        karbor, checkpoint, restore_target='here',
        restore_target_username='user', restore_target_password='secret')))

    assert 'Enter a valid URL' in page
    assert not karbor.requests
    assert 'checked' not in read_input(page, 'use_current_session')
    target = read_input(page, 'restore_target')
    assert target['value'] == 'here'
    assert 'disabled' not in target
    assert json.loads(read_input(page, 'parameters')['value'])[
        f'{TYPE}#{ORDERS}'] == NAMED
    assert 'secret' not in page


@pytest.mark.parametrize('missing', ['restore_target_username',
                                     'restore_target_password'])
def test_restore_with_incomplete_credentials_is_refused(
        client, karbor, checkpoint, missing):
    form = restore_form(
        karbor, checkpoint, restore_target='http://localhost',
        restore_target_username='user', restore_target_password='secret')
    del form[missing]

    page = read(client.post(restore_path(checkpoint), form))

    assert 'must be assigned at the same time' in page
    assert not karbor.requests


def test_restore_that_karbor_rejects_keeps_the_parameters(
        client, karbor, checkpoint):
    karbor.reject('/restores', 'The parameter x is invalid.')
    page = read(client.post(restore_path(checkpoint), restore_form(
        karbor, checkpoint, use_current_session='on')))

    assert 'Unable to restore checkpoint' in page
    assert 'The parameter x is invalid.' in page
    assert json.loads(read_input(page, 'parameters')['value'])[
        f'{TYPE}#{ORDERS}'] == NAMED


def test_plan_sends_only_types_with_parameters(client, karbor):
    karbor.instances[ORDERS] = 'orders'
    resources = [{'id': karbor.project_id, 'type': PROJECT_TYPE,
                  'name': 'shop'},
                 {'id': ORDERS, 'type': TYPE, 'name': 'orders'}]
    parameters = {f'{TYPE}#{ORDERS}': {'backup_name': 'nightly'}}
    response = client.post('/karbor/create/', {
        'name': 'nightly', 'provider_id': PROVIDER_ID,
        'providers': json.dumps([karbor.provider]), 'actionmode': 'create',
        'resources': json.dumps(resources), 'parameters': json.dumps(
            {PROJECT_TYPE: {}, TYPE: {}, **parameters})})

    assert response.status_code == 302, read(response)
    [(_, _, body)] = karbor.requests
    assert body['plan']['parameters'] == parameters
    assert body['plan']['resources'] == resources


def test_checkpoint_in_error_can_only_be_deleted(client, karbor):
    karbor.add_checkpoint(status='error')

    [row] = read_rows(read(client.get(CHECKPOINTS)))

    assert 'Delete Checkpoint' in row
    assert 'Restore Checkpoint' not in row
    assert 'Verify Checkpoint' not in row


@pytest.mark.parametrize('status', ['protecting', 'deleting', 'deleted',
                                    'error-deleting'])
def test_checkpoint_that_karbor_would_not_delete_has_no_actions(
        client, karbor, status):
    karbor.add_checkpoint(status=status)

    [row] = read_rows(read(client.get(CHECKPOINTS)))

    assert 'Delete Checkpoint' not in row


def test_deletion_of_a_checkpoint_names_it(client, karbor):
    checkpoint = karbor.add_checkpoint('nightly', status='error')

    page = read(client.get(CHECKPOINTS))
    client.post(CHECKPOINTS,
                {'action': f'checkpoints__delete__{checkpoint}'})

    assert f'data-display="nightly, checkpoint {checkpoint}"' in page
    assert karbor.requests == [('DELETE', '/providers/%s/checkpoints/%s' % (
        PROVIDER_ID, checkpoint), None)]


def test_verification_is_started_from_a_checkpoint_and_listed(
        client, karbor, checkpoint):
    response = client.post(CHECKPOINTS, {
        'action': f'checkpoints__verify__{checkpoint}'})

    assert response.url == '/karbor/verifications/'
    assert karbor.requests == [('POST', '/verifications', {'verification': {
        'provider_id': PROVIDER_ID, 'checkpoint_id': checkpoint,
        'parameters': {}}})]
    [row] = read_rows(read(client.get('/karbor/verifications/')))
    assert 'nightly In Progress' in row
    assert 'Databases' in row


@pytest.mark.parametrize('collection', ['restores', 'verifications'])
def test_reasons_are_listed_and_shown(client, karbor, checkpoint, collection):
    id_ = karbor.add_record(collection, checkpoint, 'fail', {
        ORDERS: ('available', 'orders is up\nfrom backup 1'),
        STOCK: ('error', "restore_volume_size 'big' is not <b>\nmore")})

    [row] = read_rows(read(client.get(f'/karbor/{collection}/')))
    page = read(client.get(f'/karbor/{collection}/{id_}/detail/'))

    assert row.index("'big' is not") < row.index('orders is up')
    assert 'from backup 1' not in row
    [stock, orders] = read_rows(page)
    assert stock == (f'stock {STOCK} {TYPE} error '
                     "restore_volume_size 'big' is not <b> more")
    assert orders == (f'orders {ORDERS} {TYPE} available orders is up '
                      'from backup 1')
    assert f'/checkpoints/{checkpoint}/detail/' in page


def test_failed_restore_without_a_reason_says_so(client, karbor, checkpoint):
    id_ = karbor.add_record('restores', checkpoint, 'fail', {})

    page = read(client.get(f'/karbor/restores/{id_}/detail/'))

    assert 'Karbor recorded no reason' in page


def test_verification_of_a_lost_checkpoint_is_listed(client, karbor):
    lost = '0dd5ee7a-43a4-4a25-86a5-2d8e2a1e0d7b'
    karbor.add_record('verifications', lost, 'fail', {})

    [row] = read_rows(read(client.get('/karbor/verifications/')))

    assert 'Not Found Fail' in row


def test_unknown_restore_leads_to_the_list(client):
    response = client.get('/karbor/restores/no-such-restore/detail/')

    assert response.status_code == 302
    assert response.url == '/karbor/restores/'


def test_menu_has_the_panel_of_verifications(client):
    assert 'href="/karbor/verifications/"' in read(
        client.get('/karbor/restores/'))


def test_dashboard_that_is_not_enabled_logs_one_line(
        django, caplog, monkeypatch):
    import horizon

    from karbor_trove.horizon import customization

    def fail(slug):
        raise horizon.base.NotRegistered(slug)

    monkeypatch.setattr(horizon, 'get_dashboard', fail)
    customization.apply()

    assert caplog.messages == ['karbor_trove.horizon changes nothing: the '
                               'dashboard "karbor" is not enabled']
