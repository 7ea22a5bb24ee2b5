"""Tests that kill Karbor at each request that changes Trove or the bank."""

import contextlib
import time
import uuid

import pytest

from tests.fault_injection import crashing_karbor
from tests.functional import api_tenant as tenants
from tests.sandbox import cloud

_STUCK = ('protecting', 'deleting', 'error-deleting')
_OPERATIONS = ('protect', 'protect, incremental', 'delete', 'restore',
               'verify')
_TIMEOUT = 90.0


class Stage:
    """A database, its plans, and a checkpoint that no operation deletes.

    This checkpoint is the attribute `survivor`. The attribute `kept_ids` has
    the ids of the backups that existed before an operation, for example the
    survivor's backup. The checks ignore these backups.
    """

    def __init__(self, karbor):
        self.karbor = karbor
        self.tenant = karbor.tenant
        self.instance = self.tenant.create_instance('orders')
        self.plan = self.tenant.create_plan([self.instance])
        self.incremental = self.tenant.create_plan([self.instance], {
            tenants.TYPE: {'incremental': True}})
        self.survivor = self.tenant.protect(self.plan)
        self.kept_ids = set(self.tenant.list_backups())

    def build_request(self, operation, checkpoint):
        """Return a function that requests the operation from Karbor.

        Each restore has its own instance name. So the journal entry of an
        earlier restore does not count as the entry of a later one.

        :param operation: one of _OPERATIONS.
        :param checkpoint: the id of the checkpoint to delete. None for other
            operations.
        """
        path = self.tenant.checkpoints_path()
        body = {'provider_id': cloud.PROVIDER_ID,
                'checkpoint_id': self.survivor, 'parameters': {}}
        return {
            'protect': lambda: self.tenant.send('POST', path, {
                'checkpoint': {'plan_id': self.plan}}),
            'protect, incremental': lambda: self.tenant.send('POST', path, {
                'checkpoint': {'plan_id': self.incremental}}),
            'delete': lambda: self.tenant.send(
                'DELETE', '%s/%s' % (path, checkpoint)),
            'restore': lambda: self.tenant.send('POST', '/restores', {
                'restore': dict(body, parameters={tenants.TYPE: {
                    'restore_name': 'without-database-%s' % uuid.uuid4()}})}),
            'verify': lambda: self.tenant.send('POST', '/verifications', {
                'verification': body}),
        }[operation]

    def run_and_count_effects(self, operation):
        """Run an operation without a kill, and count its requests.

        Only requests that may change Trove or the bank count, see
        crashing_karbor.is_effect(). In the end, this method deletes what the
        operation has created.

        :returns: the number of these requests, and the numbers of the create
            requests to Trove among them. The first request is number 1.
        :raises AssertionError: Karbor sent no such request within 90 s. Then
            the tests could not kill Karbor.
        """
        # Ignore the backups that an earlier violation has left.
        self.kept_ids = set(self.tenant.list_backups())
        known = self.karbor.list_checkpoint_ids()
        checkpoint = (self.tenant.protect(self.plan)
                      if operation == 'delete' else None)
        self.karbor.cloud.heal()
        self.build_request(operation, checkpoint)()
        self._wait_for_effect()
        self._wait_until_quiet()
        effects = self._list_effects()
        self.clean_up(known)
        creations = [number for number, request in enumerate(effects, 1)
                     if request.service == 'trove'
                     and request.method == 'POST']
        return len(effects), creations

    def _list_effects(self):
        """Return the requests that may change Trove or the bank."""
        return [request for request in self.karbor.cloud.requests
                if crashing_karbor.is_effect(request)]

    def _wait_for_effect(self):
        """Wait until Karbor has sent the first request of an operation.

        Only requests that may change Trove or the bank count.
        """
        deadline = time.monotonic() + _TIMEOUT
        while not self._list_effects() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert self._list_effects(), (
            'Karbor sent no request that may change Trove or the bank within '
            '%g s' % _TIMEOUT, self.karbor.cloud.requests)

    def _wait_until_quiet(self, seconds=2.0):
        """Wait until Karbor has sent no request for this time."""
        last_count, since = -1, time.monotonic()
        while time.monotonic() - since < seconds:
            count = len(self.karbor.cloud.requests)
            if count != last_count:
                last_count, since = count, time.monotonic()
            time.sleep(0.1)

    def clean_up(self, known):
        """Delete the instances and checkpoints that an operation created.

        The tenant deletes them. Before that, the operator resets checkpoints
        whose operation was interrupted.

        :param known: the ids of the checkpoints that existed before the
            operation. These checkpoints stay.
        """
        instances = self.tenant.list_instance_ids() - {self.instance}
        if instances:
            tenants.wait_for(lambda: all(map(self.tenant.is_up, instances)))
            self.tenant.delete_instances(*instances)
        for id_ in self.karbor.list_checkpoint_ids() - known:
            status = self.tenant.get_checkpoint_status(id_)
            if status in _STUCK:
                succeeded, output = self.karbor.manage(
                    'checkpoint', 'reset', id_)
                if not succeeded:
                    assert 'the bank does not name the process' in output, (
                        output)
                    succeeded, output = self.karbor.manage(
                        'checkpoint', 'reset', id_, '--force')
                assert succeeded, output
            if status != 'deleted':
                self.tenant.delete_checkpoint(id_)

    def check_everything_is_known(self):
        """Check that no backup and no instance is lost.

        The journals in the bank have the id or the name of each backup. The
        journals, or Karbor's records of restores, have the id or the name of
        each instance.

        :raises AssertionError: a backup or an instance is lost.
        """
        text = ' '.join(self.karbor.read_all('/karbor-trove/'))
        for id_, backup in self.tenant.list_backups().items():
            assert id_ in text or backup['name'] in text, (
                'the backup is lost: no journal has its id or name', backup)
        text += ' '.join(
            key for record in self.tenant.send('GET', '/restores')['restores']
            for key in record['resources_status'] or ())
        for id_ in self.tenant.list_instance_ids() - {self.instance}:
            name = self.tenant.trove.instances.get(id_).name
            assert id_ in text or '"%s"' % name in text, (
                'the instance is lost: no journal and no restore has its id '
                'or name', id_, name)

    def list_leftovers(self):
        """Return what is left, without the backups in `kept_ids`.

        :returns: three sets: the ids of backups in Trove, the ids of backups
            with objects in Swift, and the ids of checkpoints in the backup
            journal.
        """
        return (set(self.tenant.list_backups()) - self.kept_ids,
                {name[:36] for _, name in self.tenant.list_objects()}
                - self.kept_ids,
                {name.rpartition('/')[2] for name in self.karbor.list_keys(
                    '/karbor-trove/') if '/backups/' in name}
                - {self.survivor})

    def verify_until_nothing_is_left(self):
        """Verify the survivor until nothing is left that is not needed.

        :raises AssertionError: something is still left after 90 s.
        """
        deadline = time.monotonic() + _TIMEOUT
        while any(self.list_leftovers()) and time.monotonic() < deadline:
            self.tenant.verify(self.survivor)
            time.sleep(0.5)
        assert not any(self.list_leftovers()), (
            'something is left that no checkpoint needs',
            self.list_leftovers())

    def kill_during(self, operation, number, when):
        """Kill Karbor during an operation, and check the guarantees.

        :param number: the number of the request, see crashing_karbor.Killer.
        :param when: see crashing_karbor.Killer.
        :raises AssertionError: a guarantee is violated.
        """
        known = self.karbor.list_checkpoint_ids()
        checkpoint = (self.tenant.protect(self.plan)
                      if operation == 'delete' else None)
        killer = crashing_karbor.Killer(self.karbor.kill, number, when)
        self.karbor.cloud.heal()
        self.karbor.cloud.injector = killer
        try:
            self.karbor.send(self.build_request(operation, checkpoint))
            assert killer.dead.wait(_TIMEOUT), 'Karbor sent no such request'
            self.karbor.cloud.injector = None
            self.karbor.start()
            created = set(self.tenant.list_backups()) - self.kept_ids
            assert len(created) <= 1, (
                'several backups were created: %s' % created)
            self.check_everything_is_known()
            self.clean_up(known)
        finally:
            # Also after a failed check, so that neither the injector nor a
            # late request disturbs the next test.
            self.karbor.cloud.injector = None
            killer.release.set()
        self.karbor.cloud.heal()
        # Trove may have executed a late create request only now. Its backup or
        # its instance has to be known too. clean_up() deletes the instance.
        self.check_everything_is_known()
        self.clean_up(known)
        self.verify_until_nothing_is_left()
        backups = self.tenant.list_backups()
        assert {backups[id_]['status']
                for id_ in self.kept_ids} == {'COMPLETED'}


def _list_kills(operation, count, creations, every):
    """Return the points in an operation at which Karbor is to be killed.

    :param count: see Stage.run_and_count_effects(). At least 1.
    :param creations: the numbers of the create requests to Trove.
    :param every: True to kill Karbor at each request. False to kill it once.
    :returns: pairs (number, when), see crashing_karbor.Killer.
    """
    if every:
        return [*((number, 'before') for number in range(1, count + 1)),
                *((number, 'late') for number in creations),
                (count, 'after')]
    if creations:
        return [(creations[0], 'late' if operation == 'protect' else 'after')]
    return [((count + 1) // 2, 'before')]


@pytest.fixture(scope='module')
def stage(sandbox):
    """A Stage in the sandbox, whose Karbor can be killed."""
    with contextlib.closing(crashing_karbor.Karbor(sandbox)) as karbor:
        yield Stage(karbor)


@pytest.mark.parametrize('operation', _OPERATIONS)
def test_invariants_hold_after_karbor_is_killed(
        stage, every, capsys, operation):
    count, creations = stage.run_and_count_effects(operation)
    violations = []
    for number, when in _list_kills(operation, count, creations, every):
        with capsys.disabled():
            print('%s: Karbor is killed, request %d of %d, %s' % (
                operation, number, count, when))
        try:
            stage.kill_during(operation, number, when)
        except Exception as error:  # Report any error as a violation.
            violations.append('%s, %s %d: %r' % (
                operation, when, number, error))
            break
    assert not violations, '\n'.join(violations)
