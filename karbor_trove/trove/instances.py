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

from typing import Optional, Protocol

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


def delete_instance(gateway: client.TroveClient, instance_id: str,
                    timeout: float, poller: polling.Poller) -> None:
    """Delete an instance and wait until it is gone, which it may be already.

    One that is being built cannot be deleted, so it is waited for. The way
    around that is for administrators [force_delete() of troveclient,
    instance:reset_status in Trove's policies], and leaves in the cloud what
    is just being built.

    :param timeout: seconds that all of it may take.
    :raises errors.TroveError: it is not gone.
    """
    deadline = poller.deadline(timeout)
    was_broken = False

    def ask() -> Optional[bool]:
        nonlocal was_broken
        instance = gateway.get_instance(instance_id)
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
        instance = gateway.get_instance(instance_id)
        # Trove says ERROR of one with a broken machine until it is gone
        # [SimpleInstance.status in trove/instance/models.py, 26.0.0].
        if instance.is_broken and not was_broken:
            raise errors.ResourceFailed('Trove could not delete instance %s%s' % (
                instance_id,
                ': %s' % instance.fault if instance.fault else ''))

    try:
        poller.wait_for(ask, deadline,
                        'instance %s could not be deleted' % instance_id)
        poller.wait_for(look, deadline,
                        'instance %s is not gone' % instance_id)
    except errors.NotFound:
        LOG.info('Instance %s is gone', instance_id)


class InstanceIntent(Protocol):
    """Where the bank keeps that an instance is asked for."""

    def write(self, name: str, not_before: Optional[str]) -> None:
        """Note what is about to be asked; Trove's time, ISO, if it told."""

    def mark_created(self, instance_id: str) -> None:
        """Note that there is an instance now, which nobody else knows yet."""

    def delete(self) -> None:
        """Forget it: Trove made nothing."""


def create_instance(gateway: client.TroveClient, intent: InstanceIntent,
                    request: models.InstanceRequest,
                    poller: polling.Poller) -> models.Instance:
    """Ask for an instance, and find it when the answer is lost.

    :param intent: stays where nobody knows what came of the request.
    :raises errors.Unreachable: nothing was found; it may still come.
    :raises errors.Refused: Trove refused, or several may be the one.
    :raises errors.BankFailed: it could not be noted, so none was asked for.
    """
    # An instance's time is told by a look at it only, so who is there
    # already is asked for first.
    before = {
        one.id for one in poller.wait_for(
            gateway.list_instances, poller.deadline(timeouts.LOST_RESPONSE),
            'Trove is away')}
    intent.write(request.name, lost_responses.trove_time(gateway))

    def find() -> Optional[models.Instance]:
        found = [one for one in gateway.list_instances()
                 if one.name == request.name and one.id not in before]
        if len(found) > 1:
            raise errors.Rejected(
                'several instances may have come of the request, none of '
                'which is touched: %s' % ', '.join(one.id for one in found))
        return found[0] if found else None

    try:
        made = gateway.create_instance(request)
    except errors.Unreachable as lost:
        made = lost_responses.recover(find, lost, poller)
    except errors.KarborTroveError:
        intent.delete()
        raise
    intent.mark_created(made.id)
    return made


def get_usable_instance(gateway: client.TroveClient,
                        instance_id: str) -> models.Instance:
    """Look at an instance whose database is up, or may still come up.

    :raises errors.Failed: it will not, with Trove's reason if it has one.
    """
    instance = gateway.get_instance(instance_id)
    if instance.is_lost:
        raise errors.ResourceFailed('instance %s has the status %s%s' % (
            instance_id, instance.status,
            ': %s' % instance.fault if instance.fault else ''))
    return instance


def get_ready_instance(gateway: client.TroveClient,
                       instance_id: str) -> Optional[models.Instance]:
    """See whether the database of an instance is up.

    :returns: None while that may still come.
    :raises errors.Failed: it will not, with Trove's reason if it has one.
    """
    instance = get_usable_instance(gateway, instance_id)
    return instance if instance.is_ready else None
