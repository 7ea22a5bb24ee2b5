"""A bank that fails: what is lost is told, and nothing else is.

Once, each operation bears. For longer, it ends as Karbor understands it, and
all that it began is found, and goes, when the bank is back.
"""

import contextlib
import dataclasses

import pytest
import requests

from karbor_trove.bank import verification_results
from tests.unit.simulation import final_checks
from tests.unit.simulation import invariants
from tests.unit.simulation import simulation as worlds

ASKED = ('update_object', 'get_object', 'list_objects', 'delete_object')
#: More than an operation asks for when it is asked twice.
ENDLESS = 1000
SETTINGS = dataclasses.replace(worlds.SETTINGS, verify_level='restore')


class World(worlds.World):
    """One with two checkpoints of which one waits for its deletion."""

    def __init__(self):
        super().__init__()
        self.seen = 0
        self._fails = ()
        for name in ASKED:
            setattr(self.plugin, name, self._counted(
                getattr(self.plugin, name)))

    def _counted(self, ask):
        def counted(*args, **kwargs):
            self.seen += 1
            if self.seen in self._fails:
                # As it comes from Karbor's Swift bank, in no wrapping.
                raise requests.ConnectionError('nobody there')
            return ask(*args, **kwargs)
        return counted

    def begin_with_checkpoints(self):
        instance = self.instances[0]
        self.fake.objects.segment_count = 2
        for _ in range(2):
            final_checks.go(self, self.protect(instance, SETTINGS))
        self.fake.fail('DELETE', '/backups/*', 403)
        final_checks.go(self, self.delete(self.checkpoints[1]))
        self.heal()

    def done(self, operation, fails=()):
        """Carry out an operation while the bank fails.

        :param fails: the numbers of the questions to the bank that do, from 1.
        """
        self.seen, self._fails = 0, fails
        process = OPERATIONS[operation](self)
        self.running.remove(process)
        process.go()
        self._fails = ()
        return process


OPERATIONS = {
    'protect': lambda world: world.protect(world.instances[0], SETTINGS),
    'protect, incremental': lambda world: world.protect(
        world.instances[0], SETTINGS, incremental=True),
    'restore': lambda world: world.restore(world.checkpoints[0]),
    'verify': lambda world: world.verify(world.checkpoints[0], SETTINGS),
    'delete': lambda world: world.delete(world.checkpoints[0]),
}


@contextlib.contextmanager
def new_world():
    world = World()
    with world.connected():
        world.begin_with_checkpoints()
        yield world
        final_checks.end(world)
        assert not world.violations


@pytest.fixture(params=OPERATIONS)
def operation(request):
    return request.param


def asked_by(operation):
    """How often it asks the bank for something."""
    with new_world() as world:
        assert world.done(operation).error is None
        return world.seen


@pytest.fixture
def asked(operation):
    return asked_by(operation)


def test_operation_succeeds_when_the_bank_fails_once(operation, asked):
    for number in range(1, asked + 1):
        with new_world() as world:
            error = world.done(operation, (number,)).error
            assert error is None, (number, error)


def test_operation_succeeds_or_reports_a_short_bank_outage(operation, asked):
    for number in range(1, asked + 1):
        for longer in (2, 4):
            with new_world() as world:
                error = world.done(operation, range(
                    number, number + longer)).error
                assert error is None or (
                    'nobody there' in error.kwargs['reason'])
                # It says nothing of a backup.
                assert all(
                    result.passed for result in verification_results.read_all(
                        world.checkpoints[0].section))


def test_operation_reports_a_bank_outage(operation, asked):
    for number in range(1, asked + 1):
        with new_world() as world:
            process = world.done(operation, range(number, ENDLESS))
            assert process.error is not None or number > 1
            if process.error is not None:
                assert type(process.error) is (
                    invariants.FAILURES[process.kind]), (
                        number, repr(process.error))
                assert 'nobody there' in process.error.kwargs['reason']
            # What is being made is waited for, and told.
            assert process.kind != 'restore' or (
                (process.error is None) == (process.built == 1))
            invariants.check(world)


@pytest.mark.parametrize('failure, said', [
    (403, 'HTTP 403'), ('reset', 'Connection reset')])
def test_bank_outage_does_not_hide_an_error_of_trove(failure, said):
    for number in range(1, asked_by('protect') + 1):
        with new_world() as world:
            world.fake.fail('POST', '/backups', failure)
            before = len(world.fake.find_requests('POST', '/backups'))
            error = world.done('protect', range(number, ENDLESS)).error
            if len(world.fake.find_requests('POST', '/backups')) > before:
                assert said in error.kwargs['reason']
