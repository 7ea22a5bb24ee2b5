# SPDX-License-Identifier: Apache-2.0

"""Preflight checks of restore operations."""

import dataclasses
from typing import Optional, Sequence

from karbor_trove.backups import chain
from karbor_trove.preflight import compatibility
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import models


@dataclasses.dataclass(frozen=True)
class RestoreCandidate:
    """One instance that a restore is going to create."""

    request: models.InstanceRequest
    #: All backups of the project.
    backups: chain.Backups
    #: The size of the backup in GB when it was created. None if it was not
    #: recorded.
    recorded_size: Optional[float] = None


def check_restore(candidates: Sequence[RestoreCandidate],
                  catalog: trove_catalog.Catalog
                  ) -> preflight_problems.Problems:
    """Check whether all instances of a restore can be created.

    :param candidates: all instances of the restore. Quotas are checked for
        all of them together.
    :raises errors.KarborTroveError: Trove did not respond as expected.
    """
    problems = {
        candidate.request.original_id: [
            *compatibility.check_backup(candidate.request, candidate.backups,
                                        candidate.recorded_size),
            *compatibility.check_version(candidate.request, catalog),
            *compatibility.check_configuration(candidate.request, catalog)]
        for candidate in candidates}
    requests = [candidate.request for candidate in candidates]
    return preflight_problems.group_common(problems, [
        *compatibility.check_addresses(requests),
        *preflight_problems.check_quotas(catalog, {
            'instances': len(requests),
            'volumes': sum(request.volume_size or 0 for request in requests),
            'ram': sum(_get_ram(request, catalog) for request in requests),
        }, 'restore')])


def _get_ram(request: models.InstanceRequest,
             catalog: trove_catalog.Catalog) -> int:
    """Return the RAM of the requested flavor in MB. 0 if it is not known."""
    return max((catalog.list_flavors(str(request.datastore), version.id).get(
        str(request.flavor_id), 0) for version
        in compatibility.matching_versions(request, catalog)), default=0)
