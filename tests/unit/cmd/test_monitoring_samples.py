"""The alert rules and the dashboard, on the metrics that report writes."""

import json
import pathlib
import re
import shutil
import subprocess

from prometheus_client import parser
import pytest
import yaml

from karbor_trove.cmd import metrics
from tests.unit.cmd import test_report

FOLDER = pathlib.Path(__file__).parents[3] / 'etc/karbor-trove'
RULES = FOLDER / 'alerts.yaml'
DASHBOARD = json.loads((FOLDER / 'dashboard.json').read_text())
DAY = 86400
needs_promtool = pytest.mark.skipif(
    shutil.which('promtool') is None,
    reason='promtool is missing. Debian has it in the package prometheus')


def list_dashboard_expressions():
    """Return the title of the panel and the expression of each query."""
    return [(panel['title'], target['expr'])
            for panel in DASHBOARD['panels'] for target in panel['targets']]


def list_alerts(path=RULES):
    [group] = yaml.safe_load(path.read_text())['groups']
    return group['rules']


def get_alert(name, path=RULES):
    [rule] = [rule for rule in list_alerts(path) if rule['alert'] == name]
    return rule


@pytest.fixture
def enabled_rules(tmp_path):
    """The path of the alert rules with the rule that is off by default."""
    path = tmp_path / 'alerts.yaml'
    path.write_text(re.sub('(?m)^  #(?=- |  )', '  ', RULES.read_text()))
    assert len(list_alerts(path)) == len(list_alerts()) + 1
    return path


def list_names(text):
    return set(re.findall(r'karbor_trove_\w+', text))


def test_dashboard_and_alerts_use_only_metrics_that_the_report_writes(
        enabled_rules):
    written = {'karbor_trove_' + metric.name
               for metric in metrics.build_metrics([], True)}
    expressions = '\n'.join(expr for _, expr in list_dashboard_expressions())
    variables = json.dumps(DASHBOARD['templating'])
    rules, with_disabled = ['\n'.join(
        rule['expr'] for rule in list_alerts(path))
        for path in (RULES, enabled_rules)]
    assert list_names(expressions + variables + with_disabled) <= written
    # Each metric is worth a place in one of the two.
    assert list_names(expressions + rules) == written


def test_panels_of_the_dashboard_do_not_overlap():
    cells = [(x, y) for panel in DASHBOARD['panels']
             for place in [panel['gridPos']]
             for x in range(place['x'], place['x'] + place['w'])
             for y in range(place['y'], place['y'] + place['h'])]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    ids = [panel['id'] for panel in DASHBOARD['panels']]
    assert len(set(ids)) == len(ids)


@needs_promtool
def test_promtool_accepts_the_alert_rules(enabled_rules):
    process = subprocess.run(
        ['promtool', 'check', 'rules', RULES, enabled_rules],
        capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr


def run_promtool(folder, test, rules=RULES):
    """Run a test of promtool on a file of alert rules."""
    path = folder / 'test.yaml'
    path.write_text(yaml.safe_dump({
        'rule_files': [str(rules)], 'evaluation_interval': test['interval'],
        'tests': [test]}))
    process = subprocess.run(['promtool', 'test', 'rules', path],
                             capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr


def expect_alerts(rule, time, *annotated):
    """Return a test of promtool: the alerts of a rule at a time.

    :param annotated: the labels and annotations of each alert.
    """
    return {'eval_time': time, 'alertname': rule['alert'], 'exp_alerts': [
        {'exp_labels': {**rule['labels'], **labels},
         'exp_annotations': annotations} for labels, annotations in annotated]}


class Promtool:
    """Evaluates expressions on the text of a report, at a chosen time."""

    def __init__(self, folder, text, seconds_later=0):
        """Create the test file of promtool.

        :param seconds_later: how long after the report the expressions are
            evaluated.
        """
        series = [sample for family
                  in parser.text_string_to_metric_families(text)
                  for sample in family.samples]
        [written] = [sample.value for sample in series
                     if sample.name == 'karbor_trove_report_timestamp_seconds']
        # The time of promtool starts in 1970. So the first sample of each
        # series, in 1970, is missing, and the second one is the report's.
        self.time = '%ds' % (written + seconds_later)
        self.test = {
            'interval': self.time, 'alert_rule_test': [],
            'promql_expr_test': [], 'input_series': [
                {'series': self.write_series(sample.name, sample.labels),
                 'values': '_ %r' % sample.value} for sample in series]}
        self._folder = folder

    @staticmethod
    def write_series(name, labels):
        return '%s{%s}' % (name, ','.join(
            '%s=%s' % (key, json.dumps(value))
            for key, value in sorted(labels.items())))

    def expect_alerts(self, name, *annotated):
        self.test['alert_rule_test'].append(
            expect_alerts(get_alert(name), self.time, *annotated))

    def expect_samples(self, expression, *samples):
        self.test['promql_expr_test'].append({
            'eval_time': self.time,
            'expr': expression.replace('$project', '.*'), 'exp_samples': [
                {'labels': self.write_series(name, labels), 'value': value}
                for name, labels, value in samples]})

    def run(self):
        run_promtool(self._folder, self.test)


@pytest.fixture
def promtool(run, config_file, tmp_path):
    """Return a function that writes a report, and a Promtool for it."""
    def promtool(seconds_later=0, expect=0):
        code, text, err = run('report', '-f', 'prometheus', '--config-file',
                              config_file)
        assert code == expect, err
        return Promtool(tmp_path, text, seconds_later)
    return promtool


@pytest.fixture
def labels(fake_trove):
    """Return a function that returns the labels of an instance."""
    def labels(instance_id, name, **others):
        return {'project_id': test_report.clouds.PROJECT,
                'instance_id': instance_id, 'name': name, **others}
    return labels


def annotate(name, labels, path=RULES, **values):
    """Return the labels of an alert, and its annotations with the values."""
    annotations = {}
    for key, text in get_alert(name, path)['annotations'].items():
        for label, value in labels.items():
            text = text.replace('{{ $labels.%s }}' % label, value)
        annotations[key] = text.replace(
            '{{ $value | humanizeDuration }}', values.get('age', ''))
    return labels, annotations


@needs_promtool
def test_alerts_fire_for_the_databases_that_need_attention(
        promtool, add_point, fake_trove, resource, labels, clock):
    add_point(resource.id)
    clock.sleep(3 * DAY - 4 * 60)
    idle = fake_trove.add_instance(name='idle "1"')
    good = fake_trove.add_instance(name='good')
    gone = fake_trove.add_instance(name='gone')
    skipped = fake_trove.add_instance(name='skipped')
    add_point(skipped)
    for instance_id in skipped, gone:
        test_report.leave_out(add_point(instance_id), instance_id)
    point = add_point(good, name='good')
    point.add_verification('restore', 1, False, 'no flavor')
    point.add_verification('backup', 2)
    add_point(gone, name='gone', status='error')
    del fake_trove.instances[gone]
    # It has the name of the fake instance.
    name = fake_trove.instances[resource.id]['name']
    tool = promtool()
    tool.expect_alerts('DatabaseWithoutRestorePoint', annotate(
        'DatabaseWithoutRestorePoint', labels(idle, 'idle "1"')))
    tool.expect_alerts('RestorePointTooOld', annotate(
        'RestorePointTooOld', labels(resource.id, name), age='3d 0h 1m 0s'))
    tool.expect_alerts('DatabaseLeftOut', annotate(
        'DatabaseLeftOut', labels(skipped, 'skipped')))
    tool.expect_alerts('VerificationFailed', annotate(
        'VerificationFailed', labels(good, 'good', level='restore')))
    for alert in ('VerificationTooOld', 'ReportIncomplete', 'ReportTooOld',
                  'ReportMissing'):
        tool.expect_alerts(alert)
    tool.run()


@needs_promtool
def test_alerts_fire_for_old_verifications_and_old_reports(
        promtool, add_point, fake_trove, resource, labels):
    point = add_point()
    point.add_verification('backup', 1)
    point.section.update_object('metadata', '{')
    name = fake_trove.instances[resource.id]['name']
    tool = promtool(62 * DAY, expect=1)
    tool.expect_alerts('VerificationTooOld', annotate(
        'VerificationTooOld', labels(resource.id, name), age='31d 0h 0m 0s'))
    tool.expect_alerts('ReportIncomplete', annotate('ReportIncomplete', {}))
    tool.expect_alerts('ReportTooOld', annotate(
        'ReportTooOld', {}, age='62d 0h 0m 0s'))
    tool.expect_alerts('ReportMissing')
    tool.run()


@needs_promtool
@pytest.mark.parametrize('values, minute', [(None, 0), ('0x10 stale', 11)])
def test_an_alert_fires_15_minutes_after_the_report_is_gone(
        tmp_path, values, minute):
    rule = get_alert('ReportMissing')
    run_promtool(tmp_path, {
        'interval': '1m', 'input_series': [] if values is None else [
            {'series': 'karbor_trove_report_timestamp_seconds{instance="a"}',
             'values': values}],
        'alert_rule_test': [
            expect_alerts(rule, '%dm' % (minute + 14)),
            expect_alerts(rule, '%dm' % (minute + 16),
                          annotate('ReportMissing', {}))]})


@needs_promtool
def test_an_alert_that_is_off_by_default_names_unverified_databases(
        tmp_path, enabled_rules):
    name = 'DatabaseNotVerified'
    series = []

    def add_database(id_, exists=1, verified=None, since='1x20'):
        labels = {'project_id': 'p', 'instance_id': id_, 'name': id_}
        for metric, values in (
                ('instance_covered', since),
                ('instance_exists', since.replace('1x', '%dx' % exists)),
                ('last_verification_timestamp_seconds', verified)):
            if values is not None:
                series.append({'values': values, 'series':
                               Promtool.write_series(
                                   'karbor_trove_' + metric, labels)})
        return labels

    unverified = add_database('unverified')
    add_database('verified', verified='5x20')
    add_database('deleted', exists=0)
    add_database('new', since='_x10 1x10')
    rule = get_alert(name, enabled_rules)
    run_promtool(
        tmp_path, {'interval': '1d', 'input_series': series,
                   'alert_rule_test': [
                       expect_alerts(rule, '13d'),
                       expect_alerts(rule, '16d', annotate(
                           name, unverified, enabled_rules))]},
        enabled_rules)


@needs_promtool
def test_panels_of_the_dashboard_show_the_values_of_the_report(
        promtool, add_point, fake_trove, resource, labels, clock):
    parent = add_point(size=2)
    point = add_point(size=0.5, parent_id=parent.backup)
    point.add_verification('restore', 1, False, 'no', seconds=9.5)
    idle = fake_trove.add_instance(name='idle')
    ours = labels(resource.id, fake_trove.instances[resource.id]['name'])
    later = 40 * DAY
    tool = promtool(later)
    verified = test_report.datetime.datetime(
        2026, 2, 1, 0, 1, tzinfo=test_report.datetime.timezone.utc)
    expected = {
        'Databases': [('', {}, 2)], 'Unprotected': [('', {}, 1)],
        'Left out': [('', {}, 0)],
        'Failed verifications': [('', {}, 1)],
        'Age of the report': [('', {}, later)],
        'Complete report': [('', {}, 1)],
        'Unprotected databases': [
            ('karbor_trove_instance_covered', labels(idle, 'idle'), 0)],
        'Verifications': [
            ('karbor_trove_last_verification_success',
             {**ours, 'level': 'restore'}, 0),
            ('', {**ours, 'level': 'restore'},
             clock.now() + later - verified.timestamp())],
        'Age of the restore points': [('', ours, later)],
        'Recovery times': [('karbor_trove_recovery_seconds', ours, 9.5)],
        'Sizes': [('karbor_trove_backup_size_bytes', ours, 2 ** 29)],
        'Backups in the chain': [('karbor_trove_chain_length', ours, 2)]}
    for title, expression in list_dashboard_expressions():
        tool.expect_samples(expression, expected[title].pop(0))
    assert not any(expected.values())
    tool.run()
