"""Differences between the releases of Trove."""

import dataclasses
import typing

#: The major version of each release, by the name of the release of OpenStack.
NUMBERS = {'queens': 9, 'rocky': 10, 'stein': 11, 'train': 12, 'ussuri': 13,
           'victoria': 14, 'wallaby': 15, 'xena': 16, 'yoga': 17, 'zed': 18,
           'antelope': 19, 'bobcat': 21, 'caracal': 22, 'dalmatian': 23,
           'epoxy': 24, 'flamingo': 25, 'gazpacho': 26}


@dataclasses.dataclass(frozen=True)
class Release:
    """A release of Trove.

    The properties are the differences in behaviour that the plugins notice.
    """

    #: The major version, for example 26.
    number: int

    @classmethod
    def parse(cls, release: typing.Union[str, int, float]) -> 'Release':
        """Return a release.

        :param release: the name of the release ('victoria') or its version
            (26.0).
        """
        if isinstance(release, str):
            return cls(NUMBERS[release])
        return cls(int(release))

    @property
    def ready(self) -> str:
        """The status of an instance whose database is up."""
        return 'HEALTHY' if self.number in (13, 14) else 'ACTIVE'

    @property
    def operating_status(self) -> bool:
        """True if an instance has the key `operating_status`."""
        return self.number >= 15

    @property
    def version_number(self) -> bool:
        """True if the datastore of an instance has its version number."""
        return self.number >= 15

    @property
    def instance_filter(self) -> bool:
        """True if a list of backups can be filtered by instance."""
        return self.number >= 12

    @property
    def backup_project(self) -> bool:
        """True if a backup has the key `project_id`."""
        return self.number >= 14

    @property
    def nic_keys(self) -> typing.Tuple[str, ...]:
        """The keys that a nic in a request for an instance may have."""
        if self.number >= 14:
            return 'net-id', 'network_id', 'subnet_id', 'ip_address'
        return ('net-id',)

    @property
    def swift_container(self) -> bool:
        """True if a request for a backup may name its Swift container."""
        return self.number >= 14

    @property
    def tenant_quotas(self) -> bool:
        """True if Trove shows quotas to a user that is no administrator."""
        return self.number >= 16

    @property
    def storage_driver(self) -> bool:
        """True if a request for a backup may name its storage driver."""
        return self.number >= 23

    @property
    def localities(self) -> typing.Tuple[str, ...]:
        """What a request for an instance may have as its locality."""
        strict = ('affinity', 'anti-affinity')
        if self.number >= 23:
            return (*strict, 'soft-affinity', 'soft-anti-affinity')
        return strict

    @property
    def account_datastores(self) -> typing.Tuple[str, ...]:
        """The datastores whose databases and users Trove lists."""
        if self.number >= 23:
            return 'mysql', 'mariadb', 'postgresql'
        return 'mysql', 'mariadb'

    @property
    def delete_of_running(self) -> int:
        """The HTTP code that refuses the deletion of a running backup."""
        return 500 if self.number >= 25 else 422
