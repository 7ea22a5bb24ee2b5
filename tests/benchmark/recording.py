"""Records of what Karbor writes and requests, and when."""

import collections
import http.client
import re
import time
from typing import Any
import urllib.parse
import weakref

_STATUS = re.compile(r'/resource-data/([^/]+)/status$')
_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}')


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


def name_request(service: str, method: str, target: str) -> str:
    """Return the name under which a request is counted.

    It has the service, the method and the path without ids. The further pages
    of a list have a name of their own.
    """
    path, _, query = target.partition('?')
    name = ' '.join((service, method, _UUID.sub('*', path)))
    if 'marker' in urllib.parse.parse_qs(query):
        name += ' (further page)'
    return name


class RequestRecorder:
    """Records the HTTP requests of this process to some servers.

    A request that a library repeats is counted again.

    :param servers: the name of a service by "host:port". Requests to other
        servers are not counted.
    """

    def __init__(self, servers: 'dict[str, str]') -> None:
        self.reset()
        # All clients of OpenStack use these methods for their requests.
        request = http.client.HTTPConnection.putrequest
        response = http.client.HTTPConnection.getresponse
        #: The time of the last request of a connection.
        starts: 'weakref.WeakKeyDictionary[Any, float]' = (
            weakref.WeakKeyDictionary())

        def putrequest(connection: Any, method: str, url: str, *args: Any,
                       **kwargs: Any) -> None:
            service = servers.get('%s:%s' % (connection.host,
                                             connection.port))
            if service is not None:
                starts[connection] = self._record(service, method, url)
            request(connection, method, url, *args, **kwargs)

        def getresponse(connection: Any) -> Any:
            result = response(connection)
            if connection in starts:
                self.longest = max(self.longest,
                                   time.time() - starts.pop(connection))
            return result
        http.client.HTTPConnection.putrequest = putrequest  # type: ignore
        http.client.HTTPConnection.getresponse = getresponse  # type: ignore

    def reset(self) -> None:
        """Forget everything."""
        self.counts: 'collections.Counter[str]' = collections.Counter()
        #: The time of the last request, by its method and its path.
        self.times: 'dict[tuple[str, str], float]' = {}
        #: Seconds until the longest response.
        self.longest = 0.0

    def _record(self, service: str, method: str, url: str) -> float:
        now = time.time()
        self.counts[name_request(service, method, url)] += 1
        self.times[method, url.partition('?')[0]] = now
        return now
