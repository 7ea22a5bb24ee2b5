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
    """One metric: its name without "karbor_trove_", its help, its samples."""

    name: str
    description: str
    samples: List[Sample]


class PrometheusFormatter(base.ListFormatter):
    """The output format "prometheus" of a command that returns metrics.

    Each row of the command's output is a Metric.
    """

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """Add no options, because the format has no options."""

    def emit_list(self, column_names: Sequence[str],
                  data: Iterable[Sequence[Any]], stdout: TextIO,
                  parsed_args: argparse.Namespace) -> None:
        """Write the metrics in `data` to `stdout`, in the text format."""
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
    """Return the value of a label with its special characters escaped.

    The text format has escape sequences only for the line feed, the quotation
    mark and the backslash. Other control characters are written as in Python,
    but with two backslashes, such as "\\\\x1b". Characters that the encoding
    does not have are written in the same way.

    :param encoding: the encoding of the output, such as "utf-8".
    """
    lines = [str(terminal.escape(line)).encode(
        encoding, 'backslashreplace').decode(encoding)
        for line in value.split('\n')]
    return r'\n'.join(line.replace('\\', r'\\').replace('"', r'\"')
                      for line in lines)


def _format_number(value: float) -> str:
    # Python would write True as a word. The format needs 1.
    return repr(value if isinstance(value, float) else int(value))
