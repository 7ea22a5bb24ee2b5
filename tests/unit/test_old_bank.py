"""The current code reads, uses and cleans up the banks of an older release.

old_bank/README.rst describes the files.
"""

import json
import logging
import pathlib
import re
import types

from keystoneauth1 import loading
from oslo_config import cfg
import pytest

from karbor_trove.cmd import manage as command
from karbor_trove import protection
from tests.unit.old_bank import scenarios

FOLDER = pathlib.Path(__file__).parent / 'old_bank'
HOUR = 3600.0
LEVELS = ('backup', 'data', 'restore')

KARBOR_CONF = '''
[DEFAULT]
provider_config_dir = {folder}
[keystone_authtoken]
auth_type = password
auth_url = http://keystone.example.com:5000/v3
username = karbor
password = password
user_domain_name = Default
project_name = service
project_domain_name = Default
'''

PROVIDER = '''
[provider]
name = databases
id = databases
bank = karbor-fs-bank-plugin
plugin = karbor-trove-protection-plugin
[file_system_bank_plugin]
file_system_bank_path = {bank}
[trove_protection_plugin]
poll_interval = 0.1
delete_timeout = 2
'''


@pytest.fixture
def make_plugin(tmp_path, clock):
    """Create a plugin from the options of a provider."""
    def make(**options):
        path = tmp_path / 'provider.conf'
        path.write_text('\n'.join([
            '[trove_protection_plugin]', 'poll_interval = 1',
            *('%s = %s' % item for item in options.items())]))
        config = cfg.ConfigOpts()
        config(['--config-file', str(path)], default_config_dirs=[])
        return protection.TroveProtectionPlugin(config, clock)
    return make


@pytest.fixture
def karbor(bank, fake_trove, clock, context, make_plugin):
    return scenarios.Karbor(bank, fake_trove, clock, context, make_plugin)


@pytest.fixture
def load(bank, fake_trove, clock, karbor):
    """Load what a scenario left, into the bank and into Trove.

    Three days pass before anything else happens, so every request of the
    older release is settled and every operation of it has ended.
    """
    def load(name, hours=72):
        contents = json.loads((FOLDER / (name + '.json')).read_text())
        for path, document in contents['bank'].items():
            bank.update_object(path, document)
        fake_trove.configurations.update(contents['trove']['configurations'])
        for state in contents['trove']['instances']:
            fake_trove.add_instance(**state)
        for state in contents['trove']['backups']:
            fake_trove.add_backup(**state)
        karbor.ids = contents['ids']
        clock.sleep(hours * HOUR)
        return types.SimpleNamespace(**contents['ids'])
    return load


@pytest.fixture
def whole_bank(load):
    """Load all scenarios. Return their ids by the name of the scenario."""
    return {path.stem: load(path.stem, hours=0)
            for path in sorted(FOLDER.glob('*.json'))}


@pytest.fixture
def manage(karbor_conf, fake_trove, tmp_path, capsys):
    """Return a function that runs karbor-trove-manage and returns its rows.

    The command waits in real time, so Trove deletes at once.
    """
    folder = tmp_path / 'providers.d'
    folder.mkdir()
    (folder / 'databases.conf').write_text(
        PROVIDER.format(bank=tmp_path / 'bank'))
    path = tmp_path / 'manage.conf'
    path.write_text(KARBOR_CONF.format(folder=folder)
                    + (tmp_path / 'karbor.conf').read_text())
    fake_trove.delete_seconds = 0

    def run(*words, expect=0):
        code = command.main([*words, '--config-file', str(path),
                             '--format', 'json'])
        logging.disable(logging.NOTSET)
        out, err = capsys.readouterr()
        assert code == expect, err
        return json.loads(out) if out else err
    yield run
    cfg.CONF.reset()
    cfg.CONF.unregister_opts(
        loading.get_auth_plugin_conf_options('password'),
        'keystone_authtoken')


def journal(bank, part):
    """Return the paths of one part of the journals in a bank."""
    return [path for path in scenarios.documents(bank)
            if path.startswith('/karbor-trove/') and part in path]


# The format.


def comparable(documents, ids):
    """Return documents without what differs between two runs.

    Ids get their names. Times, messages and processes get placeholders.
    """
    text = json.dumps(documents)
    for name, id_ in ids.items():
        text = text.replace(id_, '<%s>' % name)
    text = re.sub(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d', '<time>', text)
    compared = {}
    for path, document in json.loads(text).items():
        if not (path.startswith('/karbor-trove/')
                or '/resource-data/' in path):
            continue  # Karbor's own.
        if path.endswith('/reason'):
            document = '<message>'
        elif path.endswith('/worker'):
            document = _comparable('worker', document)
        elif isinstance(document, str) and document.startswith('{'):
            document = '<corrupt>'
        elif isinstance(document, dict):
            document = {key: _comparable(key, value)
                        for key, value in document.items()}
        compared[path] = document
    return compared


def _comparable(key, value):
    if key in ('reason', 'left', 'etag') and value:
        return '<%s>' % key
    if key == 'worker':
        # The identity has this key in addition.
        return sorted(set(value) - {'service_host'})
    if key == 'whole':
        return {name: _comparable(name, part) for name, part in value.items()}
    if key == 'segments':
        return [_comparable('whole', part) for part in value]
    return value


@pytest.mark.parametrize('name', scenarios.SCENARIOS)
def test_current_code_writes_the_same_documents(karbor, bank, name):
    contents = json.loads((FOLDER / (name + '.json')).read_text())
    scenarios.SCENARIOS[name](karbor)
    documents = comparable(scenarios.documents(bank), karbor.ids)
    for document in documents.values():
        # The record has these keys in addition.
        if isinstance(document, dict) and 'datastore' in document:
            del document['datastore']['version_id']
            del document['configuration']
    # The backup journal has markers in addition.
    documents = {path: document for path, document in documents.items()
                 if '/complete-backups/' not in path}
    assert documents == comparable(contents['bank'], contents['ids'])


# What the operator reads.


@pytest.mark.parametrize('name, checkpoint, status, record, entry, parent', [
    ('full_backup', 'checkpoint', 'available', 'backup', 'backup', None),
    ('chain', 'checkpoint_incremental', 'available', 'backup_incremental',
     'backup_incremental', 'backup_full'),
    ('failed_protect', 'checkpoint', 'error', 'backup', 'backup', None),
    ('interrupted_protect', 'checkpoint', 'protecting', None, None, None),
    ('interrupted_write', 'checkpoint', 'protecting', 'backup', 'backup',
     None),
    ('deferred_deletion', 'checkpoint_parent', 'deleted', None,
     'backup_parent', None),
    ('interrupted_deletion', 'checkpoint', 'deleting', 'backup', 'backup',
     None),
    ('ambiguous', 'checkpoint', 'error', None, None, None),
    ('written_by_karbor', 'checkpoint', 'available', 'backup', None, None)])
def test_checkpoint_show_reads_the_old_documents(
        manage, load, karbor, name, checkpoint, status, record, entry,
        parent):
    ids = load(name)
    [row] = manage('checkpoint', 'show', karbor.ids[checkpoint])
    assert row['checkpoint'] == karbor.ids[checkpoint]
    assert row['resource'] == ids.instance
    assert row['status'] == row['resource_status'] == status
    assert row['record'] == karbor.ids.get(record)
    assert row['journal'] == karbor.ids.get(entry)
    assert row['parent'] == karbor.ids.get(parent)
    assert row['long_reason'] is None


def test_checkpoint_show_reads_an_old_worker_and_an_old_failure_reason(
        manage, load):
    ids = load('failed_protect')
    [row] = manage('checkpoint', 'show', ids.checkpoint)
    assert '4711' in row['worker'] and 'karbor.example.com' in row['worker']
    assert ids.backup in row['reason'] and 'FAILED' in row['reason']


def test_checkpoint_show_reads_why_an_old_deletion_was_deferred(
        manage, load):
    ids = load('deferred_deletion')
    [row] = manage('checkpoint', 'show', ids.checkpoint_parent)
    assert ids.backup_child in row['note']


def test_deferred_list_reads_all_old_journals(manage, whole_bank):
    def row(name, checkpoint=None, backup=None):
        ids = whole_bank[name]
        return (ids.instance, getattr(ids, checkpoint or '', None),
                getattr(ids, backup or '', None))

    rows = manage('deferred', 'list')
    assert {(row['instance'], row['checkpoint'], row['backup'])
            for row in rows} == {
        row('interrupted_protect', 'checkpoint'),
        row('ambiguous', 'checkpoint'),
        row('deferred_deletion', 'checkpoint_parent', 'backup_parent'),
        row('interrupted_deletion', 'checkpoint', 'backup'),
        row('interrupted_restore'),
        row('interrupted_verification'),
        row('interrupted_verification_request')}
    assert len(rows) == 7
    why = {row['instance']: row['why'] for row in rows}
    for name, id_ in (('interrupted_restore', 'restore'),
                      ('interrupted_verification', 'temporary_instance'),
                      ('interrupted_verification_request', 'verification')):
        ids = whole_bank[name]
        assert getattr(ids, id_) in why[ids.instance]


def test_report_reads_all_old_checkpoints(manage, whole_bank):
    rows = {row['instance']: row for row in manage('report')}
    points = {}
    for name, ids in whole_bank.items():
        row = rows.pop(ids.instance)
        names = {id_: key for key, id_ in vars(ids).items()}
        points[name] = (names.get(row['checkpoint']), row['chain'],
                        names.get(row['verified_checkpoint']), row['level'],
                        row['result'])
    backup, none = ('checkpoint', 1), (None, None)
    unverified = (None, None, None)
    assert points == {
        'full_backup': (*backup, *unverified),
        'chain': ('checkpoint_incremental', 2, *unverified),
        'failed_protect': (*none, *unverified),
        'interrupted_protect': (*none, *unverified),
        'interrupted_write': (*none, *unverified),
        'deferred_deletion': ('checkpoint_child', 2, *unverified),
        'interrupted_deletion': (*none, *unverified),
        'ambiguous': (*none, *unverified),
        'interrupted_restore': (*backup, *unverified),
        'interrupted_verification': (*backup, *unverified),
        'interrupted_verification_request': (*backup, *unverified),
        'verified': (*backup, 'checkpoint', 'restore', 'passed'),
        'failed_verification': (*backup, 'checkpoint', 'data', 'failed'),
        'written_by_karbor': (*backup, *unverified)}
    # The instance that the interrupted restore created has no checkpoint.
    [row] = rows.values()
    assert row['name'] == 'restored orders' and row['checkpoint'] is None


def test_report_reads_an_old_recovery_time(manage, load):
    load('verified')
    [row] = manage('report')
    assert row['recovery_seconds'] == 12.0


def test_report_reads_an_old_failure_of_a_verification(manage, load):
    ids = load('failed_verification')
    [row] = manage('report')
    assert ids.checkpoint in row['note'] and ids.backup in row['note']


def test_no_backup_that_an_old_bank_knows_is_an_orphan(manage, whole_bank):
    user = whole_bank['ambiguous']
    assert {row['backup'] for row in manage('orphans', 'list')} <= {
        user.backup, user.backup_of_user}


# Restore.


RESTORE_POINTS = [
    ('full_backup', 'checkpoint', 'backup', ['orders']),
    ('chain', 'checkpoint_full', 'backup_full', ['orders']),
    ('chain', 'checkpoint_incremental', 'backup_incremental',
     ['orders', 'invoices']),
    ('deferred_deletion', 'checkpoint_child', 'backup_child', ['orders']),
    ('interrupted_restore', 'checkpoint', 'backup', ['orders']),
    ('interrupted_verification', 'checkpoint', 'backup', ['orders']),
    ('verified', 'checkpoint', 'backup', ['orders'])]


@pytest.mark.parametrize('name, checkpoint, backup, databases',
                         RESTORE_POINTS)
def test_old_checkpoint_is_restored_as_the_original_from_its_own_backup(
        load, karbor, fake_trove, name, checkpoint, backup, databases):
    ids = load(name)
    restore, restored = karbor.restore(checkpoint)
    assert restore.status == 'available'
    [request] = fake_trove.find_requests('POST', '/instances')
    assert request.body['instance']['restorePoint']['backupRef'] == (
        karbor.ids[backup])
    instance = fake_trove.instances[restored[ids.instance]]
    original = fake_trove.instances[ids.instance]
    assert instance['databases'] == databases
    for key in ('name', 'datastore', 'flavor_id', 'volume_size',
                'network_id', 'configuration_id', 'users'):
        assert instance[key] == original[key]
    assert (instance['access'] or {'is_public': False}) == (
        original['access'] or {'is_public': False})


def test_restore_of_an_old_checkpoint_takes_the_new_choices(
        load, karbor, fake_trove):
    ids = load('full_backup')
    _, restored = karbor.restore(restore_name='copy',
                                 restore_flavor_id='2')
    instance = fake_trove.instances[restored[ids.instance]]
    assert (instance['name'], instance['flavor_id']) == ('copy', '2')


@pytest.mark.parametrize('name', ['interrupted_protect', 'ambiguous'])
def test_restore_of_an_old_checkpoint_without_a_backup_fails(
        load, karbor, fake_trove, name):
    load(name)
    restore, restored = karbor.restore()
    assert restore.status == 'error' and not restored
    assert not fake_trove.find_requests('POST', '/instances')


# Verify.


@pytest.mark.parametrize('level', LEVELS)
@pytest.mark.parametrize('name, checkpoint', [
    *(point[:2] for point in RESTORE_POINTS),
    ('failed_verification', 'checkpoint')])
def test_old_checkpoint_passes_verification(
        load, karbor, fake_trove, name, checkpoint, level):
    fake_trove.objects.segment_count = 2 * (name == 'verified')
    ids = load(name)
    assert karbor.verify(checkpoint, level).status == 'available'
    result = karbor.section(checkpoint).get_object('verified-' + level)
    assert result['passed'] and result['at'].startswith('2026-01-04T')
    assert not [instance for instance in fake_trove.instances.values()
                if instance['id'] not in vars(ids).values()]


@pytest.mark.parametrize('level', LEVELS)
def test_verification_keeps_the_results_of_other_levels(
        load, karbor, fake_trove, level):
    fake_trove.objects.segment_count = 2
    load('verified')
    before = {other: karbor.section().get_object('verified-' + other)
              for other in LEVELS}
    karbor.verify(level=level)
    for other in LEVELS:
        after = karbor.section().get_object('verified-' + other)
        assert after.keys() == before[other].keys()
        assert (after == before[other]) == (other != level)


def test_verification_compares_the_objects_with_an_old_manifest(
        load, karbor, fake_trove):
    fake_trove.objects.segment_count = 2
    load('verified')
    [url] = fake_trove.objects.list_urls()
    segment = fake_trove.objects.segment_urls(url)[1]
    fake_trove.objects.changed[segment] = bytes(
        len(fake_trove.objects.read(segment)))
    verification = karbor.verify(level='data')
    assert verification.status == 'error'
    assert segment.rpartition('/')[2] in verification.reason


def test_verification_compares_an_instance_with_an_old_baseline(
        load, karbor, fake_trove):
    fake_trove.objects.segment_count = 2
    ids = load('verified')
    fake_trove.backups[ids.backup]['users'] = ['buyer']
    verification = karbor.verify(level='restore')
    assert verification.status == 'error'
    assert 'seller' in verification.reason
    assert set(fake_trove.instances) == {ids.instance}


@pytest.mark.parametrize('name', ['failed_protect', 'interrupted_protect',
                                  'ambiguous'])
@pytest.mark.parametrize('level', LEVELS)
def test_old_checkpoint_without_a_complete_backup_fails_verification(
        load, karbor, fake_trove, name, level):
    ids = load(name)
    assert karbor.verify(level=level).status == 'error'
    assert set(fake_trove.instances) == {ids.instance}


# Delete.


def delete_all(karbor):
    """Delete all checkpoints, the newest first."""
    for name in reversed([name for name in karbor.ids
                          if name.startswith('checkpoint')]):
        if karbor.checkpoint(name).status != 'deleted':
            karbor.delete(name)


@pytest.mark.parametrize('name', [
    *(name for name in scenarios.SCENARIOS if name != 'ambiguous'),
    'written_by_karbor'])
def test_deletion_of_old_checkpoints_leaves_no_backup(
        load, karbor, bank, fake_trove, name):
    load(name)
    delete_all(karbor)
    assert not fake_trove.backups and not fake_trove.objects.list_urls()
    assert not journal(bank, '/backups/') and not journal(bank, '/contents/')
    for checkpoint in karbor.ids:
        if checkpoint.startswith('checkpoint'):
            section = karbor.section(checkpoint)
            assert section.get_object('status') == 'deleted'
            assert set(section.list_objects()) <= {'status', 'worker'}


def test_deletion_of_an_old_parent_is_deferred(
        load, karbor, bank, fake_trove):
    ids = load('chain')
    karbor.delete('checkpoint_full')
    assert set(fake_trove.backups) == {ids.backup_full,
                                       ids.backup_incremental}
    entry = bank.get_object('/karbor-trove/%s/backups/%s' % (
        ids.instance, ids.checkpoint_full))
    assert entry['deleted'] and ids.backup_incremental in entry['reason']


def test_deletion_after_an_old_lost_request_without_a_backup_succeeds(
        load, karbor, bank, fake_trove):
    load('interrupted_protect')
    fake_trove.backups.clear()
    karbor.delete()
    assert not journal(bank, '/backups/')


def test_deletion_of_an_ambiguous_old_checkpoint_keeps_both_backups(
        load, karbor, bank, fake_trove, manage):
    ids = load('ambiguous')
    karbor.delete()
    assert karbor.checkpoint().status == 'deleted'
    assert set(fake_trove.backups) == {ids.backup, ids.backup_of_user}
    # One of them alone may still be the user's.
    del fake_trove.backups[ids.backup]
    manage('deferred', 'sweep', expect=1)
    assert set(fake_trove.backups) == {ids.backup_of_user}
    fake_trove.backups.clear()
    manage('deferred', 'sweep')
    assert not journal(bank, '/backups/')


# Sweep.


@pytest.mark.parametrize('operation', ['protect', 'verify', 'delete'])
def test_sweep_of_an_operation_deletes_an_old_deferred_deletion(
        load, karbor, bank, fake_trove, operation):
    ids = load('deferred_deletion')
    if operation != 'delete':
        # Another protect creates the checkpoint to work on.
        fake_trove.fail('DELETE', '*', 403, times=None)
        karbor.protect('_new')
        fake_trove.heal()
        del fake_trove.backups[ids.backup_child]
    {'protect': lambda: karbor.protect('_newer'),
     'verify': lambda: karbor.verify('checkpoint_new'),
     'delete': lambda: karbor.delete('checkpoint_child')}[operation]()
    assert ids.backup_parent not in fake_trove.backups
    assert not [path for path in journal(bank, '/backups/')
                if ids.checkpoint_parent in path]


@pytest.mark.parametrize('name, backup, checkpoint', [
    ('deferred_deletion', 'backup_parent', 'checkpoint_parent'),
    ('interrupted_deletion', 'backup', 'checkpoint')])
def test_deferred_sweep_deletes_what_an_old_release_left(
        load, karbor, bank, fake_trove, manage, name, backup, checkpoint):
    load(name)
    fake_trove.backups.pop(karbor.ids.get('backup_child'), None)
    [row] = manage('deferred', 'sweep')
    assert row['backup'] == karbor.ids[backup]
    assert row['outcome'] == 'deleted'
    assert not fake_trove.backups and not fake_trove.objects.list_urls()
    assert not [path for path in journal(bank, '/backups/')
                if karbor.ids[checkpoint] in path]


def test_deferred_sweep_keeps_an_old_parent_of_a_living_child(
        load, fake_trove, manage):
    ids = load('deferred_deletion')
    [row] = manage('deferred', 'sweep')
    assert ids.backup_child in row['outcome']
    assert set(fake_trove.backups) == {ids.backup_parent, ids.backup_child}


# What interrupted operations left.


INTERRUPTED_VERIFICATIONS = pytest.mark.parametrize('name', [
    'interrupted_verification', 'interrupted_verification_request'])


@INTERRUPTED_VERIFICATIONS
@pytest.mark.parametrize('level', LEVELS)
def test_verification_deletes_the_temporary_instance_of_an_old_one(
        load, karbor, bank, fake_trove, name, level):
    ids = load(name)
    assert karbor.verify(level=level).status == 'available'
    assert set(fake_trove.instances) == {ids.instance}
    assert not journal(bank, '/rehearsals/')


@INTERRUPTED_VERIFICATIONS
def test_deferred_sweep_deletes_the_temporary_instance_of_an_old_one(
        load, bank, fake_trove, manage, name):
    ids = load(name)
    manage('deferred', 'sweep')
    assert set(fake_trove.instances) == {ids.instance}
    assert not journal(bank, '/rehearsals/')


@INTERRUPTED_VERIFICATIONS
def test_temporary_instance_stays_until_the_old_verification_has_ended(
        load, karbor, bank, fake_trove, name):
    ids = load(name, hours=1)
    verification = karbor.verify()
    assert ids.temporary_instance in fake_trove.instances
    assert verification.reason and journal(bank, '/rehearsals/')


def test_instance_of_an_old_unconfirmed_restore_stays_until_dismissed(
        load, bank, fake_trove, manage):
    ids = load('interrupted_restore')
    [row] = manage('deferred', 'sweep')
    assert ids.restored_instance in row['outcome']
    assert journal(bank, '/restores/')
    [row] = manage('deferred', 'dismiss', ids.restore)
    assert (row['restore'], row['name']) == (ids.restore, 'restored orders')
    assert not journal(bank, '/restores/')
    assert set(fake_trove.instances) == {ids.instance, ids.restored_instance}


def test_deferred_sweep_deletes_the_intent_of_a_restore_without_instance(
        load, bank, fake_trove, manage):
    ids = load('interrupted_restore')
    del fake_trove.instances[ids.restored_instance]
    manage('deferred', 'sweep')
    assert not journal(bank, '/restores/')


@pytest.mark.parametrize('name', ['interrupted_protect',
                                  'interrupted_write',
                                  'interrupted_deletion'])
def test_checkpoint_reset_of_an_old_checkpoint_needs_force(
        load, karbor, bank, fake_trove, manage, name):
    ids = load(name)
    assert 'karbor.example.com' in manage(
        'checkpoint', 'reset', ids.checkpoint, expect=1)
    [row] = manage('checkpoint', 'reset', ids.checkpoint, '--force')
    assert row['status'] == karbor.checkpoint().status == 'error'
    karbor.delete()
    assert not fake_trove.backups and not journal(bank, '/backups/')


# Protect.


def test_incremental_backup_continues_an_old_chain(
        load, karbor, bank, fake_trove):
    ids = load('chain')
    karbor.protect('_new', incremental='True')
    backup = fake_trove.backups[karbor.ids['backup_new']]
    assert backup['parent_id'] == ids.backup_incremental
    path = '/karbor-trove/%s/backups/' % ids.instance
    old = bank.get_object(path + ids.checkpoint_incremental)
    new = bank.get_object(path + karbor.ids['checkpoint_new'])
    assert new.keys() == old.keys()
    assert new['parent_id'] == ids.backup_incremental
    assert new['version'] == old['version'] and new['complete']
    karbor.restore('checkpoint_new')
    delete_all(karbor)
    assert not fake_trove.backups and not journal(bank, '/backups/')


def test_incremental_backup_does_not_continue_an_old_backup_being_deleted(
        load, karbor, fake_trove):
    ids = load('deferred_deletion')
    karbor.delete('checkpoint_child')
    assert ids.backup_parent not in fake_trove.backups
    karbor.protect('_new', incremental='True')
    backup = fake_trove.backups[karbor.ids['backup_new']]
    assert backup['parent_id'] is None


# Karbor's own plugin.


@pytest.fixture
def in_tree_plugin(fake_trove):
    """Return Karbor's in-tree plugin, for a Trove that takes no time.

    The plugin waits in real time. It sends no datastore, so the datastore of
    its backup is the first one in Trove.
    """
    fake_trove.datastores = {'postgresql': ['18']}
    for name in ('build', 'healthy', 'start', 'backup', 'delete'):
        setattr(fake_trove, name + '_seconds', 0)
    return scenarios.in_tree_plugin()


def test_checkpoint_of_karbors_own_plugin_is_restored(
        load, karbor, fake_trove):
    ids = load('written_by_karbor')
    restore, restored = karbor.restore()
    assert restore.status == 'available'
    instance = fake_trove.instances[restored[ids.instance]]
    original = fake_trove.instances[ids.instance]
    for key in 'datastore', 'flavor_id', 'volume_size', 'databases', 'users':
        assert instance[key] == original[key]


@pytest.mark.parametrize('level', LEVELS)
def test_checkpoint_of_karbors_own_plugin_passes_verification(
        load, karbor, fake_trove, level):
    ids = load('written_by_karbor')
    assert karbor.verify(level=level).status == 'available'
    assert set(fake_trove.instances) == {ids.instance}


def test_incremental_backup_does_not_continue_one_of_karbors_own_plugin(
        load, karbor, fake_trove):
    load('written_by_karbor')
    karbor.protect('_new', incremental='True')
    backup = fake_trove.backups[karbor.ids['backup_new']]
    assert backup['parent_id'] is None


@pytest.fixture(params=['old', 'current'])
def checkpoint_of_ours(request, karbor, fake_trove):
    """Load a checkpoint of the old code, or create one with the current."""
    if request.param == 'old':
        request.getfixturevalue('load')('full_backup')
    else:
        karbor.add_instance()
        karbor.protect()
    return types.SimpleNamespace(**karbor.ids)


def test_karbors_own_plugin_restores_a_checkpoint_of_ours(
        checkpoint_of_ours, karbor, fake_trove, in_tree_plugin):
    ids = checkpoint_of_ours
    karbor.restore(plugin=in_tree_plugin)
    [request] = fake_trove.find_requests('POST', '/instances')
    assert request.body['instance']['restorePoint']['backupRef'] == ids.backup
    [restored] = [instance for id_, instance in fake_trove.instances.items()
                  if id_ != ids.instance]
    original = fake_trove.instances[ids.instance]
    for key in 'flavor_id', 'volume_size', 'databases', 'users':
        assert restored[key] == original[key]


def test_karbors_own_plugin_deletes_a_checkpoint_of_ours(
        checkpoint_of_ours, karbor, bank, fake_trove, in_tree_plugin,
        manage):
    karbor.delete(plugin=in_tree_plugin)
    assert not fake_trove.backups
    assert karbor.checkpoint().status == 'deleted'
    # That plugin does not know our journal.
    manage('deferred', 'sweep')
    assert not journal(bank, '/backups/')
