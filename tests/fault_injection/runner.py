"""Carries out cases_, in several processes with a project each.

They wait most of the time; with more of them than this, two processors could
not keep the times of constants.py.
"""

import concurrent.futures
import faulthandler
import functools
import multiprocessing
import sys
import traceback

from tests.fault_injection import cases
from tests.fault_injection import environment as environments
from tests.fault_injection import faults
from tests.fault_injection import invariants
from tests.fault_injection import scenarios
from tests.sandbox.services import launch

USERS = ('first', 'second', 'third', 'fourth')
#: The outcome of a case in which an invariant did not hold.
VIOLATED = 'VIOLATED'
_EVER = 240.0
_LANDS_WITHIN = 'karbor_trove.timeouts.REQUEST_IN_FLIGHT'

_environment = None


def _begin(sandbox, users, one_at_a_time):
    global _environment
    # A Keystone that has just started answers the first two requests of the
    # same instant with a 500.
    with one_at_a_time:
        _environment = environments.Environment(sandbox, users.get())


def _play(environment, scenario, judge):
    """The operation; what it left, and the requests that it made."""
    if scenario.fresh:
        environment.clear_service_token()
    environment.cloud.heal()
    environment.cloud.injector = judge
    told = environment.run(scenario.hook, scenario.checkpoint, scenario.parameters,
                    **scenario.options)
    requests = list(environment.cloud.requests)
    environment.cloud.heal()
    return told, requests


def _clean(environment, scenario, instances):
    """Delete all that the scenario made, as a user would."""
    made = environment.tenant.list_instance_ids() - instances
    if scenario.hook == 'verify':
        invariants.no_test_restore_is_left(environment, instances)
    elif made:
        environment.tenant.delete_instances(*made)
    for checkpoint in [*scenario.others, scenario.checkpoint]:
        if checkpoint is not environment.survivor and (
                environment.get_status(checkpoint) != 'deleted'):
            told = environment.run('delete', checkpoint)
            assert 'raised' not in told, ('I2', told['raised'])
    invariants.what_waits_has_a_reason(environment)
    # Nothing is under way: a request lands now, or never.
    launch.set_constants({_LANDS_WITHIN: 0})
    try:
        invariants.nothing_is_left(environment, [environment.survivor])
    finally:
        launch.set_constants({_LANDS_WITHIN: 600})


def _outcome(environment, scenario, told):
    waiting = [entry for entry in environment.journal.list_entries()
               if entry.deleted_at]
    word = 'error' if 'raised' in told else 'done'
    if waiting:
        word = ('put off' if (scenario.hook, word) == ('delete', 'done')
                else word + ', put off')
    return word


def _experiment(environment, case):
    scenario = scenarios.prepare(case.operation, environment)
    backups, instances = set(environment.list_backups()), environment.tenant.list_instance_ids()
    alive = [environment.survivor]
    if scenario.hook == 'delete':
        alive += scenario.others
    judge = cases.Injector(case)
    told, requests = _play(environment, scenario, judge)
    assert judge.fired, 'it made no such request'
    made = environment.tenant.list_instance_ids() - instances
    invariants.it_ended(
        environment, scenario, told,
        case.step.is_of_bank and case.duration == cases.WHOLE)
    invariants.every_backup_is_known(environment)
    invariants.living_backups_are_whole(environment, alive)
    for before, after in ((backups, set(environment.list_backups())),
                          (instances, instances | made)):
        invariants.nothing_was_made_twice(
            before, after, requests, 3 if case.fault == '401' else 0)
    if scenario.hook == 'restore':
        invariants.every_instance_is_reported(environment, made, told)
    if scenario.hook == 'verify':
        invariants.every_test_restore_is_noted(environment, made)
    outcome = _outcome(environment, scenario, told)
    _clean(environment, scenario, instances)
    return outcome


def _steps(operation):
    scenario = scenarios.prepare(operation, _environment)
    instances = _environment.tenant.list_instance_ids()
    told, requests = _play(_environment, scenario, None)
    assert 'raised' not in told, told['raised']
    _clean(_environment, scenario, instances)
    return cases.list_requests(requests)


def _cells(operation, found, known):
    if operation in scenarios.IN_SWIFT:
        return cases.list_cases(
            operation, [step for step in found if step.is_of_bank], known,
            faults.BANK_FAULTS)
    return cases.list_cases(operation, found, known)


def _attempt(case):
    """The case's outcome, and what was violated, as text or None."""
    # Where one waits for ever, all the others need not.
    faulthandler.dump_traceback_later(
        _EVER, exit=True, file=sys.__stderr__)
    try:
        return _experiment(_environment, case), None
    except Exception:  # All of it belongs into the report.
        violated = traceback.format_exc()
        _environment.reset()
        return VIOLATED, violated
    finally:
        faulthandler.cancel_dump_traceback_later()


class Runner:
    """Used by `with`; begins when the sandbox is up."""

    def __init__(self, sandbox):
        sandbox.add_tenants(*USERS)
        forking = multiprocessing.get_context('fork')
        users = forking.Queue()
        for user in USERS:
            users.put(user)
        self._pool = concurrent.futures.ProcessPoolExecutor(
            len(USERS), forking, _begin,
            (sandbox, users, forking.Lock()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown(cancel_futures=True)

    @functools.cached_property
    def cases_(self):
        """All cases_, by recording what each operation asks for."""
        steps = dict(zip(scenarios.SCENARIOS, self._pool.map(
            _steps, scenarios.SCENARIOS)))
        return [case for operation, found in steps.items()
                for case in _cells(operation, found, steps.get(
                    scenarios.LIKE.get(operation), ()))]

    def outcomes(self, cases_):
        """Carry out cases_; gives (case, outcome, what was violated)."""
        running = {self._pool.submit(_attempt, case): case for case in cases_}
        for done in concurrent.futures.as_completed(running):
            yield (running[done], *done.result())
