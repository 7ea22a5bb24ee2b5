"""Launcher of Swift: python -m tests.sandbox.services.swift FILE.

The proxy server, the account server, the container server and the object
server run in one process. Each object has one replica. The proxy server
listens on the port in the settings. The other servers listen on free ports of
the same host.

Settings: directory, host, port, keystone_url, service_user, service_password,
service_project and domain (see launch.py).
"""

import os
import pathlib
import tempfile
from typing import Any

import eventlet
import eventlet.wsgi
from swift.common import constraints
from swift.common.ring import RingBuilder
from swift.common import storage_policy
from swift.common import utils
from swift.common.utils import logs
from swift.common import wsgi

from tests.sandbox.services import launch

#: The name of the only device, a directory.
DEVICE = 'disk'
#: The pipeline of the proxy server.
FILTERS = ('catch_errors gatekeeper healthcheck proxy_logging cache bulk '
           'tempurl authtoken keystoneauth copy slo dlo versioned_writes '
           'symlink')


def _holds_metadata(directory: pathlib.Path) -> bool:
    """Return True if files in a directory can have extended attributes.

    Swift stores the metadata of an object in such attributes.
    """
    with tempfile.NamedTemporaryFile(dir=directory) as probe:
        try:
            os.setxattr(probe.fileno(), 'user.swift.probe', b'1')
        except OSError:
            return False
    return True


def _common(settings: dict[str, Any], directory: pathlib.Path,
            level: str) -> dict[str, Any]:
    """Return the section DEFAULT of a server's configuration.

    :param level: the log level.
    """
    return {
        'swift_dir': directory,
        'devices': directory / 'devices',
        'mount_check': 'false',
        'disable_fallocate': 'true',
        'fallocate_reserve': 0,
        'log_level': level,
        # The port "discard". Without these options, Swift logs to the syslog
        # of this machine.
        'log_udp_host': settings['host'],
        'log_udp_port': 9,
    }


def _back_end(settings: dict[str, Any], directory: pathlib.Path,
              kind: str) -> eventlet.greenio.GreenSocket:
    """Write the configuration and the ring of a server.

    :param kind: 'account', 'container' or 'object'.
    :returns: the socket on which the server is to listen.
    """
    listening = eventlet.listen((settings['host'], 0), reuse_port=False)
    port = listening.getsockname()[1]
    ring = RingBuilder(4, 1, 0)
    ring.add_dev({
        'id': 0, 'region': 1, 'zone': 1, 'device': DEVICE, 'weight': 1.0,
        'ip': settings['host'], 'port': port, 'meta': '',
        'replication_ip': settings['host'], 'replication_port': port})
    ring.rebalance(seed=1)
    ring.get_ring().save(str(directory / f'{kind}.ring.gz'))
    in_memory = kind == 'object' and not _holds_metadata(directory)
    launch.write_config(directory / f'{kind}.conf', {
        'DEFAULT': _common(settings, directory, 'WARNING'),
        'app:main': {
            'use': f'egg:swift#{"mem_" if in_memory else ""}{kind}',
            # Seconds. In this time, the object server updates the container
            # before it responds. After this time, a daemon would update the
            # container later, but no such daemon runs here.
            'container_update_timeout': 30,
        },
    })
    return listening


def _proxy(settings: dict[str, Any], directory: pathlib.Path) -> None:
    """Write the configuration of the proxy server."""
    filters = {f'filter:{name}': {'use': f'egg:swift#{name}'}
               for name in FILTERS.split()}
    filters['filter:cache'] = {
        'paste.filter_factory':
            'tests.sandbox.services.swift_cache:filter_factory'}
    filters['filter:keystoneauth']['operator_roles'] = 'admin, member'
    filters['filter:authtoken'] = {
        'paste.filter_factory': 'keystonemiddleware.auth_token:filter_factory',
        'cache': 'swift.cache',
        'auth_type': 'password',
        'auth_url': settings['keystone_url'],
        'www_authenticate_uri': settings['keystone_url'],
        'username': settings['service_user'],
        'password': settings['service_password'],
        'project_name': settings['service_project'],
        'user_domain_name': settings['domain'],
        'project_domain_name': settings['domain'],
        'delay_auth_decision': 'true',
    }
    launch.write_config(directory / 'proxy.conf', {
        'DEFAULT': _common(settings, directory, 'INFO'),
        'pipeline:main': {'pipeline': f'{FILTERS} proxy-server'},
        'app:proxy-server': {
            'use': 'egg:swift#proxy',
            'account_autocreate': 'true',
            'error_suppression_interval': 0,
        },
        **filters,
    })


def _serve(
        directory: pathlib.Path, kind: str,
        listening: eventlet.greenio.GreenSocket,
) -> eventlet.greenthread.GreenThread:
    """Start a server in a green thread.

    :param kind: 'account', 'container', 'object' or 'proxy'.
    """
    application = wsgi.loadapp(str(directory / f'{kind}.conf'))
    return eventlet.spawn(
        eventlet.wsgi.server, listening, application, wsgi.NullLogger(),
        protocol=wsgi.SwiftHttpProtocol,
        custom_pool=wsgi.RestrictedGreenPool(size=1024),
        capitalize_response_headers=False)


def main() -> None:
    settings: dict[str, Any] = launch.settings()
    directory = pathlib.Path(settings['directory'])
    (directory / 'devices' / DEVICE).mkdir(parents=True, exist_ok=True)
    launch.write_config(directory / 'swift.conf', {'swift-hash': {
        'swift_hash_path_prefix': 'sand', 'swift_hash_path_suffix': 'box'}})
    utils.set_swift_dir(str(directory))
    storage_policy.reload_storage_policies()
    constraints.reload_constraints()
    utils.monkey_patch()
    # If this attribute exists, every logger of Swift also writes to stderr.
    logs.get_swift_logger.console_handler4logger = {}
    launch.end_on_sigterm()
    for kind in ('account', 'container', 'object'):
        _serve(directory, kind, _back_end(settings, directory, kind))
    _proxy(settings, directory)
    _serve(directory, 'proxy', eventlet.listen(
        (settings['host'], settings['port']), reuse_port=False)).wait()


if __name__ == '__main__':
    main()
