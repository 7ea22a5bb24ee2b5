# SPDX-License-Identifier: Apache-2.0

"""Times as text."""

import datetime

from oslo_utils import timeutils


def parse_utc(text: str) -> datetime.datetime:
    """Return the time that a text in ISO format names.

    The returned time is in UTC, without a zone, in whole seconds. A text
    without a zone is read as UTC, because Trove and our journals write UTC
    without a zone.

    :raises ValueError: the text is not a time.
    """
    time: datetime.datetime = timeutils.normalize_time(
        timeutils.parse_isotime(text))
    return time.replace(microsecond=0)
