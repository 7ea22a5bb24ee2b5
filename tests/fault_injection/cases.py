"""The cells of the matrix: which request of an operation fails, and how."""

import collections
import re
from typing import Any, Iterable, NamedTuple

from tests.fault_injection import faults as deeds
from tests.sandbox import proxy

ONCE, WHOLE = 'once', 'whole deadline'

_IDS = (
    (re.compile(r'\?.*'), ''),
    (re.compile(r'^/v1(\.0|/AUTH_)?/?[0-9a-f]{32}'), ''),
    (re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'), '{id}'),
    (re.compile(r'[0-9a-f]{32}'), '{project}'),
    (re.compile(r'_\d{8}$'), '_{segment}'),
)


class Step(NamedTuple):
    """A request of an operation; repeated looks are one."""

    what: str
    #: The how many-th of its kind, with others in between.
    number: int

    def __str__(self) -> str:
        return self.what + (f' ({self.number})' if self.number > 1 else '')

    @property
    def is_of_bank(self) -> bool:
        """Whether it asks a bank in Swift."""
        return ' /karbor' in self.what


class Cell(NamedTuple):
    """One experiment."""

    operation: str
    step: Step
    fault: str
    duration: str

    def __str__(self) -> str:
        return (f'{self.operation}, {self.step}: {self.fault}, '
                f'{self.duration}')


def name(request: proxy.Request) -> str:
    """Name a request by its kind."""
    path = request.path
    for pattern, instead in _IDS:
        path = pattern.sub(instead, path)
    return f'{request.service} {request.method} {path or "/"}'


class Counter:
    """Tells which step each request is."""

    def __init__(self) -> None:
        self._last = ''
        self._counts: collections.Counter[str] = collections.Counter()

    def step(self, request: proxy.Request) -> Step:
        what = name(request)
        if what != self._last:
            self._counts[what] += 1
            self._last = what
        return Step(what, self._counts[what])


def steps(requests: Iterable[proxy.Request]) -> list[Step]:
    """Find the steps in what was recorded."""
    counter = Counter()
    return list(dict.fromkeys(counter.step(one) for one in requests))


def of(operation: str, found: Iterable[Step], known: Iterable[Step] = (),
       faults: Iterable[str] = deeds.DEEDS) -> list[Cell]:
    """All cells of an operation.

    :param known: steps whose cells another operation has.
    """
    return [Cell(operation, step, fault, duration)
            for step in found if step not in known
            for fault in faults for duration in (ONCE, WHOLE)]


class Judge:
    """Lets the request of a cell fail; counts what was to make something."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._counter = Counter()
        self._service = ''
        self.fired = 0

    def __call__(self, request: proxy.Request) -> Any:
        cell = self._cell
        if self.fired:
            if cell.duration == ONCE or request.service != self._service:
                return None
        elif self._counter.step(request) != cell.step:
            return None
        self.fired += 1
        self._service = request.service
        if cell.fault == 'refused' and cell.duration == WHOLE:
            return proxy.Exchange.refuse_all
        return deeds.DEEDS[cell.fault]
