"""The limits that the figures have to keep."""

import dataclasses
from typing import Dict, Iterable, Iterator, List, Optional

from tests.benchmark import figures
from tests.benchmark import plan_size
from tests.benchmark import results

#: How many databases are many.
_MANY = 1000
#: Fewer databases, or fewer checkpoints, say nothing about growth. For
#: example, a sweep reads 5 journal entries at most.
_LEAST_GROWN = 10
#: The outcomes of a bar.
PASS, FAIL = 'pass', '**fail**'
NOT_MEASURED, NOT_MEASURABLE = 'not measured', 'not measurable'


@dataclasses.dataclass(frozen=True)
class Bar:
    """One limit. The value is None if it was not measured."""

    name: str
    #: None if the limit itself was not measured. The value is None then, too.
    limit: Optional[float]
    value: Optional[float]
    unit: str = ''
    #: How much the runs of the floor differ, in the unit of the value. 0 if
    #: the value is no difference from the floor.
    noise: float = 0.0

    @property
    def outcome(self) -> str:
        """Return one of the outcomes.

        A difference from the floor is not measurable if the floor itself
        differs by more than the limit. But the value fails if it is above the
        limit even without the noise.
        """
        if self.value is None or self.limit is None:
            return NOT_MEASURED
        if self.noise > self.limit and self.value - self.noise <= self.limit:
            return NOT_MEASURABLE
        return PASS if self.value <= self.limit else FAIL

    def format(self, value: Optional[float]) -> str:
        """Return a number with its unit. "-" if it is None."""
        return '-' if value is None else (
            '%s %s' % (figures.format_number(value), self.unit)).strip()

    def format_limit(self) -> str:
        """Return the limit with its unit. "-" if it is None."""
        return '-' if self.limit is None else (
            '%g %s' % (self.limit, self.unit)).strip()


def describe_failures(bars: Iterable[Bar]) -> str:
    """Return a line for each bar that fails. "" if none does."""
    return '\n'.join(
        '%s: %s is above the limit of %s' % (
            bar.name, bar.format(bar.value), bar.format_limit())
        for bar in bars if bar.outcome == FAIL)


def list_bars(protect: results.Samples, growth: results.Samples,
              sizes: List[int], checkpoints: List[int]) -> List[Bar]:
    """Return all bars.

    :param protect: the samples of checkpoints with several databases.
    :param growth: the samples of one database with several checkpoints.
    """
    return [*_lateness(protect, sizes), *_requests(protect),
            *_usage(protect), *_growth(protect, sizes),
            *_checkpoints(growth, checkpoints), _warning(protect, sizes)]


def _lateness(protect: results.Samples, sizes: List[int]) -> Iterator[Bar]:
    def find(key: str, size: int, seconds: float) -> Optional[float]:
        cell = dict(plugin=results.OURS, size=size, seconds=seconds)
        return (protect.latest(**cell) if key == 'latest'
                else protect.median(key, **cell))

    def worst(key: str, seconds: float) -> Optional[float]:
        values = [find(key, size, seconds) for size in sizes if size <= 100]
        return max((value for value in values if value is not None),
                   default=None)

    def above_own_delay(key: str, seconds: float) -> Optional[float]:
        late = find(key, _MANY, seconds)
        # The percentile of all runs together would subtract their worst run.
        own = protect.median(key, plugin=results.SLEEP, size=_MANY,
                             seconds=seconds)
        return None if late is None or own is None else late - own

    for seconds, limit in ((results.USUAL, 2.0), (results.MINUTE, 3.0)):
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


def _usage(protect: results.Samples) -> Iterator[Bar]:
    for size in (100, _MANY):
        for key, name, limit, unit in (
                ('cpu', 'CPU time', 12.0, 'ms'),
                ('memory', 'peak memory', 50.0, 'kB')):
            above = protect.above_floor(key, results.OURS, size,
                                        results.USUAL)
            floor = protect.values(key, plugin=results.NOOP, size=size)
            factor = 1000.0 / size
            yield Bar(
                '%s above the floor per database, backups of 31 s, %s '
                'databases' % (name, '{:,}'.format(size)), limit,
                # A plugin needs nothing less than the floor.
                None if above is None else max(0.0, above * factor), unit,
                _range(floor) * factor)
    # With 1,000 databases, the builds of noop differ by more than this limit.
    above = protect.above_floor('build_seconds', results.OURS, 100,
                                results.USUAL)
    factor = 1000.0 / 100
    yield Bar('time to build the flow above the floor per database, backups '
              'of 31 s, 100 databases', 5.0,
              None if above is None else max(0.0, above * factor), 'ms',
              _range(protect.values('build_seconds', plugin=results.NOOP,
                                    size=100)) * factor)


def _range(values: List[float]) -> float:
    return max(values) - min(values) if values else 0.0


def fit_sizes(protect: results.Samples, key: str, sizes: List[int],
              is_above_floor: bool = False) -> Optional[float]:
    """Return the exponent of a number against the number of databases.

    None if less than two sizes of 10 databases or more were measured.
    """
    values: Dict[int, Optional[float]] = {
        size: protect.above_floor(key, results.OURS, size, results.USUAL)
        if is_above_floor else protect.median(
            key, plugin=results.OURS, size=size, seconds=results.USUAL)
        for size in sizes if size >= _LEAST_GROWN}
    return figures.fit_exponent({
        size: value for size, value in values.items() if value is not None})


def _growth(protect: results.Samples, sizes: List[int]) -> Iterator[Bar]:
    yield Bar('exponent of the CPU time above the floor against the number '
              'of databases, backups of 31 s', 1.05,
              fit_sizes(protect, 'cpu', sizes, True))
    yield Bar('exponent of the polls per flow against the number of '
              'databases, backups of 31 s', 0.1,
              fit_sizes(protect, 'polls', sizes))


def _checkpoints(growth: results.Samples, checkpoints: List[int]
                 ) -> Iterator[Bar]:
    for operation in ('protect', 'verify', 'delete'):
        values = {count: growth.median(
            'bank_requests', operation=operation, checkpoints=count)
            for count in checkpoints if count >= _LEAST_GROWN}
        yield Bar('exponent of the bank requests of %s against the number of '
                  'checkpoints' % operation, 0.1, figures.fit_exponent(
                      {count: value for count, value in values.items()
                       if value is not None}))


def _warning(protect: results.Samples, sizes: List[int]) -> Bar:
    """Return the bar of the warning in the log.

    The limit is the recommended size. A larger plan without a warning would
    keep the protection service from answering for too long.
    """
    recommendation = plan_size.recommend(protect, sizes)
    name = ('databases in a plan above which the log warns, compared with the '
            'recommended number')
    if recommendation is None:
        return Bar(name, None, None)
    return Bar(name, recommendation.size, plan_size.read_warned_size())
