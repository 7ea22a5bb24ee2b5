# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""The report as metrics: the text that Prometheus reads."""

import argparse
import datetime
import time
from typing import Any, Dict, Iterable, List, Optional, Sequence, TextIO, Tuple

from cliff.formatters import base

from karbor_trove.cmd import restore_points

FORMAT = 'prometheus'
Row = Dict[str, Any]
#: Labels, and the value; None: it is not known, and left out.
_Sample = Tuple[Dict[str, str], Optional[float]]
_PREFIX = 'karbor_trove_'
_GB = 1024 ** 3


class PrometheusFormatter(base.ListFormatter):
    """Prints metrics in the text format that Prometheus reads."""

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """Add no options."""

    def emit_list(self, column_names: Sequence[str],
                  data: Iterable[Sequence[Any]], stdout: TextIO,
                  parsed_args: argparse.Namespace) -> None:
        """Print metrics. Each row is one of build_metrics()."""
        for metric in data:
            stdout.writelines(line + '\n' for line in _lines(*metric))


def build_metrics(rows: Iterable[Row], complete: bool) -> List[Any]:
    """Write the rows of a report out, all times in seconds since 1970.

    :param complete: whether all could be looked at.
    """
    rows = list(rows)
    metrics: List[Tuple[str, str, Iterable[_Sample]]] = [
        ('instance_exists', 'Whether Trove has the database instance.',
         _of(rows, lambda row: row['exists'])),
        ('instance_covered', 'Whether a checkpoint can be restored now.',
         _of(rows, lambda row: row.get('checkpoint') is not None)),
        ('last_restorable_timestamp_seconds',
         'When the newest backup that can be restored was made.',
         _of(rows, lambda row: _seconds(row.get('made')))),
        ('chain_length',
         'How many backups a restore of it needs, itself counted.',
         _of(rows, lambda row: row.get('chain'))),
        ('backup_size_bytes',
         'What the database took on its volume when it was made.',
         _of(rows, lambda row: _bytes(row.get('size')))),
        ('last_verification_timestamp_seconds',
         'When a verification of this level ended last.',
         _of_levels(rows, lambda one: _seconds(restore_points.moment(one)))),
        ('last_verification_success',
         'Whether the last verification of this level passed.',
         _of_levels(rows, lambda one: one.passed)),
        ('recovery_seconds',
         'How long a restore took when a verification measured it last.',
         _of(rows, lambda row: None if row.get('recovery') is None
             else row['recovery'].total_seconds())),
        ('report_timestamp_seconds', 'When this was found out.',
         [({}, int(time.time()))]),
        ('report_complete', 'Whether all could be looked at.',
         [({}, complete)])]
    return metrics


def _lines(name: str, about: str, samples: Iterable[_Sample]) -> List[str]:
    name = _PREFIX + name
    return ['# HELP %s %s' % (name, about), '# TYPE %s gauge' % name, *(
        '%s%s %s' % (name, _labels(labels), _number(value))
        for labels, value in samples if value is not None)]


def _labels(labels: Dict[str, str]) -> str:
    return '{%s}' % ','.join('%s="%s"' % (key, _escaped(value))
                             for key, value in labels.items()
                             ) if labels else ''


def _escaped(value: str) -> str:
    return value.replace('\\', r'\\').replace('"', r'\"').replace('\n', r'\n')


def _number(value: float) -> str:
    # True is 1.
    return repr(value if isinstance(value, float) else int(value))


def _of(rows: Iterable[Row], value: Any) -> Iterable[_Sample]:
    return [(_named(row), value(row)) for row in rows]


def _of_levels(rows: Iterable[Row], value: Any) -> Iterable[_Sample]:
    return [({**_named(row), 'level': level}, value(result))
            for row in rows
            for level, result in sorted(row.get('levels', {}).items())]


def _named(row: Row) -> Dict[str, str]:
    # "instance" is whom Prometheus has asked: the node exporter.
    return {'project_id': row['project'], 'instance_id': row['instance'],
            'name': row['name'] or ''}


def _seconds(moment: Optional[datetime.datetime]) -> Optional[float]:
    return None if moment is None else int(moment.replace(
        tzinfo=datetime.timezone.utc).timestamp())


def _bytes(size: Optional[float]) -> Optional[float]:
    return None if size is None else round(size * _GB)
