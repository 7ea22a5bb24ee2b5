"""Random faults of requests to Trove and Swift."""

import collections
import random
import re

from tests.fault_injection import faults
from tests.sandbox import proxy

#: A closed port would affect more than one request. A reset is similar.
KINDS = [kind for kind in faults.FAULTS if kind != 'refused']


#: Karbor's bank has no faults. Without it Karbor cannot read its checkpoints.
_BANK = re.compile(r'/v1/[^/]+/karbor(/|\?|$)')


class FaultInjector:
    """Chooses a fault for some requests to Trove and to Swift.

    Requests to Karbor's bank in Swift have no faults.

    :param rate: share of the requests that fail, from 0 to 1.
    """

    def __init__(self, rate: float, rng: random.Random) -> None:
        self.rate = rate
        #: Number of requests by service.
        self.requests: collections.Counter[str] = collections.Counter()
        #: Number of faults by kind.
        self.faults: collections.Counter[str] = collections.Counter()
        self._rng = rng

    def __call__(self, request: proxy.Request) -> proxy.Fault | None:
        if request.service == 'keystone' or (
                request.service == 'swift' and _BANK.match(request.path)):
            return None
        self.requests[request.service] += 1
        if self._rng.random() >= self.rate:
            return None
        kind = self._rng.choice(KINDS)
        self.faults[kind] += 1
        return faults.FAULTS[kind]
