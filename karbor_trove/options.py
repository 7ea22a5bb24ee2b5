# SPDX-License-Identifier: Apache-2.0

"""Options of the provider file."""

import dataclasses
from typing import Any, Dict, List, Optional, Tuple

from oslo_config import cfg

from karbor_trove import errors
from karbor_trove.parameters import fields

GROUP = 'trove_protection_plugin'
# oslo.config cannot check these, so a parameter field does.
_FIELDS = {'verify_flavor_id': fields.TEXT, 'verify_net_id': fields.ID,
           'verify_volume_type': fields.TEXT,
           'verify_availability_zone': fields.TEXT}
OPTIONS: List[cfg.Opt] = [
    cfg.FloatOpt('poll_interval', default=5.0, min=0.1,
                 help='Seconds between two status checks of a database '
                      'instance or a backup.'),
    cfg.FloatOpt('ready_timeout', default=3600.0, min=0.1,
                 help='Seconds that a protect operation waits for a busy '
                      'database instance, for example one that is rebooting, '
                      'being resized or being backed up by another user. The '
                      'checkpoint fails after that time. Also limits the '
                      'checks of a verification at levels backup and data.'),
    cfg.FloatOpt('backup_timeout', default=86400.0, min=0.1,
                 help='Seconds that a backup may take. The checkpoint fails '
                      'after that time.'),
    cfg.FloatOpt('restore_timeout', default=86400.0, min=0.1,
                 help='Seconds from the request of a restored database '
                      'instance until its database is up. The restore, or the '
                      'verification, fails after that time.'),
    cfg.BoolOpt('keep_failed_restores', default=True,
                help='Whether to keep a restored database instance that ends '
                     'with the status ERROR, so that the user can inspect it. '
                     'If False, it is deleted within delete_timeout. The '
                     'reason of the restore says whether it was kept or '
                     'deleted. An instance that is only not up within '
                     'restore_timeout is always kept.'),
    cfg.FloatOpt('delete_timeout', default=3600.0, min=0.1,
                 help='Seconds that the deletion of a backup, or of the '
                      'temporary instance of a verification, may take. After '
                      'that time the deletion of a backup is deferred.'),
    cfg.IntOpt('full_backup_every', default=7, min=1,
               help='The maximum number of backups in a chain of incremental '
                    'backups, the full backup included. With 1 every backup '
                    'is a full backup. A restore needs all backups of a '
                    'chain, and each of them stays until all its descendants '
                    'are deleted.'),
    cfg.StrOpt('storage_driver',
               help='The storage driver with which Trove stores the backups. '
                    'Trove accepts any name, and never completes a backup '
                    'with an unknown one. So set only a storage driver that '
                    'the cloud has. Needs Trove 2025.1 (23.0.0) or newer. If '
                    'not set, Trove uses its own default.'),
    cfg.StrOpt('swift_container',
               help='The Swift container for the backups, in the project of '
                    'the instance. Needs Trove Victoria (14.0.0) or newer. If '
                    'not set, Trove uses its own default.'),
    cfg.StrOpt('verify_level', default='backup',
               choices=[
                   ('backup', 'All backups of the chain exist and are '
                    'complete, and the datastore has their version.'),
                   ('data', 'In addition, their objects in Swift are '
                    'unchanged. No object is downloaded.'),
                   ('restore', 'In addition, a temporary database instance is '
                    'restored from the backup, with its databases and users, '
                    'and deleted afterwards.')],
               help='How much a verification checks. A verification compares '
                    'with what protect operations at this level or a higher '
                    'one have recorded.'),
    cfg.StrOpt('verify_flavor_id',
               help='The id of the flavor of the temporary instance of a '
                    'verification at level restore. If not set, the flavor of '
                    'the original instance is used.'),
    cfg.StrOpt('verify_net_id',
               help='The id of the network of the temporary instance of a '
                    'verification at level restore. The user has to be '
                    'allowed to use it. If not set, the network of the '
                    'original instance is used.'),
    cfg.StrOpt('verify_volume_type',
               help='The volume type of the temporary instance of a '
                    'verification at level restore. Trove does not return the '
                    'volume type of the original instance. Set it if Trove '
                    'requires a volume type, as for a datastore version that '
                    'is bound to volume types. If not set, the cloud uses its '
                    'default.'),
    cfg.StrOpt('verify_availability_zone',
               help='The availability zone of the temporary instance of a '
                    'verification at level restore. Trove does not return the '
                    'zone of the original instance. If not set, the cloud '
                    'uses its default.'),
    cfg.IntOpt('verify_max_volumes', min=1,
               help='The maximum size in GB of the volumes of all temporary '
                    'instances of one verification together. A verification '
                    'that needs more fails before anything is created. If not '
                    'set, only the quotas of the project limit it.'),
]


@dataclasses.dataclass(frozen=True)
class Settings:
    """The values of the options. OPTIONS has their units and limits."""

    poll_interval: float
    ready_timeout: float
    backup_timeout: float
    restore_timeout: float
    delete_timeout: float
    full_backup_every: int
    keep_failed_restores: bool = True
    storage_driver: Optional[str] = None
    swift_container: Optional[str] = None
    verify_level: str = 'backup'
    verify_flavor_id: Optional[str] = None
    verify_net_id: Optional[str] = None
    verify_volume_type: Optional[str] = None
    verify_availability_zone: Optional[str] = None
    verify_max_volumes: Optional[int] = None
    #: What is wrong with the provider file. None if all values are allowed.
    problem: Optional[str] = None

    def check(self) -> None:
        """Check that all values are allowed.

        :raises errors.Rejected: the message names each wrong option and what
            is allowed.
        """
        if self.problem:
            raise errors.Rejected(self.problem)


def register(conf: cfg.ConfigOpts) -> Settings:
    """Register and read the options. A wrong value is replaced by its default.

    The operations refuse to start with a wrong value, except for the delete
    operation. If the constructor of the plugin failed instead, Karbor would
    leave a checkpoint `protecting` for ever [provider.load_plugins() in
    flows/protect.py, 1.6.0], and one to be deleted `error-deleting`.

    :param conf: the configuration of one provider file, not karbor.conf. The
        options may be registered already.
    """
    conf.register_opts(OPTIONS, group=GROUP)
    values: Dict[str, Any] = {}
    problems: List[str] = []
    for option in OPTIONS:
        try:
            values[option.dest] = conf[GROUP][option.dest]
        except cfg.ConfigFileValueError as error:
            values[option.dest] = option.default
            problems.append(str(error))
    for name, field in _FIELDS.items():
        try:
            fields.parse_fields(values, {name: field})
        except errors.Rejected as error:
            values[name] = None
            problems.append(str(error))
    return Settings(problem='; '.join(problems) or None, **values)


def list_opts() -> List[Tuple[str, List[cfg.Opt]]]:
    """Return the options for oslo.config's sample generator."""
    return [(GROUP, OPTIONS)]
