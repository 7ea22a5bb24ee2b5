"""Serialized status updates of the resources of one flow."""

import json
import threading
import uuid

from karbor import exception
import pytest

from karbor_trove.bank import resource_status
from karbor_trove.operations import flow
from karbor_trove import polling
from tests.unit import scheduler as schedulers


def new_state(clock=polling.SYSTEM_CLOCK):
    return flow.FlowState(polling.Poller(1.0, clock), 8)


class Record:
    """A record like Karbor's. Another thread writes during its first save."""

    id = 'the-record'

    def __init__(self, other):
        self.saved = []
        self.changed = {}
        self._other_thread = threading.Thread(target=other, args=(self,))

    def update_resource_status(self, type_, id_, status, reason):
        self.changed[id_] = status

    def save(self):
        if not self.saved:
            self.saved.append(None)
            self._other_thread.start()
            # The other thread must wait. Give it time to fail to do so.
            self._other_thread.join(0.05)
        self.saved.append(dict(self.changed))
        # Like Karbor, mark all changes as saved.
        self.changed.clear()

    def all_saved(self):
        self._other_thread.join()
        return self.saved[1:]


def test_status_is_not_changed_while_the_record_is_saved():
    state = new_state()
    record = Record(
        lambda record: state.set_status(record, 'type', '2', 'available'))
    state.set_status(record, 'type', '1', 'error', 'gone')
    assert record.all_saved() == [{'1': 'error'}, {'2': 'available'}]


@pytest.mark.parametrize('operation', ['restore', 'verify'])
def test_operations_of_one_flow_save_every_status(
        make_plugin, checkpoint, build_resource, context, fake_trove,
        operation):
    plugin = make_plugin()
    make = getattr(plugin, 'get_%s_operation' % operation)

    def run(id_):
        # There is no backup, so the operation fails without a request.
        resource = build_resource(id_)
        with pytest.raises(exception.KarborException, match='no backup'):
            make(resource).on_main(checkpoint, resource, context, {},
                                   new_resources={}, **{operation: record})

    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    record = Record(lambda record: run(second))
    run(first)
    assert record.all_saved() == [{first: 'error'}, {second: 'error'}]


def spawn_checks(clock, state, count, checks, error=None):
    """Start tasks that all call check_once().

    :param checks: a list to which each run of the checks is appended.
    :param error: is raised by the checks. None to let them find a problem.
    """
    def check():
        checks.append(None)
        clock.sleep(1.0)
        if error is not None:
            raise error
        return {'instance': ['gone']}

    return [clock.spawn(lambda: state.check_once(check))
            for _ in range(count)]


def test_all_resources_continue_together_after_the_preflight_checks():
    clock, checks = schedulers.Scheduler(start=0.0), []
    state = new_state(clock)
    tasks = spawn_checks(clock, state, 5, checks)

    def check_that_none_waits(step):
        if any(task.dead for task in tasks):
            assert all(task.dead or task.event.is_set() for task in tasks)

    clock.before_step = check_that_none_waits
    clock.run()
    assert len(checks) == 1
    assert [(task.ended, task.error) for task in tasks] == [(1.0, None)] * 5
    assert state.problems == {'instance': ['gone']}


def test_error_of_the_preflight_checks_is_raised_for_all_resources():
    clock, checks, error = schedulers.Scheduler(start=0.0), [], OSError()
    tasks = spawn_checks(clock, new_state(clock), 3, checks, error)
    clock.run()
    assert len(checks) == 1
    assert [(task.ended, task.error) for task in tasks] == [(1.0, error)] * 3


def test_next_resource_runs_the_preflight_checks_if_the_first_is_cancelled():
    clock, checks = schedulers.Scheduler(start=0.0), []
    tasks = spawn_checks(clock, new_state(clock), 3, checks)
    clock.run(0.5)
    clock.cancel(tasks[0])
    clock.run()
    assert len(checks) == 2
    assert [task.ended for task in tasks] == [0.5, 1.5, 1.5]


@pytest.mark.parametrize('reason, stored', [
    ('one', 'one'), ('one\ntwo\nthree', 'one;\ntwo;\nthree'),
    ('one.\ntwo:\nthree;\nfour', 'one.\ntwo:\nthree;\nfour'),
    ('one\n\ntwo\n', 'one\n\ntwo\n')])
def test_sentences_of_a_reason_are_separated_on_one_line_too(
        reason, stored):
    state, record = new_state(), Database()
    state.set_status(record, 'type', 'a', 'error', reason)
    assert record.saved == {'type#a': stored}


class Database:
    """Karbor's record in a database with a limited column."""

    id = 'the-record'

    def __init__(self, failures=0, max_bytes=65535):
        self.reasons = {}
        self.statuses = {}
        self.saved = None
        self._failures = failures
        self._max_bytes = max_bytes

    def update_resource_status(self, type_, id_, status, reason):
        self.statuses['%s#%s' % (type_, id_)] = status
        self.reasons['%s#%s' % (type_, id_)] = reason

    def save(self):
        if self._failures:
            self._failures -= 1
            raise ConnectionError('the database is away')
        if len(json.dumps(self.reasons).encode()) > self._max_bytes:
            raise ValueError('Data too long for column resources_reason')
        self.saved = dict(self.reasons)


@pytest.mark.parametrize('count, reason', [
    (1, 'x' * 100000), (40, 'flavor ' * 1000), (300, 'é' * 5000),
    (500, '\x1b' * 700), (40, 'short')])
def test_reasons_of_a_record_fit_into_its_column(clock, count, reason):
    start = clock.now()
    state, record = new_state(clock), Database(max_bytes=60000)
    for number in range(count):
        assert state.set_status(record, 'OS::Trove::Instance',
                                str(uuid.uuid4()), 'error', reason)
    assert len(record.saved) == count
    assert set(record.statuses.values()) == {'error'}
    assert clock.now() == start
    for saved in record.saved.values():
        assert saved == reason or (
            'more characters, see the log of Karbor' in saved)
    if count == 1:
        assert len(json.dumps(record.saved)) > 29000


def test_short_reasons_stay_whole_beside_a_long_one(clock):
    state, record = new_state(clock), Database()
    state.set_status(record, 'type', 'a', 'error', 'x' * 100000)
    for number in range(10):
        state.set_status(record, 'type', str(number), 'error', 'short reason')
    assert [record.saved['type#%d' % number] for number in range(10)] == (
        ['short reason'] * 10)


@pytest.mark.parametrize('failures', [1, 5])
def test_record_is_saved_again_after_the_database_failed(clock, failures):
    state, record = new_state(clock), Database(failures)
    assert state.set_status(record, 'type', 'a', 'error', 'reason')
    assert record.saved == {'type#a': 'reason'}


def test_record_that_the_database_finds_too_long_is_shortened(clock):
    state, record = new_state(clock), Database(max_bytes=8000)
    assert state.set_status(record, 'type', 'a', 'error', 'x' * 20000)
    assert 'more characters' in record.saved['type#a']


def test_database_that_fails_for_60_s_is_logged_and_fails_nothing(
        clock, caplog):
    start = clock.now()
    state, record = new_state(clock), Database(failures=1000)
    assert not state.set_status(record, 'type', 'a', 'available', 'it is up')
    assert clock.now() - start >= 60
    assert 'The status of a is "available": it is up' in caplog.text


FLAVORS = ', '.join('flavor-%04d' % number for number in range(1000))


@pytest.mark.parametrize('reason', [
    'flavor 7 was not found: pass restore_flavor_id, one of %s\n%s' % (
        FLAVORS, 'The night before the sale. ' * 200),
    'flavor 7 was not found: pass restore_flavor_id, one of %s\n%s' % (
        ', '.join('größe-%04d-€' % number for number in range(1000)),
        'Die Nacht vor dem Ausverkauf \U0001f4be. ' * 200),
    '\n'.join('network %d is gone' % number for number in range(2000)),
    '\x1b\u202e' * 3000])
def test_full_reasons_of_40_databases_are_in_the_log_and_the_bank(
        clock, caplog, checkpoint, reason):
    caplog.set_level('INFO')
    state, record = new_state(clock), Database(max_bytes=60000)
    sections = {}
    for number in range(40):
        id_ = str(uuid.uuid4())
        sections[id_] = checkpoint.get_resource_bank_section(id_)
        assert state.set_status(record, 'type', id_, 'error',
                                '%s %s' % (id_, reason), sections[id_])
    assert len(record.saved) == 40
    for id_, section in sections.items():
        full = '%s %s' % (id_, reason)
        assert resource_status.read_long_reason(section) == (
            '%s in record the-record: %s' % (id_, full))
        assert full in caplog.text
        assert len(record.saved['type#' + id_]) < len(full)


def test_long_list_is_cut_between_two_items_and_the_rest_stays(clock):
    reason = 'flavor 7 was not found (%s). Choose another; size 3' % FLAVORS
    state, record = new_state(clock), Database(max_bytes=60000)
    for number in range(40):
        state.set_status(record, 'type', str(number), 'error', reason)
    assert set(record.saved.values()) == {
        'flavor 7 was not found (%s and 980 more). Choose another; size 3'
        % ', '.join(FLAVORS.split(', ')[:20])}


def test_reason_that_fits_is_not_written_to_the_bank(clock, section):
    state, record = new_state(clock), Database()
    state.set_status(record, 'type', 'a', 'error', FLAVORS, section)
    assert record.saved == {'type#a': FLAVORS}
    assert resource_status.read_long_reason(section) is None


def test_slow_bank_does_not_delay_the_status_of_another_resource(
        clock, section, monkeypatch):
    state, record = new_state(clock), Database(max_bytes=60000)
    is_saved = []

    def write_while_another_ends(*_):
        other = threading.Thread(target=lambda: is_saved.append(
            state.set_status(record, 'type', 'b', 'available')), daemon=True)
        other.start()
        other.join(10)
        assert is_saved == [True]

    monkeypatch.setattr(section, 'update_object', write_while_another_ends)
    assert state.set_status(record, 'type', 'a', 'error', 'x' * 100000,
                            section)
    assert is_saved == [True]
    assert record.statuses['type#b'] == 'available'


def test_bank_that_fails_does_not_hide_a_long_reason(
        clock, caplog, section, monkeypatch):
    def fail(*_):
        raise ConnectionError('the bank is away')

    caplog.set_level('INFO')
    monkeypatch.setattr(section, 'update_object', fail)
    state, record = new_state(clock), Database(max_bytes=60000)
    assert state.set_status(record, 'type', 'a', 'error', 'x' * 100000,
                            section)
    assert 'The long reason was not written' in caplog.text
    assert 'x' * 100000 in caplog.text
    assert len(record.saved['type#a']) > 29000


def test_full_reason_is_logged_once(clock, caplog):
    caplog.set_level('INFO')
    state, record = new_state(clock), Database()
    for number in range(5):
        state.set_status(record, 'type', str(number), 'error',
                         '%d ' % number + 'x' * 100000)
    assert caplog.text.count('In full it is: 0') == 1


def test_group_is_requested_once_although_a_fault_follows_the_request():
    state = new_state()
    requests = []

    def create():
        requests.append('POST')
        raise KeyError('a fault of the package')

    for _ in range(3):
        with pytest.raises(KeyError):
            state.create_group('the-deleted-group', create)
    assert requests == ['POST']
