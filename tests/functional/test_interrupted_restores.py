"""Restores without an answer, as the operator sees and ends them."""

import datetime

from oslo_config import cfg

from karbor_trove.bank import restore_journal
from karbor_trove.bank import worker_process
from karbor_trove.cmd import providers
from tests.functional import test_manage

operator = test_manage.operator

ORIGINAL = '1ac4b38e-1a80-4806-82b8-dc4ec5a85e12'


def test_what_may_have_come_of_a_restore_is_told_and_dismissed(
        tenant, operator):
    made = tenant.create_instance('orders-restored')
    cfg.CONF(['--config-file', str(operator.config)], project='karbor')
    notes = restore_journal.RestoreJournal(providers.load()[0].bank, ORIGINAL)
    asked = datetime.datetime.now(datetime.timezone.utc).replace(
        tzinfo=None, microsecond=0) - datetime.timedelta(minutes=11)
    came, lost = ('43ed5ce9-2b5d-4f0e-8d6e-5a3f4f0c2d11',
                  '9d0a5b0c-7c2f-4f3a-a1f5-2f6f0c9b7e22')
    for id_, name in (came, 'orders-restored'), (lost, 'nobody'):
        notes.write(restore_journal.RestoreEntry(
            ORIGINAL, id_, name, asked.isoformat(), tenant.project_id,
            dict(worker_process.current(), started='0')))
    operator.table('deferred', 'list')
    told, _ = operator.manage('deferred', 'list')
    assert [row['what'] for row in told if row['instance'] == ORIGINAL] == [
        'restore', 'restore']
    told = operator.table('deferred', 'sweep')
    assert 'restore %s has created no instance' % lost in told
    assert 'restore %s may have created instance %s' % (came, made) in told
    assert notes.list_keys() == [came]
    operator.table('deferred', 'dismiss', came)
    assert notes.list_keys() == []
    assert made in tenant.list_instance_ids()
