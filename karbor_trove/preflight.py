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

"""Would it work? Asked of a whole restore before anything is created."""

import dataclasses
from typing import Dict, Iterator, List, Mapping, Optional, Sequence

from karbor_trove import catalog as catalogs
from karbor_trove import fit
from karbor_trove import values

Problems = Dict[str, List[str]]


@dataclasses.dataclass(frozen=True)
class Case:
    """One instance of a restore."""

    request: values.InstanceRequest
    #: All of the project, as Trove tells them now, by id.
    backups: Mapping[str, values.Backup]
    #: GB, as recorded; None: not known.
    recorded_size: Optional[float] = None


def restore(cases: Sequence[Case], catalog: catalogs.Catalog) -> Problems:
    """Find what stands in the way of restores.

    :param cases: all that are made together: quotas are for all of them.
    :returns: a sentence for each problem, by the original's id.
    :raises errors.TroveError: Trove cannot be asked.
    """
    problems: Problems = {}
    for case in cases:
        found = list(fit.of_backup(case.request, case.backups,
                                   case.recorded_size))
        found += fit.of_version(case.request, catalog)
        found += fit.of_configuration(case.request, catalog)
        problems[case.request.original_id] = found
    for sentence in [*fit.of_addresses([case.request for case in cases]),
                     *_of_quotas(cases, catalog)]:
        for found in problems.values():
            found.append(sentence)
    return {original: found for original, found in problems.items() if found}


def _of_quotas(cases: Sequence[Case],
               catalog: catalogs.Catalog) -> Iterator[str]:
    quotas = catalog.quotas()
    if quotas is None:
        return
    requests = [case.request for case in cases]
    needs = {'instances': len(requests),
             'volumes': sum(one.volume_size or 0 for one in requests),
             'ram': sum(_ram(one, catalog) for one in requests)}
    units = {'instances': '', 'volumes': ' GB', 'ram': ' MB'}
    for resource, need in needs.items():
        quota = quotas.get(resource)
        if quota and quota.left is not None and need > quota.left:
            yield ('quota of %s: this restore needs %d%s and %d%s of %d are '
                   'left' % (resource, need, units[resource], quota.left,
                             units[resource], quota.limit))


def _ram(request: values.InstanceRequest, catalog: catalogs.Catalog) -> int:
    return max((catalog.flavors(str(request.datastore), version.id).get(
        str(request.flavor_id), 0)
        for version in fit.found_versions(request, catalog)), default=0)
