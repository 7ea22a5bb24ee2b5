"""The tenant's Swift, as far as Trove's backups are in it."""

import re
import typing
from urllib import parse

import requests_mock

from tests.fake_trove import cloud as clouds
from tests.fake_trove import faults
from tests.fake_trove import views


class Objects:
    """Answers for the objects of complete backups, and for what was left."""

    def __init__(self, cloud: clouds.Cloud,
                 fault: typing.Callable[[str, str],
                                        typing.Optional[faults.Fault]]
                 ) -> None:
        self._cloud = cloud
        self._fault = fault

    def attach(self, mocker: requests_mock.Mocker) -> None:
        mocker.register_uri(
            requests_mock.ANY, re.compile('^' + re.escape(views.SWIFT_URL)),
            text=self._answer)

    def stored(self) -> typing.Set[str]:
        """The URLs of all objects."""
        return {str(views.location(of))
                for of in self._cloud.backups.values()
                if views.location(of)} | self._cloud.left_objects

    def _answer(self, sent: typing.Any, context: typing.Any) -> str:
        with self._cloud.lock:
            url = parse.urlunsplit(parse.urlsplit(sent.url)._replace(query=''))
            fault = self._fault(
                sent.method, '/swift' + parse.urlsplit(url).path)
            there = url in self.stored()
            if sent.method == 'DELETE' and (fault is None or fault.after):
                self._cloud.left_objects.discard(url)
            if fault is not None:
                answer = fault.strike(self._cloud.clock)
                context.status_code = answer.code
                return answer.text
            context.status_code = 200 if there else 404
            return ''
