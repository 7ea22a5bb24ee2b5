"""karbor-trove-manage report: what can be restored, and what cannot."""

import csv
import datetime
import io
import logging
import uuid

from karbor import resource as karbor_resource
from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection import graph
from prometheus_client import parser
import pytest

from karbor_trove.bank import record
from karbor_trove.bank import verification_results
from karbor_trove.cmd import manage as cmd_manage_
from karbor_trove.cmd.commands import report
from karbor_trove import polling
from karbor_trove.trove import client
from karbor_trove.trove import models
from tests.fake_trove import clock as clocks
from tests.fake_trove import cloud as clouds
from tests.fake_trove import fixtures
from tests.fake_trove import keystone

TYPE = fixtures.RESOURCE_TYPE


class Made:
    """A checkpoint of one instance, its backup, and the bank's section."""

    def __init__(self, checkpoint, instance_id, backup):
        self.id = checkpoint.id
        self.checkpoint = checkpoint
        self.backup = backup
        self.section = checkpoint.get_resource_bank_section(instance_id)

    def end(self, status):
        self.checkpoint.status = status
        self.checkpoint.commit()

    def verified(self, level, minute, passed=True, reason='', seconds=None):
        verification_results.write(self.section, verification_results.VerificationResult(
            level, '2026-02-01T00:%02d:00' % minute, passed, reason, seconds))


@pytest.fixture
def make(bank, fake_trove, clock, resource):
    """Makes a checkpoint and its backup, a minute after the last one."""
    def make(instance_id=resource.id, project_id=clouds.PROJECT,
             status='available', name='orders', type_=TYPE, **backup):
        clock.sleep(60)
        plan = {'id': str(uuid.uuid4()), 'name': 'plan', 'resources': [],
                'provider_id': str(uuid.uuid4()), 'project_id': project_id}
        checkpoint = karbor_checkpoint.CheckpointCollection(bank).create(
            plan, context=fixtures.request_context(project_id))
        checkpoint._md_cache['timestamp'] = int(clock.now())
        checkpoint.resource_graph = [graph.GraphNode(
            value=karbor_resource.Resource(type_, instance_id, name),
            child_nodes=())]
        made = Made(checkpoint, instance_id, fake_trove.add_backup(
            instance_id, project_id=project_id, **backup))
        record.write(made.section, record.BackupRecord(
            models.Instance(instance_id, name), backup_id=made.backup))
        made.end(status)
        return made
    return make


@pytest.fixture
def run(config_file, capsys):
    """Runs it in a format; gives its exit code, what it wrote and said."""
    def run(form, *words):
        code = cmd_manage_.main(['report', *words, '--format', form,
                                 '--config-file', str(config_file)])
        logging.disable(logging.NOTSET)
        return (code, *capsys.readouterr())
    return run


@pytest.fixture
def metrics(run):
    """What Prometheus reads: name and labels -> value."""
    def metrics(*words, expect=0):
        code, out, _ = run('prometheus', *words)
        assert code == expect and out.endswith('\n')
        found = {}
        for family in parser.text_string_to_metric_families(out):
            assert family.type == 'gauge' and family.documentation
            for sample in family.samples:
                labels = dict(sample.labels)
                key = (sample.name.replace('karbor_trove_', ''),
                       labels.pop('instance_id', None),
                       labels.pop('level', None))
                assert key not in found
                found[key] = sample.value
        return found
    return metrics


def test_the_newest_checkpoint_is_told(manage, make, clock, resource):
    make()
    made = make(size=1.5)
    clock.sleep(3600)
    assert manage('report') == [{
        'project': clouds.PROJECT, 'instance': resource.id, 'name': 'orders',
        'checkpoint': made.id, 'made': '2026-01-01T00:02:00', 'age': 3600,
        'chain': 1, 'size': 1.5, 'verified': None,
        'verified_checkpoint': None, 'level': None, 'result': None,
        'recovery': None, 'note': None}]


def test_what_the_plugin_made_is_told(
        manage, protect, checkpoint, resource, fake_trove):
    protect()
    [backup] = fake_trove.backups.values()
    checkpoint.resource_graph = [
        graph.GraphNode(value=resource, child_nodes=())]
    checkpoint.status = 'available'
    checkpoint.commit()
    [row] = manage('report')
    assert row['checkpoint'] == checkpoint.id
    assert row['made'] == clocks.format_time(backup['created'])
    assert row['note'] is None


def test_a_chain_is_counted(manage, make):
    parent = make()
    child = make(parent_id=parent.backup)
    [row] = manage('report')
    assert (row['checkpoint'], row['chain']) == (child.id, 2)


def test_the_newest_backup_counts_not_the_newest_request(
        manage, make, fake_trove):
    slow, quick = make(), make()
    fake_trove.backups[slow.backup]['created'] += 3600
    [row] = manage('report')
    assert row['checkpoint'] == slow.id
    assert quick.id != slow.id


def test_what_the_in_tree_plugin_made_is_told(manage, make, resource):
    made = make()
    made.section.update_object('metadata', {
        'instance_id': resource.id, 'datastore': {}, 'flavor': {'id': '1'},
        'size': 1, 'backup_id': made.backup})
    [row] = manage('report')
    assert row['checkpoint'] == made.id


def _gone(made, fake_trove):
    del fake_trove.backups[made.backup]
    return 'backup %s is gone' % made.backup


def _failed(made, fake_trove):
    fake_trove.backups[made.backup]['status'] = 'FAILED'
    return 'backup %s is FAILED' % made.backup


def _without_parent(made, fake_trove):
    fake_trove.backups[made.backup]['parent_id'] = str(uuid.uuid4())
    return 'what backup %s hangs on is gone or not complete' % made.backup


def _parent_failed(made, fake_trove):
    fake_trove.backups[made.backup]['parent_id'] = fake_trove.add_backup(
        'x', 'FAILED')
    return 'what backup %s hangs on is gone or not complete' % made.backup


def _without_record(made, _):
    made.section.delete_object('metadata')
    return 'it holds no backup'


def _without_backup(made, _):
    record.write(made.section, record.BackupRecord(models.Instance('x')))
    return 'it holds no backup'


def _protecting(made, _):
    made.end('protecting')
    return 'it is protecting'


def _error(made, fake_trove):
    _without_record(made, fake_trove)
    made.end('error')
    return 'it is error'


@pytest.fixture(params=[_gone, _failed, _without_parent, _parent_failed,
                        _without_record, _without_backup, _protecting,
                        _error])
def spoil(request, fake_trove):
    """Spoils a checkpoint; gives the reason that is expected."""
    return lambda made: 'checkpoint %s cannot be restored: %s' % (
        made.id, request.param(made, fake_trove))


def test_what_cannot_be_restored_is_not_taken_for_the_newest(
        manage, make, spoil):
    good, bad = make(), make()
    note = spoil(bad)
    [row] = manage('report')
    assert row['checkpoint'] == good.id
    assert row['note'] == note


def test_an_older_one_that_cannot_be_restored_does_not_matter(
        manage, make, spoil):
    bad, good = make(), make()
    spoil(bad)
    [row] = manage('report')
    assert (row['checkpoint'], row['note']) == (good.id, None)


def test_nothing_that_can_be_restored_is_told(
        manage, make, spoil, metrics, resource):
    note = spoil(make())
    [row] = manage('report')
    assert row['instance'] == resource.id
    assert row['note'] == note
    assert [row[key] for key in ('checkpoint', 'made', 'age', 'chain',
                                 'size')] == [None] * 5
    found = metrics()
    assert found['instance_covered', resource.id, None] == 0
    assert ('chain_length', resource.id, None) not in found


def test_one_that_a_verification_makes_is_not_told(manage, make, fake_trove):
    make()
    rows = manage('report')
    fake_trove.add_instance('karbor-verify-%s-%s' % (uuid.uuid4(),
                                                     uuid.uuid4()))
    assert manage('report') == rows


def test_an_instance_that_nothing_covers_is_told(
        manage, make, fake_trove, metrics, resource):
    make()
    ids = {fake_trove.add_instance(name='idle') for _ in range(25)}
    rows = {row['instance']: row for row in manage('report')}
    assert set(rows) == ids | {resource.id}
    for id_ in ids:
        assert rows[id_]['project'] == clouds.PROJECT
        assert rows[id_]['name'] == 'idle'
        assert rows[id_]['checkpoint'] is None
        assert rows[id_]['note'] == 'no checkpoint covers it'
    found = metrics()
    assert {found['instance_covered', id_, None] for id_ in ids} == {0}
    assert found['instance_covered', resource.id, None] == 1


@pytest.mark.parametrize('how', ['gone', 'going'])
def test_an_instance_that_is_deleted_is_told(
        manage, make, fake_trove, resource, metrics, how):
    made = make(name='journal')
    make(status='error', name=None)
    if how == 'gone':
        del fake_trove.instances[resource.id]
    else:
        fake_trove.instances[resource.id].update(status='SHUTDOWN')
    [row] = manage('report')
    assert (row['name'], row['checkpoint']) == ('journal', made.id)
    assert row['note'].startswith('deleted in Trove; checkpoint ')
    assert metrics()['instance_exists', resource.id, None] == 0


def test_a_deleted_checkpoint_covers_nothing(
        manage, make, fake_trove, resource):
    make(status='deleted')
    [row] = manage('report')
    assert row['note'] == 'no checkpoint covers it'
    del fake_trove.instances[resource.id]
    assert manage('report') == []


def test_other_resources_are_none_of_its_business(manage, make, resource):
    make(type_='OS::Cinder::Volume', instance_id='volume')
    assert [row['instance'] for row in manage('report')] == [resource.id]


def test_each_project_is_told_and_one_may_be_chosen(
        manage, make, fake_trove, resource):
    other = fake_trove.add_instance(project_id='other')
    make()
    make(other, 'other')
    assert {row['instance']: row['project'] for row in manage('report')} == {
        resource.id: clouds.PROJECT, other: 'other'}
    before = len(fake_trove.requests)
    [row] = manage('report', '--project', 'other')
    assert row['instance'] == other and row['checkpoint']
    assert {one.project_id for one in fake_trove.requests[before:]} == {
        'other'}


def test_what_is_wrong_in_another_project_is_not_told(
        manage, make, fake_trove):
    make().section.update_object('metadata', '{')
    make(fake_trove.add_instance(project_id='other'), 'other')
    [row] = manage('report', '--project', 'other')
    assert row['checkpoint']
    assert len(manage('report', expect=1)) == 2


def test_a_project_without_any_checkpoint_may_be_chosen(
        manage, fake_trove, make):
    make()
    idle = fake_trove.add_instance(project_id='idle')
    [row] = manage('report', '--project', 'idle')
    assert (row['instance'], row['note']) == (idle, 'no checkpoint covers it')


def test_a_bank_of_two_providers_is_told_once(
        manage, make, tmp_path, config_file):
    folder = tmp_path / 'providers.d'
    (folder / 'second.conf').write_text(
        (folder / 'databases.conf').read_text())
    make().section.update_object('verified-data', '{')
    assert len(manage('report', expect=1)) == 1
    assert manage.err.count('verified-data') == 1


def test_a_closed_project_is_named_and_the_rest_told(
        manage, make, fake_trove, resource, metrics):
    closed = fake_trove.add_instance(project_id=keystone.CLOSED_PROJECT)
    make()
    made = make(closed, keystone.CLOSED_PROJECT)
    rows = {row['instance']: row for row in manage('report', expect=1)}
    assert 'project %s: ' % keystone.CLOSED_PROJECT in manage.err
    assert 'has no role in project' in manage.err
    # All backups are known to an administrator.
    assert rows[closed]['checkpoint'] == made.id
    assert rows[closed]['note'] == 'nobody knows whether Trove still has it'
    assert resource.id in rows
    found = metrics(expect=1)
    assert found['report_complete', None, None] == 0
    assert found['instance_covered', closed, None] == 1
    assert ('instance_exists', closed, None) not in found


def test_who_is_no_administrator_is_told_what_is_open(
        manage, make, fake_trove, resource):
    closed = fake_trove.add_instance(project_id=keystone.CLOSED_PROJECT)
    make()
    make(closed, keystone.CLOSED_PROJECT)
    fake_trove.fail('GET', '/backups', 403, times=1)
    [row] = manage('report', expect=1)
    assert row['instance'] == resource.id and row['checkpoint']
    assert 'has no role in project' in manage.err
    assert manage('report', '--project', keystone.CLOSED_PROJECT,
                  expect=1) == []


def test_a_project_whose_checkpoints_are_deleted_may_be_gone(
        manage, make, resource):
    make()
    make('x', keystone.CLOSED_PROJECT, status='deleted')
    assert [row['instance'] for row in manage('report')] == [resource.id]
    assert manage('report', '--project', keystone.CLOSED_PROJECT) == []


def test_a_trove_that_is_away_is_waited_for(
        manage, make, fake_trove, monkeypatch, clock):
    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
    made = make()
    fake_trove.fail('GET', '*', 503, times=3)
    [row] = manage('report')
    assert row['checkpoint'] == made.id
    fake_trove.fail('GET', '*', 503, times=None)
    assert 'Trove is away: given up after 60 s' in manage('report', expect=1)


def test_a_torn_index_is_named(manage, make, resource):
    good, bad = make(), make()
    bad.checkpoint.checkpoint_section.update_object('index.json', '{"sta')
    [row] = manage('report', expect=1)
    assert 'checkpoint %s is left out: its index' % bad.id in manage.err
    assert row['checkpoint'] == good.id
    assert row['note'] == 'checkpoint %s cannot be read' % bad.id
    good.end('deleted')
    [row] = manage('report', expect=1)
    assert row['checkpoint'] is None
    assert row['note'] == 'checkpoint %s cannot be read' % bad.id


@pytest.mark.parametrize('kept, said', [
    ('{"instance_id": ', 'corrupt'),
    ({'instance_id': 'x', 'record_version': record.VERSION + 1},
     'has version')])
def test_a_record_that_cannot_be_read_is_named(
        manage, make, kept, said, resource):
    good, bad = make(), make()
    bad.section.update_object('metadata', kept)
    [row] = manage('report', expect=1)
    assert row['checkpoint'] == good.id
    assert bad.id in row['note'] and said in row['note']
    assert 'checkpoint %s, instance %s: ' % (bad.id, resource.id) in manage.err


@pytest.mark.parametrize('kept', ['{"lev', {'passed': True, 'version': 9}])
def test_a_verification_that_cannot_be_read_leaves_them_unknown(
        manage, make, kept, metrics):
    good, bad = make(), make()
    good.verified('backup', 1)
    bad.section.update_object('verified-data', kept)
    [row] = manage('report', expect=1)
    assert row['checkpoint'] == bad.id
    assert row['verified'] is row['result'] is None
    assert row['note'] == 'what was verified of it cannot be read'
    assert 'checkpoint %s' % bad.id in manage.err
    assert 'verified-data' in manage.err
    assert not [key for key in metrics(expect=1) if 'verification' in key[0]]


def test_the_last_verification_of_any_checkpoint_is_told(manage, make):
    first, second = make(), make()
    second.verified('backup', 1)
    first.verified('restore', 2, seconds=12.34)
    [row] = manage('report')
    assert row['checkpoint'] == second.id
    assert row['verified_checkpoint'] == first.id
    assert row['verified'] == '2026-02-01T00:02:00'
    assert (row['level'], row['result']) == ('restore', 'passed')
    assert row['recovery'] == 12.3


def test_the_last_measured_recovery_is_told(manage, make):
    made = make()
    make().verified('restore', 1, seconds=7)
    made.verified('restore', 2, seconds=9)
    made.verified('data', 3, seconds=None)
    [row] = manage('report')
    assert (row['level'], row['recovery']) == ('data', 9)


def test_a_failure_is_not_hidden_by_an_earlier_success(manage, make):
    first, second = make(), make()
    first.verified('data', 1)
    second.verified('data', 2, False, 'the tables differ\nmore')
    [row] = manage('report')
    assert (row['result'], row['verified_checkpoint']) == (
        'failed', second.id)
    assert row['note'] == (
        'verification of level data failed for checkpoint %s: '
        'the tables differ' % second.id)


def test_a_failure_is_not_hidden_by_another_levels_success(
        manage, make, resource, metrics):
    made = make()
    made.verified('restore', 1, False, 'no flavor')
    made.verified('backup', 2)
    [row] = manage('report')
    assert (row['level'], row['result']) == ('backup', 'passed')
    assert 'level restore failed' in row['note']
    found = metrics()
    assert found['last_verification_success', resource.id, 'backup'] == 1
    assert found['last_verification_success', resource.id, 'restore'] == 0


def test_a_failure_is_over_when_its_level_passes(manage, make):
    first, second = make(), make()
    second.verified('data', 1, False, 'torn')
    first.verified('data', 2)
    [row] = manage('report')
    assert (row['result'], row['note']) == ('passed', None)


def test_what_was_deleted_between_two_looks_is_not_taken_for_lost(
        manage, make, fake_trove, monkeypatch):
    made = make()
    backups = client.TroveClient.list_backups

    def deleted_meanwhile(*args, **kw):
        fake_trove.backups.clear()
        made.end('deleting')
        return backups(*args, **kw)

    monkeypatch.setattr(client.TroveClient, 'list_backups', deleted_meanwhile)
    [row] = manage('report')
    assert row['note'].endswith('cannot be restored: it is deleting')


def test_prometheus_reads_it(make, metrics, resource, clock):
    parent = make(size=2)
    made = make(size=0.5, parent_id=parent.backup)
    made.verified('backup', 1)
    made.verified('restore', 2, False, 'no', seconds=9.5)
    before = int(datetime.datetime.now().timestamp())
    found = metrics()
    assert before <= found.pop(('report_timestamp_seconds', None, None)) <= (
        before + 60)
    at = datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc)
    assert found == {
        ('report_complete', None, None): 1,
        ('instance_exists', resource.id, None): 1,
        ('instance_covered', resource.id, None): 1,
        ('last_restorable_timestamp_seconds', resource.id, None):
            clocks.EPOCH + 120,
        ('chain_length', resource.id, None): 2,
        ('backup_size_bytes', resource.id, None): 512 * 1024 ** 2,
        ('last_verification_timestamp_seconds', resource.id, 'backup'):
            at.timestamp() + 60,
        ('last_verification_timestamp_seconds', resource.id, 'restore'):
            at.timestamp() + 120,
        ('last_verification_success', resource.id, 'backup'): 1,
        ('last_verification_success', resource.id, 'restore'): 0,
        ('recovery_seconds', resource.id, None): 9.5}


def test_prometheus_reads_any_name(run, make, fake_trove, resource):
    make()
    name = 'a "b"\\n\nc=1,{d} \u00e9'
    fake_trove.instances[resource.id]['name'] = name
    code, out, _ = run('prometheus')
    told = [sample.labels for family in
            parser.text_string_to_metric_families(out)
            for sample in family.samples if sample.labels]
    assert told
    for labels in told:
        assert labels == {'project_id': clouds.PROJECT, 'name': name,
                          'instance_id': resource.id}


def test_prometheus_reads_that_there_is_nothing(metrics, config_file):
    assert {key[0] for key in metrics()} == {
        'report_complete', 'report_timestamp_seconds'}


def test_a_spreadsheet_reads_it(run, make, fake_trove, resource, clock):
    made = make()
    name = 'a,"b"\nc'
    fake_trove.instances[resource.id]['name'] = name
    clock.sleep(90)
    code, out, _ = run('csv')
    assert code == 0 and out.endswith('\n') and not out.endswith('\n\n')
    [row] = csv.DictReader(io.StringIO(out))
    assert tuple(row) == report.COLUMNS
    assert (row['name'], row['checkpoint']) == (name, made.id)
    assert (row['age'], row['chain'], row['note']) == ('90', '1', '')


@pytest.mark.parametrize('seconds, words', [
    (0, '0 s'), (59, '59 s'), (60, '1 min'), (3599, '59 min 59 s'),
    (3600, '1 h'), (3659, '1 h'), (86399, '23 h 59 min'), (86400, '1 d'),
    (3 * 86400 + 4 * 3600 + 59, '3 d 4 h'), (400 * 86400, '400 d')])
def test_a_human_reads_its_age(run, make, clock, seconds, words):
    make().verified('restore', 1, seconds=4.24)
    clock.sleep(seconds)
    code, out, _ = run('table')
    cells = [one.strip() for one in out.splitlines()[3].split('|')]
    assert words in cells and '4.2 s' in cells
    assert '2026-01-01T00:01:00' in cells
