# SPDX-License-Identifier: Apache-2.0

"""Metrics of the command "report", for Prometheus."""

import datetime
from typing import Callable, Dict, List, Optional

from karbor_trove.bank import verification_results
from karbor_trove.cmd import instance_reports
from karbor_trove.cmd import prometheus
from karbor_trove import polling

Metric = prometheus.Metric
Sample = prometheus.Sample
_GB = 1024 ** 3


def build_metrics(reports: List[instance_reports.InstanceReport],
                  is_complete: bool) -> List[Metric]:
    """Return the metrics of a report. Points in time are seconds since 1970.

    :param reports: the reports on all instances.
    :param is_complete: whether everything could be read. This is the value of
        the metric report_complete.
    """
    def per_instance(value: Callable[[instance_reports.InstanceReport],
                                     Optional[float]]) -> List[Sample]:
        return [(_labels(report), value(report)) for report in reports]

    def per_level(value: Callable[[verification_results.VerificationResult],
                                  Optional[float]]) -> List[Sample]:
        return [({**_labels(report), 'level': level}, value(result))
                for report in reports
                for level, result in sorted(report.levels.items())]

    return [
        Metric('instance_exists', 'Whether Trove has the database instance.',
               per_instance(lambda report: report.exists)),
        Metric('instance_covered', 'Whether a checkpoint can be restored now.',
               per_instance(lambda report: report.checkpoint is not None)),
        Metric('last_restorable_timestamp_seconds',
               'When the newest backup that can be restored was made.',
               per_instance(lambda report: _timestamp(report.made))),
        Metric('chain_length',
               'The chain length of the newest backup that can be restored.',
               per_instance(lambda report: report.chain)),
        Metric('backup_size_bytes',
               'What the database used on its volume when the newest backup '
               'that can be restored was made.',
               per_instance(lambda report: None if report.size is None
                            else round(report.size * _GB))),
        Metric('left_out_checkpoints',
               'How many newer checkpoints left the database instance out.',
               per_instance(lambda report: report.left_out)),
        Metric('last_verification_timestamp_seconds',
               'When a verification of this level ended last.',
               per_level(lambda result: _timestamp(
                   instance_reports.get_verification_time(result)))),
        Metric('last_verification_success',
               'Whether the last verification of this level passed.',
               per_level(lambda result: result.passed)),
        Metric('recovery_seconds',
               'How long a restore took when a verification measured it last.',
               per_instance(lambda report: None if report.recovery is None
                            else report.recovery.total_seconds())),
        Metric('report_timestamp_seconds', 'When this report was created.',
               [({}, _timestamp(polling.SYSTEM_CLOCK.utc()))]),
        Metric('report_complete', 'Whether the report includes everything.',
               [({}, is_complete)])]


def _labels(report: instance_reports.InstanceReport) -> Dict[str, str]:
    # The label is not "instance", because in Prometheus this is the label of
    # the scraped host.
    return {'project_id': report.project, 'instance_id': report.instance,
            'name': report.name or ''}


def _timestamp(moment: Optional[datetime.datetime]) -> Optional[float]:
    return None if moment is None else int(
        moment.replace(tzinfo=datetime.timezone.utc).timestamp())
