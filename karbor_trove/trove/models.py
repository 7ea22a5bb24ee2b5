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

"""What we know of Trove's objects, and what we ask Trove for.

Plain values: nothing here can send a request by being looked at.
"""

import dataclasses
import datetime
import re
from typing import Optional, Tuple

#: Of a restore without the configuration group of the original.
NO_CONFIGURATION = 'none'
# Trove 12 to 18 call a database in order ACTIVE or HEALTHY, by release; one
# that wants a restart can be backed up as well [validate_can_perform_action
# in trove/instance/models.py, 26.0.0].
_READY = frozenset(('ACTIVE', 'HEALTHY', 'RESTART_REQUIRED'))
_BROKEN = frozenset(('ERROR', 'FAILED'))
#: The name of a verification's instance; its id, and the original's.
TEMPORARY_NAME = 'karbor-verify-%s-%s'
_TEMPORARY = re.compile(TEMPORARY_NAME % (('[0-9a-f-]{36}',) * 2))


@dataclasses.dataclass(frozen=True)
class Instance:
    """A database instance, as Trove told it or as the bank kept it.

    None means that Trove did not tell.
    """

    id: str
    name: Optional[str] = None
    status: Optional[str] = None
    #: The state of the database itself; Trove tells it since Wallaby, ''
    #: while a task runs.
    operating_status: Optional[str] = None
    datastore: Optional[str] = None
    datastore_version: Optional[str] = None
    datastore_version_number: Optional[str] = None
    flavor_id: Optional[str] = None
    #: GB
    volume_size: Optional[int] = None
    region: Optional[str] = None
    locality: Optional[str] = None
    configuration_id: Optional[str] = None
    #: The tenant's own network; None where the instance has no port there.
    network_id: Optional[str] = None
    addresses: Tuple[str, ...] = ()
    is_public: Optional[bool] = None
    allowed_cidrs: Tuple[str, ...] = ()
    replica_of: Optional[str] = None
    #: Only a look tells these two, a list does not.
    cluster_id: Optional[str] = None
    fault: Optional[str] = None
    #: UTC, without a zone, whole seconds; a list does not tell it.
    created: Optional[datetime.datetime] = None

    @property
    def is_ready(self) -> bool:
        """Tell whether the database is up and can be backed up now."""
        # While a restart is required, the state of the database is not told.
        return self.status in _READY and (
            self.operating_status in (None, 'HEALTHY')
            or self.status == 'RESTART_REQUIRED')

    @property
    def is_broken(self) -> bool:
        """Tell whether waiting is useless: only an operator can mend it.

        Every other status, also one that nobody has heard of, may pass.
        """
        return self.status in _BROKEN

    @property
    def is_temporary(self) -> bool:
        """Tell whether a verification made it, and will delete it."""
        return bool(_TEMPORARY.fullmatch(self.name or ''))

    @property
    def is_being_deleted(self) -> bool:
        """Tell whether the instance is on its way out.

        Trove calls that SHUTDOWN and, since Wallaby, leaves the state of the
        database empty meanwhile [trove/instance/models.py, 26.0.0]. Before,
        a database that is merely stopped looks the same: it is taken for
        one, since what is missing from a list is missing from a backup.
        """
        return self.status == 'SHUTDOWN' and self.operating_status is not None

    @property
    def is_lost(self) -> bool:
        """Tell whether there is nothing to wait for, for either reason."""
        return self.is_broken or self.is_being_deleted


@dataclasses.dataclass(frozen=True)
class Backup:
    """A backup, as Trove told it; None means that it did not tell."""

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
    #: Where its object is, a URL; None until it is complete.
    location: Optional[str] = None
    project_id: Optional[str] = None  #: Told since Victoria.

    @property
    def is_complete(self) -> bool:
        """Tell whether an instance can be made from it."""
        return self.status == 'COMPLETED'

    @property
    def is_failed(self) -> bool:
        """Tell whether Trove gave it up; an unknown status may still pass."""
        return self.status in ('FAILED', 'DELETE_FAILED')

    @property
    def is_running(self) -> bool:
        """Tell whether Trove works on it, so that it cannot go.

        An unknown status counts: a deletion is a 500 then, or comes too soon.
        """
        return not (self.is_complete or self.is_failed
                    or self.status == 'RESTORED')


@dataclasses.dataclass(frozen=True)
class Accounts:
    """The databases and users of an instance; None: nobody knows them."""

    databases: Optional[Tuple[str, ...]] = None
    #: "name", or "name@host" of one that may not come from everywhere.
    users: Optional[Tuple[str, ...]] = None

    def common(self, other: 'Accounts') -> 'Accounts':
        """Give what both have; None where either does not know."""
        return Accounts(_common(self.databases, other.databases),
                        _common(self.users, other.users))


def _common(one: Optional[Tuple[str, ...]], other: Optional[Tuple[str, ...]]
            ) -> Optional[Tuple[str, ...]]:
    if one is None or other is None:
        return None
    return tuple(name for name in one if name in other)


@dataclasses.dataclass(frozen=True)
class BackupRequest:
    """A backup to be made; what is None is not sent."""
    instance_id: str
    name: str
    description: str
    storage_driver: Optional[str] = None
    swift_container: Optional[str] = None
    #: Of an incremental backup; None: a full one.
    parent_id: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class InstanceRequest:
    """An instance to be made from a backup; what is None is not sent."""

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
    #: "none" likewise.
    configuration_id: Optional[str] = None
    datastore: Optional[str] = None
    datastore_version: Optional[str] = None
    datastore_version_number: Optional[str] = None
    is_public: Optional[bool] = None
    allowed_cidrs: Tuple[str, ...] = ()
    region_name: Optional[str] = None
    locality: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class ObjectInfo:
    """An object in Swift."""

    #: "container/name", below the account.
    name: str
    #: Without quotes.
    etag: str
    bytes: int


@dataclasses.dataclass(frozen=True)
class BackupManifest:
    """The object of a backup, and its segments."""

    #: Of all segments together [slo.py of Swift], where there are any.
    whole: ObjectInfo
    #: None in it: the bytes are in the object itself.
    segments: Tuple[ObjectInfo, ...] = ()


@dataclasses.dataclass(frozen=True)
class Quota:
    """How much of a resource a project may have, and has."""

    limit: int
    used: int

    @property
    def remaining(self) -> Optional[int]:
        """Tell how much is left; None: there is no limit."""
        return None if self.limit < 0 else max(0, self.limit - self.used)


@dataclasses.dataclass(frozen=True)
class DatastoreVersion:
    """A version of a datastore."""

    id: str
    name: str
    #: Versions of one name differ by it; Trove tells it since Wallaby.
    number: Optional[str]


def temporary_instance_name(verification_id: str, original_id: str) -> str:
    """Name a temporary instance: nothing else in Trove is called so."""
    return TEMPORARY_NAME % (verification_id, original_id)
