"""Cases of the fault matrix: a request of an operation and its fault."""

import collections
import re
from typing import Any, Iterable, NamedTuple

from tests.fault_injection import faults
from tests.sandbox import proxy

ONCE, WHOLE = 'once', 'whole deadline'

_IDS = (
    (re.compile(r'\?.*'), ''),
    (re.compile(r'^/v1(\.0|/AUTH_)?/?[0-9a-f]{32}'), ''),
    (re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'), '{id}'),
    (re.compile(r'[0-9a-f]{32}'), '{project}'),
    (re.compile(r'(?<=/indices/).*'), '{path}'),
    (re.compile(r'_\d{8}$'), '_{segment}'),
)


class Request(NamedTuple):
    """A request of an operation. Repeated polling requests count as one."""

    kind: str
    #: 2 for the second request of this kind after requests of other kinds.
    number: int

    def __str__(self) -> str:
        return self.kind + (f' ({self.number})' if self.number > 1 else '')

    @property
    def is_to_bank(self) -> bool:
        """Whether it goes to a bank in Swift."""
        return ' /karbor' in self.kind


class Case(NamedTuple):
    """One experiment."""

    operation: str
    request: Request
    fault: str
    duration: str

    def __str__(self) -> str:
        return (f'{self.operation}, {self.request}: {self.fault}, '
                f'{self.duration}')


def get_kind(request: proxy.Request) -> str:
    """Return the service, the method and the path without ids."""
    path = request.path
    for pattern, replacement in _IDS:
        path = pattern.sub(replacement, path)
    return f'{request.service} {request.method} {path or "/"}'


class Counter:
    """Numbers the requests of an operation."""

    def __init__(self) -> None:
        self._last = ''
        self._counts: collections.Counter[str] = collections.Counter()

    def count(self, request: proxy.Request) -> Request:
        kind = get_kind(request)
        if kind != self._last:
            self._counts[kind] += 1
            self._last = kind
        return Request(kind, self._counts[kind])


def list_requests(recorded: Iterable[proxy.Request]) -> list[Request]:
    """Return the requests of an operation, each once, in their order."""
    counter = Counter()
    return list(dict.fromkeys(counter.count(request) for request in recorded))


def list_cases(operation: str, requests: Iterable[Request],
               covered: Iterable[Request] = (),
               names: Iterable[str] = faults.FAULTS) -> list[Case]:
    """Return all cases of an operation.

    :param covered: requests that have their cases in another operation.
    :param names: the names of the faults.
    """
    return [Case(operation, request, fault, duration)
            for request in requests if request not in covered
            for fault in names for duration in (ONCE, WHOLE)]


class Injector:
    """Injects the fault of a case. Counts how often it did."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._counter = Counter()
        self._service = ''
        self.count = 0

    def __call__(self, request: proxy.Request) -> Any:
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
