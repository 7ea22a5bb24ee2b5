"""A network that lets some requests down."""

import collections
import random
import re

from tests.fault_injection import faults
from tests.sandbox import proxy

#: Nobody listening is no matter of one request: a reset stands for it.
KINDS = [kind for kind in faults.FAULTS if kind != 'refused']


#: Karbor's bank: while that is away, Karbor itself cannot tell what there is.
_BANK = re.compile(r'/v1/[^/]+/karbor(/|\?|$)')


class Judge:
    """Says of each request whether it is let down, and how.

    Those to Trove, and to Swift about backups.

    :param rate: of how many, from 0 to 1.
    """

    def __init__(self, rate: float, chance: random.Random) -> None:
        self.rate = rate
        #: Of each service.
        self.requests: collections.Counter[str] = collections.Counter()
        self.faults: collections.Counter[str] = collections.Counter()
        self._chance = chance

    def __call__(self, request: proxy.Request) -> proxy.Fault | None:
        if request.service == 'keystone' or (
                request.service == 'swift' and _BANK.match(request.path)):
            return None
        self.requests[request.service] += 1
        if self._chance.random() >= self.rate:
            return None
        kind = self._chance.choice(KINDS)
        self.faults[kind] += 1
        return faults.FAULTS[kind]
