"""Pinned lists of packages, one for each environment of the sandbox.

A pinned list has all packages of an environment, with their versions.
"""

import configparser
import os
import pathlib
import subprocess

_ROOT = pathlib.Path(__file__).parents[2]
_FOLDER = pathlib.Path(__file__).parent / 'requirements'
NAMES = ('karbor', 'services', 'trove18')


def path(name: str) -> pathlib.Path:
    """Return the path of an environment's pinned list.

    :param name: one of NAMES.
    """
    return _FOLDER / f'{name}.txt'


def pinned(name: str) -> str:
    """Return the text of an environment's pinned list."""
    return path(name).read_text()


def _requirements(name: str) -> str:
    """Return the packages that an environment needs, without pinned versions.

    The environment 'karbor' also needs the packages that setup.cfg and
    requirements.txt list.
    """
    requirements = (_FOLDER / f'{name}.in').read_text()
    if name == 'karbor':
        setup = configparser.ConfigParser()
        setup.read(_ROOT / 'setup.cfg')
        requirements += (setup['extras']['karbor']
                         + '\n' + (_ROOT / 'requirements.txt').read_text())
    return requirements


def renew() -> None:
    """Write the newest compatible versions into all pinned lists, with uv.

    :raises SystemExit: uv is missing or failed.
    """
    for name in NAMES:
        try:
            done = subprocess.run(
                ['uv', 'pip', 'compile', '--quiet', '--upgrade', '--universal',
                 '--python-version', '3.11', '--no-annotate', '-',
                 '-o', str(path(name))],
                input=_requirements(name), text=True, cwd=_ROOT,
                env={'UV_CUSTOM_COMPILE_COMMAND': 'tools/tox -e lock',
                     **os.environ})
        except FileNotFoundError:
            raise SystemExit('uv is not on PATH. Run: tools/tox -e lock')
        if done.returncode:
            raise SystemExit(f'uv failed for {name}, see above')
