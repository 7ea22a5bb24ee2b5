"""Checkpoints live and die, several at a time."""

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

#: Checkpoints that exist at the same time, at the most.
LIVING = 40
#: Of how many checkpoints one is verified, and one restored.
VERIFIED, RESTORED = 4, 10
#: A verification or a restore may fail, as long as it says why: the user
#: tries it again.
TRIES = 5
_LOOK = 1.0


@dataclasses.dataclass
class Life:
    """One checkpoint, from the wish for it to its end."""

    database: databases.Database
    plan_id: str
    steps: list[str]
    id: str = ''
    #: Rows when it was asked for, and when it was there.
    least: int = 0
    most: int = 0
    busy: bool = False


class Soak:
    """Carries out the lives, and keeps what came of them.

    :param lives: in the order in which they may begin.
    :param end: the monotonic time after which none begins.
    """

    def __init__(self, tenant: tenants.Tenant, lives: list[Life],
                 chance: random.Random, end: float) -> None:
        self.done: collections.Counter[str] = collections.Counter()
        self.seconds: dict[str, list[float]] = collections.defaultdict(list)
        #: What must not be; as text.
        self.violations: list[str] = []
        self.ids: list[str] = []
        self._tenant = tenant
        self._waiting = lives
        self._living: list[Life] = []
        self._chance = chance
        self._end = end
        self._lock = threading.Lock()

    def run(self, at_once: int) -> None:
        """Return when all have ended."""
        workers = [threading.Thread(target=self._work, daemon=True)
                   for _ in range(at_once)]
        for worker in workers:
            worker.start()
        begin = time.monotonic()
        while any(worker.is_alive() for worker in workers):
            workers[0].join(1.0)
            time.sleep(14.0 if workers[0].is_alive() else 1.0)
            told = ', '.join(f'{count} {what}'
                             for what, count in sorted(self.done.items()))
            print(f'{time.monotonic() - begin:4.0f} s  {told}; '
                  f'{len(self._living)} living', flush=True)

    def _work(self) -> None:
        while self._waiting or self._living:
            life = self._next()
            if life is None:
                time.sleep(0.2)
            else:
                self._step(life)

    def _next(self) -> Life | None:
        with self._lock:
            if time.monotonic() > self._end:
                self._waiting.clear()
            idle = [life for life in self._living if not life.busy]
            if self._waiting and len(self._living) < LIVING and (
                    not idle or self._chance.random() < 0.5):
                idle = [self._waiting.pop()]
                self._living += idle
            if not idle:
                return None
            life = self._chance.choice(idle)
            life.busy = True
            return life

    def _step(self, life: Life) -> None:
        step = life.steps.pop(0)
        begin = time.monotonic()
        told = step
        try:
            told = getattr(self, step)(life) or step
        except Exception:  # All of it is for the report.
            self.violations.append(f'{step} of checkpoint {life.id} of '
                                   f'instance {life.database.id}:\n'
                                   f'{traceback.format_exc()}')
            print(self.violations[-1], flush=True)
            life.steps.clear()
        with self._lock:
            self.done[told] += 1
            self.seconds[step].append(time.monotonic() - begin)
            life.busy = False
            if not life.steps:
                self._living.remove(life)

    def protect(self, life: Life) -> str | None:
        life.least = life.database.grow(self._chance.randint(1, 100))
        life.id = self._tenant.send('POST', self._tenant.checkpoints_path(), {
            'checkpoint': {'plan_id': life.plan_id}})['checkpoint']['id']
        self.ids.append(life.id)
        status = self._ended(life, 'available', 'error')
        life.most = life.database.rows
        if status == 'available':
            return None
        # Without a word to the user: the log has the reason.
        life.steps[:] = ['delete']
        return 'failed protect'

    def verify(self, life: Life) -> None:
        self._until_success('verification', life)

    def restore(self, life: Life) -> None:
        told = self._until_success('restore', life)
        new = tenants.restored_instance_id(told)
        databases.check(self._tenant, new, life.least, life.most)
        self._tenant.delete_instances(new)

    def delete(self, life: Life) -> None:
        self._tenant.send('DELETE', self._path(life))
        status = self._ended(life, 'deleted', 'error-deleting')
        assert status == 'deleted', status

    def _path(self, life: Life) -> str:
        return f'{self._tenant.checkpoints_path()}/{life.id}'

    def _ended(self, life: Life, *ends: str) -> str:
        path = self._path(life)
        return str(self._look(path, 'checkpoint', ends)['status'])

    def _until_success(self, kind: str, life: Life) -> dict[str, Any]:
        reasons = []
        for _ in range(TRIES):
            made = self._tenant.send('POST', f'/{kind}s', {kind: {
                'provider_id': cloud.PROVIDER_ID,
                'checkpoint_id': life.id, 'parameters': {}}})[kind]
            told = self._look(f'/{kind}s/{made["id"]}', kind,
                              ('success', 'fail'))
            if told['status'] == 'success':
                return told
            reasons.append(told['resources_reason'])
            assert reasons[-1] and all(reasons[-1].values()), told
            with self._lock:
                self.done[f'failed {kind}'] += 1
        raise AssertionError(f'no success in {TRIES} tries: {reasons}')

    def _look(self, path: str, kind: str, ends: tuple[str, ...]
              ) -> dict[str, Any]:
        end = time.monotonic() + timeouts.STUCK
        while True:
            told: dict[str, Any] = self._tenant.send('GET', path)[kind]
            if told['status'] in ends:
                return told
            assert time.monotonic() < end, f'stuck: {told["status"]}'
            time.sleep(_LOOK)
