"""Faults that a network or a service may have at a request.

The times of production are shortened, see timeouts.py.
"""

import email.utils
import json
import time
from typing import Callable

from tests.fake_trove import faults as fake_faults
from tests.fault_injection import timeouts
from tests.sandbox import proxy


def _reset_before(exchange: proxy.Exchange) -> None:
    exchange.reset()


def _reset_after(exchange: proxy.Exchange) -> None:
    exchange.forward()
    exchange.reset()


def _time_out(exchange: proxy.Exchange) -> None:
    """Let the service execute the request, but never send its response."""
    exchange.forward()
    exchange.wait_for_disconnect(timeouts.NEVER)


def _hang(exchange: proxy.Exchange) -> None:
    """Let the service execute the request after the client's timeout."""
    time.sleep(timeouts.HANG)
    exchange.pass_through()


def _broken_json(exchange: proxy.Exchange) -> None:
    status, headers, body = exchange.forward()
    half = body[:len(body) // 2]
    exchange.reply(proxy.Response(status, [
        (name, str(len(half)) if body and name.lower() == 'content-length'
         else value) for name, value in headers], half))


def _status(code: int, retry_after: bool = False
            ) -> Callable[[proxy.Exchange], None]:
    def fault(exchange: proxy.Exchange) -> None:
        body = json.dumps({'error': {
            'code': code, 'message': 'an injected fault'}}).encode()
        headers = [('Content-Type', 'application/json'),
                   ('Content-Length', str(len(body))),
                   ('Date', exchange.date_time_string())]
        if retry_after:
            headers.append(('Retry-After', '1'))
        exchange.reply(proxy.Response(code, headers, body))
    return fault


def _foreign(name: str) -> Callable[[proxy.Exchange], None]:
    """Return a fault: a load balancer responds, not the service."""
    response = fake_faults.FOREIGN[name]
    body = response.text.encode()

    def fault(exchange: proxy.Exchange) -> None:
        exchange.reply(proxy.Response(response.code, [
            *response.headers.items(), ('Content-Length', str(len(body))),
            ('Date', exchange.date_time_string())], body))
    return fault


def _date_off(exchange: proxy.Exchange) -> None:
    """Send a Date that is ahead, and lose the response to a creation.

    Only an operation that searches for what it created compares the date with
    the times in Trove's bodies.
    """
    status, headers, body = exchange.forward()
    if exchange.server.proxy.service == 'trove' and (
            exchange.command == 'POST'):
        exchange.reset()
        return
    exchange.reply(proxy.Response(status, [
        (name, _advance(value) if name.lower() == 'date' else value)
        for name, value in headers], body))


def _advance(date: str) -> str:
    return email.utils.formatdate(
        email.utils.parsedate_to_datetime(date).timestamp()
        + timeouts.DATE_AHEAD, usegmt=True)


#: Name in the matrix -> fault.
FAULTS: dict[str, proxy.Fault] = {
    # Once: the connection is reset. For the whole deadline: the port is
    # closed.
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
    'foreign 404': _foreign('foreign-404'),
    'foreign 200': _foreign('foreign-200'),
    'Date off': _date_off,
}

#: The faults of requests to a bank in Swift. Each request without a response
#: lasts until its timeout, and an operation has no deadline for all of them.
#: No operation reads the Date of the bank.
BANK_FAULTS = [kind for kind in FAULTS
               if kind not in ('time-out', 'hanging', 'Date off')]
