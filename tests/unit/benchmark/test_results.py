"""Samples of the benchmark and figures over their runs."""

import pytest

from tests.benchmark import results
from tests.unit.benchmark import samples as made_up


def test_summary_counts_the_requests_of_each_service():
    sample = results.summarize(made_up.measured(), size=10)
    assert (sample['requests'], sample['polls'], sample['swift_requests'],
            sample['keystone_requests']) == (22, 5, 4, 1)


def test_summary_has_the_median_and_the_99th_percentile_of_the_lateness():
    sample = results.summarize(made_up.measured(
        lateness=[float(n) for n in range(1, 201)]))
    assert (sample['late'], sample['latest']) == (100.5, 198.0)


def test_summary_keeps_the_lateness_of_each_database_in_milliseconds():
    sample = results.summarize(made_up.measured(lateness=[0.12345, 2.0]))
    assert sample['lateness'] == [0.123, 2.0]


def test_summary_without_lateness_has_no_figure_of_it():
    assert not {'late', 'latest', 'lateness'} & results.summarize(
        made_up.measured()).keys()


@pytest.mark.parametrize('kept, latest, text', [
    # The percentile of 100 values is not the largest one.
    (True, 2.0, '2 (2 to 9)'),
    # The percentiles of the runs are 9 and 2.
    (False, 5.5, '5.50 (2 to 9)')])
def test_99th_percentile_is_that_of_all_runs_if_they_have_all_values(
        kept, latest, text):
    samples = [results.summarize(made_up.measured(lateness=values), size=50)
               for values in ([1.0] * 49 + [9.0], [2.0] * 50)]
    for sample in samples:
        if not kept:
            del sample['lateness']
    samples = results.Samples(samples)
    assert samples.latest(size=50) == latest
    assert samples.spread_latest(size=50) == text
    assert samples.latest(size=1) is None
    assert samples.spread_latest(size=1) == '-'


def test_seconds_of_a_backup_are_not_those_of_the_flow():
    sample = results.summarize(made_up.measured(seconds=40.0), seconds=31.0)
    assert (sample['seconds'], sample['total']) == (31.0, 40.0)


def test_medians_of_counts_that_differ_are_compared():
    first = [{'same': 2, 'polls': polls, 'only first': 1}
             for polls in (5, 9, 6)]
    second = [{'same': 2, 'polls': 8, 'only second': 3}]
    assert results.compare_counts(first, second) == {
        'only first': (1, 0), 'only second': (0, 3), 'polls': (6, 8)}


@pytest.fixture
def samples():
    return results.Samples([
        {'plugin': 'noop', 'size': 10, 'seconds': None, 'cpu': 1.0},
        {'plugin': 'in-tree', 'size': 10, 'seconds': 31.0, 'cpu': 9.0},
        *({'plugin': 'karbor-trove', 'size': 10, 'seconds': 31.0, 'cpu': cpu,
           'parts': parts}
          for cpu, parts in ((2.0, {'bank': 1.0}), (4.0, {'plugin': 1.0}),
                             (3.0, {'bank': 0.5, 'plugin': 0.5})))])


def test_median_is_that_of_the_runs_of_one_cell(samples):
    cell = dict(plugin='karbor-trove', size=10, seconds=31.0)
    assert samples.median('cpu', **cell) == 3.0
    assert samples.per_database('cpu', **cell) == 0.3
    assert samples.spread('cpu', **cell) == '3 (2 to 4)'


def test_unmeasured_cell_has_no_figures(samples):
    cell = dict(plugin='karbor-trove', size=100, seconds=31.0)
    assert samples.median('cpu', **cell) is None
    assert samples.per_database('cpu', **cell) is None
    assert samples.spread('cpu', **cell) == '-'
    assert samples.shares('parts', **cell) == {}


def test_floor_of_the_same_size_is_subtracted(samples):
    assert samples.above_floor('cpu', 'karbor-trove', 10, 31.0) == 2.0
    assert samples.above_floor('cpu', 'karbor-trove', 100, 31.0) is None


def test_shares_are_the_mean_of_the_runs(samples):
    assert samples.shares('parts', plugin='karbor-trove') == {
        'bank': 0.5, 'plugin': 0.5}
