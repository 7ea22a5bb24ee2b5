"""A Karbor that tests kill and start again, with proxies around it."""

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
_WRITE_METHODS = ('PUT', 'POST', 'DELETE')


def is_effect(request):
    """Return True if a request may change Trove or the bank.

    Karbor's bank plugin also writes leases, into another container. These
    requests do not count.
    """
    if request.method not in _WRITE_METHODS:
        return False
    return (request.service == 'trove' or request.service == 'swift'
            and '/%s/' % _CONTAINER in request.path)


@dataclasses.dataclass
class Killer:
    """An injector that kills Karbor at one of its requests.

    Only requests that may change Trove or the bank count, see is_effect().
    After the kill, all requests of Karbor fail.

    :param kill: a function that kills the process of Karbor.
    :param number: the number of the request at which Karbor is killed, from 1.
    :param when: 'before': the service never gets the request. 'after': the
        service executes the request before the kill. 'late': the service
        executes the request after the kill, when the test sets `release`, or
        after timeouts.LONGEST_HOLD.
    :param count: how many of these requests Karbor has sent.
    :param dead: the event that is set when Karbor is killed.
    :param release: the event that the test sets, see `when`.
    """

    kill: object
    number: int
    when: str = 'before'
    count: int = 0
    dead: threading.Event = dataclasses.field(default_factory=threading.Event)
    release: threading.Event = dataclasses.field(
        default_factory=threading.Event)

    def __call__(self, request):
        if self.dead.is_set():
            return proxy.Exchange.reset
        if is_effect(request):
            self.count += 1
            if self.count == self.number:
                return self._fault
        return None

    def _fault(self, exchange):
        if self.when == 'after':
            exchange.forward()
        self.kill()
        self.dead.set()
        exchange.reset()
        if self.when == 'late':
            self.release.wait(timeouts.LONGEST_HOLD)
            exchange.forward()


class Karbor:
    """The sandbox's Karbor, with proxies in front of the other services.

    The constructor restarts Karbor, so that Karbor uses the proxies and the
    time limits of timeouts.OF_KILLS. If the restart fails, the constructor
    stops Karbor and the proxies.
    """

    def __init__(self, sandbox):
        self._service = sandbox.services['karbor']
        self.tenant = tenants.Tenant(sandbox)
        self._swift = swiftclient.Connection(session=sandbox.session('karbor'))
        self._config = sandbox.directory / 'karbor' / 'karbor.conf'
        self.cloud = proxy.Proxies({name: sandbox.urls[name] for name in (
            'keystone', 'swift', 'trove')})
        self._service.settings.update(
            keystone_url=self.cloud.urls['keystone'],
            constants=timeouts.OF_KILLS)
        try:
            self._service.restart()
        except BaseException:
            self.close()
            raise

    def close(self):
        """Stop Karbor and the proxies."""
        self._service.stop()
        self.cloud.__exit__()

    def kill(self):
        """Kill Karbor with SIGKILL."""
        self._service.kill()

    def start(self):
        """Start Karbor and wait until its API accepts connections."""
        self._service.start()

    def list_keys(self, prefix):
        """Return the names of the bank's objects that begin with a prefix."""
        return [item['name'] for item in self._swift.get_container(
            _CONTAINER, prefix=prefix, full_listing=True)[1]]

    def read_all(self, prefix):
        """Return the texts of the bank's objects that begin with a prefix.

        :param prefix: the beginning of the names of the objects.
        """
        return [self._swift.get_object(_CONTAINER, name)[1].decode()
                for name in self.list_keys(prefix)]

    def list_checkpoint_ids(self):
        """Return the ids of all checkpoints, deleted ones included."""
        return {name.split('/')[2] for name in self.list_keys('/checkpoints/')}

    def manage(self, *words):
        """Run a command of karbor-trove-manage.

        :param words: the words of the command and its arguments.
        :returns: whether the command succeeded, and its stdout and stderr.
        """
        process = subprocess.run(
            [pathlib.Path(sys.executable).with_name('karbor-trove-manage'),
             *words, '--config-file', self._config, '--format', 'json'],
            capture_output=True, text=True)
        return process.returncode == 0, process.stdout + process.stderr

    def send(self, request):
        """Send a request to Karbor, even if Karbor is killed meanwhile.

        A connection that fails is ignored.

        :param request: a function that sends the request.
        """
        with contextlib.suppress(exceptions.ConnectionError):
            request()
