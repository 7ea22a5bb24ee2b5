"""Carries out cells, in several processes with a project each.

They wait most of the time; with more of them than this, two processors could
not keep the times of constants.py.
"""

import concurrent.futures
import faulthandler
import functools
import multiprocessing
import sys
import traceback

from tests.fault_injection import cases as cells_
from tests.fault_injection import environment as lanes
from tests.fault_injection import faults
from tests.fault_injection import invariants
from tests.fault_injection import scenarios
from tests.sandbox.services import launch

USERS = ('first', 'second', 'third', 'fourth')
#: The outcome of a cell in which an invariant did not hold.
VIOLATED = 'VIOLATED'
_EVER = 240.0
_LANDS_WITHIN = 'karbor_trove.timeouts.REQUEST_IN_FLIGHT'

_lane = None


def _begin(sandbox, users, one_at_a_time):
    global _lane
    # A Keystone that has just started answers the first two requests of the
    # same instant with a 500.
    with one_at_a_time:
        _lane = lanes.Lane(sandbox, users.get())


def _play(lane, scene, judge):
    """The operation; what it left, and the requests that it made."""
    if scene.fresh:
        lane.forget_service_token()
    lane.cloud.heal()
    lane.cloud.judge = judge
    told = lane.run(scene.hook, scene.checkpoint, scene.parameters,
                    **scene.options)
    requests = list(lane.cloud.requests)
    lane.cloud.heal()
    return told, requests


def _clean(lane, scene, instances):
    """Delete all that the scene made, as a user would."""
    made = lane.tenant.list_instance_ids() - instances
    if scene.hook == 'verify':
        invariants.no_test_restore_is_left(lane, instances)
    elif made:
        lane.tenant.delete_instances(*made)
    for checkpoint in [*scene.others, scene.checkpoint]:
        if checkpoint is not lane.survivor and (
                lane.status(checkpoint) != 'deleted'):
            told = lane.run('delete', checkpoint)
            assert 'raised' not in told, ('I2', told['raised'])
    invariants.what_waits_has_a_reason(lane)
    # Nothing is under way: a request lands now, or never.
    launch.set_constants({_LANDS_WITHIN: 0})
    try:
        invariants.nothing_is_left(lane, [lane.survivor])
    finally:
        launch.set_constants({_LANDS_WITHIN: 600})


def _outcome(lane, scene, told):
    waiting = [entry for entry in lane.journal.list_entries()
               if entry.deleted_at]
    word = 'error' if 'raised' in told else 'done'
    if waiting:
        word = ('put off' if (scene.hook, word) == ('delete', 'done')
                else word + ', put off')
    return word


def _experiment(lane, cell):
    scene = scenarios.prepare(cell.operation, lane)
    backups, instances = set(lane.backups()), lane.tenant.list_instance_ids()
    alive = [lane.survivor]
    if scene.hook == 'delete':
        alive += scene.others
    judge = cells_.Judge(cell)
    told, requests = _play(lane, scene, judge)
    assert judge.fired, 'it made no such request'
    made = lane.tenant.list_instance_ids() - instances
    invariants.it_ended(
        lane, scene, told,
        cell.step.is_of_bank and cell.duration == cells_.WHOLE)
    invariants.every_backup_is_known(lane)
    invariants.living_backups_are_whole(lane, alive)
    for before, after in ((backups, set(lane.backups())),
                          (instances, instances | made)):
        invariants.nothing_was_made_twice(
            before, after, requests, 3 if cell.fault == '401' else 0)
    if scene.hook == 'restore':
        invariants.every_instance_is_reported(lane, made, told)
    if scene.hook == 'verify':
        invariants.every_test_restore_is_noted(lane, made)
    outcome = _outcome(lane, scene, told)
    _clean(lane, scene, instances)
    return outcome


def _steps(operation):
    scene = scenarios.prepare(operation, _lane)
    instances = _lane.tenant.list_instance_ids()
    told, requests = _play(_lane, scene, None)
    assert 'raised' not in told, told['raised']
    _clean(_lane, scene, instances)
    return cells_.steps(requests)


def _cells(operation, found, known):
    if operation in scenarios.IN_SWIFT:
        return cells_.of(
            operation, [step for step in found if step.is_of_bank], known,
            faults.OF_A_BANK)
    return cells_.of(operation, found, known)


def _attempt(cell):
    """The cell's outcome, and what was violated, as text or None."""
    # Where one waits for ever, all the others need not.
    faulthandler.dump_traceback_later(
        _EVER, exit=True, file=sys.__stderr__)
    try:
        return _experiment(_lane, cell), None
    except Exception:  # All of it belongs into the report.
        violated = traceback.format_exc()
        _lane.begin_anew()
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
    def cells(self):
        """All cells, by recording what each operation asks for."""
        steps = dict(zip(scenarios.SCENES, self._pool.map(
            _steps, scenarios.SCENES)))
        return [cell for operation, found in steps.items()
                for cell in _cells(operation, found, steps.get(
                    scenarios.LIKE.get(operation), ()))]

    def outcomes(self, cells):
        """Carry out cells; gives (cell, outcome, what was violated)."""
        running = {self._pool.submit(_attempt, cell): cell for cell in cells}
        for done in concurrent.futures.as_completed(running):
            yield (running[done], *done.result())
