# SPDX-License-Identifier: Apache-2.0

"""Times as text."""

import datetime
from typing import Optional

from oslo_utils import timeutils


def parse_utc(text: str) -> datetime.datetime:
    """Return the time that is written in a text in ISO format.

    The returned time is in UTC, without a zone, in whole seconds. A text
    without a zone is read as UTC, because Trove and our journals write UTC
    without a zone.

    :raises ValueError: the text is not a time.
    """
    time: datetime.datetime = timeutils.normalize_time(
        timeutils.parse_isotime(text))
    return time.replace(microsecond=0)


def format_utc(time: datetime.datetime) -> str:
    """Return a time as text for people, such as "2026-01-01T12:00:00Z".

    :param time: UTC, without a zone.
    """
    return time.replace(microsecond=0).isoformat() + 'Z'


def add_zone(text: Optional[str]) -> Optional[str]:
    """Return a stored time with its zone, such as "2026-01-01T12:00:00Z".

    :param text: the text in the bank. None if the bank has no time.
    :returns: the time in UTC with the zone "Z". A text that is not a time is
        returned unchanged. None if the bank has no time.
    """
    if text is None:
        return None
    try:
        return format_utc(parse_utc(text))
    except ValueError:
        return text
