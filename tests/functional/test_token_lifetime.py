"""Operations whose token expires, with a real Keystone."""

from keystoneclient.v3 import client as keystone_client
import pytest

from tests.functional import api_tenant as tenants
from tests.functional import test_manage
from tests.sandbox import fixture

operator = test_manage.operator

#: Seconds for which a token is valid. A backup is uploaded within 5 s, or 15 s
#: on a busy machine. Its guest agent reports it 20 s later.
SHORT, LONG = 18, 3600


@pytest.fixture
def sandbox(request):
    """A sandbox in which Trove refuses each token that has expired.

    Karbor's user lacks the role "service". With this role Trove would accept
    the expired token of a user beside Karbor's own token.
    """
    with fixture.running(request, debug=True, overrides={
            'keystone': {'token_seconds': SHORT}}) as running:
        keystone = keystone_client.Client(
            session=running.session('admin'), interface='public')
        karbor = running.session('karbor')
        [role] = keystone.roles.list(name='service')
        keystone.roles.revoke(role, user=karbor.get_user_id(),
                              project=karbor.get_project_id())
        yield running


def test_checkpoint_whose_token_expired_after_the_upload_is_accepted(
        sandbox, tenant, operator):
    orders = tenant.create_instance('slow-report-20')
    tenant.create_table(orders, 100)
    checkpoint = tenant.protect(tenant.create_plan([orders]), expect='error')
    [backup] = tenant.list_backups().values()
    assert backup['status'] == 'BUILDING'
    uploaded = tenant.list_objects()
    [row], _ = operator.manage('checkpoint', 'show', checkpoint)
    assert 'the user\'s token has expired' in row['reason']

    keystone = sandbox.services['keystone']
    keystone.settings['token_seconds'] = LONG
    keystone.restart()
    tenants.wait_for(lambda: tenant.list_backups()[backup['id']][
        'status'] == 'COMPLETED')
    assert tenant.list_objects() == uploaded
    [row], _ = operator.manage('checkpoint', 'accept', checkpoint)
    assert (row['backup'], row['outcome']) == (backup['id'], 'complete')
    assert tenant.get_checkpoint_status(checkpoint) == 'available'
    restored = tenants.restored_instance_id(tenant.restore(checkpoint))
    assert tenant.count_rows(restored) == 100
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups() and not tenant.list_objects()
