"""Configuration files of Trove: trove.conf and the file of paste."""

import pathlib
from typing import Any

from tests.sandbox.services import cloud
from tests.sandbox.services import launch

#: The name of the file with Trove's database.
DATABASE = 'trove.sqlite'
#: The package with the fakes of the services that Trove uses.
_CLIENTS = 'tests.sandbox.services'

#: Loggers of which only warnings and errors are logged. They write a line for
#: every poll of an instance.
_TALKATIVE = ('trove.instance.service', 'trove.backup.service',
              'trove.common.neutron', 'trove.common.server_group',
              'keystonemiddleware', 'oslo_config', 'oslo.messaging',
              'swiftclient', 'urllib3')

#: Trove's pipeline without its rate limits.
_PIPELINE = '''
[composite:trove]
use = call:trove.common.wsgi:versioned_urlmap
/: versions
/v1.0: troveapi
[app:versions]
paste.app_factory = trove.versions:app_factory
[app:troveapp]
paste.app_factory = trove.common.api:app_factory
[pipeline:troveapi]
pipeline = requestid fault authtoken authorization context extensions troveapp
[filter:requestid]
paste.filter_factory = oslo_middleware.request_id:RequestId.factory
[filter:fault]
paste.filter_factory = trove.common.wsgi:FaultWrapper.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[filter:authorization]
paste.filter_factory = trove.common.auth:AuthorizationMiddleware.factory
[filter:context]
paste.filter_factory = trove.common.wsgi:ContextMiddleware.factory
[filter:extensions]
paste.filter_factory = trove.common.extensions:factory
'''


def _default(settings: dict[str, Any], directory: pathlib.Path,
             paste: pathlib.Path) -> dict[str, Any]:
    """Return the section DEFAULT of trove.conf."""
    quotas = {'instances': 100, 'backups': 500, 'volumes': 1000, 'ram': -1,
              **settings.get('quotas', {})}
    return {
        'bind_host': settings['host'],
        'bind_port': settings['port'],
        'api_paste_config': paste,
        'transport_url': 'fake://',
        'enable_secure_rpc_messaging': 'false',
        'default_log_levels': ','.join(
            f'{name}=WARNING' for name in _TALKATIVE),
        'report_interval': 0,
        'agent_heartbeat_expiry': 1000000,
        'max_accepted_volume_size': 1000,
        **{f'max_{name}_per_tenant': limit
           for name, limit in quotas.items()},
        'default_datastore': cloud.DEFAULT_DATASTORE,
        # This is an option of the guest agent, which runs in the same process.
        'datastore_manager': cloud.DATASTORE,
        'guest_config': directory / 'none',
        'cloudinit_location': directory / 'none',
        'remote_guest_client': f'{_CLIENTS}.guest_agent.Guest',
        'remote_nova_client': f'{_CLIENTS}.compute.nova',
        'remote_cinder_client': f'{_CLIENTS}.compute.cinder',
        'remote_glance_client': f'{_CLIENTS}.compute.glance',
        # Trove 18 has another default.
        'network_driver': 'trove.network.neutron.NeutronDriver',
        'remote_neutron_client': f'{_CLIENTS}.network.client',
        **settings.get('options', {}),
    }


def write(settings: dict[str, Any],
          directory: pathlib.Path) -> tuple[str, str]:
    """Write trove.conf and the file of paste, and return both paths.

    :param settings: the settings of Trove's launcher.
    :param directory: an existing directory for the files.
    """
    paste = directory / 'api-paste.ini'
    paste.write_text(_PIPELINE)
    account = {
        'auth_url': settings['keystone_url'],
        'username': settings['service_user'],
        'password': settings['service_password'],
        'project_name': settings['service_project'],
        'user_domain_name': settings['domain'],
        'project_domain_name': settings['domain'],
        'region_name': settings['region'],
    }
    config = launch.write_config(directory / 'trove.conf', {
        'DEFAULT': _default(settings, directory, paste),
        'database': {
            # The timeout is the time in seconds for which a writer waits for
            # another writer.
            'connection': f'sqlite:///{directory}/{DATABASE}?timeout=30'},
        'keystone_authtoken': {
            **account, 'auth_type': 'password', 'interface': 'public',
            'www_authenticate_uri': settings['keystone_url']},
        'service_credentials': account,
        'oslo_messaging_notifications': {'driver': 'noop'},
    })
    return config, str(paste)
