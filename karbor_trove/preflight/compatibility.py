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

"""Is what a restored instance needs there, and does it fit together?

Each function gives a sentence for each problem, with what to pass instead.
"""

import collections
import math
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence
from typing import Union

from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import models


def check_backup(request: models.InstanceRequest,
                 backups: Mapping[str, models.Backup],
                 recorded_size: Optional[float]) -> Iterator[str]:
    """Look at the backup, at all that it hangs on, and at the volume.

    Trove restores the whole chain, from the full backup on, and looks at the
    last of it only. Its sizes are what the database took up on its volume
    [create_backup in guestagent/datastore/service.py, 26.0.0].

    :param backups: all of the project, by id.
    :param recorded_size: GB, of the backup, where Trove does not tell it now;
        None: not known.
    """
    chain: List[models.Backup] = []
    next_id: Optional[str] = request.backup_id
    while next_id:
        role = 'backup %s' % next_id
        if chain:
            role += ', which backup %s hangs on,' % request.backup_id
        backup = backups.get(next_id)
        if backup is None:
            yield '%s is gone' % role
            break
        if backup in chain:
            yield 'backup %s is its own parent' % next_id
            break
        if not backup.is_complete:
            yield '%s is not COMPLETED, but %s' % (role, backup.status)
        chain.append(backup)
        next_id = backup.parent_id
    if chain:
        yield from _check_volume(request.volume_size, max(
            [chain[0].size or recorded_size or 0]
            + [parent.size or 0 for parent in chain[1:]]))


def _check_volume(volume: Optional[int], size: float) -> Iterator[str]:
    if volume and volume < math.ceil(size):
        yield ('a volume of %d GB is too small for the backup of %g GB: pass '
               'restore_volume_size, %d or more'
               % (volume, size, math.ceil(size)))


def matching_versions(wanted: Union[models.InstanceRequest, models.Instance],
                      catalog: trove_catalog.Catalog) -> List[models.DatastoreVersion]:
    """List what the version's name, or id, and its number may mean."""
    return [version for version in catalog.list_versions(wanted.datastore or '')
            if wanted.datastore_version in (version.name, version.id)
            and (version.number is None or wanted.datastore_version_number
                 in (None, version.number))]


def check_version(request: models.InstanceRequest,
                  catalog: trove_catalog.Catalog) -> Iterator[str]:
    """Look at the datastore's version, and at the flavor for it."""
    if not request.datastore or not request.datastore_version:
        return
    every = catalog.list_versions(request.datastore)
    found = matching_versions(request, catalog)
    if not every:
        yield ('datastore %s is not there or has no active version: nothing '
               'can be restored into it' % request.datastore)
    elif not found:
        yield ('version %s%s of datastore %s is not there or not active: '
               'pass restore_datastore_version, one of %s' % (
                   request.datastore_version, _numbered(request),
                   request.datastore,
                   _listed({version.name for version in every})))
    elif len(found) > 1:
        yield ('datastore %s has several versions %s: pass '
               'restore_datastore_version, the id of one, of %s' % (
                   request.datastore, request.datastore_version,
                   _listed(version.id for version in found)))
    else:
        yield from _check_flavor(request.flavor_id, catalog.list_flavors(
            request.datastore, found[0].id))


def _check_flavor(flavor_id: Optional[str],
                  flavors: Dict[str, int]) -> Iterator[str]:
    if flavor_id is not None and str(flavor_id) not in flavors:
        yield ('flavor %s is not there or not for this version: pass '
               'restore_flavor_id, one of %s' % (flavor_id, _listed(flavors)))


def check_configuration(request: models.InstanceRequest,
                        catalog: trove_catalog.Catalog) -> Iterator[str]:
    """Look at the configuration group, and whether it is for the version."""
    group = request.configuration_id
    if group is None or group == models.NO_CONFIGURATION:
        return
    fits = catalog.get_configuration(group)
    wanted = {version.name for version in matching_versions(request, catalog)}
    if fits is None:
        yield ('configuration group %s is gone: pass '
               'restore_configuration_id, another one or "%s"'
               % (group, models.NO_CONFIGURATION))
    elif request.datastore and (
            fits[0] != request.datastore
            or fits[1] not in wanted | {request.datastore_version}):
        yield ('configuration group %s is for %s %s: pass '
               'restore_configuration_id, another one or "%s"'
               % (group, fits[0], fits[1], models.NO_CONFIGURATION))


def check_addresses(requests: Sequence[models.InstanceRequest]
                 ) -> Iterator[str]:
    """Look whether several want the same address."""
    wanted = collections.Counter((one.subnet_id, one.ip_address)
                                 for one in requests if one.ip_address)
    for (_, address), times in wanted.items():
        if times > 1:
            yield ('restore_ip_address %s is for %d databases: pass each its '
                   'own' % (address, times))


def _numbered(request: models.InstanceRequest) -> str:
    number = request.datastore_version_number
    return (' (%s)' % number if number
            and number != request.datastore_version else '')


def _listed(names: Iterable[str]) -> str:
    return ', '.join(sorted(names)) or 'none'
