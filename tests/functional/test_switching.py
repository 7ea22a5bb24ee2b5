"""Test of a switch from Karbor's in-tree plugin to this one and back.

It runs the commands of doc/source/install/switching.rst.
"""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.functional import api_tenant as tenants
from tests.sandbox import cloud
from tests.sandbox import fixture
from tests.sandbox.services import cloud as catalog

PAGE = pathlib.Path(__file__).parents[2] / 'doc/source/install/switching.rst'
IN_TREE = ['karbor-noop-protection-plugin',
           'karbor-database-protection-plugin']
RESTART = 'systemctl restart karbor-protection'


@pytest.fixture
def sandbox(request):
    """A sandbox with the in-tree plugin.

    The plugin sends no datastore to Trove, so PostgreSQL is the default.
    """
    with fixture.running(
            request, debug=True, providers=[{
                'name': 'Databases', 'id': cloud.PROVIDER_ID,
                'plugins': IN_TREE, 'options': {'poll_interval': 0.2},
                'sections': {'database_backup_plugin': {'poll_interval': 1}},
            }],
            overrides={'trove': {'options': {
                'default_datastore': catalog.DATASTORE}}}) as running:
        yield running


def read_commands(label):
    """Return the commands that follow a label of the page, up to the next.

    They are those of the code blocks in the language "console". The test does
    not run the command that uninstalls the package, because the environment of
    the test is used for other tests as well.
    """
    section = PAGE.read_text().partition('.. _%s:' % label)[2]
    commands = []
    for block in re.findall(r'\.\. code-block:: console\n\n((?: {6}.*\n)+)',
                            section.partition('\n.. _')[0]):
        commands += [command.strip() for command in
                     re.split(r'^ {6}# ', block, flags=re.MULTILINE)
                     if command.strip()]
    assert commands[-1] == RESTART
    return commands


def follow_page(sandbox, label):
    """Run the commands after a label of the page, and return their output."""
    karbor = sandbox.services['karbor']
    folder = sandbox.directory / 'karbor'
    programs = pathlib.Path(sys.executable).parent
    output = ''
    for command in read_commands(label):
        if command == RESTART:
            karbor.settings['keep_provider_files'] = True
            karbor.restart()
            continue
        command = command.replace('/etc/karbor', str(folder))
        if command.startswith('karbor-trove-'):
            command += ' --config-file %s/karbor.conf' % folder
        process = subprocess.run(
            ['bash', '-c', command], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={
                **os.environ,
                'PATH': '%s:%s' % (programs, os.environ['PATH'])})
        print('# %s\n%s' % (command, process.stdout))
        assert process.returncode == 0, process.stdout
        output += process.stdout
    return output


def list_parameters(tenant):
    """Return the names of the parameters of a plan with the provider."""
    schema = tenant.send('GET', '/providers/' + cloud.PROVIDER_ID)[
        'provider']['extended_info_schema']['options_schema']
    return set(schema[tenants.TYPE]['properties'])


def test_each_plugin_verifies_restores_and_deletes_checkpoints_of_the_other(
        sandbox):
    tenant = tenants.Tenant(sandbox)
    original = tenant.create_instance()
    tenant.create_table(original, 500)
    theirs = tenant.protect(tenant.create_plan([original]))

    plan = tenant.create_plan([original])
    assert 'incremental' not in list_parameters(tenant)

    follow_page(sandbox, 'switch-over')
    assert 'incremental' in list_parameters(tenant)
    tenant.verify(theirs)
    restore = tenant.restore(theirs)
    restored = tenants.restored_instance_id(restore)
    assert list(restore['resources_status'].values()) == ['available']
    assert tenant.trove.instances.get(restored).status == 'ACTIVE'
    ours = tenant.protect(plan)
    tenant.delete_checkpoint(theirs)
    assert len(tenant.list_backups()) == 1

    follow_page(sandbox, 'switch-back')
    assert 'incremental' not in list_parameters(tenant)
    tenant.verify(ours)
    again = tenants.restored_instance_id(tenant.restore(ours))
    tenants.wait_for(lambda: tenant.is_up(again))
    tenant.delete_checkpoint(ours)
    assert not tenant.list_backups()
    assert not tenant.list_objects()
    tenant.delete_instances(original, restored, again)
