"""Records of what Karbor writes to its bank and to its database, and when."""

import collections
import re
import time
from typing import Any

_STATUS = re.compile(r'/resource-data/([^/]+)/status$')


class BankRecorder:
    """Counts the requests to a bank, and records the resource statuses.

    :param plugin: the bank plugin. Its methods are replaced.
    """

    def __init__(self, plugin: Any) -> None:
        self.reset()
        for name in ('update_object', 'get_object', 'list_objects',
                     'delete_object'):
            setattr(plugin, name, self._wrap(name, getattr(plugin, name)))

    def reset(self) -> None:
        """Forget everything."""
        self.counts: 'collections.Counter[str]' = collections.Counter()
        #: The time of the last write of a status, by instance and status.
        self.times: 'dict[tuple[str, str], float]' = {}

    def _wrap(self, name: str, method: Any) -> Any:
        def record(*args: Any, **kwargs: Any) -> Any:
            self.counts[name] += 1
            result = method(*args, **kwargs)
            if name == 'update_object':
                self._record_status(*args, **kwargs)
            return result
        return record

    def _record_status(self, key: str, value: Any, **kwargs: Any) -> None:
        found = _STATUS.search(key)
        if found:
            self.times[found[1], value] = time.time()

    def find_times(self, status: str) -> 'dict[str, float]':
        """Return the times at which instances got a status, by id."""
        return {instance_id: at for (instance_id, written), at
                in self.times.items() if written == status}


def record_updates(record: Any) -> 'dict[str, float]':
    """Return a dict that gets the time of the last status of each resource.

    :param record: Karbor's record of a restore or a verification. Its method
        is replaced.
    """
    times: 'dict[str, float]' = {}
    update = record.update_resource_status

    def update_and_record(resource_type: str, resource_id: str,
                          *args: Any) -> None:
        update(resource_type, resource_id, *args)
        times[resource_id] = time.time()
    record.update_resource_status = update_and_record
    return times
