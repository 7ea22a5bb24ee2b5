"""Tests of all operations with a fault at each of their requests."""

import contextlib
import os
import sys
import time

import pytest

from tests.fault_injection import cases
from tests.fault_injection import holes
from tests.fault_injection import invariants
from tests.fault_injection import report
from tests.fault_injection import runner
from tests.fault_injection import scenarios

#: The sample has every 97th case. Neither the number of faults nor the number
#: of durations has a common divisor with 97. So the sample has all faults and
#: durations. It also has the first case of each operation that would be
#: missing otherwise.
_STRIDE = 97


@pytest.fixture(scope='module')
def cases_runner(sandbox):
    """A runner of cases, with four projects in the sandbox."""
    with runner.Runner(sandbox) as cases_runner:
        yield cases_runner


def _list_sample(all_cases):
    """Return the cases of the sample, see _STRIDE."""
    sample = all_cases[::_STRIDE]
    operations = {case.operation for case in sample}
    for case in all_cases:
        if case.operation not in operations:
            operations.add(case.operation)
            sample.append(case)
    return sample


def _select(all_cases, known, every=False, left=False, texts=()):
    """Return the cases that the options of the command line select.

    Without an option, the sample is selected.

    :param known: the outcomes on the page, by case.
    :param every: the option --every.
    :param left: the option --left.
    :param texts: the texts of the options --case.
    """
    selected = [case for case in all_cases
                if all(text in str(case) for text in texts)]
    if left:
        return [case for case in selected
                if known.get(case) in (None, runner.VIOLATED)]
    return selected if every or texts else _list_sample(selected)


def _print(capsys, *lines):
    """Print lines to stderr, although pytest captures the output."""
    with capsys.disabled():
        print(*lines, sep='\n', file=sys.stderr)


def _run(cases_runner, selected, capsys):
    """Run cases and return their results by case, in the given order."""
    results = {}
    start = time.monotonic()
    for case, result in cases_runner.run(selected):
        results[case] = result
        _print(capsys, '%4d/%d %5.0f s  %s: %s' % (
            len(results), len(selected), time.monotonic() - start, case,
            result.outcome))
    return {case: results[case] for case in selected}


def _is_unexpected(result, known_outcome):
    """Return True if a case has to run again.

    A violation is unexpected, and so is another outcome than on the page.

    :param known_outcome: the outcome on the page. None if the page lacks the
        case.
    """
    return bool(result.violation) or (
        known_outcome is not None and result.outcome != known_outcome)


def _list_violations(first, second):
    """Return the violations of both runs as texts.

    A missed time limit in the first run counts only if the second run of the
    case has a violation too. All other violations count.

    :param first: the results of the first run, by case.
    :param second: the results of the second run, by case. It has only the
        cases with an unexpected first result.
    """
    violations = []
    for case, again in second.items():
        result = first[case]
        if result.violation and (again.violation or not result.is_late):
            violations.append('%s\n%s' % (case, result.violation))
        if again.violation:
            violations.append('%s, second run\n%s' % (case, again.violation))
    return violations


def _run_and_repeat(cases_runner, selected, known, capsys):
    """Run cases, and run the cases with an unexpected result again.

    In the second run, one case runs at a time. In the first run the machine is
    busy, so an operation may have reached one of the short time limits.

    :param known: the outcomes on the page, by case.
    :returns: the last outcome of each case, by case, and the violations of
        both runs as texts.
    """
    first, second = _run(cases_runner, selected, capsys), {}
    unexpected = [case for case in first
                  if _is_unexpected(first[case], known.get(case))]
    if unexpected:
        _print(capsys, 'cases that run again, alone: %d' % len(unexpected))
    for case in unexpected:
        second.update(_run(cases_runner, [case], capsys))
        _print(capsys, 'page: %s, first run: %s, second run: %s' % (
            known.get(case), first[case].outcome, second[case].outcome),
            first[case].violation or '')
    outcomes = {case: second.get(case, first[case]).outcome for case in first}
    return outcomes, _list_violations(first, second)


def _get_expected_outcomes(outcomes, known, every=False, left=False,
                           texts=()):
    """Return the outcomes that the cases of a run have to have, by case.

    By default these are the outcomes on the page. Each of the following
    outcomes is expected as it is:

    * With the option --every but without --case, any outcome, because the page
      is written anew.
    * With the option --left, any outcome, because the page has no outcome of
      these cases, or a violation.
    * With the option --case, the outcome of a case that the page lacks.

    :param outcomes: the outcomes of the run, by case.
    :param known: the outcomes on the page, by case.
    :param every: the option --every.
    :param left: the option --left.
    :param texts: the texts of the options --case.
    """
    if left or every and not texts:
        return outcomes
    return {case: known.get(case, outcome if texts else None)
            for case, outcome in outcomes.items()}


def _list_requests(cases_):
    """Return the pairs (operation, request) of cases, without duplicates.

    The pairs have the order of the cases.
    """
    return list(dict.fromkeys((case.operation, case.request)
                              for case in cases_))


def _read_page():
    """Return the outcomes on the page by case. Empty if there is no page."""
    return (report.parse_page(report.PATH.read_text())
            if report.PATH.exists() else {})


@pytest.mark.parametrize('outcome', ['done', 'put off', 'error, put off'])
def test_parsed_page_has_the_written_outcomes(outcome):
    requests = [cases.OperationRequest('trove GET /backups/{id}', number)
                for number in range(1, 12)]
    outcomes = {case: '%d %s' % (number, outcome)
                for number, case in enumerate(
                    case for operation in scenarios.SCENARIOS
                    for case in cases.list_cases(operation, requests))}
    page = report.build_page(outcomes)
    assert report.parse_page(page) == outcomes
    assert max(map(len, page.splitlines())) <= 88


_DONE, _PUT_OFF = runner.Result('done'), runner.Result('put off')
_LATE = runner.Result(runner.VIOLATED, 'a missed time limit', is_late=True)
_LOST = runner.Result(runner.VIOLATED, 'a lost backup')


class _Capture:
    """A replacement of pytest's capsys with the method disabled() only."""

    disabled = contextlib.nullcontext


class _FakeRunner:
    """A replacement of runner.Runner that returns given results.

    :param results: the results of each case, by case. The n-th result is that
        of the n-th run.
    """

    def __init__(self, **results):
        self._results = {case: list(left) for case, left in results.items()}
        self.runs = []

    def run(self, cases_):
        self.runs.append(cases_)
        # A real runner also returns the results in another order.
        return [(case, self._results[case].pop(0))
                for case in reversed(cases_)]


def test_only_cases_with_an_unexpected_result_run_again_alone():
    cases_runner = _FakeRunner(
        same=[_PUT_OFF], new=[_PUT_OFF], other=[_PUT_OFF, _DONE],
        late=[_LATE, _DONE], new_late=[_LATE, _DONE])
    selected = ['same', 'new', 'other', 'late', 'new_late']
    outcomes, violations = _run_and_repeat(
        cases_runner, selected,
        {'same': 'put off', 'other': 'done', 'late': 'done'}, _Capture())
    assert cases_runner.runs == [selected, ['other'], ['late'], ['new_late']]
    assert list(outcomes.items()) == [
        ('same', 'put off'), ('new', 'put off'), ('other', 'done'),
        ('late', 'done'), ('new_late', 'done')]
    assert violations == []


def test_both_outcomes_and_the_first_traceback_are_printed(capfd):
    _run_and_repeat(_FakeRunner(case=[_LATE, _PUT_OFF]), ['case'],
                    {'case': 'done'}, _Capture())
    assert ('page: done, first run: VIOLATED, second run: put off\n'
            'a missed time limit\n') in capfd.readouterr().err


@pytest.mark.parametrize('first, second, outcome, violations', [
    (_LOST, _DONE, 'done', ['case\na lost backup']),
    (_LOST, _LATE, runner.VIOLATED, [
        'case\na lost backup', 'case, second run\na missed time limit']),
    (_LATE, _DONE, 'done', []),
    (_LATE, _LATE, runner.VIOLATED, [
        'case\na missed time limit',
        'case, second run\na missed time limit']),
    (_LATE, _LOST, runner.VIOLATED, [
        'case\na missed time limit', 'case, second run\na lost backup']),
    (_PUT_OFF, _LOST, runner.VIOLATED, [
        'case, second run\na lost backup']),
    (_PUT_OFF, _LATE, runner.VIOLATED, [
        'case, second run\na missed time limit']),
    (_PUT_OFF, _PUT_OFF, 'put off', []),
])
def test_only_a_missed_time_limit_of_the_first_run_is_forgiven(
        first, second, outcome, violations):
    assert _run_and_repeat(
        _FakeRunner(case=[first, second]), ['case'], {'case': 'done'},
        _Capture()) == ({'case': outcome}, violations)


def test_an_operation_that_takes_too_long_misses_its_time_limit():
    scenario = scenarios.Scenario('verify', None, longest=5.0)
    invariants.check_duration(scenario, {'seconds': 5.0})
    with pytest.raises(invariants.TimeLimitMissed, match='took 5.1 s'):
        invariants.check_duration(scenario, {'seconds': 5.1})


def test_a_failed_preparation_counts_as_a_missed_time_limit(monkeypatch):
    def prepare(*_):
        raise AssertionError('the backup is not complete')
    monkeypatch.setattr(scenarios, 'prepare', prepare)
    with pytest.raises(invariants.TimeLimitMissed, match='is not complete'):
        runner._run_case(None, cases.Case(
            'delete', cases.OperationRequest('trove GET /backups', 1), '503',
            'once'))


class _EmptyEnvironment:
    """A replacement of environment.Environment without any objects."""

    survivor = None

    @property
    def tenant(self):
        return self

    def list_backups(self):
        return {}

    def list_instance_ids(self):
        return set()


@pytest.mark.parametrize('case', [
    cases.Case('verify', cases.OperationRequest('trove GET /backups', 1),
               '503', cases.ONCE),
    *holes.CASES])
def test_a_case_without_its_fault_counts_as_a_missed_time_limit(
        monkeypatch, case):
    monkeypatch.setattr(scenarios, 'prepare', lambda *_: scenarios.Scenario(
        'verify', None))
    monkeypatch.setattr(runner, '_run', lambda *_: ({'seconds': 0.1}, []))
    with pytest.raises(invariants.TimeLimitMissed, match='had the fault'):
        runner._run_case(_EmptyEnvironment(), case)


def test_cases_have_a_violation_if_a_process_exits(monkeypatch):
    class Sandbox:
        def add_tenants(self, *users):
            """Do nothing, because no case runs."""

    monkeypatch.setattr(runner, '_create_environment', print)
    monkeypatch.setattr(runner, '_try_case', os._exit)
    with runner.Runner(Sandbox()) as cases_runner:
        for _ in 'broken by this run', 'broken before':
            results = dict(cases_runner.run([1, 2, 3]))
            assert sorted(results) == [1, 2, 3]
            for result in results.values():
                assert result.outcome == runner.VIOLATED
                assert 'BrokenProcessPool' in result.violation


def _build_case(operation, number=1):
    return cases.Case(operation, cases.OperationRequest(
        'trove GET /backups', number), '503', cases.ONCE)


def test_options_select_the_cases():
    deletes = [_build_case('delete', number) for number in range(1, 100)]
    verify = _build_case('verify')
    all_cases = [*deletes, verify]
    known = {case: 'done' for case in all_cases[:-2]}
    known[deletes[5]] = runner.VIOLATED
    assert _select(all_cases, known, every=True) == all_cases
    assert _select(all_cases, known, left=True) == [
        deletes[5], deletes[98], verify]
    assert _select(all_cases, known, texts=['verify']) == [verify]
    assert _select(all_cases, known, texts=['delete', '(98)']) == [deletes[97]]
    assert _select(all_cases, known, left=True, texts=['(99)']) == [
        deletes[98]]


def test_sample_has_every_97th_case_and_a_case_of_each_operation():
    deletes = [_build_case('delete', number) for number in range(1, 100)]
    verifies = [_build_case('verify', number) for number in range(1, 4)]
    assert _select([*deletes, *verifies], {}) == [
        deletes[0], deletes[97], verifies[0]]


def test_only_the_poll_of_both_backups_has_cases_with_two_at_once():
    requests = [cases.OperationRequest(*request) for request in (
        ('trove GET /instances/detail', 1), ('trove POST /backups', 1),
        ('trove GET /backups/{id}', 1), ('trove POST /backups', 2),
        ('trove GET /backups', 1), ('trove GET /backups/{id}', 2))]
    assert {case.request for case in runner._list_cases(
        'protect, two at once', requests, ())} == {requests[4]}


def test_outcomes_are_compared_with_the_page():
    known = {'same': 'done', 'other': 'done', 'violated': runner.VIOLATED}
    expected = {'same': 'done', 'other': 'done', 'new': None,
                'violated': runner.VIOLATED}
    outcomes = dict.fromkeys(expected, 'put off')
    assert _get_expected_outcomes(outcomes, known) == expected
    assert _get_expected_outcomes(outcomes, known, every=True) == outcomes
    assert _get_expected_outcomes(outcomes, known, left=True) == outcomes
    for every in False, True:
        assert _get_expected_outcomes(
            outcomes, known, every, texts=['text']) == {
                **expected, 'new': 'put off'}
        assert _get_expected_outcomes(
            outcomes, known, every, left=True, texts=['text']) == outcomes


def test_invariants_hold_after_any_fault(
        cases_runner, every, left, case_texts, capsys):
    known = _read_page()
    selected = _select(cases_runner.cases, known, every, left,
                       case_texts)
    _print(capsys, 'cases: %d of %d' % (
        len(selected), len(cases_runner.cases)))
    outcomes, violations = _run_and_repeat(
        cases_runner, selected, known, capsys)
    if every and not case_texts:
        complete = {**known, **outcomes} if left else outcomes
        report.PATH.write_text(report.build_page(
            {case: complete[case] for case in cases_runner.cases}))
    assert not violations, '\n\n'.join(violations)
    if case_texts:
        assert selected or left, 'no case has these texts in its name'
    assert outcomes == _get_expected_outcomes(
        outcomes, known, every, left, case_texts)


def test_a_child_that_lists_lack_is_not_deleted_with_its_parent(
        cases_runner, capsys):
    outcomes, violations = _run_and_repeat(
        cases_runner, holes.CASES, {}, capsys)
    assert not violations, '\n\n'.join(violations)
    assert set(outcomes.values()) == {'put off'}


def test_page_has_all_cases_and_no_violation(cases_runner):
    known = _read_page()
    assert set(known) == set(cases_runner.cases)
    assert _list_requests(known) == _list_requests(cases_runner.cases)
    assert runner.VIOLATED not in known.values()
