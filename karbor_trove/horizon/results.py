# SPDX-License-Identifier: Apache-2.0

"""The results of the resources in Karbor's record of an operation."""

from typing import Any, List, Mapping, NamedTuple, Optional

#: How many lines of reasons the list of records shows for one record.
SHOWN_LINES = 3
#: The start of the reason of a resource whose operation was not started,
#: because the operation of another resource failed.
_NOT_STARTED = 'not started'


class Result(NamedTuple):
    """The result of one resource.

    :ivar name: the name of the resource. '' if the name is not known.
    :ivar status: Karbor's status of the resource. '' if there is no status.
    :ivar reason: one or more lines. '' if there is no reason.
    """

    type: str
    id: str
    name: str
    status: str
    reason: str


def list_results(record: Any, names: Optional[Mapping[str, str]] = None
                 ) -> List[Result]:
    """Return the result of each resource in a record.

    Resources that failed come first. The next results are those of resources
    that were not started because another resource failed. Resources without an
    error come last.

    :param record: Karbor's record of a restore or a verification. A new record
        has no resources, and then the list is empty.
    :param names: the names of the resources, by their ids. None if no name is
        known.
    """
    statuses = getattr(record, 'resources_status', None) or {}
    reasons = getattr(record, 'resources_reason', None) or {}
    results = []
    for key in {**statuses, **reasons}:
        type_, _, id_ = key.partition('#')
        results.append(Result(
            type_, id_, (names or {}).get(id_, ''),
            statuses.get(key) or '', reasons.get(key) or ''))
    return sorted(results, key=lambda result: (
        result.status != 'error', result.reason.startswith(_NOT_STARTED),
        result.type, result.id))


def summarize(record: Any) -> str:
    """Return the first line of each reason, without repeated lines.

    If there are more than SHOWN_LINES lines, the last line of the result is
    the number of the other lines. The result is '' if there is no reason.
    """
    lines = list(dict.fromkeys(
        result.reason.splitlines()[0] for result in list_results(record)
        if result.reason.strip()))
    hidden = len(lines) - SHOWN_LINES
    if hidden > 0:
        lines[SHOWN_LINES:] = ['and %d more' % hidden]
    return '\n'.join(lines)
