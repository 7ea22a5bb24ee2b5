"""Limits of the benchmark."""

import pytest

from tests.benchmark import bars
from tests.benchmark import results
from tests.unit.benchmark import samples as made_up


def list_bars(data):
    return bars.list_bars(
        results.Samples(data['protect']), results.Samples(data['growth']),
        data['arguments']['sizes'], data['arguments']['checkpoints'])


def list_failed(data):
    return [bar.name for bar in list_bars(data) if bar.outcome == '**fail**']


@pytest.fixture
def data():
    return made_up.data()


def change(data, key, value, **cell):
    """Set a number of our samples of some cells."""
    for sample in data['protect']:
        if sample['plugin'] == results.OURS and all(
                sample[name] == wanted for name, wanted in cell.items()):
            sample[key] = value


def test_run_within_all_limits_fails_none_of_them(data):
    assert list_failed(data) == []
    # These results have no backups of 60 s.
    assert {bar.name for bar in list_bars(data) if bar.value is None} == {
        bar.name for bar in list_bars(data) if '60 s' in bar.name}


@pytest.mark.parametrize('key, value, cell, expected', [
    ('late', 2.1, dict(size=10, seconds=31.0), ['lateness, median']),
    ('latest', 6.1, dict(size=100, seconds=31.0), ['lateness, 99th']),
    ('late', 2.2, dict(size=1000, seconds=31.0), ['lateness above Karbor']),
    ('requests', 1301, dict(size=1000, seconds=31.0), ['requests to Trove']),
    ('requests', 2001, dict(size=1000, seconds=28800.0),
     ['requests to Trove']),
    ('polls', 25, dict(size=1000, seconds=31.0), ['polls per flow, 1,000']),
    ('polls', 851, dict(size=10, seconds=28800.0), ['polls per flow, backu']),
    ('cpu', 2.3, dict(size=100, seconds=31.0), ['CPU time above the floor']),
    ('memory', 6.1, dict(size=100, seconds=31.0), ['peak memory above']),
    ('polls', 5, dict(size=10, seconds=31.0), [
        'polls per flow, 1,000', 'exponent of the polls']),
])
def test_figure_above_its_limit_fails(data, key, value, cell, expected):
    change(data, key, value, **cell)
    failed = list_failed(data)
    assert len(failed) == len(expected)
    for name, beginning in zip(failed, expected):
        assert name.startswith(beginning)


def test_delay_of_karbor_alone_is_allowed_for_1000_databases(data):
    change(data, 'late', 102.0, size=1000, seconds=31.0)
    for sample in data['protect']:
        if sample['plugin'] == results.SLEEP:
            sample['late'] = 100.0
    assert list_failed(data) == []


def test_bank_requests_that_grow_with_old_checkpoints_fail(data):
    for sample in data['growth']:
        if sample['operation'] == 'verify':
            sample['bank_requests'] = sample['checkpoints']
    [failed] = list_failed(data)
    assert 'bank requests of verify' in failed


def test_unmeasured_limits_neither_pass_nor_fail(data):
    data['protect'], data['growth'] = [], []
    assert {bar.outcome for bar in list_bars(data)} == {'not measured'}
