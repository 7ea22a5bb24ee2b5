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
    """Decorate a hook. A hook is a method that Karbor calls in an operation.

    If the hook raises an error, the error is stored as a failure, and Karbor's
    exception for the operation is raised instead. So no resource keeps the
    status of a running operation. The first hook reports the start of the
    operation, and the last hook reports its end.

    The id of the resource is checked first, because it becomes a part of paths
    in the bank. If it is not the id of a database instance, _refuse() is
    called instead of the hook.

    TaskFlow passes the arguments by name. It reads the names from the
    signature of the hook, which functools.wraps() keeps.

    :raises Exception: Karbor's exception for the operation.
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
        self._bind(checkpoint, resource, arguments['context'], record)
        try:
            method(self, **arguments)
        except Exception as error:
            raise self._fail(error) from error
        if method.__name__ == _LAST_HOOK:
            self._changes.end()

    return run  # type: ignore[return-value]


class Operation(protection_plugin.Operation):
    """One operation on one instance in one flow of Karbor."""

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

        :param settings: the options of the provider file.
        :param clock: the clock of all waits.
        :param flow_state: the state that all resources of the flow share.
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

    def _bind(self, checkpoint: karbor_types.Checkpoint,
              resource: karbor_types.Resource,
              context: karbor_types.RequestContext,
              operation_record: Optional[karbor_types.OperationRecord]
              ) -> None:
        """Store the arguments of a hook.

        Karbor creates an operation object for each resource, and calls the
        hooks of this object one after the other [resource_flow.py, 1.6.0]. So
        an object stores the arguments of one resource only.

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
        """Return the section of each instance of the checkpoint.

        The section of an instance is the folder in the bank that holds what
        the checkpoint stores about the instance.

        :returns: the sections, by the id of the instance.
        """
        return {instance_id: self._checkpoint.get_resource_bank_section(
            instance_id) for instance_id in self._list_instance_ids()}

    def _list_instance_ids(self) -> Dict[str, None]:
        """Return the ids of all instances of the checkpoint, each once.

        :returns: a dictionary with the ids as its keys.
        """
        return dict.fromkeys(resource.id
                             for resource in self._list_resources())

    def _list_resources(self) -> Iterator[karbor_types.Resource]:
        """Yield the instances of the checkpoint.

        An instance that is in several places of Karbor's resource graph is
        yielded several times.
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
            refusal: str) -> None:
        """Refuse the whole flow if one of its resources has a problem.

        Every operation that creates something calls this method in its hook
        on_prepare_begin. Karbor may call on_main of one resource before
        on_prepare_begin of another resource. So the first resource checks the
        whole flow, and the other resources reuse the result.

        :param find_problems: returns the problems of the whole flow. This
            function is not called if a resource has an id that is not the id
            of a database instance.
        :param refusal: a part of the message for a resource without problems.
            For example, "restore cannot be restored" results in the message
            "not started, because another database of this restore cannot be
            restored: ID".
        :raises errors.KarborTroveError: an option of the provider file is
            wrong, a check had no result, or the flow has problems. The message
            lists the problems of this resource, one per line. If this resource
            has no problems, the message names the resources that have
            problems.
        """
        self._settings.check()
        self._flow.check_once(
            lambda: self._check_ids() or find_problems())
        problems = self._flow.problems
        if problems:
            raise errors.Rejected('\n'.join(problems.get(self._resource.id, [
                'not started, because another database of this %s: %s'
                % (refusal, ', '.join(sorted(problems)))])))

    def _check_ids(self) -> preflight_problems.Problems:
        problems: preflight_problems.Problems = {}
        for instance_id in self._list_instance_ids():
            try:
                ids.check_uuid(instance_id, 'database instance')
            except errors.Rejected as error:
                problems[instance_id] = [str(error)]
        return problems

    def _report_left_out(self, operation_record: karbor_types.OperationRecord,
                         outcome: str) -> bool:
        """Report the instance as failed if the checkpoint left it out.

        Such an instance has no backup, but the other instances of the
        checkpoint have backups. So the operation does not fail. Only the
        resource status of this instance becomes `error`.

        :param operation_record: Karbor's record, to which the status and the
            reason are written.
        :param outcome: the beginning of the reason, such as "not restored".
        :returns: True if the instance was left out. The caller has nothing
            more to do. False if the instance was not left out. Nothing was
            reported.
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
        """Log and store a failure, and return Karbor's exception for it.

        The reason is stored in Karbor's record. Protect and delete operations
        have no such record, so their reason is stored in the bank.
        """
        reason = self._describe_failure(error)
        if self._record is None:
            resource_status.mark_failed(
                self._section, constants.RESOURCE_STATUS_ERROR, reason)
        return self._report_failure(
            self._resource, self._record, self._reported_id, reason,
            self._section)

    def _describe_failure(self, error: Exception) -> str:
        """Return the reason of a failure, for the user.

        An error that belongs neither to this package nor to Karbor is a fault
        of karbor-trove. Its traceback is logged.
        """
        if isinstance(error, (errors.KarborTroveError,
                              exception.KarborException)):
            return str(error)
        LOG.exception('%s instance %s in checkpoint %s met a fault of '
                      'karbor-trove', self.action, self._resource.id,
                      self._checkpoint.id)
        return ('karbor-trove failed because of a fault of its own (%r), and '
                'the log has its traceback' % error)

    def _confirm(self) -> None:
        """Continue after a status and its reason are saved in Karbor's record.

        By default this method does nothing. The restore operation overrides
        this method. There it deletes the journal entry of a new configuration
        group, because the saved reason names this group.
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
            self._confirm()
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
        """Wait for a backup with the poll that the resources of a flow share.

        :param check: see shared_poll.SharedPoll.wait_for(), which also lists
            the errors.
        :param seconds: the timeout.
        :returns: the result of the check.
        """
        return self._flow.backups.wait_for(
            client, backup_id, check, self._poller.deadline(seconds),
            description)

    def _wait_for_instance(self, client: trove_client.TroveClient,
                           instance_id: str,
                           check: Callable[[models.Instance], Optional[T]],
                           deadline: polling.Deadline, description: str,
                           is_urgent: bool = False) -> T:
        """Wait for an instance with the poll that the resources share.

        :param check: see shared_poll.SharedPoll.wait_for(), which also lists
            the errors.
        :param is_urgent: True if the instance is read at once. Otherwise it is
            first read after a pause.
        :returns: the result of the check.
        """
        return self._flow.instances.wait_for(
            lambda ids: self._read_instances(client, ids), instance_id, check,
            deadline, description, is_urgent=is_urgent)

    def _read_instances(self, client: trove_client.TroveClient,
                        instance_ids: List[str]
                        ) -> Dict[str, recent_instances.Answer]:
        """Return, by id, each instance or the error of its read.

        See recent_instances.RecentInstances.read(), which may use earlier
        reads and may return more instances.

        :raises errors.Unreachable: Trove's list of instances could not be
            read.
        """
        return self._flow.recent_instances.read(
            functools.partial(self._flow.instance_reader.read, client),
            instance_ids)

    def _backup_deletion(self) -> deferred_deletion.BackupDeletion:
        return deferred_deletion.BackupDeletion(
            self._journal, self._context.project_id, self._make_client,
            self._poller, self._flow.backups)
