"""Random interleavings of operations, faults and users' requests."""

import contextlib
import itertools
import logging
from unittest import mock
import uuid

import hypothesis
from hypothesis import stateful
from hypothesis import strategies as st

from tests.unit.simulation import final_checks
from tests.unit.simulation import invariants
from tests.unit.simulation import simulation as worlds

#: The minimum number of steps of a run, and the steps of one example.
STEPS = 20000
EACH = 50

#: Effects of an operation before it is suspended. None runs it to its end.
effects = st.one_of(st.none(), st.integers(1, 30))
#: Failures of requests that have no effect in Trove.
REFUSALS = ['refused', 401, 403, 408, 413, 429]
troubles = st.sampled_from(REFUSALS + ['reset', 'timeout', 500, 503,
                                       'broken'])
NAMES = {'backup_name': 'nightly', 'description': 'of the night'}


class Machine(stateful.RuleBasedStateMachine):

    steps = 0

    def __init__(self):
        super().__init__()
        self._patches = contextlib.ExitStack()
        # The ids are the same in each run, and in the order of creation.
        numbers = itertools.count(1)
        self._patches.enter_context(mock.patch.object(
            uuid, 'uuid4', lambda: uuid.UUID(int=next(numbers))))
        self.world = worlds.World()
        self.fake = self.world.fake
        self._patches.enter_context(self.world.connected())

    def _some(self, *statuses):
        return [checkpoint for checkpoint in self.world.checkpoints
                if checkpoint.status in statuses]

    @stateful.rule(which=st.integers(0, 2), incremental=st.booleans(),
                   named=st.booleans(), effects=effects)
    def protect(self, which, incremental, named, effects):
        parameters = {'incremental': incremental}
        if named:
            parameters.update(NAMES)
        self._go(self.world.protect(self.world.instances[which],
                                    **parameters), effects)

    @stateful.rule(left_out=st.integers(0, 2), skips=st.booleans(),
                   incremental=st.booleans(), effects=effects)
    def protect_two(self, left_out, skips, incremental, effects):
        self._go(self.world.protect_all(
            [id_ for id_ in self.world.instances
             if id_ != self.world.instances[left_out]],
            worlds.SKIP if skips else worlds.SETTINGS,
            incremental=incremental), effects)

    @stateful.rule(which=st.integers(0, 2), is_deleted=st.booleans())
    def a_database_breaks(self, which, is_deleted):
        id_ = self.world.instances[which]
        if id_ in self.fake.instances:
            # A database never comes back, so only the last one is deleted.
            if is_deleted and which == 2:
                self.world.delete_instance(id_)
            else:
                self.world.break_instance(id_)

    @stateful.precondition(lambda self: self._list_broken())
    @stateful.rule(data=st.data())
    def a_database_recovers(self, data):
        self.world.repair_instance(
            data.draw(st.sampled_from(self._list_broken())))

    def _list_broken(self):
        return [id_ for id_ in self.world.instances
                if self.fake.instances.get(id_, {}).get('status') == 'ERROR']

    def _go(self, process, effects=None):
        final_checks.resume(self.world, process, effects)

    @stateful.precondition(lambda self: self._some('available', 'error'))
    @stateful.rule(data=st.data(), effects=effects)
    def delete(self, data, effects):
        self._go(self.world.delete(data.draw(st.sampled_from(
            self._some('available', 'error')))), effects)

    @stateful.precondition(lambda self: self._some('available'))
    @stateful.rule(data=st.data())
    def verify(self, data):
        self._go(self.world.verify(data.draw(st.sampled_from(
            self._some('available')))))

    @stateful.precondition(lambda self: self._some('available'))
    @stateful.rule(data=st.data(), skips=st.booleans(), effects=effects)
    def restore(self, data, skips, effects):
        checkpoint = data.draw(st.sampled_from(self._some('available')))
        self._go(self.world.restore(
            checkpoint, [checkpoint] if skips else []), effects)

    @stateful.precondition(lambda self: self._some('error'))
    @stateful.rule(data=st.data(), leaves_out=st.booleans(), effects=effects)
    def accept(self, data, leaves_out, effects):
        checkpoint = data.draw(st.sampled_from(self._some('error')))
        self._go(self.world.accept(
            checkpoint, [checkpoint] if leaves_out else []), effects)

    # A release does not look for a newer backup that is deleted meanwhile.
    @stateful.precondition(lambda self: (
        self._list_deferred() and not self.world.running))
    @stateful.rule(data=st.data())
    def release(self, data):
        self._go(self.world.release(
            *data.draw(st.sampled_from(self._list_deferred()))))

    def _list_deferred(self):
        """Return the deleted checkpoints that have backups, and the ids."""
        entries = [(checkpoint, invariants.read_entry(self.world, checkpoint))
                   for checkpoint in self._some('deleted')]
        return [(checkpoint, entry['backup_id'])
                for checkpoint, entry in entries
                if entry and entry['deleted'] and entry['backup_id']]

    @stateful.precondition(lambda self: self.world.running)
    @stateful.rule(data=st.data(), effects=effects)
    def go_on(self, data, effects):
        self._go(data.draw(st.sampled_from(self.world.running)), effects)

    @stateful.precondition(lambda self: self.world.running)
    @stateful.rule(data=st.data(), torn=st.booleans())
    def the_process_is_killed(self, data, torn):
        process = data.draw(st.sampled_from(self.world.running))
        process.kill(torn)
        self._go(process)

    @stateful.rule(
        method=st.sampled_from(['GET', 'POST', 'DELETE', 'HEAD', '*']),
        path=st.sampled_from(['*', '/swift/*', '/backups*', '/backups/*']),
        trouble=troubles, after=st.booleans(), takes=st.sampled_from([0, 25]),
        times=st.sampled_from([1, 1, 1, 2, 5, None]))
    def trouble(self, method, path, trouble, after, takes, times):
        # A broken response has the status 200, so the request had its effect.
        self.fake.fail(
            method, path, trouble, times, trouble == 'broken'
            or after and trouble not in REFUSALS, takes)

    @stateful.rule(seconds=st.integers(0, 480))
    def the_next_request_lands_late(self, seconds):
        self.world.session.late = seconds

    @stateful.rule(status=st.sampled_from(['FAILED', 'COMPLETED']),
                   seconds=st.sampled_from([0, 30, 200]))
    def the_next_backup_is_odd(self, status, seconds):
        self.fake.next_backup(status, seconds)

    @stateful.rule(status=st.sampled_from(['DELETE_FAILED', None]),
                   seconds=st.sampled_from([0, 30, 200, None]))
    def the_next_deletion_is_odd(self, status, seconds):
        self.fake.next_delete(status, seconds)

    @stateful.rule(leaves=st.booleans())
    def trove_leaves_objects(self, leaves):
        self.fake.keeps_objects = leaves

    @stateful.rule()
    def a_write_to_the_bank_fails(self):
        self.world.plugin.failing = True

    @stateful.rule()
    def all_is_well_again(self):
        self.world.heal()

    # Trove has no lock against other users. The plugin cannot detect a child
    # that a user creates between its last check and its request, nor a backup
    # with the same name that a user creates in the same seconds.
    @stateful.precondition(lambda self: not self.world.running)
    @stateful.rule(which=st.integers(0, 1), data=st.data())
    def a_user_backs_up(self, which, data):
        world = self.world
        parent_id = data.draw(st.sampled_from(
            [None] + sorted(world.fake.backups)))
        world.user_backs_up(world.instances[which], parent_id, name='mine')
        world.clock.sleep(1)

    @stateful.precondition(lambda self: not self.world.running and not any(
        entry and entry['backup_id'] is None for entry in (
            invariants.read_entry(self.world, checkpoint)
            for checkpoint in self.world.checkpoints)))
    @stateful.rule(which=st.integers(0, 1))
    def a_user_backs_up_under_our_name(self, which):
        world = self.world
        world.clock.sleep(1)
        world.user_backs_up(world.instances[which], name='nightly',
                            description='of the night')
        world.clock.sleep(1)

    @stateful.precondition(lambda self: (
        self.fake.backups and not self.world.running))
    @stateful.rule(data=st.data())
    def a_user_deletes(self, data):
        self.world.user_deletes(
            data.draw(st.sampled_from(sorted(self.fake.backups))))

    @stateful.precondition(lambda self: not self.world.running)
    @stateful.rule(seconds=st.integers(1, 700))
    def time_passes(self, seconds):
        self.world.clock.sleep(seconds)

    @stateful.invariant()
    def all_holds(self):
        Machine.steps += 1
        invariants.check(self.world)

    def teardown(self):
        with self._patches:
            final_checks.delete_everything(self.world)


def test_any_interleaving_keeps_the_invariants():
    logging.disable(logging.CRITICAL)
    Machine.steps = 0
    try:
        stateful.run_state_machine_as_test(
            Machine, settings=hypothesis.settings(
                max_examples=STEPS * 5 // EACH // 4, stateful_step_count=EACH,
                suppress_health_check=list(hypothesis.HealthCheck)))
    finally:
        logging.disable(logging.NOTSET)
    print('%d steps' % Machine.steps)
    assert Machine.steps >= STEPS
