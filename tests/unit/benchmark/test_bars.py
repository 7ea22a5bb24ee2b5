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
    return [bar.name for bar in list_bars(data) if bar.outcome == bars.FAIL]


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
    ('lateness', [6.1], dict(size=100, seconds=31.0), ['lateness, 99th']),
    ('late', 2.2, dict(size=1000, seconds=31.0), ['lateness above Karbor']),
    ('requests', 1301, dict(size=1000, seconds=31.0), ['requests to Trove']),
    ('requests', 2001, dict(size=1000, seconds=28800.0),
     ['requests to Trove']),
    ('polls', 25, dict(size=1000, seconds=31.0), ['polls per flow, 1,000']),
    ('polls', 851, dict(size=10, seconds=28800.0), ['polls per flow, backu']),
    ('cpu', 2.3, dict(size=100, seconds=31.0), ['CPU time above the floor']),
    ('memory', 6.1, dict(size=100, seconds=31.0), ['peak memory above']),
    ('build_seconds', 1.6, dict(size=100, seconds=31.0), [
        'time to build the flow']),
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


def test_99th_percentile_is_that_of_all_runs(data):
    late = made_up.protect(results.OURS, 1, 31.0, 0.01, 0.04)
    # The median of the three runs is within the limit.
    data['protect'] += [dict(late, lateness=[6.1], latest=6.1)]
    data['protect'] += [late]
    [failed] = list_failed(data)
    assert failed == ('lateness, 99th percentile, backups of 31 s, up to 100 '
                      'databases')


def test_worst_run_of_karbor_alone_is_not_subtracted(data):
    change(data, 'lateness', [6.5], size=1000, seconds=31.0)
    sleep = made_up.protect(results.SLEEP, 1000, 31.0, 100.0, 100.0)
    data['protect'] += [dict(sleep, lateness=[late], latest=late)
                        for late in (0.1, 3.0)]
    [failed] = list_failed(data)
    assert failed.startswith("lateness above Karbor's own, 99th percentile")


def test_percentiles_of_the_runs_are_used_if_there_is_nothing_else(data):
    for sample in data['protect']:
        sample.pop('lateness', None)
    change(data, 'latest', 6.1, size=100, seconds=31.0)
    [failed] = list_failed(data)
    assert failed.startswith('lateness, 99th percentile, backups of 31 s')


def find_bar(data, beginning):
    [bar] = [bar for bar in list_bars(data) if bar.name.startswith(beginning)]
    return bar


MEMORY = ('peak memory above the floor per database, backups of 31 s, 1,000 '
          'databases')


def add_floor_runs(data, *memory):
    """Add runs of noop with 1,000 databases. The first run has 100 MB."""
    data['protect'] += [made_up.protect(results.NOOP, 1000, None, 100.0,
                                        value, 100.0) for value in memory]


def test_need_below_that_of_the_floor_is_zero(data):
    change(data, 'memory', 60.0, size=1000, seconds=31.0)
    bar = find_bar(data, MEMORY)
    assert (bar.value, bar.outcome) == (0.0, bars.PASS)


@pytest.mark.parametrize('memory, floor, noise, outcome', [
    # The limit is 50 MB for 1,000 databases.
    (140.0, [75.0, 125.0], 50.0, bars.PASS),
    (140.0, [74.0, 125.0], 51.0, bars.NOT_MEASURABLE),
    (90.0, [74.0, 125.0], 51.0, bars.NOT_MEASURABLE),
    (151.0, [75.0, 125.0], 50.0, bars.FAIL),
    (151.0, [74.0, 125.0], 51.0, bars.NOT_MEASURABLE),
    # More than 50 MB even if the noise is subtracted.
    (202.0, [74.0, 125.0], 51.0, bars.FAIL)])
def test_difference_from_a_floor_with_noise_is_not_measurable(
        data, memory, floor, noise, outcome):
    change(data, 'memory', memory, size=1000, seconds=31.0)
    add_floor_runs(data, *floor)
    bar = find_bar(data, MEMORY)
    assert bar.noise == pytest.approx(noise)
    assert bar.outcome == outcome


def test_limits_of_cpu_time_and_memory_name_the_duration_of_the_backups(data):
    names = [bar.name for bar in list_bars(data)
             if 'above the floor' in bar.name or 'number of databases'
             in bar.name]
    assert len(names) == 7
    assert all('backups of 31 s' in name for name in names)


def test_warning_at_more_databases_than_recommended_fails(data):
    assert find_bar(data, 'databases in a plan').value == 300
    for sample in data['protect']:
        # 10 s for 258 databases.
        sample['build_seconds'] *= 1.5
    assert list_failed(data) == [
        'databases in a plan above which the log warns, compared with the '
        'recommended number']


def test_failed_limits_have_a_line_each(data):
    assert bars.describe_failures(list_bars(data)) == ''
    change(data, 'late', 2.5, size=10, seconds=31.0)
    change(data, 'polls', 900, size=10, seconds=28800.0)
    assert bars.describe_failures(list_bars(data)) == (
        'lateness, median, backups of 31 s, up to 100 databases: 2.50 s is '
        'above the limit of 2 s\n'
        'polls per flow, backups of 8 h: 900 is above the limit of 850')


def test_fewer_than_10_checkpoints_say_nothing_about_growth(data):
    data['arguments']['checkpoints'] = [1, 10]
    for sample in data['growth']:
        sample['checkpoints'] //= 10
        sample['bank_requests'] = min(5, sample['checkpoints'])
    assert find_bar(data, 'exponent of the bank requests of verify').value is (
        None)
    data['arguments']['checkpoints'] = [1, 10, 100]
    assert find_bar(
        data, 'exponent of the bank requests of verify').value == 0.0


def test_unmeasured_limits_neither_pass_nor_fail(data):
    data['protect'], data['growth'] = [], []
    assert {bar.outcome for bar in list_bars(data)} == {'not measured'}
