"""Recommended size of a plan."""

import json
import uuid

from karbor.common import constants
import pytest

from karbor_trove.operations import flow
from karbor_trove.operations import protect
from tests.benchmark import plan_size
from tests.benchmark import results
from tests.unit.benchmark import samples


def list_keys(count):
    return [(constants.DATABASE_RESOURCE_TYPE, str(uuid.UUID(int=number)))
            for number in range(count)]


def build_statuses(count):
    return {'#'.join(key): constants.RESOURCE_STATUS_AVAILABLE
            for key in list_keys(count)}


def build_reasons(count):
    """Return reasons of 300 characters, shortened as for a restore."""
    texts = flow._shorten_reasons(
        {key: flow._build_reason('x' * 300) for key in list_keys(count)},
        flow._MAX_BYTES)
    return {'#'.join(key): text for key, text in texts.items()}


@pytest.mark.parametrize('build, count', [
    (build_statuses, plan_size.STATUSES), (build_reasons, plan_size.REASONS)])
def test_restore_of_more_databases_does_not_fit_into_its_column(build, count):
    assert len(json.dumps(build(count))) <= 65535
    assert len(json.dumps(build(count + 1))) > 65535


def test_warned_size_is_that_of_the_protect_operation():
    assert plan_size.read_warned_size() == protect._LARGE_PLAN


def test_recommended_plan_takes_ten_seconds_at_most():
    # 0.0001 * n ** 2 seconds for n databases.
    recommendation = plan_size.recommend(
        results.Samples(samples.data()['protect']), samples.SIZES)
    assert (recommendation.size, recommendation.largest) == (300, 750)
    assert recommendation.exponent == pytest.approx(2.0)
    assert recommendation.seconds == pytest.approx(9.0)


@pytest.mark.parametrize('sizes', [[], [1, 10], [1000]])
def test_two_sizes_of_10_databases_or_more_are_needed(sizes):
    assert plan_size.recommend(
        results.Samples(samples.data()['protect']), sizes) is None
