"""The versions and the machine of a run."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess

from tests.sandbox import environments

_PACKAGES = ('karbor', 'taskflow', 'networkx', 'futurist', 'eventlet',
             'greenlet', 'python-troveclient', 'keystoneauth1', 'requests',
             'SQLAlchemy')


def list_facts() -> 'list[tuple[str, str]]':
    """Return names and values. None of them identifies the machine.

    Call it before the run, for the load of other programs.
    """
    return [
        ('date', datetime.date.today().isoformat()),
        ('karbor-trove', _read_commit()),
        *((name, importlib.metadata.version(name)) for name in _PACKAGES),
        ('Python', platform.python_version()),
        ('kernel', '%s %s' % (platform.system(),
                              platform.release().partition('-')[0])),
        ('processor', '%s, %d cores' % (_read_processor(),
                                        os.cpu_count() or 0)),
        ('memory', '%.0f GB' % (os.sysconf('SC_PAGE_SIZE')
                                * os.sysconf('SC_PHYS_PAGES') / 1e9)),
        ('load before the run', '%.1f' % os.getloadavg()[0])]


def _read_commit() -> str:
    """Return the commit of the checkout, marked if files were changed."""
    done = subprocess.run(
        ['git', 'describe', '--always', '--dirty'], cwd=environments.ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() or 'unknown'


def _read_processor() -> str:
    """Return the model of the processor, or the architecture."""
    found = re.search(r'^model name\s*: (.*)$', pathlib.Path(
        '/proc/cpuinfo').read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
