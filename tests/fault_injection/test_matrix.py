"""Tests of all operations with a fault at each of their requests."""

import sys
import time

import pytest

from tests.fault_injection import cases
from tests.fault_injection import report
from tests.fault_injection import runner
from tests.fault_injection import scenarios

#: The sample has one of so many cases. This is not a divisor of the numbers
#: of faults and durations, so that the sample has all of them.
_STRIDE = 61


@pytest.fixture(scope='module')
def cases_runner(sandbox):
    with runner.Runner(sandbox) as cases_runner:
        yield cases_runner


def _run(cases_runner, selected, capsys):
    """Run cases and return their outcomes and the violations as texts."""
    outcomes, violations = {}, []
    start = time.monotonic()
    for case, outcome, violation in cases_runner.run(selected):
        outcomes[case] = outcome
        if violation:
            violations.append('%s\n%s' % (case, violation))
        with capsys.disabled():
            print('%4d/%d %5.0f s  %s: %s' % (
                len(outcomes), len(selected), time.monotonic() - start, case,
                outcome), file=sys.stderr)
    return {case: outcomes[case] for case in selected}, violations


def _list_requests(cases_):
    """Return (operation, request) of cases, each once, in their order."""
    return list(dict.fromkeys((case.operation, case.request)
                              for case in cases_))


def _read_page():
    return (report.parse_page(report.PATH.read_text())
            if report.PATH.exists() else {})


@pytest.mark.parametrize('outcome', ['done', 'put off', 'error, put off'])
def test_parsed_page_has_the_written_outcomes(outcome):
    requests = [cases.Request('trove GET /backups/{id}', number)
                for number in range(1, 12)]
    outcomes = {case: '%d %s' % (number, outcome)
                for number, case in enumerate(
                    case for operation in scenarios.SCENARIOS
                    for case in cases.list_cases(operation, requests))}
    page = report.build_page(outcomes)
    assert report.parse_page(page) == outcomes
    assert max(map(len, page.splitlines())) <= 88


def test_invariants_hold_after_any_fault(cases_runner, every, left, capsys):
    known = _read_page()
    selected = cases_runner.cases
    if left:
        selected = [case for case in selected
                    if known.get(case) in (None, runner.VIOLATED)]
    elif not every:
        selected = selected[::_STRIDE]
    outcomes, violations = _run(cases_runner, selected, capsys)
    if every:
        complete = {**known, **outcomes} if left else outcomes
        report.PATH.write_text(report.build_page(
            {case: complete[case] for case in cases_runner.cases}))
    else:
        assert outcomes == {case: known.get(case) for case in selected}
    assert not violations, '\n\n'.join(violations)


def test_page_has_all_cases_and_no_violation(cases_runner):
    known = _read_page()
    assert set(known) == set(cases_runner.cases)
    assert _list_requests(known) == _list_requests(cases_runner.cases)
    assert runner.VIOLATED not in known.values()
