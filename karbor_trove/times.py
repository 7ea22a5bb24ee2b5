# SPDX-License-Identifier: Apache-2.0

"""Times as text."""

import datetime

from oslo_utils import timeutils


def parse_utc(text: str) -> datetime.datetime:
    """Return a time in ISO format: UTC, without a zone, whole seconds.

    A time without a zone is in UTC, as those of Trove and of our journals.

    :raises ValueError: the text is not a time.
    """
    time: datetime.datetime = timeutils.normalize_time(
        timeutils.parse_isotime(text))
    return time.replace(microsecond=0)
