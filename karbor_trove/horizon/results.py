# SPDX-License-Identifier: Apache-2.0

"""The results of the single resources of a restore or a verification."""

from typing import Any, List, Mapping, NamedTuple, Optional

#: How many lines of reasons the list of records shows for one record.
SHOWN_LINES = 3
#: The start of the reason of a resource whose operation was not started,
#: because the operation of another resource failed.
_NOT_STARTED = 'not started'


class Result(NamedTuple):
    """The result of one resource in a restore or a verification.

    :ivar type: the resource type, such as "OS::Trove::Instance".
    :ivar id: the id of the resource.
    :ivar name: the name of the resource. '' if the name is not known.
    :ivar status: Karbor's status of the resource. '' if there is no status.
    :ivar reason: the reason for the status, in one or more lines. '' if there
        is no reason.
    """

    type: str
    id: str
    name: str
    status: str
    reason: str


def list_results(record: Any, names: Optional[Mapping[str, str]] = None
                 ) -> List[Result]:
    """Return the results of all resources of a restore or a verification.

    Failed resources come first. Resources that were not started because
    another resource failed come next. Resources without an error come last.

    :param record: a restore or a verification, as Karbor's API returns it. If
        `record` has no resources yet, the returned list is empty.
    :param names: the name of each resource, by the id of the resource. None if
        no name is known.
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
    """Return the reasons of all resources in a few lines.

    The first line of each reason is used. Equal lines are returned only once.
    At most SHOWN_LINES of these lines are returned. If there are more, a line
    such as "and 2 more" follows.

    :param record: a restore or a verification, as Karbor's API returns it.
    :returns: '' if no resource has a reason.
    """
    lines = list(dict.fromkeys(
        result.reason.splitlines()[0] for result in list_results(record)
        if result.reason.strip()))
    hidden = len(lines) - SHOWN_LINES
    if hidden > 0:
        lines[SHOWN_LINES:] = ['and %d more' % hidden]
    return '\n'.join(lines)
