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

"""What the four operations have in common."""

import functools
from typing import Any, Callable, Iterable, List

from karbor.services.protection import protection_plugin

from karbor_trove.backups import deferred_deletion
from karbor_trove.bank import backup_journal
from karbor_trove.operations import flow
from karbor_trove import options
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import connect


def list_instance_ids(checkpoint: Any, resource_type: str) -> List[str]:
    """Give the ids of all instances of a checkpoint, each once."""
    found: List[str] = []

    def walk(nodes: Iterable[Any]) -> None:
        for node in nodes:
            if node.value.type == resource_type and (
                    node.value.id not in found):
                found.append(node.value.id)
            walk(node.child_nodes)

    walk(checkpoint.resource_graph)
    return found


class Operation(protection_plugin.Operation):
    """One operation on one instance, in one flow of Karbor."""

    def __init__(self, settings: options.Settings, clock: polling.Clock,
                 outcome: flow.FlowState) -> None:
        """Make it; nothing is asked of Trove or of the bank yet.

        :param settings: the provider's options.
        :param clock: the time that the waits use.
        :param outcome: shared by all resources of the flow.
        """
        super().__init__()
        self._settings = settings
        self._clock = clock
        self._outcome = outcome

    def _connect(self, context: Any) -> client.TroveClient:
        """Reach Trove with the rights of the request's user.

        :raises errors.TroveError: it cannot be reached, for 60 s.
        """
        gateway: client.TroveClient = self._wait(
            lambda: connect.connect(context), timeouts.FIND_TROVE,
            'Trove could not be found')
        return gateway

    def _wait(self, look: Callable[[], Any], seconds: float,
              what: str) -> Any:
        return polling.wait_for(look, polling.Deadline(seconds, self._clock),
                                self._settings.poll_interval, what)

    def _remover(self, section: Any, instance_id: str,
                 context: Any) -> deferred_deletion.BackupDeletion:
        return deferred_deletion.BackupDeletion(
            backup_journal.BackupJournal(
                section.bank,
                instance_id),
            context.project_id,
            functools.partial(
                connect.connect,
                context),
            self._settings,
            self._clock)
