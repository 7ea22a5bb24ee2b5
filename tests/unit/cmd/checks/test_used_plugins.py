"""Tests of the check of what is in force."""

import textwrap

from karbor.common import constants
import stevedore

from tests.unit.cmd.checks.conftest import PLUGIN


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
