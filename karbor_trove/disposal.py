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

"""Instances that nobody wants leave Trove."""

from typing import Optional

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import trove
from karbor_trove import waiting

LOG = logging.getLogger(__name__)


def dispose(gateway: trove.Gateway, instance_id: str, within: float,
            interval: float, clock: waiting.Clock) -> None:
    """Delete an instance and wait until it is gone, which it may be already.

    One that is being built cannot be deleted, so it is waited for. The way
    around that is for administrators [force_delete() of troveclient,
    instance:reset_status in Trove's policies], and leaves in the cloud what
    is just being built.

    :param within: seconds that all of it may take.
    :param interval: seconds between two looks.
    :raises errors.TroveError: it is not gone.
    """
    deadline = waiting.Deadline(within, clock)
    was_broken = False

    def ask() -> Optional[bool]:
        nonlocal was_broken
        instance = gateway.instance(instance_id)
        # A second request would take it off the tenant's quotas once more.
        if instance.is_being_deleted:
            return True
        was_broken = instance.is_broken
        try:
            gateway.delete_instance(instance_id)
        except errors.Busy:
            return None
        return True

    def look() -> None:
        instance = gateway.instance(instance_id)
        # Trove says ERROR of one with a broken machine until it is gone
        # [SimpleInstance.status in trove/instance/models.py, 26.0.0].
        if instance.is_broken and not was_broken:
            raise errors.Failed('Trove could not delete instance %s%s' % (
                instance_id,
                ': %s' % instance.fault if instance.fault else ''))

    try:
        waiting.wait_for(ask, deadline, interval,
                         'instance %s could not be deleted' % instance_id)
        waiting.wait_for(look, deadline, interval,
                         'instance %s is not gone' % instance_id)
    except errors.Gone:
        LOG.info('Instance %s is gone', instance_id)
