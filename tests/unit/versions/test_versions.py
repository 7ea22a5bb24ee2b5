"""Results of the environments and their page."""

import json
import os
import subprocess
import sys

import pytest

from tests.versions import record
from tests.versions import report

PASSES = 'def test_passes():\n    pass\n'
SKIPS = ('import pytest\n'
         'def test_is_skipped():\n    pytest.skip("no program")\n')
FAILS = 'def test_fails():\n    assert False\n'
EXITS = 'import os\ndef test_exits():\n    os._exit(0)\n'
INTERRUPTS = 'def test_interrupts():\n    raise KeyboardInterrupt\n'


@pytest.fixture
def run(tmp_path):
    """Return a function that runs tests as an environment of tox does."""
    def run(*tests, name='py38', options=()):
        record.build_path(tmp_path / name).parent.mkdir(parents=True)
        path = tmp_path / 'test_sample.py'
        path.write_text('\n'.join(tests))
        subprocess.run(
            [sys.executable, '-m', 'pytest', '-p', 'tests.versions.record',
             *options, path], cwd=str(report.ROOT), stdout=subprocess.DEVNULL,
            env=dict(os.environ, TOX_ENV_DIR=str(tmp_path / name),
                     PYTHONPATH=str(report.ROOT)))
    return run


def read_row(text, name):
    """Return the cells of an environment's first row."""
    lines = text.splitlines()
    start = lines.index('   * - ' + name) + 1
    return [line[7:] for line in lines[start:start + 6]]


@pytest.mark.parametrize('options', [(), ('--numprocesses=1',)])
def test_passed_run_has_the_numbers_of_tests(run, tmp_path, options):
    run(PASSES, SKIPS, options=options)

    text = report.build_page(tmp_path, ['py38'])

    python, outcome, passed, skipped, _, _ = read_row(text, 'py38')
    assert python == '%d.%d.%d' % sys.version_info[:3]
    assert (outcome, passed, skipped) == ('passed', '1', '1')


@pytest.mark.parametrize('test', [FAILS, EXITS, INTERRUPTS, 'no Python', ''])
def test_run_that_fails_or_does_not_end_is_never_passed(run, tmp_path, test):
    run(PASSES if test else '', test)

    text = report.build_page(tmp_path, ['py38'])

    assert read_row(text, 'py38')[1] == '**failed**'


def test_environment_that_did_not_run_has_no_result(run, tmp_path):
    run(PASSES)

    text = report.build_page(tmp_path, ['py38', 'py39'])

    assert read_row(text, 'py39')[1] == '**no result**'
    assert read_row(text, 'py38')[1] == 'passed'


def test_page_has_the_versions_of_the_libraries(run, tmp_path):
    run(PASSES)

    result = json.loads(record.build_path(tmp_path / 'py38').read_text())

    assert result['libraries']['karbor'] == '1.6.0'
    text = report.build_page(tmp_path, ['py38'])
    for version in result['libraries'].values():
        assert '     - %s\n' % version in text
