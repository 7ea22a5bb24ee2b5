"""Exit status of the program that writes the page."""

import json
import sys

import pytest

from tests.benchmark import plot
from tests.benchmark import results
from tests.unit.benchmark import samples


@pytest.fixture
def write_page(tmp_path, monkeypatch):
    """Write the page of some results, without a plot, and return its path."""
    # This environment has no matplotlib.
    monkeypatch.setattr(plot, 'write_plot', lambda data, path: None)

    def write(data):
        file, page = tmp_path / 'results.json', tmp_path / 'benchmark.rst'
        file.write_text(json.dumps(dict(data, page=str(page))))
        monkeypatch.setattr(sys, 'argv', ['plot', str(file)])
        plot.main()

    write.page = tmp_path / 'benchmark.rst'
    return write


def test_page_of_a_run_within_all_limits_ends_well(write_page):
    write_page(samples.data())
    assert 'Limits' in write_page.page.read_text()


def test_failed_limit_is_an_error_after_the_page_is_written(
        write_page, capsys):
    data = samples.data()
    for sample in data['protect']:
        if sample['plugin'] == results.OURS:
            sample['late'] = 2.5
    # A text is printed, and the exit status is 1.
    with pytest.raises(SystemExit, match=(
            'These limits fail:\nlateness, median, backups of 31 s')):
        write_page(data)
    assert '**fail**' in write_page.page.read_text()
    assert 'The result is in' in capsys.readouterr().out


def test_small_run_does_not_fail_what_it_did_not_measure(write_page):
    data = samples.data()
    data['arguments'].update(sizes=[1, 10], seconds=[2.0])
    data['protect'] = []
    write_page(data)
    assert 'not measured' in write_page.page.read_text()
