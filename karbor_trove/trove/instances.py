# SPDX-License-Identifier: Apache-2.0

"""Creation, status checks and deletion of instances."""

import contextlib
import operator
from typing import Callable, Collection, FrozenSet, Optional, Protocol
from typing import Sequence, Set, TypeVar

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models

T = TypeVar('T')


class WaitForInstance(Protocol):
    """A function that polls an instance until a check returns a result.

    If several resources use this function at the same time, they may share the
    requests.
    """

    def __call__(self, client: trove_client.TroveClient, instance_id: str,
                 check: Callable[[models.Instance], Optional[T]],
                 deadline: polling.Deadline, description: str) -> T:
        """Poll an instance until a check returns a result.

        :param check: returns the result for the instance. To keep waiting, the
            function returns None or raises errors.Pending. The function sends
            no request, because other resources may wait for its end.
        :param deadline: when the wait ends.
        :param description: the beginning of the error message, such as
            "instance 1 is not deleted yet".
        :returns: the result of the check.
        :raises errors.DeadlineExceeded: there is no result at the deadline.
        :raises errors.KarborTroveError: any other error of the check, or Trove
            did not return the instance.
        """


class InstanceIntent(Protocol):
    """The journal entry of one request for an instance.

    create_instance() writes this entry before it sends the request. The
    restore journal and the verification journal implement this protocol.
    """

    def write(self, name: str, time_before_request: Optional[str]) -> None:
        """Write the entry before the request is sent.

        :param name: the requested name of the instance.
        :param time_before_request: Trove's time before the request, in ISO
            format. None if Trove returned no time.
        :raises errors.BankError: the entry could not be written. In that case
            the request must not be sent.
        """

    def list_unconfirmed_requests(self) -> Sequence[str]:
        """Return the other requests for an instance with the same name.

        Only requests with an unknown result are returned. Each of them may
        have created an instance with this name.

        :returns: a phrase for each request, such as "restore x of instance y".
        """

    def is_taken(self, instance_id: str) -> bool:
        """Return True if another request is known to have created an instance.

        Call list_unconfirmed_requests() first, because it may read the data
        that this method needs.

        :param instance_id: the id of this instance. The instance has the
            requested name.
        """

    def mark_created(self, instance_id: str) -> None:
        """Record the id of the instance that the request has created."""

    def delete(self) -> None:
        """Delete the entry, because the request has created no instance."""


def list_ids(client: trove_client.TroveClient,
             poller: polling.Poller) -> FrozenSet[str]:
    """Return the ids of all instances of the project.

    :raises errors.DeadlineExceeded: Trove did not return all instances within
        30 s.
    """
    return frozenset(poller.wait_for(
        lambda: client.map_instances(operator.attrgetter('id')),
        poller.deadline(timeouts.LOST_RESPONSE),
        'instances could not be listed'))


def create_instance(client: trove_client.TroveClient, intent: InstanceIntent,
                    request: models.InstanceRequest, poller: polling.Poller,
                    earlier_ids: Collection[str] = ()) -> models.Instance:
    """Create one instance, and find it even if the response is lost.

    The request is sent only once. If the response is lost, the function
    searches Trove for an instance with the requested name. The function does
    not return an instance that another request may have created.

    :param intent: the journal entry of the request. If the response is lost
        and the search fails, the entry remains in the journal.
    :param earlier_ids: the ids of the instances that existed before the
        request. The search ignores these instances. The ids are not needed if
        the name is unique.
    :raises errors.Unreachable: the response was lost. The search found no
        instance, or it found one that may be of another request. The requested
        instance may exist nevertheless.
    :raises errors.Rejected: Trove rejected the request. Or the response was
        lost, and several instances match the request.
    :raises errors.BankError: the journal entry could not be written, so the
        request was not sent. Or the response was lost, and the bank failed
        during the search.
    """
    time_before_request = lost_responses.format_trove_time(client)
    intent.write(request.name, time_before_request)

    def find() -> Optional[models.Instance]:
        # The order matters: read first the instances, then the unconfirmed
        # requests, then the taken ids. Another request writes its journal
        # entry before it creates an instance. That request deletes the entry
        # after the id of the instance is known.
        matches = [instance for instance in client.list_instances()
                   if instance.name == request.name
                   and instance.id not in earlier_ids]
        other_requests = intent.list_unconfirmed_requests() if matches else ()
        matches = [instance for instance in matches
                   if not intent.is_taken(instance.id)
                   and _may_be_created_by_request(client, instance.id,
                                                  time_before_request)]
        ids = ', '.join(instance.id for instance in matches)
        if len(matches) > 1:
            raise errors.Rejected(
                'several instances match the request, and none of them is '
                'used or deleted: %s' % ids)
        if matches and other_requests:
            raise errors.Unreachable(
                'instance %s has the requested name, but %s may have created '
                'it' % (ids, ' or '.join(other_requests)))
        return matches[0] if matches else None

    try:
        instance = client.create_instance(request)
    except errors.Unreachable as lost:
        instance = lost_responses.wait_for_created_object(find, lost, poller)
    except errors.KarborTroveError:
        intent.delete()
        raise
    intent.mark_created(instance.id)
    return instance


def _may_be_created_by_request(client: trove_client.TroveClient,
                               instance_id: str,
                               time_before_request: Optional[str]) -> bool:
    """Return True if a request may have created an instance.

    The result is False if the instance does not exist any more, or if Trove
    created it more than 5 minutes before the request. If the time of the
    creation or of the request is not known, the result is True. The function
    reads the instance with a GET, because a list has no creation times.

    :param time_before_request: Trove's time before the request, in ISO format.
        None if Trove returned no time.
    """
    try:
        created = client.get_instance(instance_id).created
    except errors.NotFound:
        return False
    return (time_before_request is None or created is None
            or created + timeouts.CLOCK_TOLERANCE
            >= times.parse_utc(time_before_request))


class DeletionWait:
    """A wait of 5 minutes for instances that Trove may be deleting.

    While Trove deletes an instance, the instance has the status SHUTDOWN. Then
    the instance disappears. If the server of an instance is lost, the instance
    also has this status, but does not disappear. So an instance that still
    exists after 5 minutes counts as lost.

    Before Wallaby, an instance with a stopped database also has the status
    SHUTDOWN. So with such a Trove, check() raises no error.
    """

    def __init__(self, poller: polling.Poller, instance_ids: Set[str]
                 ) -> None:
        """Start one wait of 5 minutes for all instances.

        :param instance_ids: a set that the wait fills for the caller. The wait
            adds the id of each instance with the status SHUTDOWN. If such an
            instance disappears later, Trove has deleted it.
        """
        self._deadline = poller.deadline(timeouts.SHUTDOWN)
        self.instance_ids = instance_ids

    def add_if_shutdown(self, instance: models.Instance) -> None:
        """Add the id of an instance with the status SHUTDOWN to instance_ids.

        Trove may be deleting such an instance. Other instances are ignored.
        """
        if instance.status == models.SHUTDOWN:
            self.instance_ids.add(instance.id)

    def check(self, instance: models.Instance) -> None:
        """Check that an instance is not being deleted.

        If the status is SHUTDOWN, the method adds the id to instance_ids.
        After 5 minutes, the method raises no error any more.

        :raises errors.Pending: Trove may be deleting the instance, and the
            wait has lasted less than 5 minutes.
        """
        self.add_if_shutdown(instance)
        if instance.is_being_deleted and self._deadline.remaining:
            raise errors.Pending(
                'the last status of instance %s is %s' % (
                    instance.id, instance.status), self._deadline.remaining)


def check_usable(instance: models.Instance,
                 deletion_wait: Optional[DeletionWait] = None
                 ) -> models.Instance:
    """Check that the database of an instance is up or may still start.

    :param deletion_wait: the wait for instances that Trove may be deleting.
        None to raise errors.ResourceFailed at once for such an instance.
    :returns: the instance.
    :raises errors.Pending: Trove may be deleting the instance, and
        deletion_wait has not ended yet.
    :raises errors.ResourceFailed: the database will not start. If Trove
        returned a reason, the message has the reason.
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
    :raises errors.Pending: the database may still start, or Trove may be
        deleting the instance.
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
                    timeout: float, poller: polling.Poller,
                    wait_for_instance: Optional[WaitForInstance] = None
                    ) -> None:
    """Delete an instance, and wait until the instance does not exist any more.

    It is no error if the instance does not exist at the beginning. Trove
    refuses to delete an instance while Trove builds it. In that case the
    function waits until the instance is built. A forced deletion is no
    alternative, because the resources that Trove is building would remain in
    the cloud. Besides, only administrators may force a deletion
    [force_delete() of troveclient, instance:reset_status in Trove's policies].

    :param timeout: seconds for the request and the wait together.
    :param wait_for_instance: polls the instance. If several deletions use this
        function, they share the requests. None to poll only this instance.
    :raises errors.KarborTroveError: the instance may still exist.
    """
    deadline = poller.deadline(timeout)
    deletion = _Deletion(client, instance_id, timeout, poller)

    def wait_for(check: Callable[[models.Instance], Optional[bool]],
                 description: str) -> None:
        if wait_for_instance is not None:
            wait_for_instance(client, instance_id, check, deadline,
                              description)
        else:
            poller.wait_for(lambda: check(client.get_instance(instance_id)),
                            deadline, description)

    not_requested = 'instance %s could not be deleted' % instance_id
    with contextlib.suppress(errors.NotFound):
        while not poller.wait_for(deletion.request, deadline, not_requested):
            wait_for(deletion.check_request_due, not_requested)
        wait_for(deletion.check_deleted,
                 'instance %s is not deleted yet' % instance_id)


class _Deletion:
    """The request to delete one instance, and the checks of its waits."""

    def __init__(self, client: trove_client.TroveClient, instance_id: str,
                 timeout: float, poller: polling.Poller) -> None:
        """Create the object. No request is sent yet.

        :param timeout: seconds that the whole deletion may take.
        """
        self._client = client
        self._instance_id = instance_id
        self._poller = poller
        self._shutdown_deadline = poller.deadline(
            min(timeouts.SHUTDOWN, timeout / 2))
        self._retry_seconds = min(timeouts.DELETION_RETRY, timeout / 4)
        #: When the request is repeated even if the instance has not changed.
        self._retry_deadline = self._shutdown_deadline
        #: The instance before the last request.
        self._last: models.Instance

    def request(self) -> bool:
        """Read the instance, and request its deletion if this is possible.

        :returns: False if the deletion has to be requested later. In that case
            Trove refused the request, or may be deleting the instance already.
        :raises errors.NotFound: the instance does not exist any more.
        """
        self._last = self._client.get_instance(self._instance_id)
        if not self._may_be_deleted(self._last):
            # Trove refuses the request while it builds the instance.
            with contextlib.suppress(errors.Busy):
                self._client.delete_instance(self._instance_id)
                return True
        self._retry_deadline = self._poller.deadline(self._retry_seconds)
        self._retry_seconds *= 2
        return False

    def check_request_due(self, instance: models.Instance) -> bool:
        """Check whether the deletion has to be requested again.

        :raises errors.Pending: it is too early for the request.
        """
        if self._may_be_deleted(instance):
            raise errors.Pending(_describe_last_status(instance),
                                 self._shutdown_deadline.remaining)
        if (instance.status == self._last.status
                and self._retry_deadline.remaining):
            raise errors.Pending(_describe_last_status(instance),
                                 self._retry_deadline.remaining)
        return True

    def check_deleted(self, instance: models.Instance) -> None:
        """Check that the deletion of an existing instance has not failed.

        :raises errors.Pending: Trove is deleting the instance.
        :raises errors.ResourceFailed: the deletion has failed.
        """
        # An instance with a broken server has the status ERROR during its
        # deletion [SimpleInstance.status in trove/instance/models.py, 26.0.0].
        if instance.is_broken and not self._last.is_broken:
            raise errors.ResourceFailed(
                'Trove could not delete instance %s, which has the status %s'
                % (instance.id, instance.described_status))
        raise errors.Pending(_describe_last_status(instance))

    def _may_be_deleted(self, instance: models.Instance) -> bool:
        """Return True if Trove may be deleting the instance already."""
        # A second request would subtract the instance from the project's quota
        # usage once more. An instance whose server is lost has the same status
        # as an instance that is being deleted, but does not disappear.
        return instance.is_being_deleted and bool(
            self._shutdown_deadline.remaining)
