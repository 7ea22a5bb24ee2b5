"""A Karbor behind proxies, which is killed and started again."""

import contextlib
import dataclasses
import pathlib
import subprocess
import sys
import threading

from keystoneauth1 import exceptions
import swiftclient

from tests.fault_injection import timeouts
from tests.functional import api_tenant as tenants
from tests.sandbox import proxy

_CONTAINER = 'karbor'
#: Where the bank says that it lives is nothing that an operation does.
_CHANGES = ('PUT', 'POST', 'DELETE')


def is_effect(request):
    """Whether a request may leave something, in the bank or in Trove."""
    if request.method not in _CHANGES:
        return False
    return (request.service == 'trove' or request.service == 'swift'
            and '/%s/' % _CONTAINER in request.path)


@dataclasses.dataclass
class Killer:
    """Kills at one of the effects: before, after, or long before it.

    :param kill: ends the process.
    :param number: the how many-th effect, from 1.
    :param when: 'before': it never takes place; 'after': it has; 'late': it
        takes place when everybody has forgotten it.
    """

    kill: object
    number: int
    when: str = 'before'
    seen: int = 0
    dead: threading.Event = dataclasses.field(default_factory=threading.Event)
    forgotten: threading.Event = dataclasses.field(
        default_factory=threading.Event)

    def __call__(self, request):
        if self.dead.is_set():
            return proxy.Exchange.reset
        if is_effect(request):
            self.seen += 1
            if self.seen == self.number:
                return self._deed
        return None

    def _deed(self, exchange):
        if self.when == 'after':
            exchange.forward()
        self.kill()
        self.dead.set()
        exchange.reset()
        if self.when == 'late':
            self.forgotten.wait(timeouts.NEVER)
            exchange.forward()


class Karbor:
    """The sandbox's, with all that it asks of others going through proxies."""

    def __init__(self, sandbox):
        self._service = sandbox.services['karbor']
        self.cloud = proxy.Cloud({name: sandbox.urls[name] for name in (
            'keystone', 'swift', 'trove')})
        self.tenant = tenants.Tenant(sandbox)
        self._swift = swiftclient.Connection(session=sandbox.session('karbor'))
        self._config = sandbox.directory / 'karbor' / 'karbor.conf'
        self._service.settings.update(
            keystone_url=self.cloud.urls['keystone'],
            constants=timeouts.OF_KILLS)
        self._service.restart()

    def close(self):
        self._service.stop()
        self.cloud.__exit__()

    def kill(self):
        self._service.kill()

    def start(self):
        self._service.start()

    def kept(self, prefix):
        """The bank's objects below a place."""
        return [one['name'] for one in self._swift.get_container(
            _CONTAINER, prefix=prefix, full_listing=True)[1]]

    def kept_below(self, prefix):
        """What those objects hold, as text."""
        return [self._swift.get_object(_CONTAINER, name)[1].decode()
                for name in self.kept(prefix)]

    def checkpoint_ids(self):
        """All that there ever were."""
        return {name.split('/')[2] for name in self.kept('/checkpoints/')}

    def manage(self, *words):
        """The operator's command: whether it was done, and what it said."""
        done = subprocess.run(
            [pathlib.Path(sys.executable).with_name('karbor-trove-manage'),
             *words, '--config-file', self._config, '--format', 'json'],
            capture_output=True, text=True)
        return done.returncode == 0, done.stdout + done.stderr

    def try_to(self, act):
        """What a user does whose Karbor may die meanwhile."""
        with contextlib.suppress(exceptions.ConnectionError):
            act()
