# SPDX-License-Identifier: Apache-2.0

"""Checks whether Trove can carry out the requests for restored instances.

Each check yields one sentence for each problem. The sentence names the
parameter that solves the problem.
"""

import collections
import math
from typing import Iterable, Iterator, List, Mapping, Optional, Sequence
from typing import Union

from karbor_trove.backups import chain
from karbor_trove import errors
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import models


def check_backup(request: models.InstanceRequest,
                 backups: Mapping[str, models.Backup],
                 recorded_size: Optional[float]) -> Iterator[str]:
    """Check that the requested backup can be restored to the requested volume.

    All backups of the chain have to exist and to be complete. Trove restores
    the whole chain, but checks only the requested backup.

    The volume has to be at least as large as the largest backup of the chain.
    The size of a backup is the space that the database used on its volume. An
    incremental backup holds only changes, but its size is the whole space too
    [create_backup in guestagent/datastore/service.py, 26.0.0].

    :param backups: all backups of the project, by id.
    :param recorded_size: the size of the requested backup in GB, as recorded
        when the backup was created. This function uses it if Trove does not
        return the size now. None if the size was not recorded.
    :returns: the problems.
    """
    newest_id = request.backup_id
    sizes: List[float] = []
    next_id: Optional[str] = newest_id
    try:
        for backup in chain.walk_to_root(backups.get, newest_id):
            if not backup.is_complete:
                yield chain.describe_incomplete(backup, newest_id)
            sizes.append(backup.size or (
                0 if sizes else recorded_size or 0))
            next_id = backup.parent_id
        if next_id:
            yield '%s was not found' % chain.describe_link(next_id, newest_id)
    except errors.ResourceFailed as error:
        yield str(error)
    size = max(sizes, default=0)
    if request.volume_size and request.volume_size < math.ceil(size):
        yield ('a volume of %d GB is too small for the backup of %g GB: pass '
               'restore_volume_size, %d or more'
               % (request.volume_size, size, math.ceil(size)))


def list_matching_versions(
        instance: Union[models.InstanceRequest, models.Instance],
        catalog: trove_catalog.Catalog) -> List[models.DatastoreVersion]:
    """Return the active datastore versions that match an instance.

    If `instance` has a datastore_version_id, only the version with this id
    matches. The name is not compared, because an operator may rename a
    version.

    If `instance` has no datastore_version_id, a version matches if two
    conditions are met:

    * The datastore_version of `instance` is the name or the id of the version.
    * The datastore_version_number of `instance` is the number of the version.
      Versions with the same name have different numbers. If `instance` or
      the version has no number, the numbers are not compared.

    :param instance: the request for an instance, or an instance from the bank.
    :returns: usually one version. The list is empty if no active version
        matches.
    """
    versions = catalog.list_versions(instance.datastore or '')
    if instance.datastore_version_id:
        return [version for version in versions
                if version.id == instance.datastore_version_id]
    return [version for version in versions
            if instance.datastore_version in (version.name, version.id)
            and (version.number is None or instance.datastore_version_number
                 in (None, version.number))]


def check_version(request: models.InstanceRequest,
                  catalog: trove_catalog.Catalog) -> Iterator[str]:
    """Check that Trove accepts the datastore version and the flavor.

    Exactly one active version has to match the request. Trove does not create
    an instance of an inactive version [version_index() in
    trove/datastore/service.py, 26.0.0]. The flavor has to be available for the
    version. If the request has no datastore or no version, nothing is checked.

    :param request: the request for a restored instance.
    :returns: at most one problem.
    """
    if not request.datastore or not request.datastore_version:
        return
    active = catalog.list_versions(request.datastore)
    matching = list_matching_versions(request, catalog)
    if not active:
        yield ('datastore %s was not found or has no active version: nothing '
               'can be restored into it' % request.datastore)
    elif not matching:
        number = request.datastore_version_number
        yield ('version %s%s of datastore %s was not found or is not active: '
               'pass restore_datastore_version, one of %s' % (
                   request.datastore_version, ' (%s)' % number if number
                   and number != request.datastore_version else '',
                   request.datastore,
                   _join(version.name for version in active)))
    elif len(matching) > 1:
        yield ('datastore %s has several versions with the name %s: pass '
               'restore_datastore_version, one of the ids %s' % (
                   request.datastore, request.datastore_version,
                   _join(version.id for version in matching)))
    else:
        flavors = catalog.list_flavors(request.datastore, matching[0].id)
        if _is_flavor_rejected(request.flavor_id, flavors, catalog):
            yield ('flavor %s was not found or is not available for this '
                   'version: pass restore_flavor_id, one of %s'
                   % (request.flavor_id, _join(flavors)))


def _is_flavor_rejected(flavor_id: Optional[str], flavors: Mapping[str, int],
                        catalog: trove_catalog.Catalog) -> bool:
    """Return True if Trove will surely reject the requested flavor.

    Trove rejects a flavor in two cases:

    * The flavor does not exist.
    * The flavor is public, but is not in `flavors`.

    Trove may accept a private flavor that exists.

    :param flavor_id: the id or the URL of the requested flavor. None if no
        flavor is requested. In that case the result is False.
    :param flavors: the RAM in MB of each flavor that Trove lists for the
        requested datastore version, by flavor id. Trove lists no private
        flavors.
    :returns: False if Trove may accept the flavor, or if Trove does not let
        this user read the flavor.
    """
    if flavor_id is None or trove_catalog.parse_flavor_id(
            str(flavor_id)) in flavors:
        return False
    try:
        return (catalog.find_flavor(str(flavor_id)) is None
                or trove_catalog.parse_flavor_id(str(flavor_id))
                in catalog.list_public_flavors())
    except errors.Rejected:
        return False


def list_unchecked_values(request: models.InstanceRequest,
                          catalog: trove_catalog.Catalog) -> Iterator[str]:
    """Yield a sentence for each requested value that cannot be checked.

    A private flavor cannot be checked, because Trove lists only public
    flavors. Trove checks such a flavor when it receives the request. Call this
    function after check_version() has found no problem.
    """
    if request.flavor_id is not None and any(
            trove_catalog.parse_flavor_id(str(request.flavor_id))
            not in catalog.list_flavors(str(request.datastore), version.id)
            for version in list_matching_versions(request, catalog)):
        yield ('flavor %s was not checked, because Trove lists only public '
               'flavors' % request.flavor_id)


def find_ram(request: models.InstanceRequest,
             catalog: trove_catalog.Catalog) -> int:
    """Return the RAM in MB of the requested flavor. 0 if it is not known."""
    if request.flavor_id is None:
        return 0
    flavor_id = trove_catalog.parse_flavor_id(str(request.flavor_id))
    for version in list_matching_versions(request, catalog):
        flavors = catalog.list_flavors(str(request.datastore), version.id)
        if flavor_id in flavors:
            return flavors[flavor_id]
        try:
            return catalog.find_flavor(str(request.flavor_id)) or 0
        except errors.Rejected:
            return 0
    return 0


def check_configuration(request: models.InstanceRequest,
                        catalog: trove_catalog.Catalog,
                        recorded_id: Optional[str] = None,
                        recorded: Optional[models.ConfigurationGroup] = None
                        ) -> Iterator[str]:
    """Check that the requested configuration group can be used.

    The group has to exist. The group also has to be for the datastore and the
    version of the request. If no group is requested, nothing is checked.

    The request may have the value "recreate" in place of an id. In that case
    the group of the original instance is checked. If this group does not exist
    any more, the restore has to create a new group. For this, the values of
    the group have to be recorded.

    :param recorded_id: the id of the group of the original instance. None if
        the original instance had no group.
    :param recorded: the group of the original instance with its values. None
        if the values were not recorded.
    :returns: at most one problem.
    """
    group_id = request.configuration_id
    if group_id is None or group_id == models.NO_CONFIGURATION:
        return
    is_recreated = group_id == models.RECREATE_CONFIGURATION
    if is_recreated:
        group_id = str(recorded_id)
    group = catalog.find_configuration(group_id)
    problem = 'was not found'
    choices = 'the id of another group or "%s"' % models.NO_CONFIGURATION
    if group is None:
        blocker = _find_recreation_blocker(recorded)
        if is_recreated and blocker:
            problem += ' and cannot be created anew, because ' + blocker
        elif is_recreated:
            group = recorded
        elif not blocker:
            choices = '"%s" for a new group with the recorded values, %s' % (
                models.RECREATE_CONFIGURATION, choices)
    if group is not None:
        version_names = {
            version.name
            for version in list_matching_versions(request, catalog)}
        version_names.add(request.datastore_version or '')
        # Without a recorded datastore there is nothing to compare with.
        if not request.datastore or (
                group.datastore == request.datastore
                and group.datastore_version in version_names):
            return
        problem = 'is for %s %s' % (group.datastore, group.datastore_version)
    yield ('configuration group %s %s: pass restore_configuration_id, %s'
           % (group_id, problem, choices))


def _find_recreation_blocker(recorded: Optional[models.ConfigurationGroup]
                             ) -> Optional[str]:
    """Return why a deleted group cannot be created again.

    The group is created from its recorded values. So the values have to be
    recorded, and Trove must not have masked any of them.

    :param recorded: the group with its values. None if the values were not
        recorded.
    :returns: a clause with the reason. None if the group can be created.
    """
    if recorded is None:
        return 'the checkpoint has no values of it'
    masked = recorded.list_masked()
    return ('Trove masks the values of %s' % ', '.join(masked)
            if masked else None)


def check_addresses(requests: Sequence[models.InstanceRequest]
                    ) -> Iterator[str]:
    """Check that no two requests have the same IP address in the same subnet.

    :returns: one problem for each address that is requested several times.
    """
    counts = collections.Counter((request.subnet_id, request.ip_address)
                                 for request in requests if request.ip_address)
    for (_, address), count in counts.items():
        if count > 1:
            yield ('restore_ip_address %s is requested for %d databases: pass '
                   'a different address for each' % (address, count))


def _join(names: Iterable[str]) -> str:
    return ', '.join(sorted(set(names))) or 'none'
