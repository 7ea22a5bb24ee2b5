"""Execution of cases in several worker processes.

Each process has its own project and bank. The processes wait most of the time,
so several can share a processor. With more than four processes, a machine with
two processors would be too slow for the time limits in timeouts.py.
"""

import concurrent.futures
from concurrent.futures import process
import faulthandler
import fnmatch
import functools
import multiprocessing
import sys
import traceback
from typing import NamedTuple, Optional

from tests.fault_injection import cases
from tests.fault_injection import environment as environments
from tests.fault_injection import faults
from tests.fault_injection import holes
from tests.fault_injection import invariants
from tests.fault_injection import scenarios
from tests.sandbox.services import launch

#: The user of each process. The user's project has the same name.
USERS = ('first', 'second', 'third', 'fourth')
#: The outcome of a case that violates an invariant.
VIOLATED = 'VIOLATED'
#: Maximum duration of a case in seconds.
_CASE_TIMEOUT = 240.0
#: Constants of the plugin: until when a request may still create something.
#: The values are the plugin's own, in seconds.
_IN_FLIGHT = {'karbor_trove.timeouts.REQUEST_IN_FLIGHT': 600.0,
              'karbor_trove.timeouts.CLOCK_TOLERANCE': 300.0}

#: The environment of this worker process.
_environment = None


class Result(NamedTuple):
    """The result of one run of a case.

    :param outcome: the outcome for the page, see _get_outcome() and VIOLATED.
    :param violation: the traceback of a violation. None if there is none.
    :param is_late: True if the only violation is a missed time limit.
    """

    outcome: str
    violation: Optional[str] = None
    is_late: bool = False


def _create_environment(sandbox, users, lock):
    """Create the environment of this process, for the next user."""
    global _environment
    # If two requests arrive at the same time, a Keystone that has just
    # started responds to them with HTTP 500.
    with lock:
        _environment = environments.Environment(sandbox, users.get())


def _run(environment, scenario, injector):
    """Run the operation of a scenario.

    :param injector: injects the fault. None for no fault.
    :returns: the result, see Environment.run(), and the requests that the
        operation sent.
    """
    if scenario.fresh:
        environment.clear_service_token()
    environment.cloud.heal()
    environment.cloud.injector = injector
    result = (
        environment.accept(scenario.checkpoint)
        if scenario.hook == 'accept' else environment.run(
            scenario.hook, scenario.checkpoint, scenario.parameters,
            scenario.each, scenario.at_once, **scenario.options))
    requests = list(environment.cloud.requests)
    environment.cloud.heal()
    return result, requests


def _clean_up(environment, scenario, instances):
    """Delete what a scenario has created, and check that nothing is left.

    :param instances: the ids of the instances that existed before the
        operation.
    :raises AssertionError: a deletion failed, or something is left.
    """
    created = environment.tenant.list_instance_ids() - instances
    if scenario.hook == 'verify':
        invariants.verify_until_no_temporary_instance_is_left(
            environment, instances)
    elif created:
        environment.tenant.delete_instances(*created)
    for checkpoint in [*scenario.others, scenario.checkpoint]:
        if checkpoint is not environment.survivor and (
                environment.get_status(checkpoint) != 'deleted'):
            result = environment.run('delete', checkpoint)
            assert 'raised' not in result, (
                'a deletion without a fault failed', result['raised'])
    invariants.check_deferred_deletions_have_a_reason(environment)
    # No request is active, so no request can create anything any more. Let
    # the plugin treat all intents as settled.
    launch.set_constants(dict.fromkeys(_IN_FLIGHT, 0.0))
    try:
        invariants.verify_until_nothing_is_left(
            environment, environment.survivor, scenario.databases)
    finally:
        launch.set_constants(_IN_FLIGHT)


def _get_outcome(environment, scenario, result):
    """Return the outcome for the page.

    The page explains 'done' and 'error'. If a deletion is deferred, a
    successful delete operation has the outcome 'put off'. In all other cases
    ', put off' is added to 'done' or 'error'.
    """
    deferred = [entry for entry in environment.list_entries()
                if entry.deleted_at]
    outcome = 'error' if 'raised' in result else 'done'
    if deferred:
        outcome = (
            'put off' if (scenario.hook, outcome) == ('delete', 'done')
            else outcome + ', put off')
    return outcome


def _run_case(environment, case):
    """Run a case, check the invariants, clean up and return the outcome.

    :raises invariants.TimeLimitMissed: the operation or its preparation was
        too slow. The preparation has no fault, so a failure of it counts as
        too slow.
    :raises AssertionError: another invariant is violated.
    """
    try:
        scenario = scenarios.prepare(case.operation, environment)
    except AssertionError as error:
        raise invariants.TimeLimitMissed(
            'the preparation failed: %s' % error) from error
    backup_ids = set(environment.list_backups())
    instances = environment.tenant.list_instance_ids()
    live_checkpoints = [environment.survivor]
    if scenario.hook == 'delete':
        live_checkpoints += scenario.others
    if scenario.hook == 'accept':
        live_checkpoints.append(scenario.checkpoint)
    injector = (holes.HoleInjector(case) if case.fault == holes.FAULT
                else cases.Injector(case))
    result, requests = _run(environment, scenario, injector)
    if not injector.count:
        raise invariants.TimeLimitMissed(
            'no request of the operation had the fault. The operation may '
            'have ended before it sent the request of the case')
    created = environment.tenant.list_instance_ids() - instances
    if scenario.hook != 'accept':
        invariants.check_end(
            environment, scenario, result,
            case.request.is_to_bank and case.duration == cases.WHOLE)
    if scenario.hook == 'protect' and 'raised' not in result:
        live_checkpoints.append(scenario.checkpoint)
    invariants.check_every_backup_is_known(environment)
    invariants.check_live_checkpoints(
        environment, live_checkpoints, scenario.left_out)
    invariants.check_nothing_was_created_twice(
        environment, scenario, backup_ids, created, requests,
        3 if case.fault == '401' else 0)
    if scenario.hook == 'restore':
        invariants.check_every_restored_instance_is_known(
            environment, created, result)
        invariants.check_restored(scenario, created, result)
    if scenario.hook == 'verify':
        invariants.check_temporary_instance_is_in_journal(
            environment, created, result)
    if scenario.hook in ('protect', 'accept'):
        invariants.check_omissions(environment, scenario, result)
    if scenario.hook == 'accept':
        invariants.complete_and_check_acceptance(
            environment, scenario, result)
    outcome = _get_outcome(environment, scenario, result)
    _clean_up(environment, scenario, instances)
    # Checked last, so that a missed time limit hides no other violation.
    invariants.check_duration(scenario, result)
    return outcome


def _record_requests(operation):
    """Run an operation without faults and return its requests."""
    scenario = scenarios.prepare(operation, _environment)
    instances = _environment.tenant.list_instance_ids()
    result, requests = _run(_environment, scenario, None)
    assert 'raised' not in result, result['raised']
    _clean_up(_environment, scenario, instances)
    return cases.list_requests(requests)


def _list_cases(operation, requests, covered):
    """Return the cases of an operation.

    :param requests: the requests that the operation sent without faults.
    :param covered: see cases.list_cases().
    """
    patterns = scenarios.ONLY.get(operation, ('*',))
    requests = [request for request in requests
                if any(fnmatch.fnmatchcase(request.kind, pattern)
                       for pattern in patterns)]
    if operation in scenarios.IN_SWIFT:
        return cases.list_cases(
            operation, [request for request in requests if request.is_to_bank],
            covered, faults.BANK_FAULTS)
    return cases.list_cases(operation, requests, covered)


def _try_case(case):
    """Run a case and return its result. Any error is a violation."""
    # If the case takes longer, the process exits. Runner.run() handles this.
    faulthandler.dump_traceback_later(
        _CASE_TIMEOUT, exit=True, file=sys.__stderr__)
    try:
        return Result(_run_case(_environment, case))
    except Exception as error:  # Report any error as a violation.
        result = Result(VIOLATED, traceback.format_exc(),
                        isinstance(error, invariants.TimeLimitMissed))
        _environment.reset()
        return result
    finally:
        faulthandler.cancel_dump_traceback_later()


class Runner:
    """A pool of worker processes that run cases in a running sandbox.

    As a context manager, the pool ends its processes at the end.
    """

    def __init__(self, sandbox):
        sandbox.add_tenants(*USERS)
        context = multiprocessing.get_context('fork')
        users = context.Queue()
        for user in USERS:
            users.put(user)
        self._pool = concurrent.futures.ProcessPoolExecutor(
            len(USERS), context, _create_environment,
            (sandbox, users, context.Lock()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown(cancel_futures=True)

    @functools.cached_property
    def cases(self):
        """All cases of the matrix.

        The first access runs each operation once without faults, to record
        its requests.
        """
        recorded = dict(zip(scenarios.SCENARIOS, self._pool.map(
            _record_requests, scenarios.SCENARIOS)))
        return [case for operation, requests in recorded.items()
                for case in _list_cases(operation, requests, recorded.get(
                    scenarios.COVERED_BY.get(operation), ()))]

    def run(self, cases_):
        """Run cases, and yield a pair (case, result) for each of them.

        The pairs come in the order in which the cases end. If a process
        exits, the pool ends the other processes too. Then all remaining cases
        have a violation as their result. The page has these violations, so
        the option --left runs the cases again.
        """
        futures = {self._submit(case): case for case in cases_}
        for future in concurrent.futures.as_completed(futures):
            error = future.exception()
            yield futures[future], (
                Result(VIOLATED, repr(error))
                if isinstance(error, process.BrokenProcessPool)
                else future.result())

    def _submit(self, case):
        """Return the future of a case, also if a process has exited."""
        try:
            return self._pool.submit(_try_case, case)
        except process.BrokenProcessPool as error:
            future = concurrent.futures.Future()
            future.set_exception(error)
            return future
