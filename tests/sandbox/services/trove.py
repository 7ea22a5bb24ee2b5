"""Launcher of Trove: python -m tests.sandbox.services.trove FILE.

The API, the task manager, the conductor and the guest agents run in one
process. The database of Trove is SQLite. Trove uses the real Keystone and
Swift of the sandbox. Nova, Cinder, Glance and Neutron are fakes in the same
process. After a restart in the same directory, the backups still exist, but
the databases of the instances do not.

Settings: directory, host, port, keystone_url, region, service_user,
service_password, service_project and domain (see launch.py).

Optional settings:

"guest"
    an object: "port" is the port of all databases (default: 5432),
    "prepare_seconds" is the time before an instance creates its database
    (default: 0)
"quotas"
    an object with the limits of each project: "instances", "backups",
    "volumes" (GB) and "ram" (MB)
"options"
    an object with options of trove.conf, group DEFAULT
"""

import json
import os
import pathlib
import signal
import socket
import sqlite3
from typing import Any

import eventlet
from oslo_log import log
from trove import cmd  # noqa: F401 - patches the standard library, so first
from trove.common import base_wsgi
from trove.common import cfg
from trove.common import notification
from trove.common import pastedeploy
from trove.common.rpc import service
from trove.conductor import api as conductor_api
from trove.configuration import models as configurations
from trove.datastore import models as datastores
from trove.db import get_db_api
from trove.instance import models as instances
from trove import rpc
from trove.taskmanager import api as taskmanager_api

from tests.sandbox.services import cloud
from tests.sandbox.services import launch
from tests.sandbox.services import losses
from tests.sandbox.services import patches
from tests.sandbox.services import postgres_binaries
from tests.sandbox.services import trove_config
from tests.sandbox.services import virtual_machines

#: Seconds between two reports of the statuses of all databases.
HEARTBEAT_SECONDS = 5.0


def _prepare_database(directory: pathlib.Path) -> None:
    """Create Trove's own database."""
    get_db_api().db_sync(cfg.CONF)
    # In SQLite's default mode, a reader blocks all writers. In this mode it
    # does not.
    with sqlite3.connect(directory / trove_config.DATABASE) as database:
        database.execute('PRAGMA journal_mode=WAL')


def _register_datastores(directory: pathlib.Path) -> None:
    """Create the datastores, their versions and configuration parameters."""
    parameters = directory / 'parameters.json'
    parameters.write_text(json.dumps({'configuration-parameters': [
        {'name': name, 'type': kind, 'min': least, 'max': most,
         'restart_required': restart}
        for name, kind, least, most, restart in cloud.PARAMETERS]}))
    for name in dict.fromkeys(name for name, _, _ in cloud.VERSIONS):
        datastores.update_datastore(name, None)
        for _, version, active in (v for v in cloud.VERSIONS if v[0] == name):
            datastores.update_datastore_version(
                name, version, name, 'image', None, '', active)
            if name == cloud.DATASTORE:
                configurations.load_datastore_configuration_parameters(
                    name, version, str(parameters))
        default = next(v[1] for v in cloud.VERSIONS if v[0] == name)
        datastores.update_datastore(name, default)


def _start_services() -> None:
    """Start the task manager and the conductor."""
    notification.DBaaSAPINotification.register_notify_callback(
        instances.persist_instance_fault)
    for manager, topic, version in (
            (cfg.CONF.taskmanager_manager, cfg.CONF.taskmanager_queue,
             taskmanager_api.API.API_LATEST_VERSION),
            (cfg.CONF.conductor_manager, cfg.CONF.conductor_queue,
             conductor_api.API.API_LATEST_VERSION)):
        service.RpcService(key=None, manager=manager, topic=topic,
                           rpc_api_version=version).start()


def _check_port(port: int) -> None:
    """Check that databases can listen on a port.

    A server that listens on this port on all addresses would prevent it.

    :raises SystemExit: such a server exists.
    """
    try:
        with socket.socket() as probe:
            probe.bind(('127.77.0.1', port))
    except OSError as e:
        raise SystemExit(f'port {port} is in use on all addresses ({e}). '
                         'Set "port" of "guest" to another one.') from e


def main() -> None:
    settings: dict[str, Any] = launch.settings()
    directory = pathlib.Path(settings['directory'])
    guest = {'port': 5432, 'prepare_seconds': 0.0,
             **settings.get('guest', {})}
    _check_port(guest['port'])
    tools = postgres_binaries.Programs(directory)
    losses.directory = directory
    virtual_machines.Machine.tools = tools
    virtual_machines.Machine.port = guest['port']
    virtual_machines.Machine.prepare_seconds = guest['prepare_seconds']

    def leave(*_: object) -> None:
        tools.end()
        os._exit(0)

    launch.end_on_sigterm()
    signal.signal(signal.SIGTERM, leave)
    patches.apply()
    config, paste = trove_config.write(settings, directory)
    cfg.parse_args(['trove', '--config-file', config])
    log.setup(cfg.CONF, None)
    rpc.init(cfg.CONF)
    _prepare_database(directory)
    _register_datastores(directory)
    _start_services()
    eventlet.spawn_n(virtual_machines.keep_reporting, HEARTBEAT_SECONDS)
    cfg.set_api_config_defaults()
    server = base_wsgi.Service(
        pastedeploy.paste_deploy_app(paste, 'trove', {}), settings['port'],
        host=settings['host'])
    server.start()
    server.wait()


if __name__ == '__main__':
    main()
