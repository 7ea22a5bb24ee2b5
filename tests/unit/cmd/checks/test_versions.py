"""Tests of the check of versions."""

import pathlib

import pytest

from karbor_trove.cmd.checks import versions

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
    for line in (ROOT / 'tests/sandbox/requirements/karbor.txt'
                 ).read_text().splitlines():
        name, _, version = line.partition('==')
        for tested, (_, newest) in versions.TESTED.items():
            if name == tested.replace('.', '-'):
                assert int(version.split('.')[0]) == newest, name
    lower = (ROOT / 'tools/requirements/lower.txt').read_text().splitlines()
    for name, (oldest, _) in versions.TESTED.items():
        assert '%s==%s' % (name.replace('.', '-'), oldest) in lower
