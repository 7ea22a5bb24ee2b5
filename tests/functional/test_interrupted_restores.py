"""Test of how an operator resolves unconfirmed restores."""

import datetime

from oslo_config import cfg

from karbor_trove.bank import restore_journal
from karbor_trove.bank import worker_process
from karbor_trove.cmd import providers
from tests.functional import test_manage

operator = test_manage.operator

ORIGINAL = '1ac4b38e-1a80-4806-82b8-dc4ec5a85e12'


def test_unconfirmed_restores_are_listed_swept_and_dismissed(
        tenant, operator):
    instance_id = tenant.create_instance('orders-restored')
    # An empty bank would be reported by every command.
    tenant.protect(tenant.create_plan([instance_id]))
    cfg.CONF(['--config-file', str(operator.config)], project='karbor')
    journal = restore_journal.RestoreJournal(
        providers.load_providers([])[0].bank, ORIGINAL)
    requested_at = datetime.datetime.now(datetime.timezone.utc).replace(
        tzinfo=None, microsecond=0) - datetime.timedelta(minutes=16)
    created, lost = ('43ed5ce9-2b5d-4f0e-8d6e-5a3f4f0c2d11',
                     '9d0a5b0c-7c2f-4f3a-a1f5-2f6f0c9b7e22')
    for id_, name in (created, 'orders-restored'), (lost, 'orders-lost'):
        journal.write(restore_journal.RestoreEntry(
            ORIGINAL, id_, name, requested_at.isoformat(), tenant.project_id,
            dict(worker_process.current(), started='0')))
    operator.table('deferred', 'list')
    rows, _ = operator.manage('deferred', 'list')
    assert [row['what'] for row in rows if row['instance'] == ORIGINAL] == [
        'restore', 'restore']
    output = operator.table('deferred', 'sweep')
    assert 'restore %s has created no instance' % lost in output
    assert 'restore %s may have created instance %s' % (
        created, instance_id) in output
    assert journal.list_keys() == [created]
    operator.table('deferred', 'dismiss', created)
    assert journal.list_keys() == []
    assert instance_id in tenant.list_instance_ids()
