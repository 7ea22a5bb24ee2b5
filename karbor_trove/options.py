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

"""Every option of the provider file, as data."""

import dataclasses
from typing import Any, Dict, List, Optional, Tuple

from oslo_config import cfg

from karbor_trove import errors
from karbor_trove.parameters import fields

GROUP = 'trove_protection_plugin'
# How the values of these are read; see there.
_CHOICES = {'verify_flavor_id': fields.TEXT, 'verify_net_id': fields.ID}
OPTIONS: List[cfg.Opt] = [
    cfg.FloatOpt('poll_interval', default=5.0, min=0.1,
                 help='Seconds between two looks at a database instance or '
                      'a backup that is waited for.'),
    cfg.FloatOpt('ready_timeout', default=3600.0, min=0.1,
                 help='Seconds that a protect waits for a busy database '
                      'instance (rebooting, resizing, being backed up by '
                      'somebody else) before the checkpoint is marked as '
                      'failed. The looks of a verification end by it too.'),
    cfg.FloatOpt('backup_timeout', default=86400.0, min=0.1,
                 help='Seconds that a backup may take before it is given up '
                      'and the checkpoint is marked as failed.'),
    cfg.FloatOpt('restore_timeout', default=86400.0, min=0.1,
                 help='Seconds from the request of a restored database '
                      'instance until its database is up; after them the '
                      'restore, or the verification, is marked as failed.'),
    cfg.BoolOpt('keep_failed_restores', default=True,
                help='Whether a restored database instance that ends in '
                     'ERROR stays, for a look at it, until the user deletes '
                     'it. If not, it is deleted, within delete_timeout. The '
                     'reason of the restore says which. One that is merely '
                     'not up within restore_timeout always stays.'),
    cfg.FloatOpt('delete_timeout', default=3600.0, min=0.1,
                 help='Seconds that the deletion of a backup, or of the '
                      'temporary instance of a verification, may take before '
                      'it is reported as failed.'),
    cfg.IntOpt('full_backup_every', default=7, min=1,
               help='How many backups a chain of incremental ones may have, '
                    'the full one counted; 1 makes every backup a full one. '
                    'A restore needs all of a chain, and none of it can go '
                    'before the last.'),
    cfg.StrOpt('storage_driver',
               help='The storage driver of Trove that keeps the backups. '
                    'Trove takes any name and leaves a backup with an '
                    'unknown one unfinished for ever, so set it only to one '
                    'that the cloud has. Needs Trove 2025.1 (23.0.0) or '
                    'newer. Not set: not sent, Trove uses its own.'),
    cfg.StrOpt('swift_container',
               help='The Swift container, in the project of the instance, '
                    'that the backups are kept in. Needs Trove Victoria '
                    '(14.0.0) or newer. Not set: not sent, Trove uses its '
                    'own.'),
    cfg.StrOpt('verify_level', default='backup',
               choices=[
                   ('backup', 'The backup and all that it hangs on are there '
                    'and complete, and the datastore has its version.'),
                   ('data', 'Also, their objects in Swift are the ones that '
                    'were made; none of them is downloaded.'),
                   ('restore', 'Also, a temporary database instance comes up '
                    'from the backup, with its databases and users; it is '
                    'deleted afterwards.')],
               help='How much a verification looks at. What a level compares '
                    'with is recorded by protects at this level or a higher '
                    'one.'),
    cfg.StrOpt('verify_flavor_id',
               help='The flavor of the temporary instance of a verification '
                    'at level restore. Not set: that of the original.'),
    cfg.StrOpt('verify_net_id',
               help='The id of the network of the temporary instance of a '
                    'verification at level restore; its tenant has to be '
                    'allowed to use it. Not set: that of the original.'),
    cfg.IntOpt('verify_max_volumes', min=1,
               help='GB that the volumes of all temporary instances of one '
                    'verification may have together; one that needs more is '
                    'refused before anything is created. Not set: the quotas '
                    'of the tenant are the only limit.'),
]


@dataclasses.dataclass(frozen=True)
class Settings:
    """The values of the options; see there for units and limits."""

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
    verify_max_volumes: Optional[int] = None
    #: What is wrong with the provider file; None: nothing.
    problem: Optional[str] = None

    def check(self) -> None:
        """Refuse to begin anything with values that are not allowed.

        :raises errors.Refused: it names each option and what is allowed.
        """
        if self.problem:
            raise errors.Rejected(self.problem)


def register(conf: cfg.ConfigOpts) -> Settings:
    """Read the options, in the place of a wrong value its default.

    A plugin that cannot be made leaves Karbor's checkpoint `protecting` for
    ever [provider.load_plugins() in flows/protect.py, 1.6.0], and one that is
    to be deleted `error-deleting`. So it is left to the operations to refuse,
    and a delete goes on.

    :param conf: the configuration of one provider file, not karbor.conf;
        registering twice is harmless.
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
    for dest, choice in _CHOICES.items():
        try:
            fields.parse_fields(values, {dest: choice})
        except errors.Rejected as error:
            values[dest] = None
            problems.append(str(error))
    return Settings(problem='; '.join(problems) or None, **values)


def list_opts() -> List[Tuple[str, List[cfg.Opt]]]:
    """Give the options to oslo.config's sample generator."""
    return [(GROUP, OPTIONS)]
