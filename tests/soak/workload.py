"""Lifecycles of many checkpoints, several at the same time."""

import collections
import dataclasses
import random
import threading
import time
import traceback
from typing import Any

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.soak import databases
from tests.soak import timeouts

#: Maximum number of checkpoints that exist at the same time.
MAX_CHECKPOINTS = 40
#: One of so many checkpoints is verified, and one of so many is restored.
VERIFY_EVERY, RESTORE_EVERY = 4, 10
#: A verification or a restore may fail with a reason. Then it is repeated.
TRIES = 5
_POLL_INTERVAL = 1.0


@dataclasses.dataclass
class CheckpointLifecycle:
    """One checkpoint, from its protect to its deletion."""

    database: databases.Database
    plan_id: str
    steps: list[str]
    id: str = ''
    #: Number of rows at the request of the protect, and at its end.
    least: int = 0
    most: int = 0
    busy: bool = False


class Workload:
    """Runs the lifecycles and collects their results.

    :param lifecycles: started from the last one to the first one.
    :param end: no lifecycle is started after this monotonic time.
    """

    def __init__(self, tenant: tenants.Tenant,
                 lifecycles: list[CheckpointLifecycle],
                 rng: random.Random, end: float) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.seconds: dict[str, list[float]] = collections.defaultdict(list)
        self.violations: list[str] = []
        self.ids: list[str] = []
        self._tenant = tenant
        self._waiting = lifecycles
        self._active: list[CheckpointLifecycle] = []
        self._rng = rng
        self._end = end
        self._lock = threading.Lock()

    def run(self, at_once: int) -> None:
        """Run all lifecycles.

        :param at_once: number of operations at the same time.
        """
        workers = [threading.Thread(target=self._work, daemon=True)
                   for _ in range(at_once)]
        for worker in workers:
            worker.start()
        start = time.monotonic()
        while any(worker.is_alive() for worker in workers):
            workers[0].join(1.0)
            time.sleep(14.0 if workers[0].is_alive() else 1.0)
            counts = ', '.join(f'{count} {name}' for name, count
                               in sorted(self.counts.items()))
            print(f'{time.monotonic() - start:4.0f} s  {counts}, '
                  f'{len(self._active)} active', flush=True)

    def _work(self) -> None:
        while self._waiting or self._active:
            lifecycle = self._take()
            if lifecycle is None:
                time.sleep(0.2)
            else:
                self._run_step(lifecycle)

    def _take(self) -> CheckpointLifecycle | None:
        """Return a lifecycle for the next step. None if all are busy."""
        with self._lock:
            if time.monotonic() > self._end:
                self._waiting.clear()
            idle = [lifecycle for lifecycle in self._active
                    if not lifecycle.busy]
            if self._waiting and len(self._active) < MAX_CHECKPOINTS and (
                    not idle or self._rng.random() < 0.5):
                idle = [self._waiting.pop()]
                self._active += idle
            if not idle:
                return None
            lifecycle = self._rng.choice(idle)
            lifecycle.busy = True
            return lifecycle

    def _run_step(self, lifecycle: CheckpointLifecycle) -> None:
        step = lifecycle.steps.pop(0)
        start = time.monotonic()
        result = step
        try:
            result = getattr(self, step)(lifecycle) or step
        except Exception:  # Report any error as a violation.
            self.violations.append(f'{step} of checkpoint {lifecycle.id} of '
                                   f'instance {lifecycle.database.id}:\n'
                                   f'{traceback.format_exc()}')
            print(self.violations[-1], flush=True)
            lifecycle.steps.clear()
        with self._lock:
            self.counts[result] += 1
            self.seconds[step].append(time.monotonic() - start)
            lifecycle.busy = False
            if not lifecycle.steps:
                self._active.remove(lifecycle)

    def protect(self, lifecycle: CheckpointLifecycle) -> str | None:
        lifecycle.least = lifecycle.database.grow(self._rng.randint(1, 100))
        lifecycle.id = self._tenant.send(
            'POST', self._tenant.checkpoints_path(), {'checkpoint': {
                'plan_id': lifecycle.plan_id}})['checkpoint']['id']
        self.ids.append(lifecycle.id)
        status = self._wait_for_status(lifecycle, 'available', 'error')
        lifecycle.most = lifecycle.database.rows
        if status == 'available':
            return None
        # Karbor shows no reason of a failed protect. It is in Karbor's log.
        lifecycle.steps[:] = ['delete']
        return 'failed protect'

    def verify(self, lifecycle: CheckpointLifecycle) -> None:
        self._run_until_success('verification', lifecycle)

    def restore(self, lifecycle: CheckpointLifecycle) -> None:
        record = self._run_until_success('restore', lifecycle)
        instance_id = tenants.restored_instance_id(record)
        databases.check(self._tenant, instance_id, lifecycle.least,
                        lifecycle.most)
        self._tenant.delete_instances(instance_id)

    def delete(self, lifecycle: CheckpointLifecycle) -> None:
        self._tenant.send('DELETE', self._path(lifecycle))
        status = self._wait_for_status(lifecycle, 'deleted', 'error-deleting')
        assert status == 'deleted', status

    def _path(self, lifecycle: CheckpointLifecycle) -> str:
        return f'{self._tenant.checkpoints_path()}/{lifecycle.id}'

    def _wait_for_status(self, lifecycle: CheckpointLifecycle,
                         *statuses: str) -> str:
        path = self._path(lifecycle)
        return str(self._wait(path, 'checkpoint', statuses)['status'])

    def _run_until_success(self, kind: str, lifecycle: CheckpointLifecycle
                           ) -> dict[str, Any]:
        """Repeat a verification or a restore, return its last record."""
        reasons = []
        for _ in range(TRIES):
            id_ = self._tenant.send('POST', f'/{kind}s', {kind: {
                'provider_id': cloud.PROVIDER_ID,
                'checkpoint_id': lifecycle.id, 'parameters': {}}})[kind]['id']
            record = self._wait(f'/{kind}s/{id_}', kind, ('success', 'fail'))
            if record['status'] == 'success':
                return record
            reasons.append(record['resources_reason'])
            assert reasons[-1] and all(reasons[-1].values()), record
            with self._lock:
                self.counts[f'failed {kind}'] += 1
        raise AssertionError(f'no success in {TRIES} tries: {reasons}')

    def _wait(self, path: str, kind: str, statuses: tuple[str, ...]
              ) -> dict[str, Any]:
        """Poll until a record has one of the statuses, and return it."""
        deadline = time.monotonic() + timeouts.STUCK
        while True:
            record: dict[str, Any] = self._tenant.send('GET', path)[kind]
            if record['status'] in statuses:
                return record
            assert time.monotonic() < deadline, f'stuck: {record["status"]}'
            time.sleep(_POLL_INTERVAL)
