# SPDX-License-Identifier: Apache-2.0

"""Immutable models of Trove's objects, and of requests to Trove.

Reading an attribute of a model never sends a request.
"""

import dataclasses
import datetime
import re
from typing import Any, List, Mapping, Optional, Tuple, Union

#: The configuration_id of a restore without a configuration group, even if
#: the original instance has one.
NO_CONFIGURATION = 'none'
#: The configuration_id of a restore that creates a new configuration group if
#: the recorded group was deleted. The restore operation replaces this value by
#: the id of a group before it requests the instance.
RECREATE_CONFIGURATION = 'recreate'
#: Trove shows this text in place of a value that looks like a password.
_MASK = '***'
#: The status of an instance that is being deleted, or whose server is lost.
SHUTDOWN = 'SHUTDOWN'
# From Trove 12 to 18 the status of a database without problems is ACTIVE or
# HEALTHY, depending on the release. An instance that requires a restart can
# be backed up as well [validate_can_perform_action in
# trove/instance/models.py, 26.0.0].
_READY = frozenset(('ACTIVE', 'HEALTHY', 'RESTART_REQUIRED'))
_TEMPORARY_NAME = 'karbor-verify-%s-%s'


@dataclasses.dataclass(frozen=True)
class Instance:
    """A database instance, as Trove returned it or as the bank holds it.

    An attribute is None if Trove did not return its value.
    """

    id: str
    name: Optional[str] = None
    status: Optional[str] = None
    #: The status of the database itself. Wallaby and later releases return
    #: this status. It is empty while a task runs.
    operating_status: Optional[str] = None
    datastore: Optional[str] = None
    datastore_version: Optional[str] = None
    datastore_version_number: Optional[str] = None
    #: Trove returns this id with a backup of the instance, and not with the
    #: instance itself. The id stays the same if the version is renamed.
    datastore_version_id: Optional[str] = None
    flavor_id: Optional[str] = None
    #: GB
    volume_size: Optional[int] = None
    region: Optional[str] = None
    locality: Optional[str] = None
    configuration_id: Optional[str] = None
    #: The project's own network. None if the instance has no port there.
    network_id: Optional[str] = None
    addresses: Tuple[str, ...] = ()
    is_public: Optional[bool] = None
    allowed_cidrs: Tuple[str, ...] = ()
    replica_of: Optional[str] = None
    #: Trove returns this field and the next two fields for a single instance,
    #: but not in a list.
    cluster_id: Optional[str] = None
    fault: Optional[str] = None
    #: UTC, without a zone, whole seconds.
    created: Optional[datetime.datetime] = None

    @property
    def is_ready(self) -> bool:
        """Return True if the database is up and can be backed up now."""
        # While a restart is required, Trove does not return the status of the
        # database.
        return self.status in _READY and (
            self.operating_status in (None, 'HEALTHY')
            or self.status == 'RESTART_REQUIRED')

    @property
    def is_broken(self) -> bool:
        """Return True if only an operator can repair the instance.

        The status of such an instance is ERROR or FAILED. An instance with an
        unknown status does not count as broken, because this status may still
        change.
        """
        return self.status in ('ERROR', 'FAILED')

    @property
    def is_temporary(self) -> bool:
        """Return True if the instance has the name of a temporary instance.

        A verification at level `restore` creates and deletes temporary
        instances.
        """
        return bool(re.fullmatch(
            _TEMPORARY_NAME % (('[0-9a-f-]{36}',) * 2), self.name or ''))

    @property
    def is_being_deleted(self) -> bool:
        """Return True if Trove may be deleting the instance.

        While Trove deletes an instance, the status is SHUTDOWN. Since Wallaby,
        the operating status is empty at the same time
        [trove/instance/models.py, 26.0.0]. An instance whose server is lost
        also has the status SHUTDOWN and an empty operating status, but does
        not disappear [found with Trove 26]. So do not leave out an instance
        only because this property is True.

        Before Wallaby, the result is always False, because Trove returns no
        operating status. With such a Trove, the status SHUTDOWN may also mean
        that the database is stopped.
        """
        return self.status == SHUTDOWN and self.operating_status is not None

    @property
    def is_lost(self) -> bool:
        """Return True if is_broken or is_being_deleted is True.

        The database of such an instance will not start any more.
        """
        return self.is_broken or self.is_being_deleted

    @property
    def described_status(self) -> str:
        """Return the status, followed by Trove's fault message.

        For example, the result is "ERROR: No valid host was found". If Trove
        returned no fault message, the result is only the status.
        """
        return '%s: %s' % (self.status, self.fault) if self.fault else str(
            self.status)


@dataclasses.dataclass(frozen=True)
class ConfigurationGroup:
    """A configuration group, as Trove returned it or as the bank holds it.

    An attribute is None if Trove did not return its value.
    """

    id: str
    name: str
    datastore: str
    datastore_version: str
    #: The values of the parameters. Empty if the group is from a list.
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    description: Optional[str] = None

    def list_masked(self) -> List[str]:
        """Return the names of the parameters whose values are masked.

        Trove masks a value that looks like a password. Trove also masks a
        value if the name of the parameter looks like a password [views.py in
        trove/configuration, 26.0.0].
        """
        return sorted(name for name, value in self.values.items()
                      if _MASK in str(value))


@dataclasses.dataclass(frozen=True)
class Backup:
    """A backup in Trove.

    An attribute is None if Trove did not return its value.
    """

    id: str
    name: Optional[str] = None
    description: Optional[str] = None
    status: Optional[str] = None
    instance_id: Optional[str] = None
    parent_id: Optional[str] = None
    #: GB
    size: Optional[float] = None
    #: UTC, without a zone, whole seconds.
    created: Optional[datetime.datetime] = None
    #: The URL of the backup's object. None until the backup is complete.
    location: Optional[str] = None
    #: Victoria and later releases return the project.
    project_id: Optional[str] = None
    datastore_version_id: Optional[str] = None

    @property
    def is_complete(self) -> bool:
        """Return True if an instance can be created from the backup.

        The status of such a backup is COMPLETED or RESTORED. RESTORED is the
        status of a backup that a user registered from an object in Swift
        [restore_from in trove/backup/models.py, 26.0.0].
        """
        return self.status in ('COMPLETED', 'RESTORED')

    @property
    def is_failed(self) -> bool:
        """Return True if the backup failed, or if its deletion failed.

        A backup with an unknown status does not count as failed, because this
        status may still change.
        """
        return self.status in ('FAILED', 'DELETE_FAILED')

    @property
    def is_running(self) -> bool:
        """Return True if Trove is still creating or deleting the backup.

        Do not delete such a backup. Trove would respond with HTTP 500, or
        would delete the backup while Trove's guest still writes the data of
        the backup. A backup with an unknown status counts as running.
        """
        return not (self.is_complete or self.is_failed)


@dataclasses.dataclass(frozen=True)
class Accounts:
    """The names of the databases and of the users of an instance.

    A list of names is None if the names are not known.
    """

    databases: Optional[Tuple[str, ...]] = None
    #: "name", or "name@host" if the user may not connect from everywhere.
    users: Optional[Tuple[str, ...]] = None

    def intersect(self, other: 'Accounts') -> 'Accounts':
        """Return the databases and the users that are in both objects.

        If the databases of one object are None, the databases of the result
        are None. The same rule applies to the users.
        """
        return Accounts(_intersect(self.databases, other.databases),
                        _intersect(self.users, other.users))


def _intersect(names: Optional[Tuple[str, ...]],
               others: Optional[Tuple[str, ...]]) -> Optional[Tuple[str, ...]]:
    if names is None or others is None:
        return None
    return tuple(name for name in names if name in others)


@dataclasses.dataclass(frozen=True)
class BackupRequest:
    """A request to create a backup. A field that is None is not sent."""

    instance_id: str
    name: str
    description: str
    storage_driver: Optional[str] = None
    swift_container: Optional[str] = None
    #: None for a full backup.
    parent_id: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class ConfigurationRequest:
    """A request to create a configuration group.

    A field that is None is not sent.
    """

    name: str
    #: No other group of the project has this description.
    description: str
    values: Mapping[str, Any]
    datastore: Optional[str] = None
    #: The id or the name of the datastore version.
    datastore_version: Optional[str] = None
    datastore_version_number: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class InstanceRequest:
    """A request to create an instance from a backup.

    A field that is None is not sent. The field original_id is the id of the
    original instance and is never sent.
    """

    original_id: str
    backup_id: str
    name: str
    flavor_id: Optional[str] = None
    #: GB
    volume_size: Optional[int] = None
    volume_type: Optional[str] = None
    net_id: Optional[str] = None
    subnet_id: Optional[str] = None
    ip_address: Optional[str] = None
    availability_zone: Optional[str] = None
    #: NO_CONFIGURATION is not sent either. The restore operation replaces
    #: RECREATE_CONFIGURATION before it sends the request.
    configuration_id: Optional[str] = None
    datastore: Optional[str] = None
    datastore_version: Optional[str] = None
    datastore_version_number: Optional[str] = None
    #: If set, this id is sent in place of the name and the number of the
    #: version.
    datastore_version_id: Optional[str] = None
    is_public: Optional[bool] = None
    allowed_cidrs: Tuple[str, ...] = ()
    region_name: Optional[str] = None
    locality: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class ObjectInfo:
    """The name, the etag and the size of an object in Swift."""

    #: "container/name", without the account.
    name: str
    #: Without quotes.
    etag: str
    bytes: int


@dataclasses.dataclass(frozen=True)
class BackupManifest:
    """The names, etags and sizes of a backup's object and of its segments."""

    #: If there are segments, the etag and the size of all segments together
    #: [slo.py of Swift].
    backup_object: ObjectInfo
    #: Empty if the object itself holds the data.
    segments: Tuple[ObjectInfo, ...] = ()


@dataclasses.dataclass(frozen=True)
class Quota:
    """The limit and the usage of one quota of a project.

    For example, the limit is 10 volumes, and 3 volumes are used.
    """

    limit: int
    used: int

    @property
    def remaining(self) -> Optional[int]:
        """Return the amount that is still free. None if there is no limit."""
        return None if self.limit < 0 else max(0, self.limit - self.used)


@dataclasses.dataclass(frozen=True)
class DatastoreVersion:
    """A version of a datastore, such as version 8.0 of MySQL."""

    id: str
    name: str
    #: The number differs between versions with the same name. Wallaby and
    #: later releases return the number.
    number: Optional[str]


@dataclasses.dataclass(frozen=True, eq=False)
class SwiftOptions:
    """The options of a provider file for the connection to Swift.

    If an option is None, the options of karbor.conf apply instead.
    """

    region_name: Optional[str] = None
    #: public, internal or admin.
    interface: Optional[str] = None
    ca_cert_file: Optional[str] = None
    #: The URL of Swift. The URL may contain %(project_id)s.
    endpoint_override: Optional[str] = None
    #: The configuration of the provider file. None if there is no file.
    conf: Any = None

    def get_endpoint(self, project_id: str) -> Optional[str]:
        """Return the URL of Swift that the provider file sets for a project.

        The id of the project replaces the placeholder in the option
        endpoint_override. The placeholder may have any form that Keystone's
        catalog allows, such as `%(project_id)s` or `$(tenant_id)s`.

        :returns: the URL. None if the option is not set.
        """
        url = self.endpoint_override
        for template in ('%(project_id)s', '$(project_id)s', '%(tenant_id)s',
                         '$(tenant_id)s'):
            url = url and url.replace(template, project_id)
        return url


@dataclasses.dataclass(frozen=True)
class SwiftConnection:
    """How to find Swift in the user's catalog, and how to connect to Swift."""

    #: None for any region.
    region_name: Optional[str] = None
    #: True if only an endpoint of this region may be used.
    is_region_required: bool = False
    #: The allowed interfaces, the preferred one first. No other interface is
    #: ever used.
    interfaces: Tuple[str, ...] = ('public', 'internal', 'admin')
    #: The path of a file of CA certificates, or False to accept every
    #: certificate. None to verify as for the connection to Trove.
    verify: Optional[Union[bool, str]] = None
    #: The URL of Swift. None for the endpoint of the catalog.
    endpoint_override: Optional[str] = None


def temporary_instance_name(verification_id: str, original_id: str) -> str:
    """Return the name of a temporary instance. The name is unique in Trove.

    :param verification_id: the id of the verification that creates the
        instance.
    :param original_id: the id of the original instance.
    """
    return _TEMPORARY_NAME % (verification_id, original_id)
