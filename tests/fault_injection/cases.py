"""Cases of the fault matrix: one request of an operation, and one fault."""

import collections
import re
from typing import Any, Iterable, NamedTuple

from tests.fault_injection import faults
from tests.sandbox import proxy

#: Durations of a fault. ONCE: only the request of the case has the fault.
#: WHOLE: all later requests to the same service have the fault too.
ONCE, WHOLE = 'once', 'whole deadline'

#: Parts of a path that differ in each run, and what replaces them.
_IDS = (
    (re.compile(r'\?.*'), ''),
    (re.compile(r'^/v1(\.0|/AUTH_)?/?[0-9a-f]{32}'), ''),
    (re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'), '{id}'),
    (re.compile(r'[0-9a-f]{32}'), '{project}'),
    (re.compile(r'(?<=/indices/).*'), '{path}'),
    (re.compile(r'_\d{8}$'), '_{segment}'),
)


class OperationRequest(NamedTuple):
    """A request of an operation. Repeated polling requests count as one."""

    #: For example 'trove GET /backups/{id}', see get_kind().
    kind: str
    #: From 1. The number is 2 if the operation sends a request of this kind,
    #: then requests of other kinds, and then a request of this kind again.
    number: int

    def __str__(self) -> str:
        return self.kind + (f' ({self.number})' if self.number > 1 else '')

    @property
    def is_to_bank(self) -> bool:
        """True if the request goes to a bank in Swift."""
        return ' /karbor' in self.kind


class Case(NamedTuple):
    """One experiment: an operation runs with a fault at one request.

    The fields `operation` and `fault` are names of scenarios.SCENARIOS and of
    faults.FAULTS. The duration is ONCE or WHOLE.
    """

    operation: str
    request: OperationRequest
    fault: str
    duration: str

    def __str__(self) -> str:
        return (f'{self.operation}, {self.request}: {self.fault}, '
                f'{self.duration}')


def get_kind(request: proxy.Request) -> str:
    """Return the service, the method and the path of a request.

    Placeholders replace the ids in the path: 'trove GET /backups/{id}'.
    """
    path = request.path
    for pattern, replacement in _IDS:
        path = pattern.sub(replacement, path)
    return f'{request.service} {request.method} {path or "/"}'


class Counter:
    """A counter of the requests of one operation, by kind."""

    def __init__(self) -> None:
        self._last = ''
        self._counts: collections.Counter[str] = collections.Counter()

    def count(self, request: proxy.Request) -> OperationRequest:
        """Return the kind and the number of the next request."""
        kind = get_kind(request)
        if kind != self._last:
            self._counts[kind] += 1
            self._last = kind
        return OperationRequest(kind, self._counts[kind])


def list_requests(recorded: Iterable[proxy.Request]) -> list[OperationRequest]:
    """Return the requests of an operation, each once, in their order."""
    counter = Counter()
    return list(dict.fromkeys(counter.count(request) for request in recorded))


def list_cases(operation: str, requests: Iterable[OperationRequest],
               covered: Iterable[OperationRequest] = (),
               names: Iterable[str] = faults.FAULTS) -> list[Case]:
    """Return all cases of an operation.

    :param operation: a name of scenarios.SCENARIOS.
    :param requests: the requests of the operation.
    :param covered: requests without cases here. Another operation has the
        cases of these requests.
    :param names: the names of the faults.
    """
    return [Case(operation, request, fault, duration)
            for request in requests if request not in covered
            for fault in names for duration in (ONCE, WHOLE)]


class Injector:
    """An injector that proxy.Proxies calls for each request.

    It returns the fault of a case for the request of the case. If the duration
    of the fault is WHOLE, it also does so for all later requests to the same
    service.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._counter = Counter()
        #: The service of the first request with the fault.
        self._service = ''
        #: How many requests had the fault.
        self.count = 0

    def __call__(self, request: proxy.Request) -> Any:
        """Return the fault of a request. None if it has no fault."""
        case = self._case
        if self.count:
            if case.duration == ONCE or request.service != self._service:
                return None
        elif self._counter.count(request) != case.request:
            return None
        self.count += 1
        self._service = request.service
        if case.fault == 'refused' and case.duration == WHOLE:
            return proxy.Exchange.refuse_all
        return faults.FAULTS[case.fault]
