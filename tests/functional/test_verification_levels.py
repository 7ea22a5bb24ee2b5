"""Verifications at three levels, on a real Swift and a real PostgreSQL.

Three provider files on one bank: who protects with one of them can verify
with any.
"""

import json
import pathlib
import subprocess
import sys
import time

import pytest
import swiftclient

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox.services import cloud as catalog

LEVELS = {'backup': 'cf56bd3e-97a7-4078-b6d5-f36246333f01',
          'data': 'cf56bd3e-97a7-4078-b6d5-f36246333f02',
          'restore': 'cf56bd3e-97a7-4078-b6d5-f36246333f03'}


@pytest.fixture(scope='module')
def sandbox():
    """One with a provider file for each level."""
    own = {'restore': {'verify_flavor_id': '1',
                       'verify_net_id': catalog.OTHER_NETWORK,
                       'verify_max_volumes': 3}}
    with cloud.Sandbox(
            providers=[{
                'name': 'Level %s' % level, 'id': id_,
                'plugins': cloud.PLUGINS,
                'options': {'poll_interval': 0.2, 'verify_level': level,
                            **own.get(level, {})},
            } for level, id_ in LEVELS.items()]) as running:
        yield running


class Tenant(tenants.Tenant):
    """One who has all three providers, and looks into Swift."""

    def __init__(self, sandbox):
        super().__init__(sandbox)
        self.swift = swiftclient.Connection(session=self.session)

    def protect_at(self, level, instance_id, **words):
        id_ = LEVELS[level]
        return self.protect(self.plan(
            [instance_id], {tenants.TYPE: words} if words else None,
            provider=id_), provider=id_)

    def delete_at(self, level, checkpoint_id):
        self.delete(checkpoint_id, provider=LEVELS[level])

    def verify_at(self, level, checkpoint_id, expect='success'):
        """The reason's lines of a verification that ended that way."""
        told = self.verify(checkpoint_id, expect, provider=LEVELS[level])
        [status] = told['resources_status'].values()
        assert status == ('available' if expect == 'success' else 'error')
        [reason] = told['resources_reason'].values()
        print('\n%s: %s\n%s' % (level, expect, reason))
        return reason.splitlines()

    def begin_verification(self, checkpoint_id):
        """The id of one at level restore."""
        return self.ask('POST', '/verifications', {'verification': {
            'provider_id': LEVELS['restore'],
            'checkpoint_id': checkpoint_id,
            'parameters': {}}})['verification']['id']

    def ended_verification(self, id_):
        """Karbor's record of it, when it has ended."""
        def look():
            told = self.ask('GET', '/verifications/' + id_)['verification']
            return told if told['status'] in ('success', 'fail') else None

        return tenants.wait_for(look)

    def segments(self):
        """The container and names of the segments of the one backup."""
        return sorted((container, name) for container, name
                      in self.objects() if not name.endswith('.tar.gz'))

    def temporary(self):
        """The instances that a verification made."""
        return [one.id for one in self.trove.instances.list()
                if one.name.startswith('karbor-verify-')]


@pytest.fixture
def tenant(sandbox):
    """A tenant who finds nothing, and leaves nothing."""
    tenant = Tenant(sandbox)
    yield tenant
    tenant.delete_everything()


@pytest.fixture
def original(tenant):
    """A database with rows, and with databases and users beside them."""
    id_ = tenant.create_instance(volume={'size': 2})
    tenant.create_table(id_, 2000)
    tenant.trove.databases.create(id_, [{'name': 'shop'}, {'name': 'stock'}])
    tenant.trove.users.create(id_, [
        {'name': 'seller', 'password': 'secret',
         'databases': [{'name': 'shop'}]}])
    tenants.wait_for(lambda: tenant.trove.users.list(id_))
    return id_


def test_a_truncated_segment_is_named(tenant, original):
    checkpoint = tenant.protect_at('data', original)
    container, name = tenant.segments()[1]
    content = tenant.swift.get_object(container, name)[1]
    assert tenant.verify_at('data', checkpoint)[0] == (
        'verified at level data')
    tenant.swift.put_object(container, name, content[:1000])
    tenant.verify_at('backup', checkpoint)
    [line] = tenant.verify_at('data', checkpoint, 'fail')
    assert line.endswith('%s/%s has 1000 bytes instead of %d' % (
        container, name, len(content)))
    tenant.swift.delete_object(container, name)
    [line] = tenant.verify_at('data', checkpoint, 'fail')
    assert line.endswith('%s/%s is missing' % (container, name))
    tenant.delete_at('data', checkpoint)


def test_other_bytes_of_the_same_length_are_found(tenant, original):
    checkpoint = tenant.protect_at('data', original)
    other = tenant.create_instance()
    tenant.protect_at('backup', other)
    mine, others = [
        [one for one in tenant.segments() if one[1].startswith(backup_id)]
        for backup_id in sorted(tenant.list_backups(), key=lambda id_: (
            tenant.list_backups()[id_]['instance_id'] != original))]
    [length] = {int(tenant.swift.head_object(*pair[0])['content-length'])
                for pair in (mine, others)}
    tenant.swift.put_object(
        *mine[0], tenant.swift.get_object(*others[0])[1])
    assert int(tenant.swift.head_object(*mine[0])['content-length']) == length
    tenant.verify_at('backup', checkpoint)
    [line] = tenant.verify_at('data', checkpoint, 'fail')
    assert '%s/%s has other bytes' % mine[0] in line


def test_a_backup_that_cannot_be_started_is_found_by_a_restore_only(tenant):
    checkpoint = tenant.protect_at(
        'restore', tenant.create_instance('corrupt-backup'))
    tenant.verify_at('backup', checkpoint)
    tenant.verify_at('data', checkpoint)
    lines = tenant.verify_at('restore', checkpoint, 'fail')
    assert 'has the status ERROR' in lines[0]
    assert not tenant.list_temporary_ids()


def test_databases_and_users_are_compared(tenant, original):
    checkpoint = tenant.protect_at('restore', original)
    lines = tenant.verify_at('restore', checkpoint)
    assert 'restore: 2 of 2 databases exist' in lines
    assert 'restore: 1 of 1 users exist' in lines
    assert not tenant.list_temporary_ids()
    assert tenant.count_rows(original) == 2000
    # A verification at a level that the protecting one did not need.
    other = tenant.protect_at('backup', original)
    lines = tenant.verify_at('restore', other)
    assert any('recorded no databases' in line for line in lines)


def test_what_is_not_in_the_backup_is_missed(tenant, original, sandbox):
    checkpoint = tenant.protect_at('restore', original)
    change_record(sandbox, checkpoint, original,
                  databases=['shop', 'stock', 'sold'], users=['buyer'])
    lines = tenant.verify_at('restore', checkpoint, 'fail')
    assert lines[:2] == [
        'databases are missing after the test restore: sold',
        'users are missing after the test restore: buyer']
    assert not tenant.list_temporary_ids()


def change_record(sandbox, checkpoint_id, instance_id, **changed):
    """Change what the bank, which is Karbor's own in Swift, has recorded."""
    swift = swiftclient.Connection(session=sandbox.session('karbor'))
    [name] = [kept['name'] for kept in swift.get_container(
        'karbor', full_listing=True)[1]
        if kept['name'].endswith('%s/resource-data/%s/metadata' % (
            checkpoint_id, instance_id))]
    kept = json.loads(swift.get_object('karbor', name)[1])
    swift.put_object('karbor', name, json.dumps(dict(kept, **changed)),
                     headers={'x-object-meta-serialized': 'true'})


def test_the_recovery_time_is_what_a_watch_tells(tenant, original):
    checkpoint = tenant.protect_at('restore', original,
                                   backup_name='slow-restore-5')
    verification = tenant.begin_verification(checkpoint)
    [id_] = tenants.wait_for(tenant.list_temporary_ids)
    began = time.monotonic()
    tenants.wait_for(lambda: tenant.is_up(id_))
    seen = time.monotonic() - began
    told = tenant.ended_verification(verification)
    assert told['status'] == 'success', told
    [reason] = told['resources_reason'].values()
    [measured] = [float(line.split()[5]) for line in reason.splitlines()
                  if ' was up ' in line]
    print('\nmeasured %.1f s, seen %.1f s' % (measured, seen))
    assert measured == pytest.approx(seen, rel=0.1)
    assert measured > 5


def test_what_a_killed_verification_left_goes_with_the_next(
        tenant, sandbox, original):
    checkpoint = tenant.protect_at('restore', original,
                                   backup_name='slow-restore-8')
    tenant.begin_verification(checkpoint)
    [left] = tenants.wait_for(tenant.list_temporary_ids)
    sandbox.services['karbor'].kill()
    sandbox.services['karbor'].start()
    assert tenant.list_temporary_ids() == [left]
    [row] = deferred(sandbox)
    # Its id may not have been noted yet, but its name was before.
    name = tenant.trove.instances.get(left).name
    assert row['what'] == 'temporary instance' and '"%s"' % name in row['why']
    assert 'it was interrupted' in row['why']
    lines = tenant.verify_at('restore', checkpoint)
    assert 'restore: 2 of 2 databases exist' in lines
    assert not tenant.list_temporary_ids() and not deferred(sandbox)


def deferred(sandbox):
    """What waits, as the operator sees it."""
    command = pathlib.Path(sys.executable).with_name('karbor-trove-manage')
    config = sandbox.directory / 'karbor' / 'karbor.conf'
    shown = [command, '--config-file', config, 'deferred', 'list']
    print(subprocess.run(shown, stdout=subprocess.PIPE, text=True).stdout)
    return json.loads(subprocess.run(
        [*shown, '--format', 'json'], stdout=subprocess.PIPE,
        check=True).stdout)
