"""Plot of the results, and the page with it.

    python -m tests.benchmark.plot RESULTS

Needs matplotlib, and neither Karbor nor the package. RESULTS is the file that
tests.benchmark wrote. Without it nothing is written. The exit status is 1 if a
limit on the page fails.
"""

import json
import pathlib
import sys
from typing import Any, Dict

from tests.benchmark import bars
from tests.benchmark import page
from tests.benchmark import results

_STYLES = {results.OURS: ('karbor-trove', 'o-', '#1b6ca8'),
           results.IN_TREE: ('in-tree', 's--', '#b3541e'),
           results.SLEEP: ('Karbor alone', '^:', '#555555')}


def write_plot(data: Dict[str, Any], path: pathlib.Path) -> None:
    """Write the plot as an SVG file."""
    # The unit tests of this module have no matplotlib.
    import matplotlib
    matplotlib.use('svg')
    from matplotlib import pyplot
    samples = results.Samples(data['protect'])
    sizes = data['arguments']['sizes']
    durations = data['arguments']['seconds']
    seconds = (results.USUAL if results.USUAL in durations
               else durations[0])

    def per_database(key: str) -> Any:
        def find(plugin: str, size: int) -> Any:
            above = samples.above_floor(key, plugin, size, seconds)
            return None if above is None else 1000 * above / size
        return find

    panels = [
        ('median lateness, s', _STYLES, lambda plugin, size: samples.median(
            'late', plugin=plugin, size=size, seconds=seconds)),
        ('requests to Trove per database', (results.OURS, results.IN_TREE),
         lambda plugin, size: samples.per_database(
            'requests', plugin=plugin, size=size, seconds=seconds)),
        ('CPU time above the floor per database, ms',
         (results.OURS, results.IN_TREE), per_database('cpu')),
        ('memory above the floor per database, kB',
         (results.OURS, results.IN_TREE), per_database('memory'))]
    # The same results always give the same file.
    matplotlib.rcParams.update({'svg.hashsalt': 'benchmark',
                                'svg.fonttype': 'none', 'font.size': 9})
    figure, axes = pyplot.subplots(2, 2, figsize=(8, 6))
    for axis, (title, plugins, find) in zip(axes.flat, panels):
        for plugin in plugins:
            points = [(size, find(plugin, size)) for size in sizes]
            points = [point for point in points if point[1] is not None]
            label, style, color = _STYLES[plugin]
            axis.plot(*zip(*points) if points else ((), ()), style,
                      label=label, color=color)
        axis.set_xscale('log')
        axis.set_xticks(sizes, ['{:,}'.format(size) for size in sizes])
        axis.margins(y=0.1)
        axis.set_ylim(bottom=0)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel('databases')
        axis.grid(alpha=0.3)
    axes.flat[0].legend()
    figure.tight_layout()
    figure.savefig(path, metadata={'Date': None})


def main() -> None:
    file = pathlib.Path(sys.argv[1])
    if not file.exists():
        return
    data = json.loads(file.read_text())
    place = pathlib.Path(data['page'])
    plot = place.with_suffix('.svg')
    write_plot(data, plot)
    built = page.Page(data)
    place.write_text(built.build(plot.name))
    print('The result is in %s' % place, flush=True)
    failures = bars.describe_failures(built.list_bars())
    if failures:
        raise SystemExit('These limits fail:\n' + failures)


if __name__ == '__main__':
    main()
