# SPDX-License-Identifier: Apache-2.0

"""Metrics of the report, in the text format that Prometheus reads."""

import argparse
import datetime
import time
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional
from typing import Sequence, TextIO, Tuple

from cliff.formatters import base

from karbor_trove.bank import verification_results
from karbor_trove.cmd import instance_reports
from karbor_trove.cmd import terminal

#: The name of the format.
FORMAT = 'prometheus'
_PREFIX = 'karbor_trove_'
_GB = 1024 ** 3
#: Labels and value. A sample without a value is not written.
Sample = Tuple[Dict[str, str], Optional[float]]


class Metric(NamedTuple):
    """One metric and its samples."""

    name: str
    description: str
    samples: List[Sample]


class PrometheusFormatter(base.ListFormatter):
    """Writes metrics. Each row of the list is a Metric."""

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """Add no options. The format has none."""

    def emit_list(self, column_names: Sequence[str],
                  data: Iterable[Sequence[Any]], stdout: TextIO,
                  parsed_args: argparse.Namespace) -> None:
        """Write the metrics."""
        encoding = getattr(stdout, 'encoding', None) or 'utf-8'
        for name, description, samples in data:
            name = _PREFIX + name
            stdout.write('# HELP %s %s\n# TYPE %s gauge\n'
                         % (name, description, name))
            for labels, value in samples:
                if value is not None:
                    stdout.write('%s%s %s\n' % (
                        name, _format_labels(labels, encoding),
                        _format_number(value)))


def build_metrics(reports: List[instance_reports.InstanceReport],
                  is_complete: bool) -> List[Metric]:
    """Return the metrics of a report. All times are seconds since 1970.

    :param is_complete: whether everything could be read.
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
               'How many backups a restore of it needs, itself counted.',
               per_instance(lambda report: report.chain)),
        Metric('backup_size_bytes',
               'What the database took on its volume when it was made.',
               per_instance(lambda report: None if report.size is None
                            else round(report.size * _GB))),
        Metric('last_verification_timestamp_seconds',
               'When a verification of this level ended last.',
               per_level(lambda result: _timestamp(
                   instance_reports.verification_time(result)))),
        Metric('last_verification_success',
               'Whether the last verification of this level passed.',
               per_level(lambda result: result.passed)),
        Metric('recovery_seconds',
               'How long a restore took when a verification measured it last.',
               per_instance(lambda report: None if report.recovery is None
                            else report.recovery.total_seconds())),
        Metric('report_timestamp_seconds', 'When this report was created.',
               [({}, int(time.time()))]),
        Metric('report_complete', 'Whether the report includes everything.',
               [({}, is_complete)])]


def _labels(report: instance_reports.InstanceReport) -> Dict[str, str]:
    # Not "instance": in Prometheus this is the label of the scraped host.
    return {'project_id': report.project, 'instance_id': report.instance,
            'name': report.name or ''}


def _timestamp(moment: Optional[datetime.datetime]) -> Optional[float]:
    return None if moment is None else int(
        moment.replace(tzinfo=datetime.timezone.utc).timestamp())


def _format_labels(labels: Dict[str, str], encoding: str) -> str:
    return '{%s}' % ','.join(
        '%s="%s"' % (name, _escape(value, encoding))
        for name, value in labels.items()) if labels else ''


def _escape(value: str, encoding: str) -> str:
    """Return the value of a label in the text format.

    The format has escape sequences for the line feed, the quotation mark and
    the backslash, and rejects all others. Another control character becomes
    its escape sequence in Python, and the backslash of that sequence is
    escaped. A character that the encoding does not have is treated in the same
    way.
    """
    lines = [str(terminal.escape(line)).encode(
        encoding, 'backslashreplace').decode(encoding)
        for line in value.split('\n')]
    return r'\n'.join(line.replace('\\', r'\\').replace('"', r'\"')
                      for line in lines)


def _format_number(value: float) -> str:
    # True is 1.
    return repr(value if isinstance(value, float) else int(value))
