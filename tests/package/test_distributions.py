"""Tests of the contents, metadata and installation of a release."""

import ast
import configparser
import sys
import tarfile
import zipfile

from packaging import metadata
import pytest
from readme_renderer import rst

from tests.package.conftest import ROOT
from tests.package.conftest import run

# Files that pbr and setuptools add to the tracked files.
GENERATED = {'AUTHORS', 'ChangeLog', 'PKG-INFO', 'RELEASENOTES.rst'}

ENTRY_POINTS = {
    'karbor.protections': {
        'karbor-trove-fs-bank-plugin', 'karbor-trove-passthrough-plugin',
        'karbor-trove-protection-plugin', 'karbor-trove-swift-bank-plugin'},
    'karbor.protectables': {'trove-instance'},
    'oslo.config.opts': {'karbor_trove', 'karbor_trove.provider_file'},
    'console_scripts': {'karbor-trove-manage', 'karbor-trove-status'},
    'karbor_trove.report_formatter': {
        'csv', 'json', 'prometheus', 'table', 'value', 'yaml'},
}

# The distributions whose names are not those of the packages that they have.
DISTRIBUTIONS = {
    'openstack': 'openstacksdk',
    'swiftclient': 'python-swiftclient',
    'troveclient': 'python-troveclient',
}
# The plugins run in an existing Karbor, and karbor_trove.horizon runs in an
# existing Horizon. The extras "karbor" and "horizon" install what fits. Karbor
# itself requires SQLAlchemy, and needs a release before 1.4.
INSTALLED_BEFORE = {'django', 'horizon', 'karbor', 'karbor_dashboard',
                    'sqlalchemy'}

LIST_ENTRY_POINTS = '''
import importlib.metadata
import karbor_trove

for group in ('karbor.protections', 'karbor.protectables', 'oslo.config.opts',
              'console_scripts', 'karbor_trove.report_formatter'):
    for entry_point in importlib.metadata.entry_points(group=group):
        print(group, entry_point.name)
'''

LIST_OPTIONS = '''
from stevedore import driver

manager = driver.DriverManager('oslo.config.opts', 'karbor_trove')
for group, options in manager.driver():
    print(group, len(options))
'''


def list_files(sdist):
    """Return the paths in an sdist, without its top folder and egg-info."""
    with tarfile.open(sdist) as archive:
        paths = {member.name.partition('/')[2]
                 for member in archive.getmembers() if member.isfile()}
    return {path for path in paths if '.egg-info/' not in path}


def read_metadata(wheel, name):
    """Return the text of a file in the wheel's dist-info folder."""
    with zipfile.ZipFile(wheel) as archive:
        [path] = [path for path in archive.namelist()
                  if path.endswith('.dist-info/' + name)]
        return archive.read(path).decode()


@pytest.fixture(scope='module')
def wheel_metadata(wheel):
    """Return the wheel's metadata. An invalid field is an error."""
    return metadata.Metadata.from_email(read_metadata(wheel, 'METADATA'))


def test_sdist_contains_the_tracked_files(checkout, sdist):
    tracked = set(run('git', 'ls-files', '-z', cwd=checkout).split('\0')[:-1])

    assert list_files(sdist) - GENERATED == tracked - {'.gitignore'}


def test_wheel_contains_only_the_package_and_samples(checkout, wheel):
    modules = run('git', 'ls-files', '-z', 'karbor_trove', cwd=checkout)
    samples = run('git', 'ls-files', '-z', 'etc/karbor-trove', cwd=checkout)
    with zipfile.ZipFile(wheel) as archive:
        paths = {path for path in archive.namelist()
                 if '.dist-info/' not in path}

    installed = {path.partition('.data/data/')[2] or path for path in paths}
    assert installed == {*modules.split('\0')[:-1],
                         *samples.split('\0')[:-1]}


def test_wheel_declares_the_entry_points(wheel):
    declared = configparser.ConfigParser()
    declared.read_string(read_metadata(wheel, 'entry_points.txt'))

    assert {group: set(declared[group])
            for group in declared.sections()} == ENTRY_POINTS


def list_extra(wheel_metadata, name):
    """Return the requirements of an extra, without markers."""
    return {str(requirement).partition(';')[0].strip()
            for requirement in wheel_metadata.requires_dist
            if requirement.marker
            and requirement.marker.evaluate({'extra': name})}


def test_extra_horizon_requires_the_known_dashboard(wheel_metadata):
    assert list_extra(wheel_metadata, 'horizon') == {
        'karbor-dashboard==1.5.1'}


def test_extra_karbor_requires_karbor_with_compatible_versions(wheel_metadata):
    assert list_extra(wheel_metadata, 'karbor') == {
        'karbor==1.6.0', 'SQLAlchemy<1.4', 'oslo.db<11', 'oslo.context<4',
        'python-freezerclient<6.4', 'osc-lib<4', 'python-openstackclient<8',
        'setuptools<81'}


def list_imported_packages():
    """Return the top-level packages of other projects that the code imports.

    The standard library is left out.
    """
    names = set()
    for path in (ROOT / 'karbor_trove').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module)
    return ({name.partition('.')[0] for name in names}
            - sys.stdlib_module_names - {'karbor_trove'})


def test_wheel_requires_what_the_code_imports(wheel_metadata):
    required = {requirement.name for requirement
                in wheel_metadata.requires_dist if not requirement.marker}

    # pbr is needed for the installation only.
    assert required - {'pbr'} == {
        DISTRIBUTIONS.get(name, name.replace('_', '.'))
        for name in list_imported_packages() - INSTALLED_BEFORE}


def test_metadata_has_name_summary_licence_and_python_version(wheel_metadata):
    assert wheel_metadata.name == 'karbor-trove'
    assert wheel_metadata.summary
    assert wheel_metadata.license == 'Apache-2.0'
    assert str(wheel_metadata.requires_python) == '>=3.8'


def test_readme_renders_on_a_package_index(wheel_metadata):
    assert wheel_metadata.description_content_type.startswith('text/x-rst')
    assert wheel_metadata.description.strip() == (
        ROOT / 'README.rst').read_text().strip()
    assert rst.render(wheel_metadata.description) is not None


def install(path, folder, *options):
    """Install into a new environment and return the path of its Python."""
    run(sys.executable, '-m', 'venv', str(folder), cwd='/')
    python = str(folder / 'bin/python')
    run(python, '-m', 'pip', 'install', *options, str(path), cwd='/')
    return python


def check_entry_points(python):
    output = run(python, '-I', '-c', LIST_ENTRY_POINTS, cwd='/')

    assert set(output.splitlines()) >= {
        f'{group} {name}' for group, names in ENTRY_POINTS.items()
        for name in names}


def test_sdist_installs_with_the_newest_build_tools(sdist, tmp_path):
    python = install(sdist, tmp_path / 'venv', '--no-deps')

    check_entry_points(python)


def test_wheel_installs_with_its_requirements(wheel, tmp_path):
    python = install(wheel, tmp_path / 'venv')

    check_entry_points(python)
    assert run(python, '-I', '-c', LIST_OPTIONS, cwd='/')
