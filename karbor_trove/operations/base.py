# SPDX-License-Identifier: Apache-2.0

"""Base class of the four operations."""

from typing import Callable, Dict, Iterable, Optional, TypeVar

from karbor.common import constants
from karbor.services.protection import protection_plugin
from oslo_log import log as logging

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import backup_journal
from karbor_trove.bank import resource_status
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove.operations import flow
from karbor_trove import options
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import connect

LOG = logging.getLogger(__name__)

T = TypeVar('T')


class Operation(protection_plugin.Operation):
    """One operation on one instance in one flow of Karbor."""

    #: What the operation does to the instance, for the log.
    action: str
    #: Karbor's exception for a failure of this operation.
    failure_class: Callable[..., Exception]
    #: What the operation works on, for that exception.
    object_name = 'Database Instance Backup'

    def __init__(self, settings: options.Settings, clock: polling.Clock,
                 flow_state: flow.FlowState) -> None:
        """Create the operation. No request is sent yet.

        :param settings: the options of the provider file.
        :param clock: the clock of all waits.
        :param flow_state: shared by all resources of the flow.
        """
        super().__init__()
        self._settings = settings
        self._clock = clock
        self._poller = polling.Poller(settings.poll_interval, clock)
        self._flow = flow_state

    def _bind(self, checkpoint: karbor_types.Checkpoint,
              resource: karbor_types.Resource,
              context: karbor_types.RequestContext,
              operation_record: Optional[karbor_types.OperationRecord] = None
              ) -> None:
        """Store the arguments of a hook.

        Karbor creates an operation for each resource, and calls its hooks one
        after the other [resource_flow.py, 1.6.0].

        :param operation_record: Karbor's record of the restore or the
            verification. None for a protect or a delete.
        """
        self._checkpoint = checkpoint
        self._resource = resource
        self._context = context
        self._record = operation_record
        self._section = checkpoint.get_resource_bank_section(resource.id)
        self._journal = backup_journal.BackupJournal(self._section.bank,
                                                     resource.id)

    def _get_sections(self) -> Dict[str, karbor_types.BankSection]:
        """Return the sections of all instances of the checkpoint, by id."""
        sections: Dict[str, karbor_types.BankSection] = {}

        def walk(nodes: Iterable[karbor_types.Node]) -> None:
            for node in nodes:
                if node.value.type == self._resource.type:
                    sections[node.value.id] = (
                        self._checkpoint.get_resource_bank_section(
                            node.value.id))
                walk(node.child_nodes)

        walk(self._checkpoint.resource_graph)
        return sections

    def _refuse_problems(
            self, find_problems: Callable[[], preflight_problems.Problems],
            cannot: str) -> None:
        """Refuse the whole flow if a part of it cannot succeed.

        Every operation that creates something calls this in its hook
        on_prepare_begin. Karbor does not wait for all resources between that
        hook and the next. So the first resource checks the whole flow, and
        the others reuse its result.

        :param find_problems: checks the whole flow.
        :param cannot: the words that follow "another database of this", such
            as "restore cannot be restored".
        :raises errors.KarborTroveError: a check had no result, or the flow
            has problems. The message lists those of this resource, one a
            line. If it has none, the message names the others.
        """
        self._settings.check()
        self._flow.check_once(find_problems)
        problems = self._flow.problems
        if problems:
            raise errors.Rejected('\n'.join(problems.get(self._resource.id, [
                'not started, because another database of this %s: %s'
                % (cannot, ', '.join(sorted(problems)))])))

    def _fail(self, error: Exception,
              failed_id: Optional[str] = None) -> Exception:
        """Log and store a failure, and return Karbor's exception for it.

        Karbor's record gets the reason. If there is none, Karbor's API has no
        place for the reason. It is stored in the bank instead.

        :param failed_id: the id that the record names. By default that of the
            resource.
        """
        reason = str(error)
        resource = self._resource
        LOG.error('%s instance %s in checkpoint %s failed: %s', self.action,
                  resource.id, self._checkpoint.id, reason)
        if self._record is None:
            resource_status.mark_failed(
                self._section, constants.RESOURCE_STATUS_ERROR, reason)
        else:
            self._flow.set_status(
                self._record, resource.type, failed_id or resource.id,
                constants.RESOURCE_STATUS_ERROR, reason)
        return self.failure_class(
            name=self.object_name, reason=reason, resource_id=resource.id,
            resource_type=resource.type)

    def _connect(self) -> trove_client.TroveClient:
        """Connect to Trove with the rights of the request's user.

        :raises errors.KarborTroveError: Trove was not found within 60 s.
        """
        return self._wait_for(self._make_client, timeouts.FIND_TROVE,
                              'Trove could not be found')

    def _make_client(self, deadline: Optional[polling.Deadline] = None
                     ) -> trove_client.TroveClient:
        return connect.connect(self._context, deadline)

    def _wait_for(self, check: Callable[[], Optional[T]], seconds: float,
                  description: str) -> T:
        return self._poller.wait_for(check, self._poller.deadline(seconds),
                                     description)

    def _backup_deletion(self) -> deferred_deletion.BackupDeletion:
        return deferred_deletion.BackupDeletion(
            self._journal, self._context.project_id, self._make_client,
            self._poller)
