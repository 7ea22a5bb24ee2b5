"""What is released holds what it should, nothing else, and installs."""

import configparser
import sys
import tarfile
import zipfile

from packaging import metadata
import pytest
from readme_renderer import rst

from tests.package.conftest import ROOT
from tests.package.conftest import run

# What pbr and setuptools add to the files of git.
GENERATED = {'AUTHORS', 'ChangeLog', 'PKG-INFO', 'RELEASENOTES.rst'}

ENTRY_POINTS = {
    'karbor.protections': {'karbor-trove-protection-plugin'},
    'karbor.protectables': {'trove-instance'},
    'oslo.config.opts': {'karbor_trove'},
    'console_scripts': {'karbor-trove-manage'},
    'karbor_trove.report_formatter': {
        'csv', 'json', 'prometheus', 'table', 'value', 'yaml'},
}

LOOK = '''
import importlib.metadata
import karbor_trove

for group in ('karbor.protections', 'karbor.protectables', 'oslo.config.opts',
              'console_scripts', 'karbor_trove.report_formatter'):
    for entry_point in importlib.metadata.entry_points(group=group):
        print(group, entry_point.name)
'''

LIST_OPTIONS = '''
from stevedore import driver

found = driver.DriverManager('oslo.config.opts', 'karbor_trove')
for group, options in found.driver():
    print(group, len(options))
'''


def files_of(sdist):
    """Return the paths in an sdist, without its top folder and egg-info."""
    with tarfile.open(sdist) as archive:
        paths = {member.name.partition('/')[2]
                 for member in archive.getmembers() if member.isfile()}
    return {path for path in paths if '.egg-info/' not in path}


def read(wheel, name):
    """Return the text of a file in the wheel's dist-info folder."""
    with zipfile.ZipFile(wheel) as archive:
        [path] = [path for path in archive.namelist()
                  if path.endswith('.dist-info/' + name)]
        return archive.read(path).decode()


@pytest.fixture(scope='module')
def described(wheel):
    """Return the wheel's metadata; invalid fields are errors."""
    return metadata.Metadata.from_email(read(wheel, 'METADATA'))


def test_the_sdist_holds_what_git_holds(checkout, sdist):
    tracked = set(run('git', 'ls-files', '-z', cwd=checkout).split('\0')[:-1])

    assert files_of(sdist) - GENERATED == tracked - {'.gitignore'}


def test_the_wheel_holds_the_package_and_nothing_else(checkout, wheel):
    modules = run('git', 'ls-files', '-z', 'karbor_trove', cwd=checkout)
    with zipfile.ZipFile(wheel) as archive:
        paths = {path for path in archive.namelist()
                 if '.dist-info/' not in path}

    assert paths == set(modules.split('\0')[:-1])


def test_the_wheel_declares_the_entry_points(wheel):
    declared = configparser.ConfigParser()
    declared.read_string(read(wheel, 'entry_points.txt'))

    assert {group: set(declared[group])
            for group in declared.sections()} == ENTRY_POINTS


def test_the_extra_is_a_karbor_with_the_pins_it_runs_with(described):
    extra = {str(wanted).partition(';')[0].strip()
             for wanted in described.requires_dist
             if wanted.marker and wanted.marker.evaluate({'extra': 'karbor'})}

    assert extra == {
        'karbor==1.6.0', 'SQLAlchemy<1.4', 'oslo.db<11', 'oslo.context<4',
        'python-freezerclient<6.4', 'osc-lib<4', 'python-openstackclient<8',
        'setuptools<81'}


def test_the_requirements_are_those_of_the_code(described):
    always = {wanted.name for wanted in described.requires_dist
              if not wanted.marker}

    assert always == {'cliff', 'keystoneauth1', 'oslo.config', 'oslo.log',
                      'pbr', 'python-troveclient'}


def test_the_metadata_says_what_it_is(described):
    assert described.name == 'karbor-trove'
    assert described.summary
    assert described.license == 'Apache-2.0'
    assert str(described.requires_python) == '>=3.8'


def test_the_readme_renders_as_an_index_of_packages_shows_it(described):
    assert described.description_content_type.startswith('text/x-rst')
    assert described.description.strip() == (
        ROOT / 'README.rst').read_text().strip()
    assert rst.render(described.description) is not None


def install(path, folder, *options):
    """Install into a new environment; return the path of its Python."""
    run(sys.executable, '-m', 'venv', str(folder), cwd='/')
    python = str(folder / 'bin/python')
    run(python, '-m', 'pip', 'install', *options, str(path), cwd='/')
    return python


def assert_entry_points_are_found(python):
    found = set(run(python, '-I', '-c', LOOK, cwd='/').splitlines())

    assert found >= {f'{group} {name}' for group, names in ENTRY_POINTS.items()
                     for name in names}


def test_the_sdist_installs_with_the_newest_build_tools(sdist, tmp_path):
    python = install(sdist, tmp_path / 'venv', '--no-deps')

    assert_entry_points_are_found(python)


def test_the_wheel_installs_with_all_that_it_requires(wheel, tmp_path):
    python = install(wheel, tmp_path / 'venv')

    assert_entry_points_are_found(python)
    assert run(python, '-I', '-c', LIST_OPTIONS, cwd='/')
