# SPDX-License-Identifier: Apache-2.0

"""The text format of metrics that Prometheus reads."""

import argparse
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence
from typing import TextIO, Tuple

from cliff.formatters import base

from karbor_trove.cmd import terminal

#: The name of the format.
FORMAT = 'prometheus'
_PREFIX = 'karbor_trove_'
#: The labels and the value. A sample without a value is not written.
Sample = Tuple[Dict[str, str], Optional[float]]


class Metric(NamedTuple):
    """One metric and its samples."""

    name: str
    description: str
    samples: List[Sample]


class PrometheusFormatter(base.ListFormatter):
    """Writes metrics. Each row of the list is a Metric."""

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """Add no options, because the format has no options."""

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


def _format_labels(labels: Dict[str, str], encoding: str) -> str:
    return '{%s}' % ','.join(
        '%s="%s"' % (name, _escape(value, encoding))
        for name, value in labels.items()) if labels else ''


def _escape(value: str, encoding: str) -> str:
    """Return the value of a label in the text format.

    The format has escape sequences for the line feed, the quotation mark and
    the backslash, and rejects all other escape sequences. A control character
    other than the line feed becomes its escape sequence in Python, and the
    backslash of that sequence is escaped. A character that the encoding does
    not have is treated in the same way.
    """
    lines = [str(terminal.escape(line)).encode(
        encoding, 'backslashreplace').decode(encoding)
        for line in value.split('\n')]
    return r'\n'.join(line.replace('\\', r'\\').replace('"', r'\"')
                      for line in lines)


def _format_number(value: float) -> str:
    # Python would write True as a word. The format needs 1.
    return repr(value if isinstance(value, float) else int(value))
