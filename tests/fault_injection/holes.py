"""Fault "hole": a list of backups lacks the child of the deleted backup.

Trove counts the offset of a page from the first backup of the list. If another
client deletes a backup between two pages, the list lacks another backup, which
still exists. In these cases, the list lacks the only child of the backup that
the operation deletes.
"""

from typing import Any
from urllib import parse

from tests.fault_injection import cases
from tests.fault_injection import scenarios
from tests.sandbox import proxy

FAULT = 'hole'
_KIND = 'trove GET /backups'

#: In the first case only the first list has the hole. In the second case each
#: list has the hole, so two lists in a row are equal.
CASES = [cases.Case(scenarios.DELETE_AMONG_OTHERS, cases.Request(_KIND, 1),
                    FAULT, duration)
         for duration in (cases.ONCE, cases.WHOLE)]


class Injector:
    """Splits lists of all backups into pages, and hides the second backup.

    Each page has one backup. A list of the backups of one instance is not
    changed, because Trove accepts any limit and returns such a list in one
    page [26.0].
    """

    def __init__(self, case: cases.Case) -> None:
        self._case = case
        self._is_second_page = False
        #: How many lists had the hole.
        self.count = 0

    def __call__(self, request: proxy.Request) -> Any:
        if (cases.get_kind(request) != _KIND
                or 'instance_id' in _parse_query(request.path)):
            return None
        return self._forward_page

    def _forward_page(self, exchange: proxy.Exchange) -> None:
        query = _parse_query(exchange.path)
        query['limit'] = '1'
        if 'marker' not in query:
            self._is_second_page = True
        elif self._is_second_page:
            self._is_second_page = False
            if not self.count or self._case.duration == cases.WHOLE:
                # A deletion of the backup on the first page has the same
                # effect. Trove derives the later markers from this one.
                query['marker'] = str(int(query['marker']) + 1)
                self.count += 1
        exchange.path = '%s?%s' % (exchange.path.partition('?')[0],
                                   parse.urlencode(query))
        exchange.pass_through()


def _parse_query(path: str) -> dict[str, str]:
    return dict(parse.parse_qsl(parse.urlsplit(path).query))
