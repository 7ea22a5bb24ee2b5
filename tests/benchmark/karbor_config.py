"""Configuration of a Karbor that works with the fake or with a real Trove."""

import json
import pathlib
from typing import Any

from karbor import context as karbor_context

from tests.benchmark import trove_server
from tests.fake_trove import cloud
from tests.fake_trove import keystone
from tests.sandbox.services import launch

PROVIDER_ID = 'cf56bd3e-97a7-4078-b6d5-f36246333fd9'


def write_config(directory: pathlib.Path, trove: str, connection: str,
                 keystone: 'str | None' = None, password: str = 'password',
                 **options: Any) -> str:
    """Write a karbor.conf and return its path.

    :param directory: of the provider files and of all else.
    :param trove: the URL of Trove, without its path.
    :param connection: the URL of Karbor's database.
    :param keystone: the URL of Keystone, without its path. None if it is that
        of Trove.
    :param password: the password of Karbor's user.
    :param options: of the section DEFAULT.
    """
    name = options.get('host', 'karbor')
    keystone = keystone or trove
    return launch.write_config(directory / ('%s.conf' % name), {
        'DEFAULT': {
            'provider_config_dir': directory / 'providers.d',
            'log_file': directory / ('%s.log' % name),
            'state_path': directory, **options},
        'database': {'connection': connection},
        'oslo_concurrency': {'lock_path': directory / 'locks'},
        'trustee': {
            'auth_type': 'password', 'auth_url': keystone + '/v3',
            'username': 'karbor', 'password': password,
            'user_domain_id': 'default'},
        'clients_keystone': {'auth_uri': keystone},
        'trove_client': {'trove_endpoint': trove + '/v1.0'}})


def write_provider(directory: pathlib.Path, plugin: str, bank: str) -> None:
    """Write the provider file.

    :param plugin: the name of the protection plugin.
    :param bank: the name of a bank plugin that uses a directory.
    """
    (directory / 'providers.d').mkdir()
    launch.write_config(directory / 'providers.d/trove.conf', {
        'provider': {
            'name': 'databases', 'id': PROVIDER_ID, 'enabled': True,
            'description': 'Databases of Trove', 'bank': bank,
            'plugin': plugin},
        'file_system_bank_plugin': {
            'file_system_bank_path': directory / 'bank'}})


def build_context(trove: str) -> karbor_context.RequestContext:
    """Return the context of a request by a user of the fake Trove."""
    token = json.dumps(keystone.build_token())
    for fake in trove_server.FAKE_URLS:
        token = token.replace(fake, trove)
    return karbor_context.RequestContext(
        user_id='a1b2c3d4e5f60718293a4b5c6d7e8f91', project_id=cloud.PROJECT,
        is_admin=False, roles=['member'], auth_token=keystone.TOKEN,
        auth_token_info=json.loads(token), overwrite=False)
