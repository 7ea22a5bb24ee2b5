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

from typing import List, Tuple

from oslo_config import cfg

GROUP = 'trove_protection_plugin'

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
                      'restore is marked as failed.'),
    cfg.FloatOpt('delete_timeout', default=3600.0, min=0.1,
                 help='Seconds that the deletion of a backup may take before '
                      'it is reported as failed.'),
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
]


def register(conf: cfg.ConfigOpts) -> cfg.ConfigOpts.GroupAttr:
    """Make the options readable in a provider's configuration.

    :param conf: the configuration of one provider file, not karbor.conf;
        registering twice is harmless.
    :returns: the group, its options as attributes.
    :raises oslo_config.cfg.ConfigFileValueError: a value is not allowed; the
        message names the option and the value.
    """
    conf.register_opts(OPTIONS, group=GROUP)
    group: cfg.ConfigOpts.GroupAttr = conf[GROUP]
    # A value is checked when it is first read: now, not in the middle of a
    # backup.
    for option in OPTIONS:
        group[option.dest]
    return group


def list_opts() -> List[Tuple[str, List[cfg.Opt]]]:
    """Give the options to oslo.config's sample generator."""
    return [(GROUP, OPTIONS)]
