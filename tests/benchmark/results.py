"""Results of a run, and the figures that the page shows of them."""

import re
import statistics
from typing import Any, Dict, List, Optional, Sequence, Tuple

from tests.benchmark import figures

#: The names of the plugins in the results.
OURS, IN_TREE, NOOP, SLEEP = 'karbor-trove', 'in-tree', 'noop', 'sleep'
#: The names of the two kinds of Trove in the results.
REAL, FAKE = 'real', 'fake'
#: Seconds of the backups for which the limits are. Most are for USUAL.
USUAL, MINUTE, LONG = 31.0, 60.0, 28800.0

#: A further page of a list belongs to the poll of the first page.
_POLL = re.compile(r'Trove GET /v1\.0/[^/]+/backups(/[^ ]+)?$')
#: What a sample lacks, has shortened or has with another name.
_RAW = ('lateness', 'report', 'seconds')


def summarize(measured: Dict[str, Any], **cell: Any) -> Dict[str, Any]:
    """Return one sample: the numbers of one measurement.

    :param measured: what karbor_process.py wrote for one operation.
    :param cell: what was measured, such as plugin, size and seconds.
    """
    requests = measured['report']['requests']
    lateness = measured.get('lateness') or []
    sample = {key: value for key, value in measured.items()
              if key not in _RAW}
    sample.update(
        cell, total=measured['seconds'],
        requests=_count(requests, 'Trove'), polls=sum(
            count for name, count in requests.items() if _POLL.match(name)),
        swift_requests=_count(requests, 'Swift'),
        keystone_requests=_count(requests, 'Keystone'),
        trove_seconds=measured['report']['seconds'])
    if lateness:
        sample.update(late=statistics.median(lateness),
                      latest=figures.percentile(lateness, 0.99),
                      lateness=[round(late, 3) for late in lateness])
    return sample


def _count(requests: Dict[str, int], service: str) -> int:
    return sum(count for name, count in requests.items()
               if name.startswith(service + ' '))


def compare_counts(first: Sequence[Dict[str, int]],
                   second: Sequence[Dict[str, int]]
                   ) -> Dict[str, Tuple[float, float]]:
    """Return the medians of both that differ, by the name of the request.

    :param first: the number of requests by name, of at least one run.
    :param second: the same of other runs.
    """
    names = {name for counts in (*first, *second) for name in counts}
    medians = {name: (
        statistics.median(counts.get(name, 0) for counts in first),
        statistics.median(counts.get(name, 0) for counts in second))
        for name in sorted(names)}
    return {name: values for name, values in medians.items()
            if values[0] != values[1]}


class Samples:
    """Samples of one table of the results.

    A cell is the part of the samples with the same values of some keys.
    """

    def __init__(self, samples: List[Dict[str, Any]]) -> None:
        self._samples = samples

    def values(self, key: str, **cell: Any) -> List[float]:
        """Return a number of all runs of a cell."""
        return [sample[key] for sample in self._samples
                if sample.get(key) is not None
                and all(sample.get(name) == value
                        for name, value in cell.items())]

    def median(self, key: str, **cell: Any) -> Optional[float]:
        """Return the median of a number. None if it was not measured."""
        values = self.values(key, **cell)
        return statistics.median(values) if values else None

    def spread(self, key: str, **cell: Any) -> str:
        return figures.format_spread(self.values(key, **cell))

    def latest(self, **cell: Any) -> Optional[float]:
        """Return the 99th percentile of the lateness in all runs of a cell.

        A run with one database has one value, so only the values of all runs
        together have a percentile. Results of earlier versions lack these
        values. In that case the median of the percentiles of the runs is
        returned. None if nothing was measured.
        """
        values = [late for run in self.values('lateness', **cell)
                  for late in run]  # type: ignore
        return (figures.percentile(values, 0.99) if values
                else self.median('latest', **cell))

    def spread_latest(self, **cell: Any) -> str:
        """Return latest(), and the range of the percentiles of the runs."""
        return figures.format_spread(self.values('latest', **cell),
                                     self.latest(**cell))

    def per_database(self, key: str, **cell: Any) -> Optional[float]:
        """Return the median of a number by the size of the cell."""
        value = self.median(key, **cell)
        return None if value is None else value / cell['size']

    def above_floor(self, key: str, plugin: str, size: int, seconds: float
                    ) -> Optional[float]:
        """Return what a plugin needs more than the noop plugin.

        None if one of them was not measured.
        """
        value = self.median(key, plugin=plugin, size=size, seconds=seconds)
        floor = self.median(key, plugin=NOOP, size=size)
        return None if value is None or floor is None else value - floor

    def shares(self, key: str, **cell: Any) -> Dict[str, float]:
        """Return the mean shares of the CPU time in the runs of a cell."""
        runs = self.values(key, **cell)
        names = {name for run in runs for name in run}  # type: ignore
        return {name: statistics.mean(
            run.get(name, 0.0) for run in runs)  # type: ignore
            for name in names}
