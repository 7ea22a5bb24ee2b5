# SPDX-License-Identifier: Apache-2.0

"""Base class of the four operations, and the decorator of their hooks."""

import functools
import inspect
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional
from typing import Sequence, TypeVar

from karbor.common import constants
from karbor import exception
from karbor.services.protection import protection_plugin
from oslo_log import log as logging

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import backup_journal
from karbor_trove.bank import omissions
from karbor_trove.bank import resource_status
from karbor_trove import errors
from karbor_trove import ids
from karbor_trove import karbor_types
from karbor_trove.operations import flow
from karbor_trove.operations import state_changes
from karbor_trove import options
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import connect
from karbor_trove.trove import models
from karbor_trove.trove import recent_instances

LOG = logging.getLogger(__name__)

#: The last hook of every operation.
_LAST_HOOK = 'on_main'

T = TypeVar('T')
Hook = TypeVar('Hook', bound=Callable[..., None])


def hook(method: Hook) -> Hook:
    """Decorate a hook: a method of an operation that Karbor calls.

    An example of a hook is on_main(). The decorator does three things:

    * If the hook raises an error, the decorator stores the failure, and raises
      Karbor's exception for the operation. Without this, the resource would
      keep the status of a running operation.
    * If the id of the resource is not a UUID, the decorator calls _refuse()
      instead of the hook. Such an id may be unsafe as a part of a path in the
      bank.
    * The decorator reports the start of the operation before the first hook.
      It reports the end of the operation after a successful on_main().

    TaskFlow passes the arguments of a hook by name. It reads the names from
    the signature of the hook. functools.wraps() keeps this signature.

    :raises Exception: the hook failed. The exception is Karbor's exception for
        the operation, such as karbor.exception.RestoreResourceFailed.
    """
    names = list(inspect.signature(method).parameters)[1:]

    @functools.wraps(method)
    def run(self: 'Operation', *args: Any, **kwargs: Any) -> None:
        arguments = {**dict(zip(names, args)), **kwargs}
        checkpoint, resource = arguments['checkpoint'], arguments['resource']
        record = arguments.get(self.record_name)
        is_first = not self._has_begun
        if is_first:
            self._has_begun = True
            self._changes = self._create_changes(
                checkpoint, resource, arguments['context'], record)
        try:
            ids.check_uuid(resource.id, 'database instance')
        except errors.Rejected as error:
            self._refuse(checkpoint, resource, record, error)
            return
        if is_first:
            self._changes.start()
        self._store_arguments(checkpoint, resource, arguments['context'],
                              record)
        try:
            method(self, **arguments)
        except Exception as error:
            raise self._fail(error) from error
        if method.__name__ == _LAST_HOOK:
            self._changes.end()

    return run  # type: ignore[return-value]


class Operation(protection_plugin.Operation):
    """One operation, such as protect, on one instance.

    This is the base class of the four operations. Karbor creates one object
    for each instance of the checkpoint. The operations on all instances of the
    checkpoint together are a flow.
    """

    #: The beginning of the log lines, such as "Protecting".
    action: str
    #: The operation in the names of the notifications, such as "protect".
    event: str
    #: The keys that this operation adds to the payload of its notifications.
    event_keys: Sequence[str] = ()
    #: Karbor's exception for a failure of this operation.
    failure_class: Callable[..., Exception]
    #: The kind of object that the operation works on, for Karbor's exception.
    object_name = 'Database Instance Backup'
    #: The name of the argument of the hooks that is Karbor's record of the
    #: operation. "" if the operation has no such record.
    record_name = ''
    #: The key in the payload of the notifications for the id of this record.
    #: "" if the operation has no such record.
    record_key = ''
    #: Whether Karbor has called a hook. The first call creates `_changes`.
    _has_begun = False
    _changes: state_changes.StateChanges

    def __init__(self, settings: options.Settings, clock: polling.Clock,
                 flow_state: flow.FlowState) -> None:
        """Create the operation. No request is sent yet.

        :param flow_state: the state that all operations of the flow share.
        """
        super().__init__()
        self._settings = settings
        self._clock = clock
        self._poller = polling.Poller(settings.poll_interval, clock)
        self._flow = flow_state

    def _create_changes(
            self, checkpoint: karbor_types.Checkpoint,
            resource: karbor_types.Resource,
            context: karbor_types.RequestContext,
            operation_record: Optional[karbor_types.OperationRecord]
            ) -> state_changes.StateChanges:
        changes = state_changes.StateChanges(
            self._flow.notifier, self._clock, self.event, self.action,
            self.event_keys, context, checkpoint, resource)
        if operation_record is not None:
            changes.set(**{self.record_key: operation_record.id})
        return changes

    def _store_arguments(
            self, checkpoint: karbor_types.Checkpoint,
            resource: karbor_types.Resource,
            context: karbor_types.RequestContext,
            operation_record: Optional[karbor_types.OperationRecord]) -> None:
        """Store the arguments of a hook in this object.

        Karbor creates an operation object for each resource, and calls the
        hooks of this object one after the other [resource_flow.py, 1.6.0]. So
        the object stores the arguments of only one resource.

        :param operation_record: Karbor's record of the restore or the
            verification. None for a protect or a delete operation.
        """
        self._checkpoint = checkpoint
        self._resource = resource
        self._context = context
        self._record = operation_record
        #: The id of the instance whose status is set in Karbor's record. The
        #: restore operation replaces this id by that of the restored instance.
        self._reported_id = resource.id
        self._section = checkpoint.get_resource_bank_section(resource.id)
        self._journal = backup_journal.BackupJournal(self._section.bank,
                                                     resource.id)

    def _get_sections(self) -> Dict[str, karbor_types.BankSection]:
        """Return the bank section of each instance, by the id of the instance.

        The section is the folder in the bank that holds what the checkpoint
        stores about the instance.
        """
        return {instance_id: self._checkpoint.get_resource_bank_section(
            instance_id) for instance_id in self._list_instance_ids()}

    def _list_instance_ids(self) -> Dict[str, None]:
        """Return the ids of all instances of the checkpoint, each once.

        :returns: a dictionary with the ids as its keys, in the order of the
            checkpoint. All values are None.
        """
        return dict.fromkeys(resource.id
                             for resource in self._list_resources())

    def _list_resources(self) -> Iterator[karbor_types.Resource]:
        """Yield the resources of the checkpoint that are instances of Trove.

        If an instance is in several places of Karbor's resource graph, its
        resource is yielded once for each place.
        """
        def walk(nodes: Iterable[karbor_types.Node]
                 ) -> Iterator[karbor_types.Resource]:
            for node in nodes:
                if node.value.type == self._resource.type:
                    yield node.value
                yield from walk(node.child_nodes)

        return walk(self._checkpoint.resource_graph or ())

    def _refuse_problems(
            self, find_problems: Callable[[], preflight_problems.Problems],
            problem_of_others: str) -> None:
        """Raise an error if any instance of the flow has a problem.

        An operation calls this method before it creates anything. If one
        instance has a problem, the operations on all instances are refused.

        The first call checks all instances of the flow, because Karbor may
        call on_main() of one instance before on_prepare_begin() of another
        instance. The later calls use the result of the first call.

        :param find_problems: returns the problems of all instances of the
            flow. find_problems() is not called if the id of any instance is
            not a UUID. Then the flow is refused because of this id.
        :param problem_of_others: why an instance without a problem is refused
            too, such as "another database of this restore cannot be restored".
            The message adds the ids of the instances with problems.
        :raises errors.Rejected: an option of the provider file is wrong, or
            an instance of the flow has a problem. If the instance of this
            operation has problems, the message has one line for each of them.
        :raises errors.KarborTroveError: find_problems() raised this error.
        """
        self._settings.check()
        self._flow.check_once(
            lambda: self._check_ids() or find_problems())
        problems = self._flow.problems
        if problems:
            raise errors.Rejected('\n'.join(problems.get(self._resource.id, [
                'not started, because %s: %s'
                % (problem_of_others, ', '.join(sorted(problems)))])))

    def _check_ids(self) -> preflight_problems.Problems:
        problems: preflight_problems.Problems = {}
        for instance_id in self._list_instance_ids():
            try:
                ids.check_uuid(instance_id, 'database instance')
            except errors.Rejected as error:
                problems[instance_id] = [str(error)]
        return problems

    def _report_if_left_out(
            self, operation_record: karbor_types.OperationRecord,
            outcome: str) -> bool:
        """Report this instance as failed if the checkpoint left it out.

        There is no backup of such an instance. This method sets the resource
        status of the instance to `error`, and sends a notification with the
        priority ERROR. It raises no exception, because other instances have
        backups.

        :param operation_record: Karbor's record, to which the status and the
            reason are written.
        :param outcome: the beginning of the reason, such as "not restored".
        :returns: True if the checkpoint left the instance out. In that case
            the caller has nothing more to do.
        """
        reason = omissions.find_left_out_reason(self._section,
                                                self._resource.id)
        if reason is None:
            return False
        LOG.error('%s instance %s in checkpoint %s: %s: %s', self.action,
                  self._resource.id, self._checkpoint.id, outcome, reason)
        self._flow.set_status(
            operation_record, self._resource.type, self._resource.id,
            constants.RESOURCE_STATUS_ERROR, '%s: %s' % (outcome, reason),
            self._section)
        self._changes.send_error('%s: %s' % (outcome, reason))
        return True

    def _fail(self, error: Exception) -> Exception:
        """Store a failure, and return Karbor's exception for the operation.

        The reason of the failure is also logged and sent as a notification.
        The status `error` and the reason are stored in Karbor's record of the
        restore or the verification. A protect or a delete operation has no
        such record. In that case the status and the reason are stored in the
        bank.

        :param error: why the operation failed.
        """
        reason = self._describe_failure(error)
        if self._record is None:
            resource_status.mark_failed(
                self._section, constants.RESOURCE_STATUS_ERROR, reason)
        return self._report_failure(
            self._resource, self._record, self._reported_id, reason,
            self._section)

    def _describe_failure(self, error: Exception) -> str:
        """Return the reason of a failure, as a text for the user.

        If the error is an exception of this package or of Karbor, the reason
        is the message of the error. Any other exception is a fault of
        karbor-trove. In that case the reason says so, and the traceback is
        logged.
        """
        if isinstance(error, (errors.KarborTroveError,
                              exception.KarborException)):
            return str(error)
        LOG.exception('%s instance %s in checkpoint %s met a fault of '
                      'karbor-trove', self.action, self._resource.id,
                      self._checkpoint.id)
        return ('karbor-trove failed because of a fault of its own (%r), and '
                'the log has its traceback' % error)

    def _on_reason_saved(self) -> None:
        """Clean up when the reason of a status is saved in Karbor's record.

        By default this method does nothing. The restore operation overrides
        this method. If the restore has created a configuration group, the
        restore operation deletes the journal entry of the group. The entry is
        not needed any more, because the saved reason has the id of the group.

        Each operation calls this method after it has saved the reason of a
        failure. A restore also calls this method after it has saved the reason
        of any other status.
        """

    def _refuse(self, checkpoint: karbor_types.Checkpoint,
                resource: karbor_types.Resource,
                record: Optional[karbor_types.OperationRecord],
                error: errors.Rejected) -> None:
        """Refuse a resource whose id is not the id of an instance.

        Nothing is written to the bank. The delete operation overrides this
        method and raises no exception.

        :param error: says what is wrong with the id.
        :raises Exception: Karbor's exception for the operation.
        """
        raise self._report_failure(resource, record, resource.id,
                                   str(error)) from error

    def _report_failure(self, resource: karbor_types.Resource,
                        record: Optional[karbor_types.OperationRecord],
                        reported_id: str, reason: str,
                        section: Optional[karbor_types.BankSection] = None
                        ) -> Exception:
        self._changes.fail(reason)
        if record is not None and self._flow.set_status(
                record, resource.type, reported_id,
                constants.RESOURCE_STATUS_ERROR, reason, section):
            self._on_reason_saved()
        return self.failure_class(
            name=self.object_name, reason=reason, resource_id=resource.id,
            resource_type=resource.type)

    def _connect(self) -> trove_client.TroveClient:
        """Return a client of Trove with the rights of the request's user.

        :raises errors.KarborTroveError: Keystone did not respond within 60 s,
            or the endpoint of Trove could not be found.
        """
        return self._wait_for(self._make_client, timeouts.FIND_TROVE,
                              'Trove could not be found')

    def _make_client(self, deadline: Optional[polling.Deadline] = None
                     ) -> trove_client.TroveClient:
        return self._flow.get_client(
            self._context, lambda: connect.connect(
                self._context, deadline, self._settings.swift)
            ).with_deadline(deadline)

    def _wait_for(self, check: Callable[[], Optional[T]], seconds: float,
                  description: str) -> T:
        return self._poller.wait_for(check, self._poller.deadline(seconds),
                                     description)

    def _wait_for_backup(self, client: trove_client.TroveClient,
                         backup_id: str,
                         check: Callable[[models.Backup], Optional[T]],
                         seconds: float, description: str) -> T:
        """Poll a backup until the check returns a result.

        If several operations of the flow wait for backups at the same time,
        they share the requests.

        :param check: is called with the backup that Trove returned, and
            returns the result. To keep waiting, `check` returns None or raises
            errors.Pending.
        :param seconds: the timeout.
        :param description: the beginning of the error message, such as "backup
            1 is not complete".
        :returns: the result of the check.
        :raises errors.DeadlineExceeded: there is no result after the timeout.
        :raises errors.KarborTroveError: any other error of the check, or Trove
            did not return the backup.
        """
        return self._flow.backups.wait_for(
            client, backup_id, check, self._poller.deadline(seconds),
            description)

    def _wait_for_instance(self, client: trove_client.TroveClient,
                           instance_id: str,
                           check: Callable[[models.Instance], Optional[T]],
                           deadline: polling.Deadline, description: str,
                           is_urgent: bool = False) -> T:
        """Poll an instance until the check returns a result.

        If several operations of the flow wait for instances at the same time,
        they share the requests.

        :param check: is called with the instance that Trove returned, and
            returns the result. To keep waiting, `check` returns None or raises
            errors.Pending.
        :param description: the beginning of the error message, such as
            "instance 1 is not ready for a backup".
        :param is_urgent: True if the first poll is sent at once. False if the
            first poll is sent after a pause.
        :returns: the result of the check.
        :raises errors.DeadlineExceeded: there is no result at the deadline.
        :raises errors.KarborTroveError: any other error of the check, or Trove
            did not return the instance.
        """
        return self._flow.instances.wait_for(
            lambda ids: self._read_instances(client, ids), instance_id, check,
            deadline, description, is_urgent=is_urgent)

    def _read_instances(self, client: trove_client.TroveClient,
                        instance_ids: List[str]
                        ) -> Dict[str, recent_instances.Answer]:
        """Read several instances from Trove with few requests.

        An instance that was ready in the last 30 s is not read again. If a
        request is necessary, other instances that the flow will back up soon
        are read at the same time.

        :param instance_ids: the ids of the instances that the caller needs.
        :returns: the instances by id: those that were read now, and those that
            were ready in the last 30 s. If an instance could not be read, the
            error takes the place of the instance.
        :raises errors.Unreachable: Trove's list of instances could not be
            read.
        """
        return self._flow.recent_instances.find_or_read(
            functools.partial(self._flow.instance_reader.read, client),
            instance_ids)

    def _backup_deletion(self) -> deferred_deletion.BackupDeletion:
        return deferred_deletion.BackupDeletion(
            self._journal, self._context.project_id, self._make_client,
            self._poller, self._flow.backups,
            request_id=self._context.request_id)
