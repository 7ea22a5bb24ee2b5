# SPDX-License-Identifier: Apache-2.0

"""Creation, status checks and deletion of instances."""

import operator
from typing import Collection, FrozenSet, Optional, Protocol, Sequence, Set

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)


class InstanceIntent(Protocol):
    """The journal entry of one request for an instance.

    create_instance() writes this entry before it sends the request.
    """

    def write(self, name: str, not_before: Optional[str]) -> None:
        """Write the entry before the request is sent.

        :param name: the requested name of the instance.
        :param not_before: Trove's time before the request, in ISO format. None
            if Trove returned no time.
        :raises errors.BankError: the entry could not be written. In that case
            the request must not be sent.
        """

    def list_rivals(self) -> Sequence[str]:
        """Return the other open requests for an instance with this name.

        :returns: a phrase for each request, such as "restore x of instance y".
        """

    def is_taken(self, instance_id: str) -> bool:
        """Return True if another request has created an instance.

        Call list_rivals() first. An implementation of list_rivals() may read
        what other requests have created.

        :param instance_id: the id of an instance in Trove that has the
            requested name.
        """

    def mark_created(self, instance_id: str) -> None:
        """Add the id of the created instance to this entry."""

    def delete(self) -> None:
        """Delete the entry. Call this method if Trove created nothing."""


def list_ids(client: trove_client.TroveClient,
             poller: polling.Poller) -> FrozenSet[str]:
    """Return the ids of all instances of the project.

    :raises errors.DeadlineExceeded: Trove did not return all instances within
        30 s.
    """
    return frozenset(poller.wait_for(
        lambda: client.list_from_instances(operator.attrgetter('id')),
        poller.deadline(timeouts.LOST_RESPONSE),
        'instances could not be listed'))


def create_instance(client: trove_client.TroveClient, intent: InstanceIntent,
                    request: models.InstanceRequest, poller: polling.Poller,
                    earlier_ids: Collection[str] = ()) -> models.Instance:
    """Create an instance once, even if the response is lost.

    After a lost response the instance is searched for by its name. An instance
    is not used if another request with the same name may have created it.

    :param intent: the journal entry of the request. The entry remains in the
        journal if it is not known what the request created.
    :param earlier_ids: the ids of the instances that existed before the
        request. These ids are not needed if the name is unique.
    :raises errors.Unreachable: the response was lost, and no instance was
        found that only this request can have created. Such an instance may
        exist.
    :raises errors.Rejected: Trove rejected the request, or several instances
        match it.
    :raises errors.BankError: the journal entry could not be written, so the
        request was not sent. Or the bank failed after a lost response.
    """
    not_before = lost_responses.find_trove_time(client)
    intent.write(request.name, not_before)

    def find() -> Optional[models.Instance]:
        # The order matters: read first the instances, then the rivals, then
        # the taken ids. Another request writes its journal entry before it
        # creates an instance. That request deletes the entry after the id of
        # the instance is known.
        matches = [instance for instance in client.list_instances()
                   if instance.name == request.name
                   and instance.id not in earlier_ids]
        rivals = intent.list_rivals() if matches else ()
        matches = [instance for instance in matches
                   if not intent.is_taken(instance.id)
                   and _may_be_new(client, instance.id, not_before)]
        ids = ', '.join(instance.id for instance in matches)
        if len(matches) > 1:
            raise errors.Rejected(
                'several instances match the request, and none of them is '
                'used or deleted: %s' % ids)
        if matches and rivals:
            raise errors.Unreachable(
                'instance %s has the requested name, but %s may have created '
                'it' % (ids, ' or '.join(rivals)))
        return matches[0] if matches else None

    try:
        instance = client.create_instance(request)
    except errors.Unreachable as lost:
        instance = lost_responses.recover(find, lost, poller)
    except errors.KarborTroveError:
        intent.delete()
        raise
    intent.mark_created(instance.id)
    return instance


def _may_be_new(client: trove_client.TroveClient, instance_id: str,
                not_before: Optional[str]) -> bool:
    """Return False if an instance was created before a request.

    The instance is read on its own, because a list has no creation times. If
    the instance does not exist any more, the result is False.

    :param not_before: Trove's time before the request, in ISO format. None if
        Trove returned no time.
    """
    try:
        created = client.get_instance(instance_id).created
    except errors.NotFound:
        return False
    return (not_before is None or created is None
            or created + timeouts.CLOCK_TOLERANCE
            >= times.parse_utc(not_before))


class DeletionWait:
    """Waits for instances that are being deleted.

    Such an instance has the status SHUTDOWN. An instance whose server is lost
    has the same status, and does not disappear. Before Wallaby, an instance
    whose database is stopped has the same status as well.
    """

    def __init__(self, poller: polling.Poller, instance_ids: Set[str]
                 ) -> None:
        """Create a wait of 5 minutes for all instances together.

        :param instance_ids: the set to which the ids of instances with the
            status SHUTDOWN are added. If one of these instances disappears, it
            was deleted.
        """
        self._deadline = poller.deadline(timeouts.SHUTDOWN)
        self.instance_ids = instance_ids

    def notice(self, instance: models.Instance) -> None:
        """Remember the id of an instance that Trove may be deleting."""
        if instance.status == models.SHUTDOWN:
            self.instance_ids.add(instance.id)

    def check(self, instance: models.Instance) -> None:
        """Check that an instance is not being deleted.

        :raises errors.Pending: Trove may be deleting the instance, and this
            wait has not reached its deadline.
        """
        self.notice(instance)
        if instance.is_being_deleted and self._deadline.remaining:
            raise errors.Pending(
                'the last status of instance %s is %s' % (
                    instance.id, instance.status), self._deadline.remaining)


def check_usable(instance: models.Instance,
                 deletion_wait: Optional[DeletionWait] = None
                 ) -> models.Instance:
    """Check that the database of an instance is up or may still start.

    :param deletion_wait: the wait for an instance that is being deleted. None
        to raise errors.ResourceFailed for such an instance at once.
    :returns: the instance.
    :raises errors.Pending: Trove may be deleting the instance, and
        deletion_wait has not reached its deadline.
    :raises errors.ResourceFailed: the database will not start. The message has
        the reason if Trove returned a reason.
    """
    if deletion_wait is not None:
        deletion_wait.check(instance)
    if instance.is_lost:
        raise errors.ResourceFailed('instance %s has the status %s' % (
            instance.id, instance.described_status))
    return instance


def check_ready(instance: models.Instance,
                deletion_wait: Optional[DeletionWait] = None
                ) -> models.Instance:
    """Check that the database of an instance is up.

    :param deletion_wait: see check_usable().
    :returns: the instance.
    :raises errors.Pending: the database may still start, or the instance may
        be being deleted.
    :raises errors.ResourceFailed: see check_usable().
    """
    check_usable(instance, deletion_wait)
    if not instance.is_ready:
        raise errors.Pending(_describe_last_status(instance))
    return instance


def _describe_last_status(instance: models.Instance) -> str:
    return 'the last status is ' + '/'.join(
        status for status in (instance.described_status,
                              instance.operating_status) if status)


def delete_and_wait(client: trove_client.TroveClient, instance_id: str,
                    timeout: float, poller: polling.Poller) -> None:
    """Delete an instance, and wait until Trove does not know it any more.

    It is no error if the instance does not exist any more. An instance that
    Trove is building cannot be deleted, so the function waits until the
    instance is built. Only administrators could delete the instance earlier
    [force_delete() of troveclient, instance:reset_status in Trove's policies].
    In that case the resources that Trove is building would remain in the
    cloud.

    :param timeout: seconds for the request and the wait together.
    :raises errors.KarborTroveError: the instance may still exist.
    """
    deadline = poller.deadline(timeout)
    shutdown_deadline = poller.deadline(min(timeouts.SHUTDOWN, timeout / 2))
    was_broken = False

    def request_deletion() -> Optional[bool]:
        nonlocal was_broken
        instance = client.get_instance(instance_id)
        # A second request would subtract the instance from the project's quota
        # usage once more. An instance whose server is lost has the same status
        # as an instance that is being deleted, but does not disappear.
        if instance.is_being_deleted and shutdown_deadline.remaining:
            raise errors.Pending(_describe_last_status(instance))
        was_broken = instance.is_broken
        try:
            client.delete_instance(instance_id)
        except errors.Busy:
            raise errors.Pending(_describe_last_status(instance)) from None
        return True

    def check_status() -> None:
        instance = client.get_instance(instance_id)
        # An instance with a broken server has the status ERROR during its
        # deletion [SimpleInstance.status in trove/instance/models.py, 26.0.0].
        if instance.is_broken and not was_broken:
            raise errors.ResourceFailed(
                'Trove could not delete instance %s, which has the status %s'
                % (instance_id, instance.described_status))
        raise errors.Pending(_describe_last_status(instance))

    try:
        poller.wait_for(request_deletion, deadline,
                        'instance %s could not be deleted' % instance_id)
        poller.wait_for(check_status, deadline,
                        'instance %s is not deleted yet' % instance_id)
    except errors.NotFound:
        LOG.info('Instance %s is deleted', instance_id)
