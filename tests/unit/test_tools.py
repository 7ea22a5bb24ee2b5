"""tools/tox: what it refuses, what it makes, what it passes on."""

import pathlib
import shutil
import subprocess
import sys
import typing

import pytest

ROOT = pathlib.Path(__file__).parents[2]

# The real interpreter, which believes itself something else.
PYTHON = '''#!/bin/sh
[ "$1" = -c ] && exec {python} -I -c '{lie}
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
    """A copy of tools/tox, with a PATH that has only what is put on it."""

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

    def put_python(self, lie: str = '', pip: int = 0) -> None:
        self.put('environment-python', ENVIRONMENT_PYTHON.format(pip=pip))
        self.put('python3', PYTHON.format(
            python=sys.executable, lie=lie,
            environment_python=self.path / 'environment-python'))

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.folder / 'tools/tox', *arguments], cwd='/', text=True,
            env={'PATH': str(self.path)}, capture_output=True)

    @property
    def made(self) -> typing.List[str]:
        """Return what lies in .tools, whole or not."""
        return [path.name for path in self.folder.glob('.tools/*')]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.mark.parametrize('command', ['python3', 'git'])
def test_a_missing_command_is_named(checkout, command):
    (checkout.path / command).unlink()

    done = checkout.run()

    assert done.returncode != 0
    assert f'{command} is not on PATH. Install' in done.stderr
    assert not checkout.made


def test_an_older_python_is_refused(checkout):
    checkout.put_python(lie='import sys; sys.version_info = (3, 10, 13)')

    done = checkout.run()

    assert done.returncode != 0
    assert 'is Python 3.10. Install 3.11 or newer' in done.stderr
    assert not checkout.made


@pytest.mark.parametrize('module', ['venv', 'ensurepip'])
def test_a_python_without_environments_is_refused(checkout, module):
    checkout.put_python(lie=f'import sys; sys.modules["{module}"] = None')

    done = checkout.run()

    assert done.returncode != 0
    assert f'lacks the module {module}. Install it' in done.stderr
    assert not checkout.made


def test_the_environment_is_made_once_and_gets_the_arguments(checkout):
    first = checkout.run('-e', 'style', '--', 'two words')
    again = checkout.run('list')

    assert first.returncode == again.returncode == 0
    assert first.stdout == 'tox got: -e style -- two words\n'
    assert again.stdout == 'tox got: list\n'
    assert '(once)' in first.stderr
    assert again.stderr == ''
    assert len(checkout.made) == 1


def test_a_half_made_environment_is_not_kept(checkout):
    checkout.put_python(pip=1)
    failed = checkout.run()
    left = checkout.made
    checkout.put_python()

    done = checkout.run()

    assert failed.returncode != 0
    assert not left
    assert done.returncode == 0


@pytest.mark.parametrize('changed', ['pinned list', 'python'])
def test_another_list_or_python_is_another_environment(checkout, changed):
    checkout.run()
    if changed == 'python':
        checkout.put_python(lie='import sys; sys.version = "3.99"')
    else:
        (checkout.folder / 'tools/requirements/tox.txt').write_text('tox==5\n')

    checkout.run()

    assert len(checkout.made) == 2
