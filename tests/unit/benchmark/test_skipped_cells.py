"""Cells that the benchmark leaves out."""

import argparse
import pathlib
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11),
                                reason='the benchmark needs Python 3.11')
if sys.version_info >= (3, 11):
    from tests.benchmark import __main__ as benchmark
    from tests.benchmark import results


@pytest.mark.parametrize('measured, is_skipped', [
    # One database needs as many polls as ten, so the size 1 expects too much.
    ({1: 842, 10: 850}, False),
    ({1: 842, 10: 8420}, True),
    # The size 10 was left out itself.
    ({1: 842}, True),
    ({}, False),
])
def test_largest_smaller_size_decides(measured, is_skipped):
    run = benchmark.Benchmark(argparse.Namespace(sizes=[1, 10, 100]),
                              pathlib.Path())
    run.protect = [{'plugin': results.OURS, 'size': size, 'seconds': 28800.0,
                    'requests': requests}
                   for size, requests in measured.items()]
    assert run._is_skipped(results.OURS, 100, 28800.0) == is_skipped
    assert len(run.skipped) == is_skipped


@pytest.mark.parametrize('sizes, is_wanted, reason', [
    ([1, 10], False, 'the run was with --no-real-trove'),
    ([11, 100], True, 'the run had no size up to 10'),
])
def test_real_trove_that_is_left_out_has_a_reason(sizes, is_wanted, reason):
    run = benchmark.Benchmark(argparse.Namespace(
        sizes=sizes, real_trove=is_wanted), pathlib.Path())
    assert run._measure_real() == {'skipped': reason}
