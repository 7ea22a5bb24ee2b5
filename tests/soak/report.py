"""The result of a soak as a page of the documentation."""

import datetime
import pathlib
import statistics
from typing import Any

from tests.sandbox import environments
from tests.soak import timeouts

PLACE = environments.ROOT / 'doc/source/reference/soak-test.rst'

_TEXT = '''\
.. Written by tools/tox -e soak; do not edit.

====
Soak
====

Checkpoints of real PostgreSQL databases through the API of a real Karbor, with
faults between Karbor on one side and Trove and Swift on the other. Each is
protected, some are verified, some restored and their rows counted, and all are
deleted in a random order. Half of the plans are incremental. ``tools/tox -e
soak`` runs it and writes this page.

Nothing may be lost (every available checkpoint that is tried is verified and
restored, with the rows that there were), stuck (every checkpoint ends as
``deleted``) or left (Trove, Swift and the journal are empty in the end).

Result
======

{result}

{facts}

What was done
=============

{steps}

A protect, a verification or a restore may fail where a fault is a refusal,
like HTTP 413. A failed protect's checkpoint is deleted; the others have to say
why, and are tried again. No deletion may fail.

Faults
======

{faults}

Times
=====

Options of the provider's file, and times of the plugin's own that are shorter
than in the real world, in seconds:

{times}
'''


def _table(rows: list[tuple[object, ...]], head: tuple[str, ...] = ()) -> str:
    texts = [[str(cell) for cell in row] for row in [*filter(None, [head]),
                                                     *rows]]
    widths = [max(map(len, column)) for column in zip(*texts)]
    rule = '  '.join('=' * width for width in widths)
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths)
                       ).rstrip() for row in texts]
    if head:
        lines.insert(1, rule)
    return '\n'.join([rule, *lines, rule])


def write(place: pathlib.Path, violations: list[str],
          facts: dict[str, Any], done: dict[str, int],
          seconds: dict[str, list[float]], faults: dict[str, int]) -> None:
    """Write the page.

    :param facts: what was asked for and measured, by name.
    :param done: how often, by what.
    :param seconds: the durations, by step.
    """
    result = 'Nothing was lost, stuck or left.'
    if violations:
        result = '\n'.join(['**Violated:**', '', '::', '', *(
            f'    {line}' for text in violations
            for line in text.splitlines())])
    place.write_text(_TEXT.format(
        result=result,
        facts=_table([('date', datetime.date.today().isoformat()),
                      *facts.items()]),
        steps='\n\n'.join([
            _table(sorted(done.items()), ('what', 'how often')),
            _table([(step, *(f'{value:.1f}' for value in (
                min(told), statistics.median(told), max(told))))
                for step, told in sorted(seconds.items())],
                ('seconds', 'least', 'median', 'most'))]),
        faults=_table(sorted(faults.items()), ('kind', 'how often')),
        times=_table([*timeouts.OPTIONS.items(), *timeouts.CONSTANTS.items(),
                      ('a request that hangs', timeouts.HANG)])))
