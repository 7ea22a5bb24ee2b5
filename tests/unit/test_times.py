"""Times as text."""

import datetime

import pytest

from karbor_trove import times


@pytest.mark.parametrize('text', [
    '2026-01-01T12:00:00', '2026-01-01 12:00:00', '2026-01-01T12:00:00Z',
    '2026-01-01T12:00:00+00:00', '2026-01-01T14:00:00+02:00',
    '2026-01-01T12:00:00.123456', '2026-01-01T12:00:00.999Z'])
def test_a_time_is_read_with_and_without_a_zone(text):
    assert times.parse_utc(text) == datetime.datetime(2026, 1, 1, 12)


@pytest.mark.parametrize('text', ['yesterday', '', '2026-13-01T12:00:00'])
def test_what_is_no_time_is_an_error(text):
    with pytest.raises(ValueError):
        times.parse_utc(text)


@pytest.mark.parametrize('text, expected', [
    (None, None), ('2026-01-01T12:00:00', '2026-01-01T12:00:00Z'),
    ('2026-01-01T14:00:00.5+02:00', '2026-01-01T12:00:00Z'),
    ('yesterday', 'yesterday')])
def test_zone_is_added_to_a_stored_time(text, expected):
    assert times.add_zone(text) == expected
