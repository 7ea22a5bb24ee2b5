"""Tests of the check of what is in force."""

import textwrap

from karbor.common import constants
import pytest
import stevedore

from tests.unit.cmd.checks.conftest import PLUGIN

NOOP = 'plugin = karbor-noop-protection-plugin'
PASSTHROUGH = 'plugin = karbor-trove-passthrough-plugin'
VOLUME = 'plugin = karbor-volume-protection-plugin'


def test_order_of_plugin_lines_is_explained(find_offline, change):
    change(PLUGIN, 'plugin = karbor-database-protection-plugin\n' + PLUGIN)
    [row] = find_offline('protection-in-force')
    assert row['line'] == 5
    assert ('line 5 is the last of the lines "plugin" for that type, after '
            'karbor-database-protection-plugin (line 4)') in row['details']


def test_stale_cache_of_entry_points_is_found(
        find_offline, monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    manager = stevedore.ExtensionManager
    for group in 'karbor.protections', 'karbor.protectables':
        entry_points = [
            entry_point for entry_point in manager.make_test_instance(
                [], namespace=group).list_entry_points()
            if 'trove' not in entry_point.name]
        monkeypatch.setitem(manager.ENTRY_POINT_CACHE, group, entry_points)
    rows = find_offline('entry-points-stale')
    assert len(rows) == 2
    assert 'karbor-trove-protection-plugin' in rows[0]['details']
    assert str(tmp_path / 'python-entrypoints') in rows[0]['details']
    [row] = find_offline('protectable-of-karbor')
    assert 'karbor.services.protection' in row['details']


def test_type_without_a_plugin_fails_project_plans(
        find_offline, change, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'project_plugins.py').write_text(textwrap.dedent('''\
        class Project:
            def __init__(self, config):
                pass

            @classmethod
            def get_supported_resources_types(cls):
                return TYPES

        TYPES = ['OS::Keystone::Project', 'OS::Nova::Server']
        '''))
    change(PLUGIN, 'plugin = project_plugins.Project\n' + PLUGIN)
    [row] = find_offline('project-plans-fail')
    assert 'OS::Cinder::Volume' in row['details']
    assert 'OS::Nova::Server' not in row['details']
    assert (row['line'], row['write']) == (
        4, 'plugin = karbor-trove-passthrough-plugin\n'
        'plugin = project_plugins.Project')
    monkeypatch.setattr('project_plugins.TYPES', constants.RESOURCE_TYPES)
    assert find_offline('project-plans-work')


@pytest.mark.parametrize('lines, line, types, others', [
    ((NOOP, PLUGIN, PASSTHROUGH), 6,
     ['OS::Keystone::Project', 'OS::Cinder::Volume', 'OS::Nova::Server'],
     ['OS::Trove::Instance']),
    ((NOOP, PASSTHROUGH), 5,
     ['OS::Keystone::Project', 'OS::Cinder::Volume', 'OS::Nova::Server'],
     ['OS::Trove::Instance']),
    ((VOLUME, PLUGIN, PASSTHROUGH), 6, ['OS::Cinder::Volume'],
     ['OS::Keystone::Project', 'OS::Trove::Instance']),
    ((PASSTHROUGH, VOLUME, PASSTHROUGH, PLUGIN), 6, ['OS::Cinder::Volume'],
     ['OS::Keystone::Project', 'OS::Trove::Instance'])],
    ids=['noop', 'noop without trove', 'volumes', 'two passthrough lines'])
def test_types_that_the_passthrough_plugin_replaces_fail_project_plans(
        check, change, lines, line, types, others):
    change(PLUGIN, '\n'.join(lines))
    rows = {row['finding']: row for row in check('--offline')}
    assert not rows.keys() & {'project-plans-work', 'project-plans-noop'}
    for kind in 'passthrough-misplaced', 'project-plans-fail':
        assert rows[kind]['line'] == line
        for type_ in types:
            assert type_ in rows[kind]['details']
        for type_ in others:
            assert type_ not in rows[kind]['details']
