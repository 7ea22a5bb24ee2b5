"""The matrix as a page of the documentation, written and read."""

import csv
import io
import pathlib

from tests.fault_injection import cases as cells_
from tests.fault_injection import scenarios

ROOT = pathlib.Path(__file__).parents[2]
PATH = ROOT / 'doc/source/reference/fault-matrix.rst'
_BETWEEN = ' / '
_WORDS = '''\
=============
When it fails
=============

What comes of each operation when one of its requests fails. The page is
written by ``tools/tox -e faults``, which carries out each of these {count}
experiments with the real Keystone, Swift, Trove and PostgreSQL of the sandbox
and a proxy in front of them, looks afterwards at what they and the bank hold,
and deletes the checkpoint: then nothing may be left. Nobody writes it by hand.

A column is a request, in the order in which they are made; looks that are
repeated are one. A row is what happens to it. The first word is what comes of
it when that happens once, the second when it happens to every request to that
service from then on, until the operation has ended.

done
   The operation succeeds.
error
   The operation ends, within its deadline and the time of one request, with
   the reason; what was made of the backup is known by the bank.
put off
   The checkpoint is deleted. Its backup, or what Swift holds of it, goes with
   a later operation of the same instance.

Once refused is a connection that is reset before anything was read; refused
for the whole deadline is nobody listening. Timing out is an answer that never
comes to a request that was carried out, hanging one that is carried out when
nobody waits for it any more. 429 and 503 come with Retry-After. Keystone is
asked by a Karbor that has just started. A request that a simpler form of the
same operation makes as well is in that one's table only.

The bank is a directory, but in the tables that say otherwise: those have the
requests to a bank in Swift, whose client is told not to try again by itself
(``swift_retry_attempts = 0``). Karbor sets that client no limit of time, so
there is neither timing out nor hanging. A deletion that ends with an error
there can be repeated after ``karbor-trove-manage checkpoint reset``: while the
bank is away, nothing can be noted in it.
'''


def _title(operation):
    return operation[0].upper() + operation[1:]


def _row(items):
    line = io.StringIO()
    csv.writer(line, lineterminator='').writerow(items)
    return line.getvalue()


def _tables(outcomes):
    for operation in scenarios.SCENES:
        steps = list(dict.fromkeys(
            cell.step for cell in outcomes if cell.operation == operation))
        title = _title(operation)
        yield f'\n{title}\n{"=" * len(title)}\n'
        for number, step in enumerate(steps, 1):
            yield f'{number}. ``{step}``'
        yield '\n.. csv-table::\n   :header-rows: 1\n'
        yield '   ' + _row(['', *range(1, len(steps) + 1)])
        for fault in dict.fromkeys(cell.fault for cell in outcomes
                                   if cell.operation == operation):
            yield '   ' + _row([fault, *(_BETWEEN.join(
                outcomes[cells_.Cell(operation, step, fault, duration)]
                for duration in (cells_.ONCE, cells_.WHOLE))
                for step in steps)])


def written(outcomes):
    """The page's text.

    :param outcomes: cell -> outcome; all cells.
    """
    return '\n'.join([_WORDS.format(count=len(outcomes)).rstrip(),
                      *_tables(outcomes), ''])


def read(text):
    """What a page says: cell -> outcome, in its order."""
    found = {}
    names = {_title(operation): operation for operation in scenarios.SCENES}
    operation, steps = None, []
    for line in text.splitlines():
        if line in names:
            operation, steps = names[line], []
        elif operation and '. ``' in line:
            what, _, number = line.split('``')[1].partition(' (')
            steps.append(cells_.Step(what, int(number.rstrip(')') or 1)))
        elif operation and line.startswith('   ') and _BETWEEN in line:
            fault, *told = next(csv.reader([line.strip()]))
            for step, both in zip(steps, told):
                for duration, outcome in zip(
                        (cells_.ONCE, cells_.WHOLE), both.split(_BETWEEN)):
                    found[cells_.Cell(operation, step, fault, duration)] = (
                        outcome)
    return found
