"""What a network, and a service on it, may do to a request.

Times are those of the real world, shortened; see constants.py.
"""

import json
import time
from typing import Callable

from tests.fault_injection import timeouts
from tests.sandbox import proxy


def _reset_before(exchange: proxy.Exchange) -> None:
    exchange.reset()


def _reset_after(exchange: proxy.Exchange) -> None:
    exchange.forward()
    exchange.reset()


def _time_out(exchange: proxy.Exchange) -> None:
    """It is carried out, and no answer ever comes."""
    exchange.forward()
    exchange.wait_until_left(timeouts.NEVER)


def _hang(exchange: proxy.Exchange) -> None:
    """It is carried out when nobody waits for it any more."""
    time.sleep(timeouts.HANG)
    exchange.pass_on()


def _broken_json(exchange: proxy.Exchange) -> None:
    status, headers, body = exchange.forward()
    half = body[:len(body) // 2]
    exchange.reply(proxy.Answer(status, [
        (name, str(len(half)) if body and name.lower() == 'content-length'
         else value) for name, value in headers], half))


def _status(code: int, retry_after: bool = False
            ) -> Callable[[proxy.Exchange], None]:
    def deed(exchange: proxy.Exchange) -> None:
        body = json.dumps({'error': {
            'code': code, 'message': 'in the way'}}).encode()
        headers = [('Content-Type', 'application/json'),
                   ('Content-Length', str(len(body))),
                   ('Date', exchange.date_time_string())]
        if retry_after:
            headers.append(('Retry-After', '1'))
        exchange.reply(proxy.Answer(code, headers, body))
    return deed


#: The name in the matrix -> what is done to a request.
DEEDS: dict[str, proxy.Deed] = {
    # Once: the connection is reset. For the whole deadline: nobody listens.
    'refused': _reset_before,
    'reset before': _reset_before,
    'reset after': _reset_after,
    'time-out': _time_out,
    '401': _status(401),
    '413': _status(413),
    '429': _status(429, retry_after=True),
    '500': _status(500),
    '503': _status(503, retry_after=True),
    'broken JSON': _broken_json,
    'hanging': _hang,
}

#: To a bank in Swift. Karbor sets its client no limit of time.
OF_A_BANK = [kind for kind in DEEDS if kind not in ('time-out', 'hanging')]
