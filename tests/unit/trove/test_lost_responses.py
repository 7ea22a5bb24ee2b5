"""Time after which a request without a response creates nothing any more."""

import datetime

import pytest

from karbor_trove.trove import lost_responses

NOON = datetime.datetime(2026, 1, 1, 12)


@pytest.mark.parametrize('seconds, expected', [
    (0, False), (899, False), (900, True), (901, True)])
def test_request_is_settled_after_exactly_15_minutes(seconds, expected):
    """These are 10 minutes in flight and 5 minutes for the clocks."""
    assert lost_responses.is_settled(
        NOON.isoformat(), NOON + datetime.timedelta(seconds=seconds)
    ) is expected


@pytest.mark.parametrize('time_before_request, now', [
    (None, NOON), (NOON.isoformat(), None), (None, None)])
def test_request_is_never_settled_without_both_times(time_before_request, now):
    assert not lost_responses.is_settled(time_before_request, now)
