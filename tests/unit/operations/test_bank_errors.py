"""Operations during an outage of the bank.

An operation succeeds if the bank fails once. If the bank fails for longer, the
operation raises Karbor's exception. When the bank works again, everything that
the operation created is found and can be deleted.
"""

import contextlib
import dataclasses

import pytest
import requests

from karbor_trove.bank import verification_results
from tests.unit.simulation import final_checks
from tests.unit.simulation import invariants
from tests.unit.simulation import simulation as worlds

METHODS = ('update_object', 'get_object', 'list_objects', 'delete_object')
#: More requests than an operation sends to the bank, retries included.
ENDLESS = 1000
SETTINGS = dataclasses.replace(worlds.SETTINGS, verify_level='restore')


class World(worlds.World):
    """A world with two checkpoints, one of them with a deferred deletion.

    It counts the requests to the bank and lets some of them fail.
    """

    def __init__(self):
        super().__init__()
        self.request_count = 0
        self._failures = ()
        for name in METHODS:
            setattr(self.plugin, name, self._count(
                getattr(self.plugin, name)))

    def _count(self, method):
        def count(*args, **kwargs):
            self.request_count += 1
            if self.request_count in self._failures:
                # Karbor's Swift bank does not wrap this exception.
                raise requests.ConnectionError('bank unavailable')
            return method(*args, **kwargs)
        return count

    def create_checkpoints(self):
        instance = self.instances[0]
        self.fake.objects.segment_count = 2
        for _ in range(2):
            final_checks.resume(self, self.protect(instance, SETTINGS))
        self.fake.fail('DELETE', '/backups/*', 403)
        final_checks.resume(self, self.delete(self.checkpoints[1]))
        self.heal()

    def run_operation(self, operation, failures=()):
        """Run an operation while requests to the bank fail.

        :param failures: the numbers of these requests, from 1.
        """
        self.request_count, self._failures = 0, failures
        process = OPERATIONS[operation](self)
        self.running.remove(process)
        process.resume()
        self._failures = ()
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
        world.create_checkpoints()
        yield world
        final_checks.delete_everything(world)
        assert not world.violations


@pytest.fixture(params=OPERATIONS)
def operation(request):
    return request.param


def count_requests(operation):
    """Return how many requests an operation sends to the bank."""
    with new_world() as world:
        assert world.run_operation(operation).error is None
        return world.request_count


@pytest.fixture
def request_count(operation):
    return count_requests(operation)


def test_operation_succeeds_when_the_bank_fails_once(operation, request_count):
    for number in range(1, request_count + 1):
        with new_world() as world:
            error = world.run_operation(operation, (number,)).error
            assert error is None, (number, error)


def test_operation_succeeds_or_reports_a_short_bank_outage(
        operation, request_count):
    for number in range(1, request_count + 1):
        for length in (2, 4):
            with new_world() as world:
                error = world.run_operation(operation, range(
                    number, number + length)).error
                assert error is None or (
                    'bank unavailable' in error.kwargs['reason'])
                # An error of the bank is no result of a verification.
                assert all(
                    result.passed for result in verification_results.read_all(
                        world.checkpoints[0].section))


def test_operation_reports_a_bank_outage(operation, request_count):
    for number in range(1, request_count + 1):
        with new_world() as world:
            process = world.run_operation(operation, range(number, ENDLESS))
            assert process.error is not None or number > 1
            if process.error is not None:
                assert type(process.error) is (
                    invariants.FAILURES[process.kind]), (
                        number, repr(process.error))
                assert 'bank unavailable' in process.error.kwargs['reason']
            # A restore waits for the instance and reports it.
            assert process.kind != 'restore' or (
                (process.error is None) == (len(process.built) == 1))
            invariants.check(world)


@pytest.mark.parametrize('failure, message', [
    (403, 'HTTP 403'), ('reset', 'Connection reset')])
def test_bank_outage_does_not_hide_an_error_of_trove(failure, message):
    for number in range(1, count_requests('protect') + 1):
        with new_world() as world:
            world.fake.fail('POST', '/backups', failure)
            before = len(world.fake.find_requests('POST', '/backups'))
            process = world.run_operation('protect', range(number, ENDLESS))
            if len(world.fake.find_requests('POST', '/backups')) > before:
                assert message in process.error.kwargs['reason']
