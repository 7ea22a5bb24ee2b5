"""Bank requests do not grow with the number of checkpoints."""

import csv
import pathlib

from karbor.services.protection import bank_plugin
from oslo_config import cfg
import pytest

from tests.fake_trove import object_store
from tests.unit.bank_plugins import conftest as bank_plugins
from tests.unit.operations import growth
from tests.unit.simulation import in_memory_bank

COUNTS = (10, 100, 1000)
KINDS = ['memory', 'file-system', 'file-system-of-karbor', 'swift',
         'swift-of-karbor']
TABLE = (pathlib.Path(__file__).parents[3]
         / 'doc/source/contributor/bank-requests.csv')
#: The banks in the table.
TITLES = {'file-system': 'file system', 'swift': 'Swift'}


@pytest.fixture
def counting_plugin(kind, tmp_path, fake_trove):
    """A bank plugin that counts requests. Swift counts its own requests."""
    if kind == 'memory':
        return growth.CountingPlugin(
            in_memory_bank.BankPlugin(lambda: None))
    store = object_store.ObjectStore(fake_trove.clock)
    store.attach(fake_trove.mocker)
    path = tmp_path / 'bank.conf'
    path.write_text(bank_plugins.PROVIDER.format(
        keystone=bank_plugins.keystone.URL, folder=tmp_path / 'bank',
        retries=0))
    config = cfg.ConfigOpts()
    config(['--config-file', str(path)], default_config_dirs=[])
    return growth.CountingPlugin(
        bank_plugins.PLUGINS[kind](config),
        (lambda: len(store.requests)) if kind.startswith('swift') else None)


@pytest.fixture
def bank(counting_plugin):
    return bank_plugin.Bank(counting_plugin)


@pytest.fixture
def prepare(bank, fake_trove, clock, build_resource, make_plugin,
            new_checkpoint, context, verify):
    """Return a function that adds an instance with many checkpoints."""
    def run(count, has_markers=True):
        resource = build_resource(fake_trove.add_instance(name='orders'))
        growth.add_checkpoints(
            bank, fake_trove, clock, resource.id, count, has_markers)
        return growth.Operations(
            make_plugin(poll_interval=1, full_backup_every=100), fake_trove,
            new_checkpoint, resource, context, verify).list_runs()
    return run


@pytest.fixture
def measure(counting_plugin, prepare):
    """Return a function that measures all operations."""
    return lambda count: {name: counting_plugin.measure(run)
                          for name, run in prepare(count).items()}


@pytest.fixture
def rows(measure, kind):
    """The rows of the table for one bank."""
    measured = [measure(count) for count in COUNTS]
    rows = []
    for name in measured[0]:
        requests, seconds = zip(*(values[name] for values in measured))
        rows.append([TITLES.get(kind, kind), name, *map(str, requests),
                     '%.2f' % abs(growth.fit_exponent(COUNTS, requests)),
                     *('%.3f' % value for value in seconds)])
    return rows


@pytest.mark.parametrize('kind', KINDS)
def test_bank_requests_do_not_grow_with_the_checkpoints(rows, kind, request):
    for row in rows:
        assert float(row[5]) <= 0.1, row
    if kind not in TITLES:
        return
    if request.config.getoption('--write-growth', False):
        others = [row for row in read_table() if row[0] != TITLES[kind]]
        with TABLE.open('w', newline='') as stream:
            csv.writer(stream, lineterminator='\n').writerows(
                sorted(others + rows, key=lambda row: row[0]))
    documented = [row for row in read_table() if row[0] == TITLES[kind]]
    # The seconds depend on the machine.
    assert [row[:6] for row in rows] == [row[:6] for row in documented]


def read_table():
    if not TABLE.exists():
        return []
    with TABLE.open(newline='') as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize('kind', ['memory'])
def test_first_sweeps_over_an_old_bank_end_the_growth(
        prepare, counting_plugin):
    sequence = ['protect', 'protect, incremental', 'verify', 'verify']
    old, new = ([counting_plugin.measure(runs[name])[0] for name in sequence]
                for runs in (prepare(130, has_markers=False), prepare(130)))
    assert old[2] > new[2] + 50
    assert old[3] == new[3]
