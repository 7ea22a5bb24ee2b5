# SPDX-License-Identifier: Apache-2.0

"""The results of the resources in Karbor's record of an operation."""

from typing import Any, List, NamedTuple

#: How many resources the list of records shows the reason of.
SHOWN_REASONS = 3


class Result(NamedTuple):
    """The result of one resource.

    :ivar status: Karbor's word, or '' if there is none.
    :ivar reason: one or more lines, or ''.
    """

    type: str
    id: str
    status: str
    reason: str


def list_results(record: Any) -> List[Result]:
    """Return the results of a record, those with an error first.

    :param record: a restore or a verification. Karbor's record has no
        statuses and no reasons before the first resource has one.
    """
    statuses = getattr(record, 'resources_status', None) or {}
    reasons = getattr(record, 'resources_reason', None) or {}
    results = []
    for key in {**statuses, **reasons}:
        type_, _, id_ = key.partition('#')
        results.append(Result(type_, id_, statuses.get(key) or '',
                              reasons.get(key) or ''))
    return sorted(results, key=lambda result: (
        result.status != 'error', result.type, result.id))


def summarize(record: Any) -> str:
    """Return the first line of the first reasons, or ''."""
    lines = [result.reason.splitlines()[0] for result in list_results(record)
             if result.reason.strip()]
    hidden = len(lines) - SHOWN_REASONS
    if hidden > 0:
        lines[SHOWN_REASONS:] = ['and %d more' % hidden]
    return '\n'.join(lines)
