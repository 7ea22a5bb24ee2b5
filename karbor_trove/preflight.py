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
from typing import (Dict, Iterable, Iterator, List, Mapping, Optional,
                    Sequence)

from oslo_log import log as logging

from karbor_trove import catalog as catalogs
from karbor_trove import errors
from karbor_trove import fit
from karbor_trove import looks
from karbor_trove import trove
from karbor_trove import values

LOG = logging.getLogger(__name__)

#: A sentence for each problem, by the original's id.
Problems = Dict[str, List[str]]

_UNITS = {'volumes': ' GB', 'ram': ' MB'}


@dataclasses.dataclass(frozen=True)
class Case:
    """One instance of a restore."""

    request: values.InstanceRequest
    #: All of the project, as Trove tells them now, by id.
    backups: Mapping[str, values.Backup]
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
    if catalog.quotas() is None:
        LOG.info('Trove does not tell the quotas: they are not checked before '
                 'the backups of %s', ', '.join(instance_ids))
    return _with_common(problems, _lacking(
        catalog, {'backups': len(instance_ids)}, 'protect'))


def restore(cases: Sequence[Case], catalog: catalogs.Catalog) -> Problems:
    """Find what stands in the way of restores.

    :param cases: all that are made together: quotas are for all of them.
    :raises errors.TroveError: Trove cannot be asked.
    """
    problems: Problems = {}
    for case in cases:
        found = list(fit.of_backup(case.request, case.backups,
                                   case.recorded_size))
        found += fit.of_version(case.request, catalog)
        found += fit.of_configuration(case.request, catalog)
        problems[case.request.original_id] = found
    requests = [case.request for case in cases]
    return _with_common(problems, [
        *fit.of_addresses(requests),
        *_lacking(catalog, {
            'instances': len(requests),
            'volumes': sum(one.volume_size or 0 for one in requests),
            'ram': sum(_ram(one, catalog) for one in requests)}, 'restore')])


def _with_common(problems: Problems, sentences: Iterable[str]) -> Problems:
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
    return max((catalog.flavors(str(request.datastore), version.id).get(
        str(request.flavor_id), 0)
        for version in fit.found_versions(request, catalog)), default=0)
