"""Fixtures: the sdist and the wheel, built as for a release."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def run(*command, cwd):
    """Run a command and return its output. A failure shows all of it."""
    process = subprocess.run(command, cwd=cwd, text=True, capture_output=True)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope='session')
def checkout(tmp_path_factory):
    """A clone with the changes of the working tree and with untracked files.

    A build creates files, so it does not run in the working tree. The
    untracked files are those that a developer's tools create.
    """
    clone = tmp_path_factory.mktemp('source') / 'checkout'
    run('git', 'clone', '--quiet', str(ROOT), str(clone), cwd='/')
    for path in run('git', 'ls-files', '-z', cwd=ROOT).split('\0')[:-1]:
        if (ROOT / path).exists():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, clone / path)
    run('git', 'add', '--all', cwd=clone)
    for untracked in ('.sandbox/karbor/pyvenv.cfg', '.tox/unit/pyvenv.cfg',
                      '.tools/tox-0/pyvenv.cfg', 'doc/build/html/index.html',
                      'karbor_trove/__pycache__/options.cpython-311.pyc',
                      'build/lib/karbor_trove/deleted.py'):
        (clone / untracked).parent.mkdir(parents=True, exist_ok=True)
        (clone / untracked).touch()
    return clone


@pytest.fixture(scope='session')
def distributions(checkout, tmp_path_factory):
    """Return the folder with the sdist and the wheel built from it.

    The build uses this environment's pinned setuptools and pbr.
    """
    folder = tmp_path_factory.mktemp('distributions')
    run(sys.executable, '-m', 'build', '--no-isolation', '--outdir',
        str(folder), cwd=checkout)
    return folder


@pytest.fixture(scope='session')
def sdist(distributions):
    [path] = distributions.glob('*.tar.gz')
    return path


@pytest.fixture(scope='session')
def wheel(distributions):
    [path] = distributions.glob('*.whl')
    return path
