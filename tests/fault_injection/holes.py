"""Fault "hole": a list of backups lacks a backup that exists.

Trove returns a list of backups in pages, and the marker of a page is an
offset. If another client deletes a backup of the first page before the second
page is read, all later backups move up by one. Then the list lacks the first
backup of the second page. In the cases of this module, this is the only child
of the backup that the operation deletes.
"""

from typing import Any
from urllib import parse

from tests.fault_injection import cases
from tests.fault_injection import scenarios
from tests.sandbox import proxy

FAULT = 'hole'
_KIND = 'trove GET /backups'

#: In the first case, only the first list has the hole. In the second case,
#: each list has the hole, so the operation reads equal lists.
CASES = [cases.Case(scenarios.DELETE_AMONG_OTHERS,
                    cases.OperationRequest(_KIND, 1), FAULT, duration)
         for duration in (cases.ONCE, cases.WHOLE)]


class HoleInjector:
    """An injector that hides the second backup in lists of all backups.

    The injector also changes the limit of these lists, so that each page has
    one backup. It does not change a list of the backups of one instance. Trove
    accepts any limit and returns such a list in one page [26.0].
    """

    def __init__(self, case: cases.Case) -> None:
        self._case = case
        self._is_second_page = False
        #: How many lists had the hole.
        self.count = 0

    def __call__(self, request: proxy.Request) -> Any:
        """Return the fault of a request. None if it has no fault."""
        if (cases.get_kind(request) != _KIND
                or 'instance_id' in _parse_query(request.path)):
            return None
        return self._forward_page

    def _forward_page(self, exchange: proxy.Exchange) -> None:
        """Forward the request for a page with another limit and marker."""
        query = _parse_query(exchange.path)
        query['limit'] = '1'
        if 'marker' not in query:
            self._is_second_page = True
        elif self._is_second_page:
            self._is_second_page = False
            if not self.count or self._case.duration == cases.WHOLE:
                # Skip one backup. The deletion of the backup on the first
                # page would have the same effect. Trove derives the markers
                # of the later pages from this marker.
                query['marker'] = str(int(query['marker']) + 1)
                self.count += 1
        exchange.path = '%s?%s' % (exchange.path.partition('?')[0],
                                   parse.urlencode(query))
        exchange.pass_through()


def _parse_query(path: str) -> dict[str, str]:
    return dict(parse.parse_qsl(parse.urlsplit(path).query))
