"""Verifications at the three levels, with the real services of the sandbox.

Three provider files share one bank. A checkpoint that one provider created
can be verified with any of them.
"""

import json
import pathlib
import subprocess
import sys
import time

import pytest
import swiftclient

from tests.functional import api_tenant as tenants
from tests.functional import trove_release
from tests.sandbox import cloud
from tests.sandbox import fixture
from tests.sandbox.services import cloud as catalog

LEVELS = {'backup': 'cf56bd3e-97a7-4078-b6d5-f36246333f01',
          'data': 'cf56bd3e-97a7-4078-b6d5-f36246333f02',
          'restore': 'cf56bd3e-97a7-4078-b6d5-f36246333f03'}


@pytest.fixture(scope='module')
def sandbox(request):
    """A sandbox with a provider file for each level."""
    level_options = {'restore': {'verify_flavor_id': '1',
                                 'verify_net_id': catalog.OTHER_NETWORK,
                                 'verify_max_volumes': 3}}
    with fixture.running(
            request, debug=True, providers=[{
                'name': 'Level %s' % level, 'id': id_,
                'plugins': cloud.PLUGINS,
                'options': {'poll_interval': 0.2, 'verify_level': level,
                            **level_options.get(level, {})},
            } for level, id_ in LEVELS.items()]) as running:
        yield running


class Tenant(tenants.Tenant):
    """A user of the three providers and of Swift."""

    def __init__(self, sandbox):
        super().__init__(sandbox)
        self.swift = swiftclient.Connection(session=self.session)

    def protect_at(self, level, instance_id, **parameters):
        id_ = LEVELS[level]
        return self.protect(self.create_plan(
            [instance_id], {tenants.TYPE: parameters} if parameters else None,
            provider=id_), provider=id_)

    def delete_at(self, level, checkpoint_id):
        self.delete_checkpoint(checkpoint_id, provider=LEVELS[level])

    def verify_at(self, level, checkpoint_id, expect='success'):
        """Verify a checkpoint and return the lines of the reason."""
        record = self.verify(checkpoint_id, expect, provider=LEVELS[level])
        [status] = record['resources_status'].values()
        assert status == ('available' if expect == 'success' else 'error')
        [reason] = record['resources_reason'].values()
        print('\n%s: %s\n%s' % (level, expect, reason))
        return reason.split(';\n')

    def start_verification(self, checkpoint_id):
        """Start a verification at level restore and return its id."""
        return self.send('POST', '/verifications', {'verification': {
            'provider_id': LEVELS['restore'],
            'checkpoint_id': checkpoint_id,
            'parameters': {}}})['verification']['id']

    def wait_for_verification(self, id_):
        """Wait for the end of a verification and return Karbor's record."""
        return tenants.wait_for(lambda: self.find_ended('verification', id_))

    def list_segments(self):
        """Return (container, name) of all segments of backups."""
        return sorted((container, name) for container, name
                      in self.list_objects() if not name.endswith('.tar.gz'))

    def list_temporary_ids(self):
        """Return the ids of the temporary instances."""
        return [instance.id for instance in self.trove.instances.list()
                if instance.name.startswith('karbor-verify-')]


#: What a verification at level restore says about the fixture `original`, if
#: Trove lists the databases and users of PostgreSQL.
COMPARED = ['restore: 2 of 2 databases exist', 'restore: 1 of 1 users exist']
#: What it says if the protect operation recorded no databases and users.
NOT_COMPARED = [
    'restore: the protect recorded no %s, so they were not compared' % kind
    for kind in ('databases', 'users')]


@pytest.fixture
def tenant(sandbox):
    """A user of an empty project. The fixture empties it again."""
    tenant = Tenant(sandbox)
    yield tenant
    tenant.delete_everything()


@pytest.fixture
def original(tenant):
    """An instance with rows.

    It also has two more databases and one user, if Trove can create them.
    """
    id_ = tenant.create_instance(volume={'size': 2})
    tenant.create_table(id_, 2000)
    if not trove_release.HAS_ACCOUNTS:
        return id_
    tenant.trove.databases.create(id_, [{'name': 'shop'}, {'name': 'stock'}])
    tenant.trove.users.create(id_, [
        {'name': 'seller', 'password': 'secret',
         'databases': [{'name': 'shop'}]}])
    tenants.wait_for(lambda: tenant.trove.users.list(id_))
    return id_


def test_level_data_names_a_truncated_and_a_deleted_segment(
        tenant, original):
    checkpoint = tenant.protect_at('data', original)
    container, name = tenant.list_segments()[1]
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


def test_level_data_finds_changed_bytes_of_the_same_length(tenant, original):
    checkpoint = tenant.protect_at('data', original)
    other = tenant.create_instance()
    tenant.protect_at('backup', other)
    segments, other_segments = [
        [segment for segment in tenant.list_segments()
         if segment[1].startswith(backup_id)]
        for backup_id in sorted(tenant.list_backups(), key=lambda id_: (
            tenant.list_backups()[id_]['instance_id'] != original))]
    [length] = {int(tenant.swift.head_object(*names[0])['content-length'])
                for names in (segments, other_segments)}
    tenant.swift.put_object(
        *segments[0], tenant.swift.get_object(*other_segments[0])[1])
    assert int(tenant.swift.head_object(*segments[0])['content-length']
               ) == length
    tenant.verify_at('backup', checkpoint)
    [line] = tenant.verify_at('data', checkpoint, 'fail')
    assert '%s/%s has other bytes' % segments[0] in line


def test_only_level_restore_finds_a_backup_that_does_not_start(tenant):
    checkpoint = tenant.protect_at(
        'restore', tenant.create_instance('corrupt-backup'))
    tenant.verify_at('backup', checkpoint)
    tenant.verify_at('data', checkpoint)
    lines = tenant.verify_at('restore', checkpoint, 'fail')
    assert 'has the status ERROR' in lines[0]
    assert not tenant.list_temporary_ids()


@pytest.mark.skipif(
    not trove_release.HAS_ACCOUNTS,
    reason='this Trove lists no databases and users of PostgreSQL')
def test_level_restore_compares_databases_and_users(tenant, original):
    checkpoint = tenant.protect_at('restore', original)
    lines = tenant.verify_at('restore', checkpoint)
    assert set(COMPARED) <= set(lines)
    assert not tenant.list_temporary_ids()
    assert tenant.count_rows(original) == 2000


@pytest.mark.skipif(
    trove_release.HAS_ACCOUNTS,
    reason='this Trove lists databases and users of PostgreSQL')
def test_level_restore_says_that_it_compared_no_databases_and_users(
        tenant, original):
    checkpoint = tenant.protect_at('restore', original)
    lines = tenant.verify_at('restore', checkpoint)
    assert set(NOT_COMPARED) <= set(lines)
    assert not tenant.list_temporary_ids()
    assert tenant.count_rows(original) == 2000


def test_level_restore_compares_no_names_after_a_protect_at_level_backup(
        tenant, original):
    # The protect operation recorded no baseline for level restore.
    checkpoint = tenant.protect_at('backup', original)
    lines = tenant.verify_at('restore', checkpoint)
    assert set(NOT_COMPARED) <= set(lines)
    assert not tenant.list_temporary_ids()


@pytest.mark.skipif(
    not trove_release.HAS_ACCOUNTS,
    reason='this Trove lists no databases and users of PostgreSQL')
def test_level_restore_names_missing_databases_and_users(
        tenant, original, sandbox):
    checkpoint = tenant.protect_at('restore', original)
    change_record(sandbox, checkpoint, original,
                  databases=['shop', 'stock', 'sold'], users=['buyer'])
    lines = tenant.verify_at('restore', checkpoint, 'fail')
    assert lines[:2] == [
        'databases are missing after the test restore: sold',
        'users are missing after the test restore: buyer']
    assert not tenant.list_temporary_ids()


@pytest.mark.skipif(
    trove_release.HAS_ACCOUNTS,
    reason='this Trove lists databases and users of PostgreSQL')
def test_level_restore_says_that_trove_returns_no_databases_and_users(
        tenant, original, sandbox):
    checkpoint = tenant.protect_at('restore', original)
    change_record(sandbox, checkpoint, original,
                  databases=['shop'], users=['seller'])
    lines = tenant.verify_at('restore', checkpoint)
    assert {'restore: Trove does not return the %s, so they were not compared'
            % kind for kind in ('databases', 'users')} <= set(lines)
    assert not tenant.list_temporary_ids()


def change_record(sandbox, checkpoint_id, instance_id, **changes):
    """Change the backup record in the bank, which is in Swift."""
    swift = swiftclient.Connection(session=sandbox.session('karbor'))
    [name] = [item['name'] for item in swift.get_container(
        'karbor', full_listing=True)[1]
        if item['name'].endswith('%s/resource-data/%s/metadata' % (
            checkpoint_id, instance_id))]
    record = json.loads(swift.get_object('karbor', name)[1])
    swift.put_object('karbor', name, json.dumps(dict(record, **changes)),
                     headers={'x-object-meta-serialized': 'true'})


def test_the_reported_recovery_time_equals_the_measured_one(
        tenant, original):
    checkpoint = tenant.protect_at('restore', original,
                                   backup_name='slow-restore-5')
    verification = tenant.start_verification(checkpoint)
    [id_] = tenants.wait_for(tenant.list_temporary_ids)
    start = time.monotonic()
    tenants.wait_for(lambda: tenant.is_up(id_))
    measured = time.monotonic() - start
    record = tenant.wait_for_verification(verification)
    assert record['status'] == 'success', record
    [reason] = record['resources_reason'].values()
    [reported] = [float(line.split()[5]) for line in reason.split(';\n')
                  if ' was up ' in line]
    print('\nreported %.1f s, measured %.1f s' % (reported, measured))
    # Each of the two polls, and a busy machine delays both.
    assert reported == pytest.approx(measured, abs=2.5)
    assert reported > 5


def test_the_next_verification_deletes_the_instance_of_a_killed_one(
        tenant, sandbox, original):
    checkpoint = tenant.protect_at('restore', original,
                                   backup_name='slow-restore-8')
    tenant.start_verification(checkpoint)
    [instance_id] = tenants.wait_for(tenant.list_temporary_ids)
    sandbox.services['karbor'].kill()
    sandbox.services['karbor'].start()
    assert tenant.list_temporary_ids() == [instance_id]
    [row] = list_deferred(sandbox)
    # The journal may not have the id yet. It had the name before the request.
    name = tenant.trove.instances.get(instance_id).name
    assert row['what'] == 'temporary instance' and '"%s"' % name in row['why']
    assert 'it was interrupted' in row['why']
    lines = tenant.verify_at('restore', checkpoint)
    expected = COMPARED if trove_release.HAS_ACCOUNTS else NOT_COMPARED
    assert expected[0] in lines
    assert not tenant.list_temporary_ids() and not list_deferred(sandbox)


def list_deferred(sandbox):
    """Run `deferred list`, print its table and return its rows."""
    command = pathlib.Path(sys.executable).with_name('karbor-trove-manage')
    config = sandbox.directory / 'karbor' / 'karbor.conf'
    arguments = [command, '--config-file', config, 'deferred', 'list']
    print(subprocess.run(arguments, stdout=subprocess.PIPE, text=True).stdout)
    return json.loads(subprocess.run(
        [*arguments, '--format', 'json'], stdout=subprocess.PIPE,
        check=True).stdout)
