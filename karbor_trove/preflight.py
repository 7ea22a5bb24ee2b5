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

"""Would it work? Asked of a whole flow before anything is created."""

import dataclasses
import math
from typing import Dict, Iterable, Iterator, List, Optional, Sequence

from karbor_trove import catalog as catalogs
from karbor_trove import choices
from karbor_trove import errors
from karbor_trove import looks
from karbor_trove import trove
from karbor_trove import values

#: A sentence for each problem, by the original's id.
Problems = Dict[str, List[str]]

_UNITS = {'volumes': ' GB', 'ram': ' MB'}


@dataclasses.dataclass(frozen=True)
class Case:
    """One instance of a restore."""

    request: values.InstanceRequest
    #: As Trove tells it now; None: it is gone.
    backup: Optional[values.Backup]
    #: GB, as recorded; None: not known.
    recorded_size: Optional[float] = None


def reason(problems: Problems, original_id: str, cannot: str) -> str:
    """Say why an instance is not begun: for its own sake, or for another's.

    :param cannot: what the others cannot, as "restore cannot be restored".
    """
    return '\n'.join(problems.get(original_id, [
        'not begun, since another database of this %s: %s'
        % (cannot, ', '.join(sorted(problems)))]))


def protect(instance_ids: Sequence[str], gateway: trove.Gateway,
            catalog: catalogs.Catalog) -> Problems:
    """Find what stands in the way of backups.

    An instance that is merely busy is no problem: it is waited for.

    :param instance_ids: all that are backed up together: the quota is for
        all of them.
    :raises errors.TroveError: Trove cannot be asked.
    """
    # Fewer requests than a look at each; but a list leaves out members of
    # clusters, and faults.
    listed = {one.id: one for one in gateway.instances()} if (
        len(instance_ids) > 1) else {}
    problems: Problems = {}
    for instance_id in instance_ids:
        seen = listed.get(instance_id)
        problems[instance_id] = [] if seen and not seen.is_lost else list(
            _of_instance(instance_id, gateway))
    return _with_quotas(problems, _lacking(
        catalog, {'backups': len(instance_ids)}, 'protect'))


def restore(cases: Sequence[Case], catalog: catalogs.Catalog) -> Problems:
    """Find what stands in the way of restores.

    :param cases: all that are made together: quotas are for all of them.
    :raises errors.TroveError: Trove cannot be asked.
    """
    problems: Problems = {}
    for case in cases:
        found = list(_of_backup(case))
        found += _of_version(case.request, catalog)
        found += _of_configuration(case.request, catalog)
        problems[case.request.original_id] = found
    requests = [case.request for case in cases]
    return _with_quotas(problems, _lacking(catalog, {
        'instances': len(requests),
        'volumes': sum(one.volume_size or 0 for one in requests),
        'ram': sum(_ram(one, catalog) for one in requests)}, 'restore'))


def _with_quotas(problems: Problems, sentences: Iterable[str]) -> Problems:
    """Add what concerns all, and leave out who has no problem."""
    for sentence in sentences:
        for found in problems.values():
            found.append(sentence)
    return {original: found for original, found in problems.items() if found}


def _of_instance(instance_id: str, gateway: trove.Gateway) -> Iterator[str]:
    try:
        instance = looks.usable_instance(gateway, instance_id)
    except (errors.Failed, errors.Gone) as error:
        yield str(error)
        return
    # It answers HTTP 501 [Backup.create() in trove/backup/models.py, 26.0.0].
    if instance.cluster_id:
        yield ('instance %s is a member of cluster %s, and Trove backs up '
               'none of those' % (instance_id, instance.cluster_id))


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


def _lacking(catalog: catalogs.Catalog, needs: Dict[str, int],
             flow: str) -> Iterator[str]:
    quotas = catalog.quotas() or {}
    for resource, need in needs.items():
        quota = quotas.get(resource)
        if quota and quota.left is not None and need > quota.left:
            unit = _UNITS.get(resource, '')
            yield ('quota of %s: this %s needs %d%s and %d%s of %d are left'
                   % (resource, flow, need, unit, quota.left, unit,
                      quota.limit))


def _ram(request: values.InstanceRequest, catalog: catalogs.Catalog) -> int:
    version = catalog.versions(request.datastore or '').get(
        request.datastore_version or '')
    if version is None:
        return 0
    return catalog.flavors(str(request.datastore), version).get(
        str(request.flavor_id), 0)


def _listed(names: Iterable[str]) -> str:
    return ', '.join(sorted(names)) or 'none'
