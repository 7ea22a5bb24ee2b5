"""The two distributions, built as a release would build them."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def run(*command, cwd):
    """Return what a command prints; its complaints are shown if it fails."""
    done = subprocess.run(command, cwd=cwd, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope='session')
def checkout(tmp_path_factory):
    """A clone that has the working tree's changes, and a developer's litter.

    Building leaves files behind, and so must not be done in the working tree.
    """
    clone = tmp_path_factory.mktemp('source') / 'checkout'
    run('git', 'clone', '--quiet', str(ROOT), str(clone), cwd='/')
    for path in run('git', 'ls-files', '-z', cwd=ROOT).split('\0')[:-1]:
        if (ROOT / path).exists():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, clone / path)
    run('git', 'add', '--all', cwd=clone)
    for litter in ('.sandbox/karbor/pyvenv.cfg', '.tox/unit/pyvenv.cfg',
                   '.tools/tox-0/pyvenv.cfg', 'doc/build/html/index.html',
                   'karbor_trove/__pycache__/options.cpython-311.pyc',
                   'build/lib/karbor_trove/gone.py'):
        (clone / litter).parent.mkdir(parents=True, exist_ok=True)
        (clone / litter).touch()
    return clone


@pytest.fixture(scope='session')
def distributions(checkout, tmp_path_factory):
    """Return the folder with the sdist, and the wheel made from the sdist.

    With this environment's pinned setuptools and pbr.
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
