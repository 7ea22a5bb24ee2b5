"""Tests of what the customization module changes in a real browser."""

import pytest

from tests.dashboard.fake_karbor import PROVIDER_ID
from tests.dashboard.fake_karbor import TYPE

ORDERS = 'bd7c488f-e24e-4a2f-8409-a8f338227d75'
STOCK = '0ebe73e3-e156-46a0-a144-fd518d1e955f'
CHECKPOINTS = f'/karbor/checkpoints/{PROVIDER_ID}/'
RESTORE = 'form#restore_checkpoint_form [type=submit]'


@pytest.fixture
def checkpoint(karbor):
    return karbor.add_checkpoint(
        instances=[(ORDERS, 'orders'), (STOCK, 'stock')])


def open_restore(browser, checkpoint):
    browser.go(f'{CHECKPOINTS}checkpoints/{checkpoint}/restore')
    browser.open_tree()


def open_overlay(browser, checkpoint):
    browser.go(CHECKPOINTS)
    browser.choose_action(checkpoint, 'Restore Checkpoint')
    browser.open_tree()


@pytest.mark.parametrize('open_form', [open_restore, open_overlay])
def test_options_are_typed_and_saved_with_the_mouse(
        browser, karbor, checkpoint, open_form):
    open_form(browser, checkpoint)
    browser.open_parameters(ORDERS)
    browser.page.click('#parametersdialog #id_restore_name')
    browser.page.keyboard.type('again')
    browser.take_picture('dialog', whole=False)
    browser.save_parameters()
    browser.take_picture('form')
    browser.submit(RESTORE)
    browser.check_message('Checkpoint restore initiated')
    browser.take_picture('restores')

    [(_, _, body)] = karbor.requests
    assert body['restore']['restore_auth'] is None
    [(key, values)] = body['restore']['parameters'].items()
    assert key == f'{TYPE}#{ORDERS}'
    assert {name: value for name, value in values.items() if value} == {
        'restore_name': 'again'}


def test_options_of_a_rejected_restore_stay(browser, karbor, checkpoint):
    karbor.reject('/restores', 'The parameter x is invalid.')
    open_restore(browser, checkpoint)
    browser.open_parameters(STOCK)
    browser.fill_parameters({'restore_name': 'again'})
    browser.save_parameters()
    browser.submit(RESTORE)
    browser.take_picture('rejected')
    browser.check_message('Unable to restore checkpoint')
    assert browser.page.is_visible(f"tr[resource-id='{STOCK}']")
    karbor.accept()
    browser.submit(RESTORE)

    [_, (_, _, body)] = karbor.requests
    assert body['restore']['parameters'][f'{TYPE}#{STOCK}'][
        'restore_name'] == 'again'


def test_credentials_of_a_failed_restore_stay(browser, karbor, checkpoint):
    open_restore(browser, checkpoint)
    page = browser.page
    page.click('label[for=id_use_current_session]')
    page.fill('#id_restore_target', 'http://localhost')
    page.fill('#id_restore_target_username', 'user')
    browser.submit(RESTORE)
    browser.take_picture('incomplete')
    browser.check_message('must be assigned at the same time')
    assert not page.is_checked('#id_use_current_session')
    assert page.input_value('#id_restore_target') == 'http://localhost'
    page.fill('#id_restore_target_password', 'secret')
    browser.submit(RESTORE)

    [(_, _, body)] = karbor.requests
    assert body['restore']['restore_auth'] == {
        'type': 'password', 'username': 'user', 'password': 'secret'}


def test_choices_of_a_rejected_plan_stay(browser, karbor):
    karbor.instances.update({ORDERS: 'orders', STOCK: 'stock'})
    karbor.reject('/plans', 'The plan is invalid.')
    browser.go('/karbor/create/')
    browser.open_tree()
    browser.page.fill('#id_name', 'nightly')
    browser.tick(ORDERS)
    browser.open_parameters(ORDERS)
    browser.fill_parameters({'backup_name': 'nightly', 'description': 'all',
                             'incremental': True})
    browser.save_parameters()
    browser.take_picture('form')
    browser.submit('.btn-primary.create')
    browser.take_picture('rejected')
    browser.check_message('Unable to create protection plan')
    assert browser.page.is_checked(f"tr[resource-id='{ORDERS}'] .cbresource")
    karbor.accept()
    browser.submit('.btn-primary.create')

    [_, (_, _, body)] = karbor.requests
    assert [resource['id'] for resource in body['plan']['resources']] == [
        ORDERS]
    assert body['plan']['parameters'] == {f'{TYPE}#{ORDERS}': {
        'backup_name': 'nightly', 'description': 'all', 'incremental': True}}


def test_reason_is_read_in_the_list_and_on_the_page(
        browser, karbor, checkpoint):
    restore = karbor.add_record('restores', checkpoint, 'fail', {
        ORDERS: ('error', "restore_volume_size 'big' is not allowed: a whole "
                          "number of GB\nrestore_is_public 'yes' is not "
                          'allowed: True or False'),
        STOCK: ('error', 'not started, because another database of this '
                         f'restore cannot be restored: {ORDERS}')})
    browser.go('/karbor/restores/')
    browser.take_picture('list')
    [row] = browser.read_rows()
    assert "restore_volume_size 'big' is not allowed" in row[-1]
    browser.page.click(f'a:text("{restore}")')
    browser.settle()
    browser.take_picture('page')
    assert [row[0] for row in browser.read_rows()] == ['orders', 'stock']
    assert "'yes' is not allowed" in browser.read_rows()[0][-1]


def test_confirmation_names_the_checkpoint(browser, karbor):
    checkpoint = karbor.add_checkpoint('nightly', status='error')
    browser.go(CHECKPOINTS)
    browser.choose_action(checkpoint, 'Delete Checkpoint')
    text = browser.read_confirmation()
    browser.take_picture('confirmation', whole=False)

    assert f'"nightly, checkpoint {checkpoint}"' in text
    assert 'backups of this checkpoint are deleted' in text
    browser.confirm()
    assert [method for method, _, _ in karbor.requests] == ['DELETE']


def test_running_verification_is_renewed_in_the_list(
        browser, karbor, checkpoint):
    browser.go(CHECKPOINTS)
    browser.choose_action(checkpoint, 'Verify Checkpoint')
    browser.wait_for_row(lambda row: 'In Progress' in row, reload=False)
    [verification] = karbor.verifications.values()
    verification.update(status='success', resources_reason={
        f'{TYPE}#{ORDERS}': 'verified at level backup'})
    browser.wait_for_row(
        lambda row: 'Success' in row and 'verified at level backup' in row,
        reload=False)
    browser.take_picture('verifications')
