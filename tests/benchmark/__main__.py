"""Command line of the benchmark: python -m tests.benchmark [--help].

It writes the results as JSON. tests.benchmark.plot writes the page of them.
"""

import argparse
import contextlib
import importlib
import itertools
import json
import pathlib
import shutil
import signal
import statistics
import tempfile
import time
from typing import Any, Iterator

from karbor_trove import timeouts
from tests.benchmark import broker
from tests.benchmark import children
from tests.benchmark import machine
from tests.benchmark import page
from tests.benchmark import rabbitmq
from tests.benchmark import results
from tests.benchmark import shared_clock
from tests.benchmark import trove_server
from tests.sandbox import environments
from tests.sandbox import process

_PAGE = environments.ROOT / 'doc/source/reference/benchmark.rst'
#: A cell is measured again until it took so many seconds.
_CELL_SECONDS = 60.0
#: The least number of runs of a cell, even if it takes long, by plugin and
#: duration. One run is not enough, because the CPU time of Karbor's flow
#: engine varies.
_LEAST_RUNS: 'dict[tuple[str, float | None], int]' = {
    # The limits of the CPU time and of the memory compare these.
    (results.NOOP, None): 5,
    # The lateness of one run depends on when the last poll happens to come.
    (results.OURS, results.USUAL): 9, (results.OURS, results.MINUTE): 9,
    # The limits of the lateness subtract that of these.
    (results.SLEEP, results.USUAL): 3, (results.SLEEP, results.MINUTE): 3}
#: A cell is left out if it would send more requests.
_MOST_REQUESTS = 50000
#: The other operations are measured up to this number of databases.
_MOST_OPERATIONS = 100
#: A real Trove is measured up to this number of databases.
_MOST_REAL = 10
#: The cell that is measured with the real time as well, and how often. The
#: real time needs all seconds of each run. The in-tree plugin needs 15 s for
#: this duration.
_CONTROL_SIZE = 10
_CONTROL_SECONDS = 12.0
_CONTROL_RUNS = 5
#: The durations of the runs of a cell differ by one pause between two polls.
#: That is a tenth of the duration, and so many seconds at most.
_LONGEST_SPREAD = timeouts.LONGEST_POLL_INTERVAL
#: Multiples of it, without their whole part, are spread evenly over 0 to 1,
#: however many there are.
_GOLDEN_RATIO = (5 ** 0.5 - 1) / 2
#: Plugins that ask Trove for something.
_REAL = (results.OURS, results.IN_TREE)


def _list_of(kind: Any) -> Any:
    """Return a parser for values that are separated by commas."""
    def parse(text: str) -> 'list[Any]':
        values = sorted({kind(item) for item in text.split(',')})
        if values[0] <= 0:
            raise ValueError
        return values
    parse.__name__ = 'list of numbers above 0'
    return parse


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='tests.benchmark',
        description='Compare the plugin with Karbor\'s in-tree plugin.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('--sizes', type=_list_of(int), default='1,10,100,1000',
                        metavar='N,...',
                        help='numbers of databases. 1,000 databases take '
                             'three quarters of an hour')
    parser.add_argument('--seconds', type=_list_of(float),
                        default='2,31,60,28800', metavar='S,...',
                        help='seconds that a backup takes')
    parser.add_argument('--runs', type=int, default=9,
                        help='number of runs of each cell. A cell that took '
                             f'{_CELL_SECONDS:g} s is not run again. But the '
                             'cells that some limits compare are run up to '
                             f'{max(_LEAST_RUNS.values())} times')
    parser.add_argument('--listed', type=int, default=5000,
                        help='number of instances that are listed')
    parser.add_argument('--checkpoints', type=_list_of(int),
                        default='10,100,1000', metavar='N,...',
                        help='numbers of older checkpoints of one database. '
                             '1,000 checkpoints take about five minutes')
    parser.add_argument('--broker', default=True,
                        action=argparse.BooleanOptionalAction,
                        help='measure three protection services with a real '
                             'RabbitMQ. It is skipped if rabbitmq-server is '
                             'missing')
    parser.add_argument('--real-trove', default=True,
                        action=argparse.BooleanOptionalAction,
                        help=f'measure up to {_MOST_REAL} databases against '
                             'the real Trove of the sandbox as well. It takes '
                             'about ten minutes')
    parser.add_argument('--page', type=pathlib.Path, default=_PAGE,
                        help='the page to write. The plot is beside it')
    # tox sets it.
    parser.add_argument('--results', type=pathlib.Path, required=True,
                        help=argparse.SUPPRESS)
    return parser.parse_args()


def spread_duration(seconds: float, run: int) -> float:
    """Return how long the backups of a run take.

    A plugin polls at nearly the same moments of each run. If each run had the
    same duration, the lateness of all runs would depend on how soon after this
    duration a poll happens to come.

    :param seconds: the duration of the cell. The first run has it.
    :param run: the number of the run, from 0.
    """
    spread = min(seconds / 10, _LONGEST_SPREAD)
    return seconds + spread * ((0.5 + run * _GOLDEN_RATIO) % 1 - 0.5)


def subtract_spread(measured: 'dict[str, Any]', seconds: float, run: int
                    ) -> None:
    """Change the seconds of a flow to those of a flow with other backups.

    The backups took as long as spread_duration() says. The result is as if
    they had taken the duration of the cell.

    :param measured: the result of a measurement, which is changed.
    :param seconds: the duration of the cell.
    :param run: the number of the run, from 0.
    """
    measured['seconds'] -= spread_duration(seconds, run) - seconds


class Benchmark:
    """All measurements, one after the other.

    :param directory: for temporary files.
    """

    def __init__(self, args: argparse.Namespace, directory: pathlib.Path
                 ) -> None:
        self._args = args
        self._directory = directory
        self._database = directory / 'karbor.sqlite'
        self._start = time.monotonic()
        self.protect: 'list[dict[str, Any]]' = []
        self.skipped: 'list[dict[str, Any]]' = []
        self.operations: 'list[dict[str, Any]]' = []
        self.failed: 'list[dict[str, Any]]' = []
        self.listing: 'list[dict[str, Any]]' = []
        self.growth: 'list[dict[str, Any]]' = []
        self.control: 'list[dict[str, Any]]' = []

    def run(self) -> 'dict[str, Any]':
        """Return the results."""
        args = self._args
        facts = machine.list_facts()
        self._measure('create_database', results.NOOP, 0, 1.0)
        # These may fail, and the others take an hour.
        services = self._measure_services()
        real = self._measure_real()
        self._measure_control()
        self._measure_listing()
        self._measure_operations()
        self._measure_growth()
        self._measure_protect()
        return {
            'arguments': {
                'sizes': args.sizes, 'seconds': args.seconds,
                'checkpoints': args.checkpoints, 'listed': args.listed,
                'runs': args.runs,
                'operation_sizes': self._operation_sizes()},
            'protect': self.protect, 'skipped': self.skipped,
            'operations': self.operations, 'failed': self.failed,
            'listing': self.listing, 'growth': self.growth,
            'control': self.control, 'services': services, 'real': real,
            'control_size': self._control_size(),
            'control_seconds': self._control_seconds(),
            'build_seconds': trove_server.BUILD_SECONDS,
            'delete_seconds': trove_server.DELETE_SECONDS,
            'minutes': (time.monotonic() - self._start) / 60,
            'facts': facts, 'page': str(args.page.absolute())}

    def _measure_protect(self) -> None:
        """Measure checkpoints of all sizes.

        The cells of one size take turns. If all runs of one cell came first, a
        machine that becomes slower would change the difference of two cells.
        """
        for size in self._args.sizes:
            cells: 'list[tuple[str, float | None]]' = [(results.NOOP, None), *(
                (plugin, seconds) for seconds in self._args.seconds
                for plugin in (results.SLEEP, *_REAL)
                if not self._is_skipped(plugin, size, seconds))]
            # Cells that are compared and take long are next to each other.
            cells.sort(key=lambda cell: -_LEAST_RUNS.get(cell, 1))
            for _ in itertools.zip_longest(*(
                    self._add_runs(self.protect, 'protect', plugin, size,
                                   seconds) for plugin, seconds in cells)):
                pass

    def _is_skipped(self, plugin: str, size: int, seconds: float) -> bool:
        """Return True if the cell would send too many requests.

        The largest smaller size that was measured shows how many.
        """
        samples = results.Samples(self.protect)
        expected = 0.0
        for smaller in self._args.sizes:
            measured = samples.median('requests', plugin=plugin, size=smaller,
                                      seconds=seconds)
            if smaller < size and measured is not None:
                expected = measured * size / smaller
        if expected > _MOST_REQUESTS:
            self.skipped.append({
                'plugin': plugin, 'size': size, 'seconds': seconds,
                'reason': 'not run, because it would send about '
                          f'{expected:,.0f} requests'})
            return True
        return False

    def _measure_operations(self) -> None:
        for size in self._operation_sizes():
            for plugin in _REAL:
                try:
                    for measured in self._run_cell(
                            'all_operations', plugin, size):
                        self.operations += [
                            results.summarize(values, operation=operation,
                                              plugin=plugin, size=size)
                            for operation, values in measured.items()]
                except children.Failure as failure:
                    if plugin == results.OURS:
                        raise
                    self.failed.append({'plugin': plugin, 'size': size,
                                        'reason': _describe(failure)})

    def _operation_sizes(self) -> 'list[int]':
        return [size for size in self._args.sizes if size <= _MOST_OPERATIONS]

    def _measure_growth(self) -> None:
        measured = self._measure(
            'growth', results.OURS, 1, 2.0,
            checkpoints=self._args.checkpoints)
        self.growth = [
            results.summarize(values, operation=operation,
                              checkpoints=int(count))
            for count, of_count in measured.items()
            for operation, values in of_count.items()]

    def _measure_listing(self) -> None:
        for plugin in _REAL:
            self._repeat(self.listing, 'listing', plugin, self._args.listed)

    def _measure_control(self) -> None:
        """Measure one cell with both clocks.

        Each duration is measured with both, so that they can be compared.
        """
        size, seconds = self._control_size(), self._control_seconds()
        for run in range(min(_CONTROL_RUNS, self._args.runs)):
            for plugin in _REAL:
                for clock in ('skipping', 'real'):
                    measured = self._measure(
                        'protect', plugin, size, spread_duration(seconds, run),
                        skips=clock == 'skipping')
                    subtract_spread(measured, seconds, run)
                    self.control.append(results.summarize(
                        measured, plugin=plugin, clock=clock))

    def _control_size(self) -> int:
        return min(_CONTROL_SIZE, max(self._args.sizes))

    def _control_seconds(self) -> float:
        return min(_CONTROL_SECONDS, max(self._args.seconds))

    def _measure_services(self) -> 'dict[str, Any]':
        """Measure several protection services on a message broker."""
        if not self._args.broker:
            return {'skipped': 'the run was with --no-broker'}
        directory = self._directory / 'broker'
        directory.mkdir()
        return broker.measure(directory)

    def _measure_real(self) -> 'dict[str, Any]':
        """Measure small sizes with a real Trove, and with the fake one."""
        sizes = [size for size in self._args.sizes if size <= _MOST_REAL]
        if not self._args.real_trove:
            return {'skipped': 'the run was with --no-real-trove'}
        if not sizes:
            return {'skipped': 'the run had no size up to %d' % _MOST_REAL}
        # Only the environment of the sandbox has its libraries.
        real_cloud: Any = importlib.import_module(
            'tests.benchmark.real_cloud')
        samples: 'list[dict[str, Any]]' = []
        failed = []
        with real_cloud.run(max(sizes)) as cloud:
            for size in sizes:
                for plugin in _REAL:
                    try:
                        samples += self._measure_pair(cloud, plugin, size)
                    except children.Failure as failure:
                        if plugin == results.OURS:
                            raise
                        failed.append({'plugin': plugin, 'size': size,
                                       'reason': _describe(failure)})
                        cloud.delete_others()
        return {'sizes': sizes, 'samples': samples, 'failed': failed,
                'versions': real_cloud.read_versions(),
                'backup_seconds': real_cloud.BACKUP_SECONDS}

    def _measure_pair(self, cloud: Any, plugin: str, size: int
                      ) -> 'list[dict[str, Any]]':
        """Return the samples of a cell with the real and with a fake Trove.

        The fake Trove takes as long as the real one did.
        """
        real = []
        for measured in self._run_cell(
                'all_operations', plugin, size, skips=False,
                cloud=cloud.build_settings(size)):
            real.append(measured)
            cloud.delete_others()
        seconds = {name: statistics.median(
            value for measured in real for value in
            measured[operation]['report']['durations'][name])
            for operation, name in (('protect', 'backup'),
                                    ('restore', 'build'),
                                    ('delete', 'delete'))}
        fake = self._run_cell(
            'all_operations', plugin, size, seconds['backup'],
            server={'build_seconds': seconds['build'],
                    'delete_seconds': seconds['delete']})
        return [
            results.summarize(
                values, operation=operation, plugin=plugin, size=size,
                trove=trove, counts=values['report']['requests'],
                longest=values['report'].get('longest_response'))
            for trove, runs in ((results.REAL, real), (results.FAKE, fake))
            for measured in runs for operation, values in measured.items()]

    def _repeat(self, samples: 'list[dict[str, Any]]', kind: str, plugin: str,
                size: int, seconds: 'float | None' = None) -> None:
        """Add the samples of a cell. None if no backup is waited for."""
        for _ in self._add_runs(samples, kind, plugin, size, seconds):
            pass

    def _add_runs(self, samples: 'list[dict[str, Any]]', kind: str,
                  plugin: str, size: int, seconds: 'float | None'
                  ) -> 'Iterator[None]':
        """Add the sample of one run of a cell at each step."""
        least_runs = (_LEAST_RUNS.get((plugin, seconds), 1)
                      if kind == 'protect' else 1)
        try:
            for run, measured in enumerate(self._run_cell(
                    kind, plugin, size, seconds, least_runs)):
                if seconds is not None:
                    subtract_spread(measured, seconds, run)
                samples.append(results.summarize(
                    measured, plugin=plugin, size=size, seconds=seconds))
                yield
        except children.Failure as failure:
            if plugin != results.IN_TREE:
                raise
            self.skipped.append({
                'plugin': plugin, 'size': size, 'seconds': seconds or 0.0,
                'reason': _describe(failure)})

    def _run_cell(self, kind: str, plugin: str, size: int,
                  seconds: 'float | None' = None, least_runs: int = 1,
                  **settings: Any) -> 'Iterator[dict[str, Any]]':
        """Yield the results of the runs of a cell.

        :param seconds: the median duration of a backup. If it is None, each
            run has two seconds.
        :param least_runs: do not end after fewer runs because the cell takes
            long.
        :param settings: see _measure().
        """
        # Runs of other cells may come between those of this one.
        spent = 0.0
        for run in range(self._args.runs):
            if run >= least_runs and spent > _CELL_SECONDS:
                return
            start = time.monotonic()
            measured = self._measure(
                kind, plugin, size, 2.0 if seconds is None
                else spread_duration(seconds, run), **settings)
            spent += time.monotonic() - start
            yield measured

    def _measure(self, kind: str, plugin: str, size: int, seconds: float,
                 skips: bool = True, cloud: 'dict[str, Any] | None' = None,
                 server: 'dict[str, Any] | None' = None, **settings: Any
                 ) -> 'dict[str, Any]':
        """Run one measurement in new processes, and return its result.

        :param cloud: the settings of a real cloud. None for a fake Trove.
        :param server: further settings of the fake Trove.
        """
        start = time.monotonic()
        duration = 'real' if cloud else page.format_seconds(seconds)
        directory = pathlib.Path(tempfile.mkdtemp(dir=self._directory))
        (directory / 'karbor').mkdir()
        clock = directory / 'clock'
        shared_clock.SharedClock.create(clock)
        with contextlib.ExitStack() as stack:
            cloud = cloud or {'trove': stack.enter_context(
                children.trove_server(directory, {
                    'clock': str(clock), 'instances': size,
                    'backup_seconds': seconds, **(server or {})}))}
            measured = children.measure(directory, {
                'kind': kind, 'clock': str(clock), 'skips': skips,
                'directory': str(directory / 'karbor'),
                'database': str(self._database), 'plugin': plugin,
                'backup_seconds': seconds, **cloud, **settings})
        shutil.rmtree(directory)
        print(f'{time.monotonic() - self._start:6.0f} s: {kind}, {plugin}, '
              f'{size:,} databases, {duration}: took '
              f'{time.monotonic() - start:.0f} s', flush=True)
        return measured


def _describe(failure: children.Failure) -> str:
    return 'failed: ' + str(failure).splitlines()[-1]


def main() -> None:
    args = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix='benchmark-')))
        try:
            data = Benchmark(args, directory).run()
        except (children.Failure, rabbitmq.Failure,
                environments.InstallFailure,
                process.StartFailure) as failure:
            raise SystemExit(str(failure))
        except KeyboardInterrupt:
            raise SystemExit(130)
    args.results.write_text(json.dumps(data))


if __name__ == '__main__':
    main()
