"""Percentiles, fitted exponents and spreads of the benchmark."""

import pytest

from tests.benchmark import figures


@pytest.mark.parametrize('share, expected', [
    (0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_percentile_is_the_nearest_rank(share, expected):
    assert figures.percentile([float(n) for n in range(100, 0, -1)],
                              share) == expected


def test_percentile_of_few_values_is_the_largest_one():
    assert figures.percentile([2.0, 1.0, 3.0], 0.99) == 3.0


@pytest.mark.parametrize('exponent', [-1.0, 0.0, 0.5, 1.0, 2.0])
def test_exponent_of_a_power_law_is_found(exponent):
    values = {n: 3.0 * n ** exponent for n in (1, 10, 100, 1000)}
    assert figures.fit_exponent(values) == pytest.approx(exponent)


def test_exponent_has_the_least_squared_error():
    # The error of the second and of the third point are equal.
    assert figures.fit_exponent(
        {1: 1.0, 10: 20.0, 100: 200.0, 1000: 1000.0}) == pytest.approx(1.0)


@pytest.mark.parametrize('values', [{}, {10: 5.0}, {10: 5.0, 100: 0.0},
                                    {10: 5.0, 100: -1.0}])
def test_exponent_needs_two_positive_values(values):
    assert figures.fit_exponent(values) is None


def test_size_at_a_limit_follows_from_the_power_law():
    values = {n: 0.0001 * n ** 2 for n in (10, 100, 1000)}
    assert figures.find_size(values, 10.0) == pytest.approx(316.2, abs=0.1)


def test_size_at_a_limit_begins_at_the_nearest_measured_point():
    # The first two points have another exponent.
    values = {1: 1.0, 10: 1.0, 100: 10.0}
    assert figures.find_size(values, 10.0) == pytest.approx(100.0)


@pytest.mark.parametrize('values', [{10: 1.0}, {10: 1.0, 100: 1.0},
                                    {10: 2.0, 100: 1.0}])
def test_figures_that_do_not_grow_have_no_size_at_a_limit(values):
    assert figures.find_size(values, 10.0) is None


@pytest.mark.parametrize('value, expected', [
    (316.2, 300), (360.0, 350), (96.0, 95), (1000.0, 1000), (7.6, 7),
    (1499.0, 1000)])
def test_sizes_are_rounded_down(value, expected):
    assert figures.round_down(value) == expected


@pytest.mark.parametrize('value, expected', [
    (0.0, '0'), (0.1234, '0.12'), (-3.456, '-3.46'), (12.34, '12.3'),
    (123.4, '123'), (19220, '19,220'), (5.0, '5')])
def test_numbers_have_three_digits(value, expected):
    assert figures.format_number(value) == expected


@pytest.mark.parametrize('values, expected', [
    ([], '-'), ([1.5], '1.50'), ([1.0, 1.0], '1'),
    ([3.0, 1.25, 2.5], '2.50 (1.25 to 3)')])
def test_spread_has_the_median_and_the_range(values, expected):
    assert figures.format_spread(values) == expected


@pytest.mark.parametrize('values, expected', [
    ([], '-'), ([3.0], '2.75'), ([3.0, 1.25], '2.75 (1.25 to 3)')])
def test_spread_may_have_another_figure(values, expected):
    assert figures.format_spread(values, 2.75) == expected
