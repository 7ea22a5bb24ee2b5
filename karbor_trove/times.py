# SPDX-License-Identifier: Apache-2.0

"""Conversion of times from text and into text."""

import datetime
from typing import Optional

from oslo_utils import timeutils


def parse_utc(text: str) -> datetime.datetime:
    """Return the time that a text in ISO format contains.

    If the text has no time zone, the time is read as UTC. Trove and the
    journals of this package write UTC without a time zone.

    :returns: the time in UTC and in whole seconds, without a time zone
        (tzinfo).
    :raises ValueError: the text is not a time.
    """
    time: datetime.datetime = timeutils.normalize_time(
        timeutils.parse_isotime(text))
    return time.replace(microsecond=0)


def format_utc(time: datetime.datetime) -> str:
    """Return a time as text for people, such as "2026-01-01T12:00:00Z".

    :param time: a time in UTC without a time zone (tzinfo).
    """
    return time.replace(microsecond=0).isoformat() + 'Z'


def add_zone(text: Optional[str]) -> Optional[str]:
    """Return the text of a stored time with the time zone of UTC.

    For example, the result for "2026-01-01T12:00:00" is
    "2026-01-01T12:00:00Z".

    :param text: the text in the bank. None if the bank has no time.
    :returns: the time in UTC, with "Z" at the end. If `text` is not a time,
        `text` is returned unchanged. None if `text` is None.
    """
    if text is None:
        return None
    try:
        return format_utc(parse_utc(text))
    except ValueError:
        return text
