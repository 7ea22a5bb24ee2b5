"""Launcher of Karbor: python -m tests.sandbox.services.karbor FILE.

The API, the protection service and the operation engine run in one process.
The database is SQLite.

Settings: directory, host, port, keystone_url, region, service_user,
service_password, service_project and domain (see launch.py), and providers
(see provider_files.py).

Optional settings:

"trove_endpoint"
    the URL of Trove, instead of the URL in the service catalog
"constants"
    time limits in modules, see launch.set_constants()
"options"
    options that are added to karbor.conf or replaced there, as
    {section: {option: value}}
"debug"
    true if Karbor logs everything, also what its clients log. The commands of
    this package log as much as without it
"keep_provider_files"
    true if Karbor starts with the provider files of its last start
"""

import pathlib
import sys
import threading
from typing import Any

# This import patches Python's standard library with eventlet. So it comes
# before other imports.
from karbor.cmd import api  # noqa: F401
from karbor.db import migration
from karbor import objects
from karbor import rpc
from karbor import service
from oslo_config import cfg
from oslo_log import log

from tests.sandbox.services import launch
from tests.sandbox.services import provider_files

#: The sections of a second configuration file, for the setting "debug". The
#: commands of this package read only karbor.conf.
_DEBUG = {'DEFAULT': {
    'debug': True,
    # Otherwise oslo.log hides what the clients log.
    'default_log_levels': ','.join('%s=DEBUG' % name for name in (
        'keystoneauth', 'keystonemiddleware', 'requests', 'swiftclient',
        'troveclient', 'urllib3', 'oslo.messaging', 'oslo_messaging',
        'stevedore'))}}


def _sections(settings: dict[str, Any],
              directory: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Return the sections of karbor.conf."""
    account = {
        'auth_type': 'password',
        'auth_url': settings['keystone_url'],
        'username': settings['service_user'],
        'password': settings['service_password'],
    }
    trove = {'region_id': settings['region']}
    if settings.get('trove_endpoint'):
        trove['trove_endpoint'] = settings['trove_endpoint']
    sections: dict[str, dict[str, Any]] = {
        'DEFAULT': {
            'osapi_karbor_listen': settings['host'],
            'osapi_karbor_listen_port': settings['port'],
            'osapi_karbor_workers': 1,
            'api_paste_config': f'{sys.prefix}/etc/karbor/api-paste.ini',
            'provider_config_dir': directory / 'providers.d',
            'state_path': directory,
            'transport_url': 'fake://',
            # Seconds. With these values, triggers may have short intervals.
            # By default the interval is at least one hour. Karbor requires
            # min_window_time < max_window_time and
            # 2 * max_window_time <= min_interval.
            'trigger_poll_interval': 1,
            'min_window_time': 4,
            'max_window_time': 5,
            'min_interval': 10,
        },
        'database': {'connection': f'sqlite:///{directory}/karbor.sqlite'},
        'oslo_concurrency': {'lock_path': directory / 'locks'},
        'keystone_authtoken': {
            **account,
            'www_authenticate_uri': settings['keystone_url'],
            'project_name': settings['service_project'],
            'user_domain_name': settings['domain'],
            'project_domain_name': settings['domain'],
        },
        # The account has no project here, because a trust defines the project.
        'trustee': {**account, 'user_domain_id': 'default'},
        'clients_keystone': {
            'auth_uri': settings['keystone_url'].removesuffix('/v3')},
        'karbor_client': {
            'service_name': 'karbor', 'service_type': 'data-protect',
            'version': 1, 'region_id': settings['region']},
        'trove_client': trove,
    }
    for section, options in settings.get('options', {}).items():
        sections.setdefault(section, {}).update(options)
    return sections


def main() -> None:
    settings = launch.settings()
    directory = pathlib.Path(settings['directory'])
    (directory / 'locks').mkdir(parents=True, exist_ok=True)
    if not settings.get('keep_provider_files'):
        provider_files.write(settings, directory / 'providers.d')
    files = [launch.write_config(
        directory / 'karbor.conf', _sections(settings, directory))]
    if settings.get('debug'):
        files.append(launch.write_config(directory / 'debug.conf', _DEBUG))
    objects.register_all()
    cfg.CONF([word for file in files for word in ('--config-file', file)],
             project='karbor')
    log.setup(cfg.CONF, 'karbor')
    launch.set_constants(settings.get('constants', {}))
    launch.end_on_sigterm()
    migration.db_sync()
    rpc.init(cfg.CONF)
    for binary in ('karbor-protection', 'karbor-operationengine'):
        service.Service.create(binary=binary).start()
    # The API starts last. When it accepts connections, the other services run.
    service.WSGIService('osapi_karbor').start()
    threading.Event().wait()


if __name__ == '__main__':
    main()
