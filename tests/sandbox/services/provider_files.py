"""Provider files of Karbor, created from the settings of its launcher.

The setting "providers" of the launcher is a list of objects with these keys:

"name", "id"
    the name and the id of the provider
"plugins"
    a list of the protection plugins
"bank"
    optional: the directory of a bank in a file system, instead of in Swift
"container"
    optional: the container of a bank in Swift (default: "karbor")
"bank_plugin"
    optional: the plugin of a bank in Swift, instead of Karbor's own plugin
"options"
    optional: options in the group trove_protection_plugin
"sections"
    optional: options of other plugins, as {group: {option: value}}
"""

import pathlib
from typing import Any

from tests.sandbox.services import launch

GROUP = 'trove_protection_plugin'


def swift_bank(settings: dict[str, Any], container: str) -> dict[str, Any]:
    """Return the sections of a provider file for a bank in Swift.

    :param settings: the settings of Karbor's launcher.
    :param container: a container in the project of the services.
    """
    return {
        'swift_client': {
            'swift_auth_url': settings['keystone_url'],
            'swift_user': settings['service_user'],
            'swift_key': settings['service_password'],
            'swift_tenant_name': settings['service_project'],
            'swift_user_domain_name': settings['domain'],
            'swift_project_domain_name': settings['domain'],
        },
        'swift_bank_plugin': {
            'bank_swift_object_container': container,
            'lease_expire_window': 60,
            'lease_renew_window': 10,
            'lease_validity_window': 10,
        },
    }


def _sections(settings: dict[str, Any],
              provider: dict[str, Any]) -> dict[str, Any]:
    """Return the sections of a provider file.

    :param settings: the settings of Karbor's launcher.
    :param provider: an item of settings['providers'].
    """
    directory = provider.get('bank')
    if directory:
        kind = 'karbor-fs-bank-plugin'
        bank = {'file_system_bank_plugin': {
            'file_system_bank_path': directory}}
    else:
        kind = provider.get('bank_plugin', 'karbor-swift-bank-plugin')
        bank = swift_bank(settings, provider.get('container', 'karbor'))
    return {
        'provider': {
            'name': provider['name'],
            'description': 'The sandbox\'s own',
            'id': provider['id'],
            'plugin': provider['plugins'],
            'bank': kind,
            'enabled': 'true',
        },
        **bank,
        GROUP: provider.get('options', {}),
        **provider.get('sections', {}),
    }


def write(settings: dict[str, Any], directory: pathlib.Path) -> None:
    """Write one file for each provider, and remove all older files.

    :param settings: the settings of Karbor's launcher.
    :param directory: the directory of the files. It need not exist.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob('*.conf'):
        old.unlink()
    for number, provider in enumerate(settings['providers']):
        launch.write_config(directory / f'{number}.conf',
                            _sections(settings, provider))
