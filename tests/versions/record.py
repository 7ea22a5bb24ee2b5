"""A plugin of pytest that records the result of an environment of tox.

The file has the versions of the libraries. Its outcome is "failed" until all
tests have passed, so an interrupted run counts as failed.
"""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform

LIBRARIES = ('karbor', 'python-troveclient', 'keystoneauth1', 'oslo.config',
             'taskflow', 'eventlet')
FAILED = 'failed'
PASSED = 'passed'


def build_path(folder: pathlib.Path) -> pathlib.Path:
    """Return the result's path. tox empties its folder before each run.

    :param folder: the environment of tox.
    """
    return folder / 'tmp' / 'result.json'


def _list_libraries():
    # A distribution may have its name with an underscore instead of a dot,
    # and Python 3.9 would not find it.
    versions = {distribution.metadata['Name'].replace('_', '.'):
                distribution.version
                for distribution in importlib.metadata.distributions()}
    return {name: versions[name] for name in LIBRARIES}


def _write(result):
    build_path(pathlib.Path(os.environ['TOX_ENV_DIR'])).write_text(
        json.dumps(result))


def pytest_configure(config):
    # The workers of pytest-xdist load the plugin too.
    if hasattr(config, 'workerinput'):
        return
    config.tested_versions = {
        'outcome': FAILED, 'passed': '', 'skipped': '',
        'date': datetime.date.today().isoformat(),
        'package': importlib.metadata.version('karbor-trove'),
        'python': platform.python_version(),
        'libraries': _list_libraries()}
    _write(config.tested_versions)


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    stats = terminalreporter.stats
    _write(dict(config.tested_versions,
                outcome=FAILED if exitstatus else PASSED,
                passed=len(stats.get('passed', ())),
                skipped=len(stats.get('skipped', ()))))
