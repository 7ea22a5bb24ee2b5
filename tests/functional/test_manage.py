"""karbor-trove-manage, installed, with the real services of the sandbox."""

import json
import pathlib
import subprocess
import sys

from keystoneclient.v3 import client as keystone_client
from oslo_config import cfg
import pytest
from troveclient import client as trove_client

from karbor_trove.cmd import providers
from tests.functional import api_tenant as tenants


class Operator:
    """Who has karbor.conf, and is Keystone's administrator."""

    def __init__(self, sandbox, tenant):
        self.config = sandbox.directory / 'karbor' / 'karbor.conf'
        self._tenant = tenant
        self._keystone = keystone_client.Client(
            session=sandbox.session('admin'), interface='public')
        self._karbor = sandbox.session('karbor')
        self._role, = self._keystone.roles.list(name='member')

    def manage(self, *words, expect=0):
        """Run the command: its rows, and what it complained of."""
        command = pathlib.Path(sys.executable).with_name(
            'karbor-trove-manage')
        done = subprocess.run(
            [command, *words, '--config-file', self.config, '--format',
             'json'], capture_output=True, text=True)
        assert done.returncode == expect, done.stderr
        assert len(done.stderr.splitlines()) == expect, done.stderr
        return json.loads(done.stdout or 'null'), done.stderr

    def table(self, *words):
        """Run it for a human's eyes, and show them."""
        command = pathlib.Path(sys.executable).with_name(
            'karbor-trove-manage')
        print('\n$', command.name, *words)
        done = subprocess.run(
            [command, '--config-file', self.config, *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(done.stdout)
        return done.stdout

    def let_karbor_in(self):
        self._grant('grant')

    def keep_karbor_out(self):
        self._grant('revoke')

    def _grant(self, what):
        getattr(self._keystone.roles, what)(
            self._role, user=self._karbor.get_user_id(),
            project=self._tenant.project_id)

    def counted_backups(self):
        """What Trove counts in the tenant's quota."""
        trove = trove_client.Client('1.0', session=self._karbor)
        [quota] = [one for one in trove.quota.show(self._tenant.project_id)
                   if one.resource == 'backups']
        return quota.in_use


@pytest.fixture
def operator(sandbox, tenant):
    operator = Operator(sandbox, tenant)
    operator.let_karbor_in()
    yield operator
    operator.keep_karbor_out()


def make_backup(tenant, instance_id, name, **kw):
    """A backup that the tenant makes by hand."""
    id_ = tenant.trove.backups.create(name, instance_id, **kw).id
    tenants.wait_for(lambda: tenant.list_backups()[id_]['status'] == 'COMPLETED')
    return id_


def test_what_was_put_off_is_listed_and_swept(tenant, operator):
    instance = tenant.create_instance()
    before = operator.counted_backups()
    checkpoint = tenant.protect(tenant.create_plan([instance]))
    [backup] = tenant.list_backups()
    child = make_backup(tenant, instance, 'by hand', parent_id=backup,
                        incremental=1)
    tenant.delete_checkpoint(checkpoint)
    [row], _ = operator.manage('deferred', 'list')
    assert row['checkpoint'] == checkpoint and row['backup'] == backup
    assert row['why'] == 'the backup has children: %s' % child
    operator.table('deferred', 'list')
    [row], _ = operator.manage('deferred', 'sweep')
    assert row['outcome'] == 'the backup has children: %s' % child
    assert set(tenant.list_backups()) == {backup, child}

    tenant.trove.backups.delete(child)
    tenants.wait_for(lambda: child not in tenant.list_backups())
    operator.keep_karbor_out()
    [row], said = operator.manage('deferred', 'sweep', expect=1)
    assert 'has no role in project %s' % tenant.project_id in said
    assert set(tenant.list_backups()) == {backup}
    operator.let_karbor_in()
    assert 'deleted' in operator.table('deferred', 'sweep')
    assert not tenant.list_backups() and not tenant.list_objects()
    assert operator.counted_backups() == before
    assert operator.manage('deferred', 'list')[0] == []


def test_orphans_are_found_and_deleted_when_told_to(tenant, operator):
    instance = tenant.create_instance()
    tenant.create_table(instance, 1000)
    checkpoint = tenant.protect(tenant.create_plan([instance]))
    known = set(tenant.list_backups())
    lost = make_backup(
        tenant, instance,
        'karbor-0d1be5ae-12ab-4c7b-9d5f-0b3f0f0f3b3e-%s' % instance)
    make_backup(tenant, instance, 'of the user')
    [row], _ = operator.manage('orphans', 'list')
    assert row['backup'] == lost and row['project'] == tenant.project_id
    operator.table('orphans', 'list')
    operator.table('orphans', 'delete')
    assert lost in tenant.list_backups()
    for id_ in known:
        assert 'no orphan' in operator.manage(
            'orphans', 'delete', id_, '--yes', expect=1)[1]
    operator.table('orphans', 'delete', '--yes')
    assert lost not in tenant.list_backups() and known <= set(tenant.list_backups())
    assert not [name for _, name in tenant.list_objects() if lost in name]
    tenant.delete_checkpoint(checkpoint)


def test_what_a_killed_karbor_left_can_be_reset_and_deleted(
        sandbox, tenant, operator):
    instance = tenant.create_instance('slow-backup-12')
    path = tenant.checkpoints_path()
    checkpoint = tenant.send('POST', path, {'checkpoint': {
        'plan_id': tenant.create_plan([instance])}})['checkpoint']['id']
    tenants.wait_for(tenant.list_backups)
    _, said = operator.manage('checkpoint', 'reset', checkpoint, expect=1)
    assert 'may still work on it' in said
    sandbox.services['karbor'].kill()
    sandbox.services['karbor'].start()
    status = tenant.send('GET', '%s/%s' % (path, checkpoint))
    assert status['checkpoint']['status'] == 'protecting'
    operator.table('checkpoint', 'show', checkpoint)
    operator.table('checkpoint', 'reset', checkpoint)
    tenants.wait_for(lambda: {one['status'] for one in tenant.list_backups().values()}
                 == {'COMPLETED'})
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups() and not tenant.list_objects()
    assert 'is deleted; only' in operator.table(
        'checkpoint', 'reset', checkpoint)


def test_a_checkpoint_that_karbor_had_not_begun_can_be_deleted(
        tenant, operator):
    """What a crash between Karbor's own writes leaves."""
    checkpoint = tenant.protect(tenant.create_plan([tenant.create_instance()]))
    cfg.CONF(['--config-file', str(operator.config)], project='karbor')
    found = providers.get_checkpoint(providers.load(), checkpoint)
    found.section.update_object('index.json', {
        **found.index, 'status': 'protecting', 'resource_graph': None})
    indices = found.provider.bank.get_sub_section('/indices')
    for name in indices.list_objects():
        if checkpoint in name:
            indices.delete_object(name)
    operator.manage('checkpoint', 'reset', checkpoint, expect=1)
    operator.manage('checkpoint', 'reset', checkpoint, '--force')
    tenant.delete_checkpoint(checkpoint)
