"""Karbor is killed between any two effects: nothing is lost or stuck."""

import time

import pytest

from tests.fault_injection import crashing_karbor
from tests.functional import api_tenant as tenants
from tests.sandbox import cloud

_STUCK = ('protecting', 'deleting', 'error-deleting')
_OPERATIONS = ('protect', 'protect, incremental', 'delete', 'restore',
               'verify')
_PATIENCE = 90.0


class Stage:
    """One database with a checkpoint that stays, and what is done to it."""

    def __init__(self, karbor):
        self.karbor = karbor
        self.tenant = karbor.tenant
        self.instance = self.tenant.create_instance('orders')
        self.plan = self.tenant.create_plan([self.instance])
        self.incremental = self.tenant.create_plan([self.instance], {
            tenants.TYPE: {'incremental': True}})
        self.survivor = self.tenant.protect(self.plan)
        self.stay = set(self.tenant.list_backups())

    def act(self, operation, checkpoint):
        """Ask for it, without waiting; what the request is."""
        path = self.tenant.checkpoints_path()
        asked = {'provider_id': cloud.PROVIDER_ID,
                 'checkpoint_id': self.survivor, 'parameters': {}}
        return {
            'protect': lambda: self.tenant.send('POST', path, {
                'checkpoint': {'plan_id': self.plan}}),
            'protect, incremental': lambda: self.tenant.send('POST', path, {
                'checkpoint': {'plan_id': self.incremental}}),
            'delete': lambda: self.tenant.send(
                'DELETE', '%s/%s' % (path, checkpoint)),
            'restore': lambda: self.tenant.send('POST', '/restores', {
                'restore': dict(asked, parameters={tenants.TYPE: {
                    'restore_name': 'without-database'}})}),
            'verify': lambda: self.tenant.send('POST', '/verifications', {
                'verification': asked}),
        }[operation]

    def status(self, checkpoint):
        return self.tenant.send('GET', '%s/%s' % (
            self.tenant.checkpoints_path(), checkpoint))['checkpoint'][
                'status']

    def points(self, operation):
        """How many effects it has, and which of them ask Trove to make."""
        # What an earlier violation has left is not counted again.
        self.stay = set(self.tenant.list_backups())
        known = self.karbor.checkpoint_ids()
        checkpoint = (self.tenant.protect(self.plan)
                      if operation == 'delete' else None)
        self.karbor.cloud.heal()
        self.act(operation, checkpoint)()
        self._wait_until_quiet()
        effects = [one for one in self.karbor.cloud.requests
                   if crashing_karbor.is_effect(one)]
        self.clean(known)
        making = [number for number, one in enumerate(effects, 1)
                  if one.service == 'trove' and one.method == 'POST']
        return len(effects), making

    def _wait_until_quiet(self, seconds=2.0):
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < seconds:
            now = len(self.karbor.cloud.requests)
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.1)

    def clean(self, known):
        """Get rid of all but the survivor, as user and operator can."""
        instances = self.tenant.list_instance_ids() - {self.instance}
        if instances:
            tenants.wait_for(lambda: all(map(self.tenant.is_up, instances)))
            self.tenant.delete_instances(*instances)
        for id_ in self.karbor.checkpoint_ids() - known:
            status = self.status(id_)
            if status in _STUCK:
                done, said = self.karbor.manage('checkpoint', 'reset', id_)
                if not done:
                    assert 'the bank does not say which process' in said, said
                    done, said = self.karbor.manage(
                        'checkpoint', 'reset', id_, '--force')
                assert done, said
            if status != 'deleted':
                self.tenant.delete_checkpoint(id_)

    def everything_is_known(self):
        """I1: what Trove holds is named by the bank, or by Karbor."""
        words = ' '.join(self.karbor.kept_below('/karbor-trove/'))
        for id_, backup in self.tenant.list_backups().items():
            assert id_ in words or backup['name'] in words, ('I1', backup)
        words += ' '.join(
            key for told in self.tenant.send('GET', '/restores')['restores']
            for key in told['resources_status'] or ())
        for id_ in self.tenant.list_instance_ids() - {self.instance}:
            name = self.tenant.trove.instances.get(id_).name
            assert id_ in words or '"%s"' % name in words, ('I1', id_, name)

    def left(self):
        """What Trove, Swift and the bank hold beside the survivor's."""
        return (set(self.tenant.list_backups()) - self.stay,
                {name[:36] for _, name in self.tenant.list_objects()}
                - self.stay,
                {name.rpartition('/')[2] for name in self.karbor.list_keys(
                    '/karbor-trove/') if '/backups/' in name}
                - {self.survivor})

    def nothing_is_left(self):
        """I3: every verification takes what can go."""
        end = time.monotonic() + _PATIENCE
        while any(self.left()) and time.monotonic() < end:
            self.tenant.verify(self.survivor)
            time.sleep(0.5)
        assert not any(self.left())

    def die(self, operation, number, when):
        """The operation, and Karbor's death in the midst of it."""
        known = self.karbor.checkpoint_ids()
        checkpoint = (self.tenant.protect(self.plan)
                      if operation == 'delete' else None)
        killer = crashing_karbor.Killer(self.karbor.kill, number, when)
        self.karbor.cloud.heal()
        self.karbor.cloud.injector = killer
        self.karbor.try_to(self.act(operation, checkpoint))
        assert killer.dead.wait(_PATIENCE), 'there is no such effect'
        self.karbor.cloud.injector = None
        self.karbor.start()
        made = set(self.tenant.list_backups()) - self.stay
        assert len(made) <= 1, ('I6', made)
        self.everything_is_known()
        self.clean(known)
        killer.forgotten.set()
        self.karbor.cloud.heal()
        # A restore is not undone; who made it is told by the bank.
        self.clean(known)
        self.nothing_is_left()
        backups = self.tenant.list_backups()
        assert {backups[id_]['status'] for id_ in self.stay} == {'COMPLETED'}


def _points(count, making, every):
    """Where to kill: (number of the effect, when).

    :param making: the effects that ask Trove to make something.
    """
    if every:
        return [*((number, 'before') for number in range(1, count + 1)),
                *((number, 'late') for number in making),
                *([(count, 'after')] if count else [])]
    if making:
        return [(making[0], 'after'), (making[0], 'late')]
    return [((count + 1) // 2, 'before')] if count else []


@pytest.fixture(scope='module')
def stage(sandbox):
    karbor = crashing_karbor.Karbor(sandbox)
    yield Stage(karbor)
    karbor.close()


@pytest.mark.parametrize('operation', _OPERATIONS)
def test_it_may_die_at_any_point(stage, every, capsys, operation):
    count, making = stage.points(operation)
    violations = []
    for number, when in _points(count, making, every):
        with capsys.disabled():
            print('%s: killed %s effect %d of %d' % (
                operation, when, number, count))
        try:
            stage.die(operation, number, when)
        except Exception as error:  # All of it belongs into the report.
            violations.append('%s, %s %d: %r' % (
                operation, when, number, error))
            break
    assert not violations, '\n'.join(violations)
