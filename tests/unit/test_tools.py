"""Tests of the script tools/tox, of its pinned lists and of pre-commit."""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys
import typing

import pytest
import yaml

# tools/tox refuses an older Python.
pytestmark = pytest.mark.skipif(sys.version_info < (3, 11),
                                reason='tools/tox needs Python 3.11')

ROOT = pathlib.Path(__file__).parents[2]

# The real interpreter with a prologue that changes its version or modules.
PYTHON = '''#!/bin/sh
[ "$1" = -c ] && exec {python} -I -c '{prologue}
import sys; del sys.argv[1]; exec(sys.argv.pop(1))' "$@"
[ "$2" = venv ] || exit 9
mkdir "$3/bin"
cp "{environment_python}" "$3/bin/python"
'''

ENVIRONMENT_PYTHON = '''#!/bin/sh
case "$2" in
    pip) exit {pip} ;;
    tox) shift 2; echo "tox got: $*" ;;
esac
'''


class Checkout:
    """A copy of tools/tox with its own PATH, to which put() adds commands."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder / 'a checkout'
        self.path = folder / 'bin'
        self.path.mkdir()
        for command in ('dirname', 'mkdir', 'mktemp', 'mv', 'rm', 'cp'):
            self.put(command, f'#!/bin/sh\nexec {shutil.which(command)} "$@"')
        self.put('git', '#!/bin/sh')
        self.put_python()
        pinned = self.folder / 'tools/requirements/tox.txt'
        pinned.parent.mkdir(parents=True)
        pinned.write_text('tox==4\n')
        shutil.copy(ROOT / 'tools/tox', self.folder / 'tools/tox')

    def put(self, command: str, text: str) -> None:
        (self.path / command).write_text(text)
        (self.path / command).chmod(0o755)

    def put_python(self, prologue: str = '', pip: int = 0) -> None:
        self.put('environment-python', ENVIRONMENT_PYTHON.format(pip=pip))
        self.put('python3', PYTHON.format(
            python=sys.executable, prologue=prologue,
            environment_python=self.path / 'environment-python'))

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.folder / 'tools/tox', *arguments], cwd='/', text=True,
            env={'PATH': str(self.path)}, capture_output=True)

    @property
    def environments(self) -> typing.List[str]:
        """Return the names of all folders in .tools."""
        return [path.name for path in self.folder.glob('.tools/*')]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.mark.parametrize('command', ['python3', 'git'])
def test_missing_command_is_reported(checkout, command):
    (checkout.path / command).unlink()

    result = checkout.run()

    assert result.returncode != 0
    assert f'{command} is not on PATH. Install' in result.stderr
    assert not checkout.environments


def test_python_3_10_is_refused(checkout):
    checkout.put_python(prologue='import sys; sys.version_info = (3, 10, 13)')

    result = checkout.run()

    assert result.returncode != 0
    assert 'is Python 3.10. Install 3.11 or newer' in result.stderr
    assert not checkout.environments


@pytest.mark.parametrize('module', ['venv', 'ensurepip'])
def test_python_without_venv_or_ensurepip_is_refused(checkout, module):
    checkout.put_python(prologue=f'import sys; sys.modules["{module}"] = None')

    result = checkout.run()

    assert result.returncode != 0
    assert f'lacks the module {module}. Install it' in result.stderr
    assert not checkout.environments


def test_environment_is_created_once_and_tox_gets_the_arguments(checkout):
    first = checkout.run('-e', 'style', '--', 'two words')
    second = checkout.run('list')

    assert first.returncode == second.returncode == 0
    assert first.stdout == 'tox got: -e style -- two words\n'
    assert second.stdout == 'tox got: list\n'
    assert '(once)' in first.stderr
    assert second.stderr == ''
    assert len(checkout.environments) == 1


def test_incomplete_environment_is_removed_when_pip_fails(checkout):
    checkout.put_python(pip=1)
    failed = checkout.run()
    remaining = checkout.environments
    checkout.put_python()

    result = checkout.run()

    assert failed.returncode != 0
    assert not remaining
    assert result.returncode == 0


@pytest.mark.parametrize('changed', ['pinned list', 'python'])
def test_changed_list_or_python_creates_a_new_environment(checkout, changed):
    checkout.run()
    if changed == 'python':
        checkout.put_python(prologue='import sys; sys.version = "3.99"')
    else:
        (checkout.folder / 'tools/requirements/tox.txt').write_text('tox==5\n')

    checkout.run()

    assert len(checkout.environments) == 2


def read_versions(path: str, operator: str) -> typing.Dict[str, str]:
    """Return the version of each package of a list of requirements."""
    lines = (ROOT / path).read_text().lower().replace('.', '-').splitlines()
    return dict(line.split(' ')[0].split(operator) for line in lines
                if operator in line and not line.startswith('#'))


def test_tested_versions_are_the_lower_bounds_of_the_requirements():
    bounds = read_versions('requirements.txt', '>=')
    tested = read_versions('tools/requirements/lower.txt', '==')
    victoria = read_versions('tools/requirements/victoria.txt', '==')

    assert {name: tested[name] for name in bounds} == bounds
    # Karbor 1.6.0 is of Victoria, so its libraries fit.
    assert all(numbers(victoria[name]) >= numbers(bounds[name])
               for name in bounds)


def numbers(version: str) -> typing.List[int]:
    return [int(number) for number in version.split('-')]


@pytest.fixture
def tox():
    """Return the parsed tox.ini."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / 'tox.ini')
    return parser


def test_label_versions_has_all_environments_of_other_versions(tox):
    names = tox['testenv:versions']['depends']
    assert tox['tox']['labels'].strip() == (
        'versions = %s, versions' % names)
    [section] = [name for name in tox.sections() if ',lower,' in name]
    defined = {prefix + suffix for prefix, suffixes in re.findall(
        r'([a-z]+)(?:{([0-9,]+)})?', section.partition(':')[2])
        for suffix in suffixes.split(',')}
    assert defined == set(names.split(', '))


def test_pre_commit_runs_only_environments_of_tox_with_linters(tox):
    config = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())

    # A repository of hooks would pin versions of its own.
    assert [repository['repo'] for repository in config['repos']] == ['local']
    for hook in config['repos'][0]['hooks']:
        assert hook['language'] == 'system'
        assert 'additional_dependencies' not in hook
        command, _, environment = hook['entry'].rpartition(' -e ')
        assert command == 'tools/tox -q'
        assert tox['testenv:' + environment]['deps'] == (
            '-r tools/requirements/%s.txt' % environment)
    assert environment == 'style'


def test_pre_commit_hook_runs_for_every_file_that_the_linters_read():
    config = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())
    [pattern] = [hook['files'] for hook in config['repos'][0]['hooks']]

    for path in ('karbor_trove/errors.py', 'tests/unit/test_tools.py',
                 'doc/source/conf.py', 'releasenotes/notes/a.yaml', 'setup.py',
                 'tox.ini', 'pyproject.toml', 'tools/count_words.py',
                 'tools/requirements/style.txt'):
        assert re.search(pattern, path), path
    assert not re.search(pattern, 'README.rst')
