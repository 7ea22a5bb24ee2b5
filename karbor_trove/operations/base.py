# SPDX-License-Identifier: Apache-2.0

"""Base class of the four operations."""

import functools
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


def get_sections(checkpoint: karbor_types.Checkpoint, resource_type: str
                 ) -> Dict[str, karbor_types.BankSection]:
    """Return the sections of all instances of a checkpoint, by their ids."""
    sections: Dict[str, karbor_types.BankSection] = {}

    def walk(nodes: Iterable[karbor_types.Node]) -> None:
        for node in nodes:
            if node.value.type == resource_type:
                sections[node.value.id] = checkpoint.get_resource_bank_section(
                    node.value.id)
            walk(node.child_nodes)

    walk(checkpoint.resource_graph)
    return sections


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

    def _refuse_problems(
            self, resource: karbor_types.Resource,
            find_problems: Callable[[], preflight_problems.Problems],
            cannot: str) -> None:
        """Refuse the whole flow if a part of it cannot succeed.

        Every operation that creates something calls this in its hook
        on_prepare_begin. Karbor does not wait for all resources between that
        hook and the next. So the first resource checks the whole flow, and
        the others reuse its result.

        :param find_problems: checks the whole flow.
        :param cannot: see preflight.problems.refusal_reason().
        :raises errors.KarborTroveError: the flow has problems, or a check
            had no result.
        """
        self._settings.check()
        self._flow.check_once(find_problems)
        if self._flow.problems:
            raise errors.Rejected(preflight_problems.refusal_reason(
                self._flow.problems, resource.id, cannot))

    def _fail(self, checkpoint: karbor_types.Checkpoint,
              resource: karbor_types.Resource, error: Exception,
              record: Optional[karbor_types.OperationRecord] = None,
              failed_id: Optional[str] = None) -> Exception:
        """Log and store a failure, and return Karbor's exception for it.

        :param record: gets the reason. Protect and delete have no record, and
            Karbor's API has no place for their reason. It is stored in the
            bank instead.
        :param failed_id: the id that the record names. By default that of the
            resource.
        """
        reason = str(error)
        LOG.error('%s instance %s in checkpoint %s failed: %s', self.action,
                  resource.id, checkpoint.id, reason)
        if record is None:
            resource_status.mark_failed(
                checkpoint.get_resource_bank_section(resource.id),
                constants.RESOURCE_STATUS_ERROR, reason)
        else:
            self._flow.set_status(record, resource.type,
                                  failed_id or resource.id,
                                  constants.RESOURCE_STATUS_ERROR, reason)
        return self.failure_class(
            name=self.object_name, reason=reason, resource_id=resource.id,
            resource_type=resource.type)

    def _connect(self, context: karbor_types.RequestContext
                 ) -> trove_client.TroveClient:
        """Connect to Trove with the rights of the request's user.

        :raises errors.KarborTroveError: Trove was not found within 60 s.
        """
        return self._wait_for(lambda: connect.connect(context),
                              timeouts.FIND_TROVE, 'Trove could not be found')

    def _wait_for(self, check: Callable[[], Optional[T]], seconds: float,
                  description: str) -> T:
        return self._poller.wait_for(check, self._poller.deadline(seconds),
                                     description)

    def _backup_deletion(self, section: karbor_types.BankSection,
                         instance_id: str,
                         context: karbor_types.RequestContext
                         ) -> deferred_deletion.BackupDeletion:
        return deferred_deletion.BackupDeletion(
            backup_journal.BackupJournal(section.bank, instance_id),
            context.project_id, functools.partial(connect.connect, context),
            self._poller)
