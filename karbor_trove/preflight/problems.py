# SPDX-License-Identifier: Apache-2.0

"""Problems of the instances of a flow, and checks of quotas."""

from typing import Dict, Iterable, Iterator, List

from karbor_trove.trove import catalog as trove_catalog

#: The problems of each instance of a flow, one sentence each, by the id of the
#: original instance.
Problems = Dict[str, List[str]]
_UNITS = {'volumes': ' GB', 'ram': ' MB'}


def append_common(problems: Problems, common: Iterable[str]) -> Problems:
    """Append the problems of a whole flow to the problems of each instance.

    :param problems: the problems of all instances of the flow. The list of an
        instance may be empty.
    :param common: the problems of the flow as a whole, such as a quota that is
        too small.
    :returns: the problems of each instance, followed by all common problems.
        If there are no common problems, the result has only the instances with
        problems of their own.
    """
    common = list(common)
    return {original_id: sentences + common
            for original_id, sentences in problems.items()
            if sentences or common}


def check_quotas(catalog: trove_catalog.Catalog, needs: Dict[str, int],
                 operation: str) -> Iterator[str]:
    """Check that the quotas of the project allow what a flow creates.

    Quotas that Trove does not show to the user are not checked.

    :param needs: the amounts that the flow creates, by Trove's name of the
        quota. For example, {'volumes': 20} for volumes of 20 GB.
    :param operation: "protect" or "restore". The problems name it.
    :returns: one problem for each quota that is too small.
    """
    quotas = catalog.find_quotas() or {}
    for resource, need in needs.items():
        quota = quotas.get(resource)
        if quota and quota.remaining is not None and need > quota.remaining:
            unit = _UNITS.get(resource, '')
            yield ('quota of %s: this %s needs %d%s and %d%s of %d are left'
                   % (resource, operation, need, unit, quota.remaining, unit,
                      quota.limit))
