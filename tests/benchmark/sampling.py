"""CPU time and memory of this process, and where the CPU time goes."""

import collections
import dataclasses
import gc
import pathlib
import re
import signal
import sys
import time
from typing import Any

#: Seconds of CPU time between two samples.
_INTERVAL = 0.004
#: The parts of the profile, by the name of a package.
PARTS = {
    'taskflow': 'flow engine', 'networkx': 'flow engine',
    'futurist': 'flow engine', 'automaton': 'flow engine',
    'karbor': 'Karbor', 'sqlalchemy': 'Karbor', 'oslo_db': 'Karbor',
    'oslo_versionedobjects': 'Karbor',
    'karbor_trove': 'plugin',
    'troveclient': 'clients', 'keystoneauth1': 'clients',
    'requests': 'clients', 'urllib3': 'clients',
    'eventlet': 'green threads', 'greenlet': 'green threads',
    'oslo_log': 'log',
}
_BANK = re.compile(r'karbor\.services\.protection\.bank_plugin')
_IN_TREE = 'karbor.services.protection.protection_plugins'


def find_part(module: str) -> 'str | None':
    """Return the part that a module belongs to.

    None if its caller decides, as for Python's library.
    """
    if _BANK.match(module):
        return 'bank'
    if module.startswith(_IN_TREE):
        return 'plugin'
    return PARTS.get(module.partition('.')[0])


class Profile:
    """Samples of the running function, in the CPU time of this process.

    The signal handler runs between two bytecodes of the main thread. All
    green threads run there.
    """

    def __init__(self) -> None:
        #: Number of samples by part, and by function.
        self._parts: 'collections.Counter[str]' = collections.Counter()
        self._functions: 'collections.Counter[str]' = collections.Counter()

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, number: int, frame: Any) -> None:
        while frame is not None:
            module = frame.f_globals.get('__name__', '')
            part = find_part(module)
            if part is not None:
                self._parts[part] += 1
                self._functions['%s.%s' % (
                    module, frame.f_code.co_qualname
                    if sys.version_info >= (3, 11)
                    else frame.f_code.co_name)] += 1
                return
            frame = frame.f_back
        self._parts['other'] += 1

    def shares(self) -> 'dict[str, float]':
        """Return the share of the CPU time of each part, from 0 to 1."""
        total = sum(self._parts.values())
        return {part: count / total for part, count in self._parts.items()}

    def functions(self, limit: int = 10) -> 'dict[str, float]':
        """Return the functions with the largest shares of the CPU time."""
        total = sum(self._parts.values())
        return {name: count / total
                for name, count in self._functions.most_common(limit)}


def read_memory(name: str) -> float:
    """Return a number of /proc/self/status in MB.

    :param name: VmRSS for the current size, VmHWM for the largest one.
    """
    status = pathlib.Path('/proc/self/status').read_text()
    found = re.search(r'^%s:\s+(\d+) kB' % name, status, re.MULTILINE)
    assert found, name
    return int(found[1]) / 1000


@dataclasses.dataclass
class Usage:
    """What a part of the process's life used."""

    cpu: float
    #: MB above the size at its start.
    memory: float


class Meter:
    """Measures from its creation on."""

    def __init__(self) -> None:
        # What an earlier flow left is not part of this one.
        gc.collect()
        self._cpu = time.process_time()
        self._memory = read_memory('VmRSS')

    def read(self) -> Usage:
        return Usage(time.process_time() - self._cpu,
                     max(0.0, read_memory('VmHWM') - self._memory))
