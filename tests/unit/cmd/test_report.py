"""Tests of karbor-trove-manage report."""

import csv
import datetime
import io
import os
import re
import sys
import uuid

from karbor import resource as karbor_resource
from karbor.services.protection import graph
from prometheus_client import parser
import pytest

from karbor_trove.bank import omissions
from karbor_trove.bank import record
from karbor_trove.bank import verification_results
from karbor_trove.cmd import declarations
from karbor_trove.cmd import prometheus
from karbor_trove import polling
from karbor_trove.trove import client
from karbor_trove.trove import models
from tests.fake_trove import clock as clocks
from tests.fake_trove import cloud as clouds
from tests.fake_trove import fixtures
from tests.fake_trove import keystone

TYPE = fixtures.RESOURCE_TYPE


@pytest.fixture
def report(run, config_file):
    """Return a function that runs report with a format."""
    return lambda format_, *words: run(
        'report', *words, '--format', format_, '--config-file', config_file)


def parse_metrics(text):
    """Return the values of all samples by name, instance and level."""
    values = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.type == 'gauge' and family.documentation
        for sample in family.samples:
            key = (sample.name.replace('karbor_trove_', ''),
                   sample.labels.get('instance_id'),
                   sample.labels.get('level'))
            assert key not in values
            values[key] = sample.value
    return values


@pytest.fixture
def metrics(report):
    """Return a function that returns the metrics of the report."""
    def metrics(*words, expect=0):
        code, out, _ = report('prometheus', *words)
        assert code == expect and out.endswith('\n')
        return parse_metrics(out)
    return metrics


def test_report_has_the_newest_restore_point(
        manage, add_point, clock, resource):
    add_point()
    point = add_point(size=1.5)
    clock.sleep(3600)
    assert manage('report') == [{
        'project': clouds.PROJECT, 'instance': resource.id, 'name': 'orders',
        'exists': True, 'checkpoint': point.id,
        'made': '2026-01-01T00:02:00Z', 'age_seconds': 3600, 'chain': 1,
        'size_gb': 1.5, 'left_out': 0, 'verified': None,
        'verified_checkpoint': None,
        'level': None, 'result': None, 'backup_verified': None,
        'backup_result': None, 'data_verified': None, 'data_result': None,
        'restore_verified': None, 'restore_result': None,
        'recovery_seconds': None, 'note': None}]


def test_report_has_a_checkpoint_of_the_plugin(
        manage, protect, checkpoint, resource, fake_trove):
    protect()
    [backup] = fake_trove.backups.values()
    checkpoint.resource_graph = [
        graph.GraphNode(value=resource, child_nodes=())]
    checkpoint.status = 'available'
    checkpoint.commit()
    [row] = manage('report')
    assert row['checkpoint'] == checkpoint.id
    assert row['made'] == clocks.format_time(backup['created']) + 'Z'
    assert row['note'] is None


def leave_out(point, instance_id, reason='instance x has the status ERROR'):
    """Let a checkpoint have left the instance out."""
    record.delete(point.section)
    omissions.write(point.section, omissions.Omission(
        instance_id, point.id, '2026-01-02T00:00:00', reason))


def test_report_counts_the_newer_checkpoints_that_left_an_instance_out(
        manage, metrics, add_point, resource):
    leave_out(add_point(), resource.id)
    point = add_point()
    newer = [add_point(), add_point()]
    for left_out in newer:
        leave_out(left_out, resource.id)
    [row] = manage('report')
    assert (row['checkpoint'], row['left_out']) == (point.id, 2)
    assert row['note'] == (
        'checkpoint %s cannot be restored: it left the instance out: instance '
        'x has the status ERROR' % newer[1].id)
    assert metrics()['left_out_checkpoints', resource.id, None] == 2


def test_report_counts_the_backups_of_a_chain(manage, add_point):
    parent = add_point()
    child = add_point(parent_id=parent.backup)
    [row] = manage('report')
    assert (row['checkpoint'], row['chain']) == (child.id, 2)


def test_report_names_a_backup_that_is_not_used_as_a_parent(
        manage, add_point, fake_trove, resource):
    parent = add_point()
    child = fake_trove.add_backup(resource.id, 'FAILED',
                                  parent_id=parent.backup)
    [row] = manage('report')
    assert row['checkpoint'] == parent.id
    assert row['note'] == (
        'backup %s is not used as a parent, because its child %s has failed'
        % (parent.backup, child))


def list_heads(fake_trove):
    """Return the URLs of the HEAD requests, which only Swift gets."""
    return [request.url for request in fake_trove.mocker.request_history
            if request.method == 'HEAD']


def test_report_reads_each_object_of_a_chain_once(
        manage, add_point, fake_trove):
    first = add_point()
    second = add_point(parent_id=first.backup)
    other = add_point(fake_trove.add_instance(), parent_id=second.backup)
    manage('report')
    urls = list_heads(fake_trove)
    assert len(urls) == 3
    assert sum(other.backup in url for url in urls) == 1


def test_report_does_not_need_an_account_in_swift(
        manage, add_point, fake_trove):
    point = add_point()
    fake_trove.fail('*', '/swift/*', 403, times=None)
    [row] = manage('report')
    assert (row['checkpoint'], row['note']) == (point.id, None)


def test_report_connects_to_swift_as_the_provider_file_says(
        manage, add_point, fake_trove, tmp_path):
    point = add_point()
    with (tmp_path / 'providers.d' / 'databases.conf').open('a') as file:
        file.write('swift_endpoint_override = https://swift.internal/v1\n')
    fake_trove.mocker.head(
        re.compile('https://swift.internal/v1/AUTH_%s/' % clouds.PROJECT),
        headers={'Etag': 'x', 'Content-Length': '1', 'X-Trans-Id': 'tx1'})
    [row] = manage('report')
    assert (row['checkpoint'], row['note']) == (point.id, None)
    [url] = list_heads(fake_trove)
    assert url.startswith('https://swift.internal/')


def test_report_asks_an_unavailable_swift_once_and_says_so(
        manage, add_point, fake_trove):
    points = [add_point(), add_point(fake_trove.add_instance())]
    fake_trove.fail('*', '/swift/*', 503, times=None)
    rows = manage('report', expect=1)
    assert 'the objects of the backups were not checked' in manage.err
    assert {row['checkpoint'] for row in rows} == {
        point.id for point in points}
    assert len(list_heads(fake_trove)) == 1


def test_newest_restore_point_has_the_newest_backup(
        manage, add_point, fake_trove):
    slow, quick = add_point(), add_point()
    fake_trove.backups[slow.backup]['created'] += 3600
    [row] = manage('report')
    assert row['checkpoint'] == slow.id
    assert quick.id != slow.id


def test_report_has_a_checkpoint_of_the_in_tree_plugin(
        manage, add_point, resource):
    point = add_point()
    point.section.update_object('metadata', {
        'instance_id': resource.id, 'datastore': {}, 'flavor': {'id': '1'},
        'size': 1, 'backup_id': point.backup})
    [row] = manage('report')
    assert row['checkpoint'] == point.id


def _without_backup_in_trove(point, fake_trove):
    del fake_trove.backups[point.backup]
    return 'Trove has no backup %s' % point.backup


def _with_failed_backup(point, fake_trove):
    fake_trove.backups[point.backup]['status'] = 'FAILED'
    return 'backup %s is FAILED' % point.backup


def _without_parent(point, fake_trove):
    parent = fake_trove.backups[point.backup]['parent_id'] = str(uuid.uuid4())
    return ('backup %s, in the chain of backup %s, was not found'
            % (parent, point.backup))


def _with_failed_parent(point, fake_trove):
    parent = fake_trove.add_backup('x', 'FAILED')
    fake_trove.backups[point.backup]['parent_id'] = parent
    return ('backup %s, in the chain of backup %s, is not COMPLETED, but '
            'FAILED' % (parent, point.backup))


def _delete_object(fake_trove, backup):
    [url] = [url for url in fake_trove.objects.list_urls() if backup in url]
    fake_trove.objects.changed[url] = None


def _without_object(point, fake_trove):
    _delete_object(fake_trove, point.backup)
    return ('the object of backup %s is missing in Swift, so the backup is '
            'not used as a parent' % point.backup)


def _without_object_of_parent(point, fake_trove):
    parent = fake_trove.add_backup('x')
    fake_trove.backups[point.backup]['parent_id'] = parent
    _delete_object(fake_trove, parent)
    return ('the object of backup %s is missing in Swift, so the backup is '
            'not used as a parent' % parent)


def _without_record(point, _):
    point.section.delete_object('metadata')
    return 'it holds no backup'


def _without_backup(point, _):
    instance_id = point.section.get_object('metadata')['instance_id']
    record.write(point.section,
                 record.BackupRecord(models.Instance(instance_id)))
    return 'it holds no backup'


def _protecting(point, _):
    point.set_status('protecting')
    return 'it is protecting'


def _error(point, fake_trove):
    _without_record(point, fake_trove)
    point.set_status('error')
    return 'it is error'


@pytest.fixture(params=[
    _without_backup_in_trove, _with_failed_backup, _without_parent,
    _with_failed_parent, _without_object, _without_object_of_parent,
    _without_record, _without_backup, _protecting,
    _error])
def break_point(request, fake_trove):
    """Return a function that breaks a restore point.

    It returns the note that the report is expected to have.
    """
    return lambda point: 'checkpoint %s cannot be restored: %s' % (
        point.id, request.param(point, fake_trove))


def test_broken_newest_checkpoint_is_a_note(manage, add_point, break_point):
    good, bad = add_point(), add_point()
    note = break_point(bad)
    [row] = manage('report')
    assert row['checkpoint'] == good.id
    assert row['note'] == note


def test_broken_older_checkpoint_is_no_note(manage, add_point, break_point):
    bad, good = add_point(), add_point()
    break_point(bad)
    [row] = manage('report')
    assert (row['checkpoint'], row['note']) == (good.id, None)


def test_instance_without_a_restorable_checkpoint_is_not_covered(
        manage, add_point, break_point, metrics, resource):
    note = break_point(add_point())
    [row] = manage('report')
    assert row['instance'] == resource.id
    assert row['note'] == note
    assert [row[key] for key in ('checkpoint', 'made', 'age_seconds', 'chain',
                                 'size_gb')] == [None] * 5
    values = metrics()
    assert values['instance_covered', resource.id, None] == 0
    assert ('chain_length', resource.id, None) not in values


def test_report_leaves_out_temporary_instances(manage, add_point, fake_trove):
    add_point()
    rows = manage('report')
    fake_trove.add_instance('karbor-verify-%s-%s' % (uuid.uuid4(),
                                                     uuid.uuid4()))
    assert manage('report') == rows


def test_report_has_instances_without_a_checkpoint(
        manage, add_point, fake_trove, metrics, resource):
    add_point()
    ids = {fake_trove.add_instance(name='idle') for _ in range(25)}
    rows = {row['instance']: row for row in manage('report')}
    assert set(rows) == ids | {resource.id}
    for id_ in ids:
        assert rows[id_]['project'] == clouds.PROJECT
        assert rows[id_]['name'] == 'idle'
        assert rows[id_]['checkpoint'] is None
        assert rows[id_]['note'] == 'no checkpoint covers it'
    values = metrics()
    assert {values['instance_covered', id_, None] for id_ in ids} == {0}
    assert values['instance_covered', resource.id, None] == 1


def test_report_has_instances_with_status_shutdown(
        manage, add_point, fake_trove, resource, metrics):
    add_point()
    fake_trove.lose_server(resource.id)
    [row] = manage('report')
    assert 'deleted in Trove' not in (row['note'] or '')
    assert metrics()['instance_exists', resource.id, None] == 1


def test_report_has_deleted_instances_with_a_checkpoint(
        manage, add_point, fake_trove, resource, metrics):
    point = add_point(name='journal')
    add_point(status='error', name=None)
    del fake_trove.instances[resource.id]
    [row] = manage('report')
    assert (row['name'], row['checkpoint']) == ('journal', point.id)
    assert row['exists'] is False
    assert row['note'].startswith('deleted in Trove; checkpoint ')
    assert metrics()['instance_exists', resource.id, None] == 0


def test_deleted_checkpoint_covers_no_instance(
        manage, add_point, fake_trove, resource):
    add_point(status='deleted')
    [row] = manage('report')
    assert row['note'] == 'no checkpoint covers it'
    del fake_trove.instances[resource.id]
    assert manage('report') == []


def test_resources_of_a_deleted_checkpoint_are_not_read(
        manage, add_point):
    good, deleted = add_point(), add_point(status='deleted')
    index = deleted.checkpoint.checkpoint_section.get_object('index.json')
    deleted.checkpoint.checkpoint_section.update_object(
        'index.json', dict(index, resource_graph='[{'))
    [row] = manage('report')
    assert row['checkpoint'] == good.id and row['note'] is None


@pytest.fixture
def delete_checkpoint(plugin, context, bank):
    """Return a function that deletes a checkpoint as Karbor does."""
    indices = bank.get_sub_section('/indices')

    def delete_checkpoint(point):
        checkpoint = point.checkpoint
        instance = karbor_resource.Resource(
            TYPE, checkpoint.resource_graph[0].value.id, 'orders')
        plugin.get_delete_operation(instance).on_main(
            checkpoint, instance, context, {})
        point.set_status('deleted')
        for key in list(indices.list_objects()):
            if key.endswith('@' + point.id):
                indices.delete_object(key)
    return delete_checkpoint


@pytest.mark.parametrize('words', [(), ('--project', clouds.PROJECT)])
def test_report_reads_no_more_with_each_deleted_checkpoint(
        manage, add_point, delete_checkpoint, bank, monkeypatch, words,
        fake_trove):
    add_point()
    reads = []
    plugin_class = type(bank._plugin)
    get_object = plugin_class.get_object

    def count(self, key, *args, **kwargs):
        reads.append(key)
        return get_object(self, key, *args, **kwargs)

    monkeypatch.setattr(plugin_class, 'get_object', count)
    costs = []
    for _ in range(3):
        reads.clear()
        requests = len(fake_trove.requests)
        [row] = manage('report', *words)
        assert row['checkpoint'] and row['note'] is None
        costs.append((len(reads), len(fake_trove.requests) - requests))
        for _ in range(10):
            delete_checkpoint(add_point())
    assert len(set(costs)) == 1


def test_report_has_the_project_whose_checkpoints_are_all_deleted(
        manage, add_point, delete_checkpoint, fake_trove, resource, bank):
    other = fake_trove.add_instance(project_id='other')
    third = fake_trove.add_instance(project_id='other')
    add_point()
    for instance_id in other, third, other:
        delete_checkpoint(add_point(instance_id, 'other'))
    rows = {row['instance']: row['note'] for row in manage('report')}
    assert rows == {resource.id: None, other: 'no checkpoint covers it',
                    third: 'no checkpoint covers it'}


def test_report_has_a_checkpoint_that_karbors_indices_lack(
        manage, add_point, bank, resource):
    point = add_point()
    for key in list(bank.get_sub_section('/indices').list_objects()):
        bank.get_sub_section('/indices').delete_object(key)
    [row] = manage('report')
    assert row['checkpoint'] == point.id


def test_report_has_a_checkpoint_without_a_record_that_karbor_lists(
        manage, add_point):
    point = add_point()
    point.section.delete_object('metadata')
    [row] = manage('report')
    assert row['note'] == (
        'checkpoint %s cannot be restored: it holds no backup' % point.id)


def test_report_leaves_out_resources_of_other_types(
        manage, add_point, resource):
    add_point(type_='OS::Cinder::Volume', instance_id='volume')
    assert [row['instance'] for row in manage('report')] == [resource.id]


def test_report_has_all_projects_or_the_chosen_one(
        manage, add_point, fake_trove, resource):
    other = fake_trove.add_instance(project_id='other')
    add_point()
    add_point(other, 'other')
    assert {row['instance']: row['project'] for row in manage('report')} == {
        resource.id: clouds.PROJECT, other: 'other'}
    first = len(fake_trove.requests)
    [row] = manage('report', '--project', 'other')
    assert row['instance'] == other and row['checkpoint']
    assert {request.project_id for request in fake_trove.requests[first:]
            } == {'other'}


def test_problem_of_another_project_is_not_reported(
        manage, add_point, fake_trove):
    add_point().section.update_object('metadata', '{')
    add_point(fake_trove.add_instance(project_id='other'), 'other')
    [row] = manage('report', '--project', 'other')
    assert row['checkpoint']
    assert len(manage('report', expect=1)) == 2


def test_chosen_project_needs_no_checkpoint(manage, fake_trove, add_point):
    add_point()
    idle = fake_trove.add_instance(project_id='idle')
    [row] = manage('report', '--project', 'idle')
    assert (row['instance'], row['note']) == (idle, 'no checkpoint covers it')


def test_bank_of_two_providers_is_reported_once(
        manage, add_point, tmp_path, config_file):
    folder = tmp_path / 'providers.d'
    (folder / 'second.conf').write_text(
        (folder / 'databases.conf').read_text())
    add_point().section.update_object('verified-data', '{')
    assert len(manage('report', expect=1)) == 1
    assert manage.err.count('verified-data') == 1


def test_project_without_access_is_a_problem_and_the_others_are_reported(
        manage, add_point, fake_trove, resource, metrics):
    closed = fake_trove.add_instance(project_id=keystone.CLOSED_PROJECT)
    add_point()
    point = add_point(closed, keystone.CLOSED_PROJECT)
    rows = {row['instance']: row for row in manage('report', expect=1)}
    assert 'project %s: ' % keystone.CLOSED_PROJECT in manage.err
    assert 'has no role in project' in manage.err
    # An administrator can list the backups of all projects.
    assert rows[closed]['checkpoint'] == point.id
    assert rows[closed]['note'] == (
        'it is not known whether Trove still has it')
    assert resource.id in rows
    values = metrics(expect=1)
    assert values['report_complete', None, None] == 0
    assert values['instance_covered', closed, None] == 1
    assert ('instance_exists', closed, None) not in values


def test_user_who_is_no_administrator_gets_the_accessible_projects(
        manage, add_point, fake_trove, resource):
    closed = fake_trove.add_instance(project_id=keystone.CLOSED_PROJECT)
    add_point()
    add_point(closed, keystone.CLOSED_PROJECT)
    fake_trove.fail('GET', '/backups', 403, times=1)
    [row] = manage('report', expect=1)
    assert row['instance'] == resource.id and row['checkpoint']
    assert 'has no role in project' in manage.err
    assert manage('report', '--project', keystone.CLOSED_PROJECT,
                  expect=1) == []


def test_project_with_only_deleted_checkpoints_may_be_deleted(
        manage, add_point, resource):
    add_point()
    add_point('x', keystone.CLOSED_PROJECT, status='deleted')
    assert [row['instance'] for row in manage('report')] == [resource.id]
    # The project that the operator has chosen has to exist.
    assert manage('report', '--project', keystone.CLOSED_PROJECT,
                  expect=1) == []
    assert 'has no role in project' in manage.err


def test_project_with_only_deleted_checkpoints_whose_list_fails_is_a_problem(
        manage, add_point, fake_trove):
    add_point(status='deleted')
    fake_trove.fail('GET', '/instances', 403)
    assert manage('report', expect=1) == []
    assert 'project %s: ' % clouds.PROJECT in manage.err


def test_report_waits_a_minute_for_an_unavailable_trove(
        manage, add_point, fake_trove, monkeypatch, clock):
    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
    point = add_point()
    fake_trove.fail('GET', '*', 503, times=3)
    [row] = manage('report')
    assert row['checkpoint'] == point.id
    fake_trove.fail('GET', '*', 503, times=None)
    assert 'Trove is unavailable: given up after 60 s' in manage(
        'report', expect=1)


def test_report_may_take_more_than_a_minute(
        manage, add_point, fake_trove, monkeypatch, clock):
    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
    add_point()
    for project_id in 'first', 'second':
        add_point(fake_trove.add_instance(project_id=project_id), project_id)
    list_instances = client.TroveClient.list_instances

    def sleep_and_list(self):
        clock.sleep(61)
        return list_instances(self)

    monkeypatch.setattr(client.TroveClient, 'list_instances', sleep_and_list)
    assert [row['project'] for row in manage('report')] == [
        clouds.PROJECT, 'first', 'second']


@pytest.mark.parametrize('words', [
    ('report',), ('report', '--project', clouds.PROJECT), ('orphans', 'list'),
    ('orphans', 'delete', '--yes')], ids=' '.join)
@pytest.mark.parametrize('seconds', [13, 61])
def test_commands_do_not_take_the_time_of_the_bank_for_troves(
        manage, add_point, fake_trove, monkeypatch, clock, bank, resource,
        words, seconds):
    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
    fake_trove.delete_seconds = 0
    for _ in range(2):
        add_point()
    orphan = fake_trove.add_backup(resource.id, name='karbor-%s-%s' % (
        uuid.uuid4(), resource.id))
    plugin_class = type(bank._plugin)
    get_object = plugin_class.get_object

    def read_slowly(self, *args, **kwargs):
        clock.sleep(seconds)
        return get_object(self, *args, **kwargs)

    monkeypatch.setattr(plugin_class, 'get_object', read_slowly)
    [row] = manage(*words)
    assert row.get('checkpoint') or row['backup'] == orphan
    assert (orphan in fake_trove.backups) == ('--yes' not in words)


def test_report_waits_for_an_unavailable_trove_only_once(
        report, add_point, fake_trove, monkeypatch, clock):
    monkeypatch.setattr(polling, 'SYSTEM_CLOCK', clock)
    add_point()
    for project_id in 'first', 'second':
        add_point(fake_trove.add_instance(project_id=project_id), project_id)
    fake_trove.fail('GET', '/instances', 503, times=None)
    start = clock.now()
    code, _, err = report('json')
    assert code == 1 and len(err.splitlines()) == 3
    assert clock.now() - start < 70


def test_checkpoint_with_a_corrupt_index_is_a_problem_and_a_note(
        manage, add_point, resource):
    good, bad = add_point(), add_point()
    bad.checkpoint.checkpoint_section.update_object('index.json', '{"sta')
    [row] = manage('report', expect=1)
    assert 'checkpoint %s is not included: its index' % bad.id in manage.err
    assert row['checkpoint'] == good.id
    assert row['note'] == 'checkpoint %s cannot be read' % bad.id
    good.set_status('deleted')
    [row] = manage('report', expect=1)
    assert row['checkpoint'] is None
    assert row['note'] == 'checkpoint %s cannot be read' % bad.id


@pytest.mark.parametrize('content, message', [
    ('{"instance_id": ', 'corrupt'),
    ({'instance_id': 'x', 'record_version': record.VERSION + 1},
     'has version')])
def test_record_that_cannot_be_read_is_a_problem_and_a_note(
        manage, add_point, content, message, resource):
    good, bad = add_point(), add_point()
    bad.section.update_object('metadata', content)
    [row] = manage('report', expect=1)
    assert row['checkpoint'] == good.id
    assert bad.id in row['note'] and message in row['note']
    assert 'checkpoint %s, instance %s: ' % (bad.id, resource.id) in manage.err


@pytest.mark.parametrize('content', ['{"lev', {'passed': True, 'version': 9}])
def test_verification_that_cannot_be_read_leaves_all_unknown(
        manage, add_point, content, metrics):
    good, bad = add_point(), add_point()
    good.add_verification('backup', 1)
    bad.section.update_object('verified-data', content)
    [row] = manage('report', expect=1)
    assert row['checkpoint'] == bad.id
    assert row['verified'] is row['result'] is None
    assert row['note'] == 'its verifications cannot be read'
    assert 'checkpoint %s' % bad.id in manage.err
    assert 'verified-data' in manage.err
    assert not [key for key in metrics(expect=1) if 'verification' in key[0]]


def test_report_has_the_last_verification_of_all_checkpoints(
        manage, add_point):
    first, second = add_point(), add_point()
    second.add_verification('backup', 1)
    first.add_verification('restore', 2, seconds=12.34)
    [row] = manage('report')
    assert row['checkpoint'] == second.id
    assert row['verified_checkpoint'] == first.id
    assert row['verified'] == '2026-02-01T00:02:00Z'
    assert (row['level'], row['result']) == ('restore', 'passed')
    assert row['recovery_seconds'] == 12.3


def test_report_has_the_recovery_time_that_was_measured_last(
        manage, add_point):
    point = add_point()
    add_point().add_verification('restore', 1, seconds=7)
    point.add_verification('restore', 2, seconds=9)
    point.add_verification('data', 3, seconds=None)
    [row] = manage('report')
    assert (row['level'], row['recovery_seconds']) == ('data', 9)


def test_failed_verification_is_not_hidden_by_an_earlier_success(
        manage, add_point):
    first, second = add_point(), add_point()
    first.add_verification('data', 1)
    second.add_verification('data', 2, False, 'the tables differ\nmore')
    [row] = manage('report')
    assert (row['result'], row['verified_checkpoint']) == (
        'failed', second.id)
    assert row['note'] == (
        'verification of level data failed for checkpoint %s: '
        'the tables differ' % second.id)


def test_failed_verification_is_not_hidden_by_success_of_another_level(
        manage, add_point, resource, metrics):
    point = add_point()
    point.add_verification('restore', 1, False, 'no flavor')
    point.add_verification('backup', 2)
    [row] = manage('report')
    assert (row['level'], row['result']) == ('backup', 'passed')
    assert 'level restore failed' in row['note']
    values = metrics()
    assert values['last_verification_success', resource.id, 'backup'] == 1
    assert values['last_verification_success', resource.id, 'restore'] == 0


def test_failed_verification_is_superseded_by_success_of_its_level(
        manage, add_point):
    first, second = add_point(), add_point()
    second.add_verification('data', 1, False, 'corrupt')
    first.add_verification('data', 2)
    [row] = manage('report')
    assert (row['result'], row['note']) == ('passed', None)


def test_checkpoint_that_is_deleted_meanwhile_is_not_taken_for_broken(
        manage, add_point, fake_trove, monkeypatch):
    point = add_point()
    list_backups = client.TroveClient.list_backups

    def delete_and_list(*args, **kwargs):
        fake_trove.backups.clear()
        point.set_status('deleting')
        return list_backups(*args, **kwargs)

    monkeypatch.setattr(client.TroveClient, 'list_backups', delete_and_list)
    [row] = manage('report')
    assert row['note'].endswith('cannot be restored: it is deleting')


def test_prometheus_parses_all_metrics(add_point, metrics, resource, clock):
    parent = add_point(size=2)
    point = add_point(size=0.5, parent_id=parent.backup)
    point.add_verification('backup', 1)
    point.add_verification('restore', 2, False, 'no', seconds=9.5)
    values = metrics()
    at = datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc)
    assert values == {
        ('report_complete', None, None): 1,
        ('report_timestamp_seconds', None, None): int(clock.now()),
        ('instance_exists', resource.id, None): 1,
        ('instance_covered', resource.id, None): 1,
        ('last_restorable_timestamp_seconds', resource.id, None):
            clocks.EPOCH + 120,
        ('chain_length', resource.id, None): 2,
        ('left_out_checkpoints', resource.id, None): 0,
        ('backup_size_bytes', resource.id, None): 512 * 1024 ** 2,
        ('last_verification_timestamp_seconds', resource.id, 'backup'):
            at.timestamp() + 60,
        ('last_verification_timestamp_seconds', resource.id, 'restore'):
            at.timestamp() + 120,
        ('last_verification_success', resource.id, 'backup'): 1,
        ('last_verification_success', resource.id, 'restore'): 0,
        ('recovery_seconds', resource.id, None): 9.5}


@pytest.fixture
def name_labels(add_point, fake_trove, resource, report, tmp_path):
    """Return a function that returns the label of a name, once for each way.

    The ways are standard output and a file.
    """
    add_point()

    def name_labels(name):
        fake_trove.instances[resource.id]['name'] = name
        path = tmp_path / 'report.prom'
        code, out, err = report('prometheus')
        assert (code, err) == (0, '')
        assert report('prometheus', '--output', path) == (0, '', '')
        for text in out, path.read_text(), path.read_bytes().decode():
            labels = [sample.labels for family
                      in parser.text_string_to_metric_families(text)
                      for sample in family.samples if sample.labels]
            assert labels
            assert all((label['project_id'], label['instance_id']) == (
                clouds.PROJECT, resource.id) for label in labels)
            yield {label['name'] for label in labels}
    return name_labels


@pytest.mark.parametrize('name', [
    'a "b"\\n\nc=1,{d} \u00e9', '\\', '\n', '"', '\\"', '"} 1\n# HELP x',
    '\\\\n', ' a ', '#', '\u20ac \U0001f418', ''])
def test_prometheus_parses_special_characters_in_a_name(name_labels, name):
    assert list(name_labels(name)) == [{name}] * 3


@pytest.mark.parametrize('name, label', [
    ('a\rb', r'a\rb'), ('\x1b[2J\n\x07', '\\x1b[2J\n\\x07'),
    ('\x00\t\x7f\x85', r'\x00\t\x7f\x85'), ('\u2028\u202e', r'\u2028\u202e'),
    ('\r\n"\\', '\\r\n"\\')])
def test_prometheus_has_control_characters_as_escape_sequences(
        name_labels, name, label):
    assert list(name_labels(name)) == [{label}] * 3


@pytest.mark.parametrize('encoding, label', [
    ('ascii', r'\xe9\u20ac'), ('latin-1', '\xe9\\u20ac'),
    ('utf-8', '\xe9\u20ac'), (None, '\xe9\u20ac')])
def test_prometheus_parses_characters_that_the_encoding_does_not_have(
        encoding, label):
    stdout = (io.StringIO() if encoding is None
              else io.TextIOWrapper(io.BytesIO(), encoding))
    prometheus.PrometheusFormatter().emit_list(
        (), [('m', 'A metric.', [({'name': '\xe9\u20ac'}, 1)])], stdout, None)
    stdout.seek(0)
    [family] = parser.text_string_to_metric_families(stdout.read())
    assert family.samples[0].labels == {'name': label}


def test_prometheus_parses_a_report_without_instances(metrics, config_file):
    assert {key[0] for key in metrics()} == {
        'report_complete', 'report_timestamp_seconds'}


def test_csv_has_all_columns(report, add_point, fake_trove, resource, clock):
    point = add_point()
    name = 'a,"b"\nc'
    fake_trove.instances[resource.id]['name'] = name
    clock.sleep(90)
    code, out, _ = report('csv')
    assert code == 0 and out.endswith('\n') and not out.endswith('\n\n')
    [row] = csv.DictReader(io.StringIO(out))
    assert tuple(row) == declarations.ShowReport.COLUMNS
    # The newline is escaped. From Python 3.10 on, the module csv doubles the
    # backslash, because it is the escape character of cliff's format.
    backslash = '\\' * (2 if sys.version_info >= (3, 10) else 1)
    assert (row['name'], row['checkpoint']) == (
        'a,"b"%snc' % backslash, point.id)
    assert (row['age_seconds'], row['chain'], row['note']) == ('90', '1', '')


@pytest.mark.parametrize('seconds, words', [
    (0, '0 s'), (59, '59 s'), (60, '1 min'), (3599, '59 min 59 s'),
    (3600, '1 h'), (3659, '1 h'), (86399, '23 h 59 min'), (86400, '1 d'),
    (3 * 86400 + 4 * 3600 + 59, '3 d 4 h'), (400 * 86400, '400 d')])
def test_table_has_durations_in_words(
        report, add_point, clock, seconds, words):
    add_point().add_verification('restore', 1, seconds=4.24)
    clock.sleep(seconds)
    code, out, _ = report('table')
    cells = [cell.strip() for cell in out.splitlines()[3].split('|')]
    assert words in cells and '4.2 s' in cells


def test_table_has_units_and_words_and_times_with_a_zone(report, add_point):
    add_point(size=1.5)
    code, out, _ = report('table', '-c', 'exists', '-c', 'made', '-c',
                          'size_gb')
    assert code == 0
    titles, row = ([cell.strip() for cell in line.split('|')[1:-1]]
                   for line in out.splitlines()[1:4:2])
    assert titles == ['Exists', 'Made', 'Size']
    assert row == ['yes', '2026-01-01T00:01:00Z', '1.5 GB']


def test_table_of_the_default_columns_has_at_most_100_characters_in_a_line(
        report, add_point, fake_trove, resource):
    fake_trove.instances[resource.id]['name'] = 'long ' * 30
    point = add_point()
    point.add_verification('restore', 1, False, 'no flavor fits ' * 20,
                           seconds=4000)
    code, out, _ = report('table')
    lines = out.splitlines()
    assert code == 0 and max(map(len, lines)) <= 100
    assert [title.strip() for title in lines[1].split('|')[1:-1]] == [
        'Name', 'Age', 'Level', 'Result', 'Recovery', 'Note']
    code, out, _ = report('table', '-c', 'note', '-c', 'instance')
    assert max(map(len, out.splitlines())) > 300


def test_rows_have_the_last_result_of_each_level(manage, add_point):
    point = add_point()
    point.add_verification('restore', 1, False, 'no flavor')
    point.add_verification('backup', 2)
    [row] = manage('report')
    assert {key: value for key, value in row.items()
            if key.partition('_')[0] in verification_results.LEVELS} == {
        'backup_verified': '2026-02-01T00:02:00Z', 'backup_result': 'passed',
        'data_verified': None, 'data_result': None,
        'restore_verified': '2026-02-01T00:01:00Z',
        'restore_result': 'failed'}


def test_output_replaces_a_file_that_other_users_may_read(
        report, add_point, tmp_path, resource):
    add_point()
    path = tmp_path / 'karbor_trove.prom'
    path.write_text('previous')
    path.chmod(0o600)
    umask = os.umask(0o022)
    assert report('prometheus', '--output', path) == (0, '', '')
    os.umask(umask)
    assert parse_metrics(path.read_text())[
        'instance_covered', resource.id, None] == 1
    assert list(tmp_path.glob('karbor_trove*')) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_output_has_the_incomplete_report(report, add_point, tmp_path):
    add_point().section.update_object('metadata', '{')
    path = tmp_path / 'report.prom'
    code, _, err = report('prometheus', '--output', path)
    assert code == 1 and 'metadata' in err
    assert parse_metrics(path.read_text())[
        'report_complete', None, None] == 0


def test_output_stays_as_it_is_if_the_report_fails(
        report, add_point, tmp_path, monkeypatch):
    add_point()
    path = tmp_path / 'report.json'
    path.write_text('previous')

    def fail(fd):
        raise OSError('no space left')

    monkeypatch.setattr(os, 'fsync', fail)
    code, out, err = report('json', '--output', path)
    assert (code, out) == (1, '') and 'no space left' in err
    assert path.read_text() == 'previous'
    assert list(tmp_path.glob('report*')) == [path]


def test_columns_and_sorting_do_not_apply_to_prometheus(report, add_point):
    add_point()
    code, out, _ = report('prometheus', '-c', 'name', '--sort-column', 'name')
    assert code == 0 and 'instance_covered' in str(parse_metrics(out))


def test_report_without_access_to_keystone_is_not_empty_and_well(
        run, config_file, fake_trove):
    fake_trove.mocker.post(keystone.URL + '/v3/auth/tokens', status_code=401,
                           json={})
    code, _, err = run('report', '--config-file', config_file)
    assert code == 1 and 'Keystone rejects the credentials' in err
