# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""..."""

import dataclasses
from typing import Mapping, Optional, Sequence

from karbor_trove.preflight import compatibility
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import models


@dataclasses.dataclass(frozen=True)
class RestoreCandidate:
    """One instance of a restore."""

    request: models.InstanceRequest
    #: All of the project, as Trove tells them now, by id.
    backups: Mapping[str, models.Backup]
    #: GB, as recorded; None: not known.
    recorded_size: Optional[float] = None


def check_restore(
        cases: Sequence[RestoreCandidate],
        catalog: trove_catalog.Catalog) -> preflight_problems.Problems:
    """Find what stands in the way of restores.

    :param cases: all that are made together: quotas are for all of them.
    :raises errors.TroveError: Trove cannot be asked.
    """
    problems: preflight_problems.Problems = {}
    for case in cases:
        found = list(compatibility.check_backup(case.request, case.backups,
                                                case.recorded_size))
        found += compatibility.check_version(case.request, catalog)
        found += compatibility.check_configuration(case.request, catalog)
        problems[case.request.original_id] = found
    requests = [case.request for case in cases]
    return preflight_problems.group_common(problems, [
        *compatibility.check_addresses(requests),
        *preflight_problems.check_quotas(catalog, {
            'instances': len(requests),
            'volumes': sum(one.volume_size or 0 for one in requests),
            'ram': sum(_ram(one, catalog) for one in requests)}, 'restore')])


def _ram(request: models.InstanceRequest,
         catalog: trove_catalog.Catalog) -> int:
    return max((catalog.list_flavors(str(request.datastore), version.id).get(
        str(request.flavor_id), 0)
        for version in compatibility.matching_versions(request, catalog)), default=0)
