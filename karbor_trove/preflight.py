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
import math
from typing import Dict, Iterable, Iterator, List, Optional, Sequence

from karbor_trove import catalog as catalogs
from karbor_trove import choices
from karbor_trove import values

Problems = Dict[str, List[str]]


@dataclasses.dataclass(frozen=True)
class Case:
    """One instance of a restore."""

    request: values.InstanceRequest
    #: As Trove tells it now; None: it is gone.
    backup: Optional[values.Backup]
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
        found = list(_of_backup(case))
        found += _of_version(case.request, catalog)
        found += _of_configuration(case.request, catalog)
        problems[case.request.original_id] = found
    for sentence in _of_quotas(cases, catalog):
        for found in problems.values():
            found.append(sentence)
    return {original: found for original, found in problems.items() if found}


def _of_backup(case: Case) -> Iterator[str]:
    if case.backup is None:
        yield 'backup %s is gone' % case.request.backup_id
        return
    if not case.backup.is_complete:
        yield 'backup %s is not COMPLETED, but %s' % (case.backup.id,
                                                      case.backup.status)
    size = case.backup.size or case.recorded_size
    volume = case.request.volume_size
    if size and volume and volume < math.ceil(size):
        yield ('restore_volume_size %d is too small: the backup has %g GB, '
               'pass %d or more' % (volume, size, math.ceil(size)))


def _of_version(request: values.InstanceRequest,
                catalog: catalogs.Catalog) -> Iterator[str]:
    if not request.datastore or not request.datastore_version:
        return
    versions = catalog.versions(request.datastore)
    if request.datastore_version not in versions:
        yield ('version %s of datastore %s is not there or not active: pass '
               'restore_datastore_version, one of %s' % (
                   request.datastore_version, request.datastore,
                   _listed(versions)))
        return
    flavors = catalog.flavors(request.datastore,
                              versions[request.datastore_version])
    if request.flavor_id is not None and str(
            request.flavor_id) not in flavors:
        yield ('flavor %s is not there or not for this version: pass '
               'restore_flavor_id, one of %s' % (request.flavor_id,
                                                 _listed(flavors)))


def _of_configuration(request: values.InstanceRequest,
                      catalog: catalogs.Catalog) -> Iterator[str]:
    group = request.configuration_id
    if group is None or group == choices.NO_CONFIGURATION:
        return
    fits = catalog.configuration(group)
    if fits is None:
        yield ('configuration group %s is gone: pass '
               'restore_configuration_id, another one or "%s"'
               % (group, choices.NO_CONFIGURATION))
    elif fits != (request.datastore, request.datastore_version):
        yield ('configuration group %s is for %s %s: pass '
               'restore_configuration_id, another one or "%s"'
               % (group, fits[0], fits[1], choices.NO_CONFIGURATION))


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
    version = catalog.versions(request.datastore or '').get(
        request.datastore_version or '')
    if version is None:
        return 0
    return catalog.flavors(str(request.datastore), version).get(
        str(request.flavor_id), 0)


def _listed(names: Iterable[str]) -> str:
    return ', '.join(sorted(names)) or 'none'
