"""Tests of the check of versions."""

import pathlib
import re

import pytest

from karbor_trove.cmd.checks import versions
from tests.versions import record

ROOT = pathlib.Path(__file__).parents[4]


@pytest.mark.parametrize('name, version, kind, text', [
    ('SQLAlchemy', '1.4.0', 'version-incompatible', 'plan-create'),
    ('oslo.db', '11.0.0', 'version-incompatible', 'SQLite'),
    ('oslo.context', '4.0.0', 'version-incompatible', 'context'),
    ('python-freezerclient', '6.4.0', 'version-limited', 'Freezer'),
    ('osc-lib', '4.0.0', 'version-limited', 'data protection'),
    ('python-openstackclient', '8.0.0', 'version-limited', 'protection'),
    ('karbor', '1.5.0', 'version-untested', 'karbor 1.6.0'),
    ('python-troveclient', '5.1.0', 'version-untested', 'older'),
    ('python-troveclient', '9.0.0', 'version-untested', '<9'),
    ('python-troveclient', None, 'version-untested', 'not installed')])
def test_version_outside_of_what_was_tested_is_found(
        find_offline, monkeypatch, name, version, kind, text):
    find_version = versions._find_version
    monkeypatch.setattr(
        versions, '_find_version',
        lambda other: version if other == name else find_version(other))
    [row] = find_offline(kind)
    assert row['details'].startswith(name) and text in row['details']


@pytest.mark.parametrize('version', [None, '0.0.1', '99.0.0'])
@pytest.mark.parametrize('name', sorted(set(versions.TESTED) - {'karbor'}))
def test_finding_about_an_untested_version_says_what_uses_the_library(
        monkeypatch, name, version):
    find_version = versions._find_version
    monkeypatch.setattr(
        versions, '_find_version',
        lambda other: version if other == name else find_version(other))
    [finding] = versions.check([])
    assert finding.kind.label == 'version-untested'
    assert '. %s. ' % versions.TESTED[name].use in finding.details + ' '


@pytest.mark.parametrize('python, version, kinds', [
    ((3, 12), '81.0.0', ['version-incompatible']), ((3, 11), '81.0.0', []),
    ((3, 8), '71.0.0', ['version-incompatible']), ((3, 12), '80.0.0', []),
    ((3, 14), '80.0.0', ['version-untested'])])
def test_python_has_limits_of_its_own(monkeypatch, python, version, kinds):
    find_version = versions._find_version
    monkeypatch.setattr(versions, '_get_python', lambda: python)
    monkeypatch.setattr(
        versions, '_find_version',
        lambda name: version if name == 'setuptools' else find_version(name))
    assert [finding.kind.label for finding in versions.check([])
            if finding.kind.code] == kinds


def test_old_troveclient_limits_a_provider_with_a_storage_driver(
        find_offline, change, monkeypatch):
    change('poll_interval = 0.1', 'storage_driver = ceph')
    monkeypatch.setattr('karbor_trove.trove.transport.can_send_storage_driver',
                        lambda: False)
    [row] = find_offline('version-limited')
    assert (row['line'], row['write']) == (10, '')


def test_table_of_versions_is_that_of_the_pinned_lists():
    newest = read_pins('tests/sandbox/requirements/karbor.txt')
    oldest = read_pins('tools/requirements/lower.txt')
    for name, library in versions.TESTED.items():
        pinned_name = name.replace('.', '-')
        assert oldest[pinned_name] == library.oldest, name
        assert int(newest[pinned_name].split('.')[0]) == library.newest, name


def test_table_of_versions_has_every_required_and_every_recorded_library():
    required = set(re.findall(r'^[\w.-]+', (
        ROOT / 'requirements.txt').read_text(), re.MULTILINE))
    assert 'openstacksdk' in required
    # The package needs pbr only while it is installed.
    assert required - {'pbr'} | set(record.LIBRARIES) == set(versions.TESTED)


def read_pins(path):
    """Return the version of each package of a pinned list."""
    return dict(re.findall(r'^([\w-]+)==([\w.]+)', (
        ROOT / path).read_text(), re.MULTILINE))
