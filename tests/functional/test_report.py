"""karbor-trove-manage report, with the real services of the sandbox."""

import csv
import datetime
import io
import pathlib
import subprocess
import sys
import time

from oslo_config import cfg
from prometheus_client import parser

from karbor_trove.bank import verification_results
from karbor_trove.cmd import providers
from tests.functional import api_tenant as tenants
from tests.functional import test_manage

operator = test_manage.operator


def prove(tenant, operator, checkpoint, instance):
    """Restore it, and keep how long that took as a verification does."""
    begin = time.monotonic()
    new = tenants.restored_instance_id(tenant.restore(checkpoint))
    took = time.monotonic() - begin
    assert tenant.count_rows(new) == 1000
    tenant.delete_instances(new)
    cfg.CONF(['--config-file', str(operator.config)], project='karbor')
    verification_results.write(
        providers.get_checkpoint(providers.load(), checkpoint).resource_section(instance),
        verification_results.VerificationResult('restore', datetime.datetime.now(
            datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S'), True, '',
            round(took, 1)))


def metrics(told):
    """Name, instance and level -> value."""
    return {(sample.name, sample.labels.get('instance_id'),
             sample.labels.get('level')): sample.value
            for family in parser.text_string_to_metric_families(told)
            for sample in family.samples}


def for_node_exporter(operator, folder):
    """What cron does, see doc/source/manage.rst; gives what is scraped."""
    subprocess.run(
        ['sh', '-c', 'cd {folder} && {command} report --format prometheus '
         '--config-file {config} > karbor_trove.tmp; '
         'test -s karbor_trove.tmp && mv karbor_trove.tmp karbor_trove.prom'
         .format(folder=folder, config=operator.config,
                 command=pathlib.Path(sys.executable).with_name(
                     'karbor-trove-manage'))])
    assert [one.name for one in folder.iterdir()] == ['karbor_trove.prom']
    return metrics((folder / 'karbor_trove.prom').read_text())


def test_what_can_be_restored_is_told_in_every_format(
        tenant, operator, tmp_path):
    instance, idle = tenant.create_instances(['orders', 'drafts'])
    tenant.create_table(instance, 1000)
    checkpoint = tenant.protect(tenant.create_plan([instance]))
    tenant.verify(checkpoint)
    prove(tenant, operator, checkpoint, instance)

    mine = 'report', '--project', tenant.project_id

    def rows(*words, **kw):
        return {row['instance']: row
                for row in operator.manage(*words, **kw)[0]}

    assert rows(*mine)[idle]['note'] == 'no checkpoint covers it'
    row = rows(*mine)[instance]
    [backup] = tenant.list_backups().values()
    assert row['checkpoint'] == row['verified_checkpoint'] == checkpoint
    assert row['made'] == backup['created']
    assert 0 <= row['age'] < 600
    assert (row['chain'], row['size']) == (1, backup['size'])
    assert (row['level'], row['result']) == ('restore', 'passed')
    assert 0 < row['recovery'] < 600 and row['note'] is None

    assert checkpoint in operator.table(*mine)
    told = operator.table(*mine, '--format', 'csv')
    assert {one['instance']: one['checkpoint'] for one in csv.DictReader(
        io.StringIO(told))}[instance] == checkpoint
    found = metrics(operator.table(*mine, '--format', 'prometheus'))
    assert found['karbor_trove_report_complete', None, None] == 1
    assert found['karbor_trove_instance_covered', instance, None] == 1
    assert found['karbor_trove_instance_covered', idle, None] == 0
    assert found['karbor_trove_last_verification_success', instance,
                 'restore'] == 1

    tenant.delete_instances(instance, idle)
    row = rows(*mine)[instance]
    assert (row['name'], row['checkpoint'], row['note']) == (
        'orders', checkpoint, 'deleted in Trove')
    assert idle not in rows(*mine)

    operator.keep_karbor_out()
    told = operator.table('report')
    assert 'project %s' % tenant.project_id in told
    assert rows('report', expect=1)[instance]['checkpoint'] == checkpoint
    found = for_node_exporter(operator, tmp_path)
    assert found['karbor_trove_report_complete', None, None] == 0
    assert found['karbor_trove_instance_covered', instance, None] == 1
    operator.let_karbor_in()
    tenant.delete_checkpoint(checkpoint)
    assert instance not in rows(*mine)
