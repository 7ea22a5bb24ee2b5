"""Fixtures that run karbor-trove-status on files with a mistake."""

import json
import textwrap
import uuid

from karbor.services.protection import checkpoint as karbor_checkpoint
from karbor.services.protection.protectable_plugins import database
from keystoneauth1 import loading
from oslo_config import cfg
import pytest

from karbor_trove.cmd import status
from tests.fake_trove import cloud
from tests.fake_trove import fixtures
from tests.fake_trove import keystone

ID = 'cf56bd3e-97a7-4078-b6d5-f36246333fd9'
OTHER_ID = '0f5f27a6-8f3e-4a0b-9a58-1d6f0a8c2b77'
SECRETS = ('s3cr3t-of-the-bank', 's3cr3t-of-karbor')

#: A provider file without a mistake. Its lines have the numbers 1 to 10.
CORRECT = '''\
[provider]
name = Databases
id = %s
plugin = karbor-trove-protection-plugin
bank = karbor-trove-fs-bank-plugin
enabled = true
[file_system_bank_plugin]
file_system_bank_path = {bank}
[trove_protection_plugin]
poll_interval = 0.1
''' % ID
PLUGIN = 'plugin = karbor-trove-protection-plugin'
SWIFT_BANK = '''\
bank = karbor-trove-swift-bank-plugin
enabled = true
[swift_client]
swift_auth_url = %s/v3
swift_user = karbor
swift_key = s3cr3t-of-the-bank
swift_tenant_name = service
swift_user_domain_name = Default
swift_project_domain_name = Default
swift_retry_attempts = 0
[swift_bank_plugin]
bank_swift_object_container = karbor
''' % keystone.URL


@pytest.fixture
def folder(tmp_path):
    """Karbor's provider_config_dir, with one file without a mistake."""
    folder = tmp_path / 'providers.d'
    folder.mkdir()
    (folder / 'databases.conf').write_text(
        CORRECT.format(bank=tmp_path / 'bank'))
    return folder


@pytest.fixture
def change(folder):
    """Return a function that replaces a text in the provider file."""
    path = folder / 'databases.conf'

    def change(old, new):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return path
    return change


@pytest.fixture
def with_swift_bank(change, tmp_path):
    """Let the provider have its bank in Swift."""
    change('bank = karbor-trove-fs-bank-plugin\nenabled = true\n'
           '[file_system_bank_plugin]\nfile_system_bank_path = %s\n'
           % (tmp_path / 'bank'), SWIFT_BANK)
    return change


@pytest.fixture
def new_checkpoint(bank, context):
    """Return a function that creates a checkpoint in the provider's bank.

    The checkpoint is of the provider in the file, or of another provider.
    """
    def new_checkpoint(provider_id=ID):
        plan = {'id': str(uuid.uuid4()), 'name': 'plan', 'resources': [],
                'provider_id': provider_id, 'project_id': cloud.PROJECT}
        return karbor_checkpoint.CheckpointCollection(bank).create(
            plan, context=context)
    return new_checkpoint


@pytest.fixture
def conf(fake_trove, folder, tmp_path, monkeypatch):
    """A karbor.conf."""
    # The check loads the plugins as Karbor does, which replaces this class.
    monkeypatch.setattr(database, 'DatabaseInstanceProtectablePlugin',
                        database.DatabaseInstanceProtectablePlugin)
    path = tmp_path / 'status.conf'
    keystone_authtoken = textwrap.dedent('''\
        [DEFAULT]
        provider_config_dir = {folder}
        [keystone_authtoken]
        auth_type = password
        auth_url = {keystone}/v3
        username = karbor
        password = s3cr3t-of-karbor
        user_domain_name = Default
        project_name = service
        project_domain_name = Default
        ''').format(folder=folder, keystone=keystone.URL)
    path.write_text(keystone_authtoken + fixtures.KARBOR_CONF)
    yield path
    cfg.CONF.reset()
    cfg.CONF.unregister_opts(
        loading.get_auth_plugin_conf_options('password'),
        'keystone_authtoken')


@pytest.fixture
def run(run_application, conf):
    """Return a function that runs the check.

    It returns the exit code, standard output and standard error.
    """
    def run(*words):
        result = run_application(status.main, 'upgrade', 'check',
                                 '--config-file', conf, *words)
        assert not [secret for secret in SECRETS
                    if secret in result[1] + result[2]]
        return result
    return run


@pytest.fixture
def check(run):
    """Return a function that runs the check and returns its rows."""
    def check(*words):
        code, out, err = run('-f', 'json', *words)
        rows = json.loads(out)
        assert err == ''
        codes = {'Success': 0, 'Warning': 1, 'Failure': 2}
        assert code == max(codes[row['result']] for row in rows)
        return rows
    return check


@pytest.fixture
def find(check):
    """Return a function that returns the rows of one kind of finding."""
    def find(kind, *words):
        return [row for row in check(*words) if row['finding'] == kind]
    return find


@pytest.fixture
def find_offline(find):
    """Return a function as find(), without the network."""
    return lambda kind: find(kind, '--offline')


@pytest.fixture
def find_one(find):
    """Return a function that returns the only row of a kind."""
    def find_one(kind, *words):
        [row] = find(kind, *words)
        return row
    return find_one


@pytest.fixture
def answer(fake_trove):
    """Return a function that lets Keystone issue another token."""
    def answer(**kw):
        token = keystone.build_token(keystone.SERVICE_PROJECT, **kw)
        fake_trove.mocker.post(
            keystone.URL + '/v3/auth/tokens', status_code=201, json=token,
            headers={'X-Subject-Token': keystone.get_service_token(
                [role['name'] for role in token['token']['roles']])})
    return answer


@pytest.fixture
def assign_roles(fake_trove):
    """Return a function that sets the roles of Karbor's user.

    The user is an administrator in its own project. The argument has the roles
    in other projects.
    """
    def assign_roles(roles):
        roles = {keystone.SERVICE_PROJECT: ('admin', 'service'), **roles}
        keystone.issue_tokens(fake_trove.mocker,
                              lambda project_id: roles.get(project_id, ()))
    return assign_roles


@pytest.fixture
def set_endpoints(fake_trove, conf):
    """Return a function that replaces the endpoints of Trove in the catalog.

    Each is a region, an interface and a URL. trove_endpoint is not set.
    """
    def set_endpoints(*endpoints):
        text = conf.read_text()
        assert 'trove_endpoint' in text
        conf.write_text(text.replace('trove_endpoint', '#'))
        token = keystone.build_token(keystone.SERVICE_PROJECT)
        for service in token['token']['catalog']:
            if service['type'] == 'database':
                service['endpoints'] = [
                    {'id': str(number), 'region': region, 'region_id': region,
                     'interface': interface, 'url': url}
                    for number, (region, interface, url)
                    in enumerate(endpoints)]
            elif service['type'] == 'identity':
                # Older releases of python-keystoneclient use this interface.
                service['endpoints'].append(
                    {**service['endpoints'][0], 'interface': 'admin'})
        fake_trove.mocker.post(
            keystone.URL + '/v3/auth/tokens', status_code=201, json=token,
            headers={'X-Subject-Token': keystone.SERVICE_TOKEN})
    return set_endpoints
