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

"""Single looks at what is waited for: there, not yet, or never."""

from typing import Optional

from karbor_trove import errors
from karbor_trove import trove
from karbor_trove import values


def usable_instance(gateway: trove.Gateway,
                    instance_id: str) -> values.Instance:
    """Look at an instance whose database is up, or may still come up.

    :raises errors.Failed: it will not, with Trove's reason if it has one.
    """
    instance = gateway.instance(instance_id)
    if instance.is_lost:
        raise errors.Failed('instance %s has the status %s%s' % (
            instance_id, instance.status,
            ': %s' % instance.fault if instance.fault else ''))
    return instance


def ready_instance(gateway: trove.Gateway,
                   instance_id: str) -> Optional[values.Instance]:
    """See whether the database of an instance is up.

    :returns: None while that may still come.
    :raises errors.Failed: it will not, with Trove's reason if it has one.
    """
    instance = usable_instance(gateway, instance_id)
    return instance if instance.is_ready else None


def complete_backup(gateway: trove.Gateway,
                    backup_id: str) -> Optional[values.Backup]:
    """See whether a backup is complete.

    :returns: None while that may still come.
    :raises errors.Failed: it will not.
    """
    backup = gateway.backup(backup_id)
    if backup.is_failed:
        raise errors.Failed('backup %s ended as %s' % (backup_id,
                                                       backup.status))
    return backup if backup.is_complete else None
