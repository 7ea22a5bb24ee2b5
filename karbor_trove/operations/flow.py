# SPDX-License-Identifier: Apache-2.0

"""State that the resources of one flow share."""

import threading
from typing import Callable, Dict, FrozenSet, List, Optional, Set

from karbor_trove import karbor_types
from karbor_trove.preflight import problems as preflight_problems


class FlowState:
    """The results of the preflight checks, and serialized status updates.

    Karbor's save() stores all changes of a record and then marks all of them
    as stored. If two resources write at once, the status of one of them is
    lost [karbor/objects/restore.py, 1.6.0]. So the resources of a flow share
    a FlowState, which writes one status after the other.
    """

    def __init__(self) -> None:
        """Create the state of one flow."""
        self._status_lock = threading.Lock()
        self._preflight_lock = threading.Lock()
        self._is_checked = False
        self._error: Optional[Exception] = None
        #: Karbor passes each resource its own parameters only, so each
        #: resource adds the problems of its parameters.
        self.problems: preflight_problems.Problems = {}
        #: The ids of the instances that a restore has created.
        self.created_ids: Set[str] = set()
        self._earlier_ids: Optional[FrozenSet[str]] = None
        #: What the preflight checks could not check, one sentence each. It
        #: is part of the reason of a success.
        self.unchecked: List[str] = []
        #: The temporary instances of earlier verifications that still exist,
        #: one sentence each, by the id of the original instance.
        self.leftovers: Dict[str, List[str]] = {}

    def check_once(self,
                   find_problems: Callable[[], preflight_problems.Problems]
                   ) -> None:
        """Add the problems of the whole flow, unless there are problems.

        Only the first caller runs the function. Later callers wait for it,
        and raise the error that it raised.
        """
        if self.problems:
            return
        with self._preflight_lock:
            if not self._is_checked:
                try:
                    self.problems.update(find_problems())
                except Exception as error:  # Later callers raise it too.
                    self._error = error
                self._is_checked = True
            if self._error is not None:
                raise self._error

    def list_earlier_ids(self, list_ids: Callable[[], FrozenSet[str]]
                         ) -> FrozenSet[str]:
        """Return the ids of the instances before the first one was created.

        :param list_ids: lists them. Only the first caller runs it.
        """
        with self._preflight_lock:
            if self._earlier_ids is None:
                self._earlier_ids = list_ids()
            return self._earlier_ids

    def set_status(self, record: karbor_types.OperationRecord,
                   resource_type: str, resource_id: str, status: str,
                   reason: str = '') -> None:
        """Set and save the status of a resource.

        :param record: Karbor's record of the restore or verification.
        :param status: a resource status of Karbor, never one of Trove.
        :param reason: for the user. "" if there is none.
        """
        with self._status_lock:
            record.update_resource_status(resource_type, resource_id, status,
                                          reason)
            record.save()
