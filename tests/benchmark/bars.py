"""The limits that the figures have to keep."""

import dataclasses
from typing import Dict, Iterator, List, Optional

from tests.benchmark import figures
from tests.benchmark import results

#: How many databases are many.
_MANY = 1000


@dataclasses.dataclass(frozen=True)
class Bar:
    """One limit. The value is None if it was not measured."""

    name: str
    limit: float
    value: Optional[float]
    unit: str = ''

    @property
    def outcome(self) -> str:
        if self.value is None:
            return 'not measured'
        return 'pass' if self.value <= self.limit else '**fail**'


def list_bars(protect: results.Samples, growth: results.Samples,
              sizes: List[int], checkpoints: List[int]) -> List[Bar]:
    """Return all bars.

    :param protect: the samples of checkpoints with several databases.
    :param growth: the samples of one database with several checkpoints.
    """
    return [*_lateness(protect, sizes), *_requests(protect),
            *_usage(protect, sizes), *_growth(protect, sizes),
            *_checkpoints(growth, checkpoints)]


def _lateness(protect: results.Samples, sizes: List[int]) -> Iterator[Bar]:
    def worst(key: str, seconds: float) -> Optional[float]:
        values = [protect.median(key, plugin=results.OURS, size=size,
                                 seconds=seconds)
                  for size in sizes if size <= 100]
        return max((value for value in values if value is not None),
                   default=None)

    def above_own_delay(key: str, seconds: float) -> Optional[float]:
        late, own = (protect.median(key, plugin=plugin, size=_MANY,
                                    seconds=seconds)
                     for plugin in (results.OURS, results.SLEEP))
        return None if late is None or own is None else late - own

    for seconds, limit in ((31.0, 2.0), (60.0, 3.0)):
        for key, name, most in (('late', 'median', limit),
                                ('latest', '99th percentile', 6.0)):
            yield Bar('lateness, %s, backups of %g s, up to 100 databases'
                      % (name, seconds), most, worst(key, seconds), 's')
            yield Bar('lateness above Karbor\'s own, %s, backups of %g s, '
                      '1,000 databases' % (name, seconds), most,
                      above_own_delay(key, seconds), 's')


def _requests(protect: results.Samples) -> Iterator[Bar]:
    for seconds, name, limit in ((results.USUAL, '31 s', 1.3),
                                 (results.LONG, '8 h', 2.0)):
        yield Bar('requests to Trove per database, 1,000 databases, backups '
                  'of %s' % name, limit, protect.per_database(
                      'requests', plugin=results.OURS, size=_MANY,
                      seconds=seconds))
    many, few = (protect.median('polls', plugin=results.OURS, size=size,
                                seconds=results.USUAL)
                 for size in (_MANY, 10))
    yield Bar('polls per flow, 1,000 databases compared with 10, backups of '
              '31 s', 1.2, many / few if many is not None and few else None)
    polls = [protect.median('polls', plugin=results.OURS, size=size,
                            seconds=results.LONG) for size in (10, 100, _MANY)]
    yield Bar('polls per flow, backups of 8 h', 850.0, max(
        (value for value in polls if value is not None), default=None))


def _usage(protect: results.Samples, sizes: List[int]) -> Iterator[Bar]:
    for size in (100, _MANY):
        for key, name, factor, limit, unit in (
                ('cpu', 'CPU time', 1000.0, 12.0, 'ms'),
                ('memory', 'peak memory', 1000.0, 50.0, 'kB')):
            value = protect.above_floor(key, results.OURS, size,
                                        results.USUAL)
            yield Bar('%s above the floor per database, %s databases' % (
                name, '{:,}'.format(size)), limit, None if value is None
                else value * factor / size, unit)


def fit_sizes(protect: results.Samples, key: str, sizes: List[int],
              is_above_floor: bool = False) -> Optional[float]:
    """Return the exponent of a number against the number of databases.

    Less than 10 databases say nothing about growth.
    """
    values: Dict[int, Optional[float]] = {
        size: protect.above_floor(key, results.OURS, size, results.USUAL)
        if is_above_floor else protect.median(
            key, plugin=results.OURS, size=size, seconds=results.USUAL)
        for size in sizes if size >= 10}
    return figures.fit_exponent({
        size: value for size, value in values.items() if value is not None})


def _growth(protect: results.Samples, sizes: List[int]) -> Iterator[Bar]:
    yield Bar('exponent of the CPU time above the floor against the number '
              'of databases', 1.05, fit_sizes(protect, 'cpu', sizes, True))
    yield Bar('exponent of the polls per flow against the number of '
              'databases', 0.1, fit_sizes(protect, 'polls', sizes))


def _checkpoints(growth: results.Samples, checkpoints: List[int]
                 ) -> Iterator[Bar]:
    for operation in ('protect', 'verify', 'delete'):
        values = {count: growth.median(
            'bank_requests', operation=operation, checkpoints=count)
            for count in checkpoints}
        yield Bar('exponent of the bank requests of %s against the number of '
                  'checkpoints' % operation, 0.1, figures.fit_exponent(
                      {count: value for count, value in values.items()
                       if value is not None}))
