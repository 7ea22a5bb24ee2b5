"""Tests of the installed karbor-trove-manage report in the sandbox."""

import csv
import datetime
import io
import time

from oslo_config import cfg
from prometheus_client import parser

from karbor_trove.bank import verification_results
from karbor_trove.cmd import providers
from tests.functional import api_tenant as tenants
from tests.functional import test_manage

operator = test_manage.operator


def measure_restore(tenant, operator, checkpoint_id, instance_id):
    """Restore an instance and write the result of a verification."""
    start = time.monotonic()
    restored_id = tenants.restored_instance_id(tenant.restore(checkpoint_id))
    seconds = time.monotonic() - start
    assert tenant.count_rows(restored_id) == 1000
    tenant.delete_instances(restored_id)
    cfg.CONF(['--config-file', str(operator.config)], project='karbor')
    checkpoint = providers.get_checkpoint(providers.load_providers([]),
                                          checkpoint_id)
    verification_results.write(
        checkpoint.get_resource_section(instance_id),
        verification_results.VerificationResult(
            'restore', datetime.datetime.now(datetime.timezone.utc).strftime(
                '%Y-%m-%dT%H:%M:%S'), True, '', round(seconds, 1)))


def parse_metrics(text):
    """Return the values of all samples by name, instance and level."""
    return {(sample.name, sample.labels.get('instance_id'),
             sample.labels.get('level')): sample.value
            for family in parser.text_string_to_metric_families(text)
            for sample in family.samples}


def test_report_shows_a_restore_point_in_every_format(
        tenant, operator, tmp_path):
    instance, idle = tenant.create_instances(['orders', 'drafts'])
    tenant.create_table(instance, 1000)
    checkpoint = tenant.protect(tenant.create_plan([instance]))
    tenant.verify(checkpoint)
    measure_restore(tenant, operator, checkpoint, instance)

    arguments = 'report', '--project', tenant.project_id

    def report(*arguments, **kwargs):
        return {row['instance']: row
                for row in operator.manage(*arguments, **kwargs)[0]}

    assert report(*arguments)[idle]['note'] == 'no checkpoint covers it'
    row = report(*arguments)[instance]
    [backup] = tenant.list_backups().values()
    assert row['checkpoint'] == row['verified_checkpoint'] == checkpoint
    assert row['made'] == backup['created'] + 'Z'
    assert 0 <= row['age_seconds'] < 600
    assert (row['chain'], row['size_gb']) == (1, backup['size'])
    assert (row['level'], row['result']) == ('restore', 'passed')
    assert row['exists'] and row['restore_result'] == 'passed'
    assert 0 < row['recovery_seconds'] < 600 and row['note'] is None

    assert max(map(len, operator.table(*arguments).splitlines())) <= 100
    assert checkpoint in operator.table(*arguments, '-c', 'checkpoint')
    rows = csv.DictReader(io.StringIO(operator.table(*arguments, '-f', 'csv')))
    assert {row['instance']: row['checkpoint']
            for row in rows}[instance] == checkpoint
    page = tmp_path / 'report.html'
    operator.table(*arguments, '--html', page)
    assert checkpoint in page.read_text()
    assert 'recovery time' in page.read_text()
    page.unlink()
    metrics = parse_metrics(
        operator.table(*arguments, '--format', 'prometheus'))
    assert metrics['karbor_trove_report_complete', None, None] == 1
    assert metrics['karbor_trove_instance_covered', instance, None] == 1
    assert metrics['karbor_trove_instance_covered', idle, None] == 0
    assert metrics['karbor_trove_last_verification_success', instance,
                   'restore'] == 1

    tenant.delete_instances(instance, idle)
    row = report(*arguments)[instance]
    assert (row['name'], row['checkpoint'], row['note']) == (
        'orders', checkpoint, 'deleted in Trove')
    assert idle not in report(*arguments)

    operator.revoke_access()
    # As for the textfile collector of the node exporter.
    path = tmp_path / 'karbor_trove.prom'
    output = operator.table('report', '-f', 'prometheus', '--output', path)
    assert 'project %s' % tenant.project_id in output
    assert list(tmp_path.iterdir()) == [path]
    metrics = parse_metrics(path.read_text())
    assert metrics['karbor_trove_report_complete', None, None] == 0
    assert metrics['karbor_trove_instance_covered', instance, None] == 1
    assert report('report', expect=1)[instance]['checkpoint'] == checkpoint
    operator.grant_access()
    tenant.delete_checkpoint(checkpoint)
    assert instance not in report(*arguments)
