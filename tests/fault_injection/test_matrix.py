"""Whatever fails, nothing is lost, stuck, or made twice."""

import sys
import time

import pytest

from tests.fault_injection import cases as cells_
from tests.fault_injection import report
from tests.fault_injection import runner
from tests.fault_injection import scenarios

#: One in so many is in the sample; no divisor of the numbers of faults and
#: of durations, so that it wanders through them.
_STRIDE = 61


@pytest.fixture(scope='module')
def run(sandbox):
    with runner.Runner(sandbox) as begun:
        yield begun


def _carry_out(run, cells, capsys):
    outcomes, violations = {}, []
    begin = time.monotonic()
    for cell, outcome, violated in run.outcomes(cells):
        outcomes[cell] = outcome
        if violated:
            violations.append('%s\n%s' % (cell, violated))
        with capsys.disabled():
            print('%4d/%d %5.0f s  %s: %s' % (
                len(outcomes), len(cells), time.monotonic() - begin, cell,
                outcome), file=sys.stderr)
    return {cell: outcomes[cell] for cell in cells}, violations


def _steps(cells):
    """What is asked for, in its order."""
    return list(dict.fromkeys((cell.operation, cell.step) for cell in cells))


def test_the_page_is_read_as_it_was_written():
    steps = [cells_.Step('trove GET /backups/{id}', 1),
             cells_.Step('trove GET /backups/{id}', 2)]
    outcomes = {cell: 'outcome %d, put off' % number
                for number, cell in enumerate(
                    cell for operation in scenarios.SCENES
                    for cell in cells_.of(operation, steps))}
    assert report.read(report.written(outcomes)) == outcomes


def test_whatever_fails_the_invariants_hold(run, every, left, capsys):
    told = report.read(report.PATH.read_text()) if report.PATH.exists() else {}
    cells = run.cells
    if left:
        cells = [cell for cell in cells
                 if told.get(cell) in (None, runner.VIOLATED)]
    elif not every:
        cells = cells[::_STRIDE]
    outcomes, violations = _carry_out(run, cells, capsys)
    if every:
        known = {**told, **outcomes} if left else outcomes
        report.PATH.write_text(report.written(
            {cell: known[cell] for cell in run.cells}))
    else:
        assert outcomes == {cell: told.get(cell) for cell in cells}
    assert not violations, '\n\n'.join(violations)


def test_the_page_has_the_cells_that_there_are(run):
    told = report.read(report.PATH.read_text())
    assert set(told) == set(run.cells)
    assert _steps(told) == _steps(run.cells)
    assert runner.VIOLATED not in told.values()
