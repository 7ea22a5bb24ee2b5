# SPDX-License-Identifier: Apache-2.0

"""Progress of a long command on the terminal of an operator."""

import sys
from typing import Iterator, Sequence, TypeVar

from karbor_trove import polling

T = TypeVar('T')

#: Seconds from the start to the first line, and from one line to the next.
INTERVAL = 1.0
# Moves the cursor to the start of the line and deletes the line.
_ERASE = '\r\x1b[K'


def track(items: Sequence[T], description: str,
          is_slow: bool = False) -> Iterator[T]:
    """Yield the items, and show the progress on the terminal of the operator.

    The progress is one line, such as "Deleting backups: 3 of 10". The line is
    erased at the end. If standard error is not a terminal, nothing is shown.

    :param description: what is done with the items. This text must not contain
        text of a user, because control characters are not escaped.
    :param is_slow: whether a single item may take minutes. If True, the line
        is shown for each item. Otherwise the line is shown after one second,
        and at most once a second.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    clock = polling.SYSTEM_CLOCK
    next_time = clock.now() + INTERVAL
    is_shown = False
    try:
        for number, item in enumerate(items, 1):
            if is_slow or clock.now() >= next_time:
                # The carriage return at the end lets a message of the log
                # begin at the start of the same line.
                sys.stderr.write('%s%s: %d of %d\r' % (
                    _ERASE, description, number, len(items)))
                sys.stderr.flush()
                is_shown = True
                next_time = clock.now() + INTERVAL
            yield item
    finally:
        if is_shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
