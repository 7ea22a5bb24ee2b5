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

"""What the resources of one flow share."""

import threading
from typing import Any, Callable, Dict, List, Optional


class FlowState:
    """Writes results into one record of Karbor, for all resources of a flow.

    Karbor saves what changed and then takes everything for saved: of two
    resources that write at once, the second would be lost
    [karbor/objects/restore.py, 1.6.0]. So the resources of a flow share one
    of these, and write one after another.
    """

    def __init__(self) -> None:
        """Make it for one flow."""
        self._lock = threading.Lock()
        #: What stands in the way of the flow, found out for all of it.
        self.preflight = RunOnce()
        #: That by the resource's id, a sentence each. Karbor hands each
        #: resource its own parameters only: each adds what is wrong there.
        self.problems: Dict[str, List[str]] = {}
        #: What could not be found out before, for whoever reads of a success.
        self.unchecked: List[str] = []

    def set_status(self, karbor_record: Any, resource_type: str, resource_id: str,
                   status: str, reason: str = '') -> None:
        """Set a resource's status and reason, and save them.

        :param karbor_record: the Restore or Verification of the flow.
        :param status: one of Karbor's own words, never Trove's.
        :param reason: what the user should know; "" for nothing.
        """
        with self._lock:
            karbor_record.update_resource_status(resource_type, resource_id,
                                                 status, reason)
            karbor_record.save()


class RunOnce:
    """Something that is worked out once for a flow, by who comes first."""

    def __init__(self) -> None:
        """Make it for one flow."""
        self._lock = threading.Lock()
        self._done = False
        self._result: Any = None
        self._error: Optional[Exception] = None

    def get(self, work: Callable[[], Any]) -> Any:
        """Give the result of the first caller's work.

        The others wait for it, and fail as it did.
        """
        with self._lock:
            if not self._done:
                try:
                    self._result = work()
                except Exception as error:  # Everybody's, not the first's.
                    self._error = error
                self._done = True
            if self._error is not None:
                raise self._error
            return self._result
