"""Tests of the installed karbor-trove-manage in the sandbox."""

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

#: The command that the environment of the tests has installed.
COMMAND = pathlib.Path(sys.executable).with_name('karbor-trove-manage')


class Operator:
    """An operator: has karbor.conf and is administrator of Keystone."""

    def __init__(self, sandbox, tenant):
        self.config = sandbox.directory / 'karbor' / 'karbor.conf'
        self._tenant = tenant
        self._keystone = keystone_client.Client(
            session=sandbox.session('admin'), interface='public')
        self._karbor = sandbox.session('karbor')
        self._role, = self._keystone.roles.list(name='member')

    def manage(self, *arguments, expect=0):
        """Run the command and return its rows and its messages."""
        process = subprocess.run(
            [COMMAND, *arguments, '--config-file', self.config, '--format',
             'json'], capture_output=True, text=True)
        assert process.returncode == expect, process.stderr
        assert len(process.stderr.splitlines()) == expect, process.stderr
        return json.loads(process.stdout or 'null'), process.stderr

    def table(self, *arguments):
        """Run the command, print its output and return it."""
        print('\n$', COMMAND.name, *arguments)
        process = subprocess.run(
            [COMMAND, '--config-file', self.config, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(process.stdout)
        return process.stdout

    def grant_access(self):
        self._change_role('grant')

    def revoke_access(self):
        self._change_role('revoke')

    def _change_role(self, method):
        getattr(self._keystone.roles, method)(
            self._role, user=self._karbor.get_user_id(),
            project=self._tenant.project_id)

    def count_backups_in_quota(self):
        """Return how many backups Trove counts in the tenant's quota."""
        trove = trove_client.Client('1.0', session=self._karbor)
        [quota] = [quota for quota
                   in trove.quota.show(self._tenant.project_id)
                   if quota.resource == 'backups']
        return quota.in_use


@pytest.fixture
def operator(sandbox, tenant):
    operator = Operator(sandbox, tenant)
    operator.grant_access()
    yield operator
    operator.revoke_access()


def create_backup(tenant, instance_id, name, **kw):
    """Create a backup as the tenant, without Karbor."""
    id_ = tenant.trove.backups.create(name, instance_id, **kw).id
    tenants.wait_for(
        lambda: tenant.list_backups()[id_]['status'] == 'COMPLETED')
    return id_


def test_deferred_deletion_is_listed_and_swept(tenant, operator):
    instance = tenant.create_instance()
    count = operator.count_backups_in_quota()
    checkpoint = tenant.protect(tenant.create_plan([instance]))
    [backup] = tenant.list_backups()
    child = create_backup(tenant, instance, 'by hand', parent_id=backup,
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
    operator.revoke_access()
    [row], message = operator.manage('deferred', 'sweep', expect=1)
    assert 'has no role in project %s' % tenant.project_id in message
    assert set(tenant.list_backups()) == {backup}
    operator.grant_access()
    assert 'deleted' in operator.table('deferred', 'sweep')
    assert not tenant.list_backups() and not tenant.list_objects()
    assert operator.count_backups_in_quota() == count
    assert operator.manage('deferred', 'list')[0] == []


def test_orphans_are_listed_and_deleted_with_yes(tenant, operator):
    instance = tenant.create_instance()
    tenant.create_table(instance, 1000)
    checkpoint = tenant.protect(tenant.create_plan([instance]))
    known = set(tenant.list_backups())
    orphan = create_backup(
        tenant, instance,
        'karbor-0d1be5ae-12ab-4c7b-9d5f-0b3f0f0f3b3e-%s' % instance)
    create_backup(tenant, instance, 'of the user')
    [row], _ = operator.manage('orphans', 'list')
    assert row['backup'] == orphan and row['project'] == tenant.project_id
    operator.table('orphans', 'list')
    operator.table('orphans', 'delete')
    assert orphan in tenant.list_backups()
    for id_ in known:
        assert 'no orphan' in operator.manage(
            'orphans', 'delete', id_, '--yes', expect=1)[1]
    operator.table('orphans', 'delete', '--yes')
    assert orphan not in tenant.list_backups()
    assert known <= set(tenant.list_backups())
    assert not [name for _, name in tenant.list_objects() if orphan in name]
    tenant.delete_checkpoint(checkpoint)


def test_checkpoint_of_a_killed_karbor_is_reset_and_deleted(
        sandbox, tenant, operator):
    instance = tenant.create_instance('slow-backup-12')
    path = tenant.checkpoints_path()
    checkpoint = tenant.send('POST', path, {'checkpoint': {
        'plan_id': tenant.create_plan([instance])}})['checkpoint']['id']
    tenants.wait_for(tenant.list_backups)
    _, message = operator.manage('checkpoint', 'reset', checkpoint, expect=1)
    assert 'may still work on it' in message
    sandbox.services['karbor'].kill()
    sandbox.services['karbor'].start()
    status = tenant.send('GET', '%s/%s' % (path, checkpoint))
    assert status['checkpoint']['status'] == 'protecting'
    rows, _ = operator.manage('checkpoint', 'list', '--status', 'protecting',
                              '--instance', instance)
    assert [(row['checkpoint'], row['may_run']) for row in rows] == [
        (checkpoint, False)]
    output = operator.table('checkpoint', 'list')
    assert checkpoint in output
    assert max(map(len, output.splitlines())) <= 90
    operator.table('checkpoint', 'show', checkpoint)
    operator.table('checkpoint', 'reset', checkpoint)
    tenants.wait_for(lambda: {
        backup['status'] for backup in tenant.list_backups().values()
    } == {'COMPLETED'})
    tenant.delete_checkpoint(checkpoint)
    assert not tenant.list_backups() and not tenant.list_objects()
    assert 'it is deleted. Only' in operator.table(
        'checkpoint', 'reset', checkpoint)


def test_checkpoint_without_resources_and_indices_is_reset_and_deleted(
        tenant, operator):
    # A crash between Karbor's own writes leaves such a checkpoint.
    checkpoint = tenant.protect(tenant.create_plan([tenant.create_instance()]))
    cfg.CONF(['--config-file', str(operator.config)], project='karbor')
    stored = providers.get_checkpoint(providers.load_providers([]), checkpoint)
    stored.section.update_object('index.json', {
        **stored.index, 'status': 'protecting', 'resource_graph': None})
    indices = stored.provider.bank.get_sub_section('/indices')
    for name in indices.list_objects():
        if checkpoint in name:
            indices.delete_object(name)
    operator.manage('checkpoint', 'reset', checkpoint, expect=1)
    operator.manage('checkpoint', 'reset', checkpoint, '--force')
    tenant.delete_checkpoint(checkpoint)
