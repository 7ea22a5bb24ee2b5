"""How long the backups of the benchmark's runs take."""

import argparse
import pathlib
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11),
                                reason='the benchmark needs Python 3.11')
if sys.version_info >= (3, 11):
    from tests.benchmark import __main__ as benchmark
    from tests.benchmark import results


@pytest.mark.parametrize('seconds, spread', [(31.0, 3.1), (28800.0, 60.0)])
@pytest.mark.parametrize('runs', [5, 11, 25])
def test_durations_are_spread_evenly_over_one_pause(seconds, spread, runs):
    durations = [benchmark.spread_duration(seconds, run)
                 for run in range(runs)]
    assert durations[0] == seconds
    ordered = sorted(durations)
    # A poll that comes once per pause is met in all its positions.
    gaps = [late - early for early, late in zip(
        ordered, ordered[1:] + [ordered[0] + spread])]
    assert sum(gaps) == pytest.approx(spread)
    assert max(gaps) < 2 * spread / runs
    assert ordered[0] >= seconds - spread / 2
    assert ordered[-1] <= seconds + spread / 2


def create_run(runs):
    """Return a benchmark that measures nothing, and what it would measure.

    Each flow ends a second after its backups.

    :returns: the benchmark, the list of the durations, and the list of the
        plugins and whether the clock skips.
    """
    def measure(kind, plugin, size, seconds, **settings):
        durations.append(seconds)
        cells.append((plugin, settings.get('skips', True)))
        return {'seconds': seconds + 1.0, 'lateness': [1.0],
                'report': {'requests': {}, 'seconds': 0.0}}

    durations, cells = [], []
    run = benchmark.Benchmark(argparse.Namespace(
        runs=runs, sizes=[10], seconds=[31.0, 60.0]), pathlib.Path())
    run._measure = measure
    return run, durations, cells


def test_seconds_of_a_flow_are_those_of_the_duration_of_its_cell():
    run, durations, _ = create_run(runs=5)
    run._repeat(run.protect, 'protect', results.OURS, 10, 31.0)
    assert len(set(durations)) == 5
    assert [sample['total'] for sample in run.protect] == pytest.approx(
        [32.0] * 5)
    assert {sample['seconds'] for sample in run.protect} == {31.0}


def test_runs_without_a_duration_have_the_same_one():
    run, durations, _ = create_run(runs=3)
    run._repeat(run.listing, 'listing', results.OURS, 5000)
    assert durations == [2.0] * 3


@pytest.mark.parametrize('plugin, seconds, runs', [
    # Limits of the CPU time compare this.
    ('noop', None, 5),
    # Limits of the lateness compare these.
    ('karbor-trove', 31.0, 9), ('karbor-trove', 60.0, 9),
    # Limits of the lateness subtract that of these.
    ('sleep', 31.0, 3), ('sleep', 60.0, 3),
    ('karbor-trove', 2.0, 1), ('sleep', 2.0, 1), ('in-tree', 31.0, 1),
])
def test_only_cells_that_a_limit_compares_are_run_again_if_they_take_long(
        monkeypatch, plugin, seconds, runs):
    monkeypatch.setattr(benchmark, '_CELL_SECONDS', -1.0)
    run, durations, _ = create_run(runs=11)
    run._repeat(run.protect, 'protect', plugin, 1000, seconds)
    assert len(durations) == runs


def test_cells_of_one_size_take_turns(monkeypatch):
    monkeypatch.setattr(benchmark, '_CELL_SECONDS', -1.0)
    run, _, cells = create_run(runs=11)
    run._measure_protect()
    plugins = [plugin for plugin, _ in cells]
    # The cells that are run most often come first.
    compared = ['karbor-trove', 'karbor-trove', 'noop', 'sleep', 'sleep']
    others = ['in-tree', 'in-tree']
    assert plugins == [*compared, *others, *compared, *compared,
                       *compared[:3], *compared[:3], *4 * compared[:2]]


def test_failed_cell_of_the_in_tree_plugin_stops_no_other_cell():
    run, _, cells = create_run(runs=2)
    measure = run._measure

    def fail(kind, plugin, size, seconds):
        if plugin == results.IN_TREE:
            raise benchmark.children.Failure('no such instance')
        return measure(kind, plugin, size, seconds)
    run._measure = fail
    run._measure_protect()
    assert {item['plugin'] for item in run.skipped} == {results.IN_TREE}
    assert [plugin for plugin, _ in cells].count('noop') == 2
    assert len(cells) == 2 * 5


def test_time_of_other_cells_does_not_count(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(benchmark.time, 'monotonic', lambda: now[0])
    run, durations, _ = create_run(runs=3)
    for _ in run._run_cell('protect', results.OURS, 10, 31.0):
        # Another cell takes long.
        now[0] += 1000.0
    assert len(durations) == 3


def test_control_measures_each_duration_with_both_clocks():
    run, durations, cells = create_run(runs=11)
    run._measure_control()
    assert cells == 5 * [('karbor-trove', True), ('karbor-trove', False),
                         ('in-tree', True), ('in-tree', False)]
    assert durations[::4] == durations[1::4] == durations[3::4]
    assert len(set(durations)) == 5
    assert [sample['total'] for sample in run.control] == pytest.approx(
        20 * [13.0])
    assert {sample['clock'] for sample in run.control} == {'skipping', 'real'}


def test_number_of_runs_holds_for_cells_that_a_cpu_limit_compares():
    run, durations, _ = create_run(runs=1)
    run._repeat(run.protect, 'protect', results.NOOP, 1000)
    assert len(durations) == 1
