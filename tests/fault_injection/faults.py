"""Faults of a network or of a service, at one request.

A fault is a function. A proxy calls it with an exchange (a request and its
connection) instead of forwarding the request, see tests/sandbox/proxy.py. The
time limits are in timeouts.py.
"""

import email.utils
import json
import time
from typing import Callable

from tests.fake_trove import faults as fake_faults
from tests.fault_injection import timeouts
from tests.sandbox import proxy


def _reset_before(exchange: proxy.Exchange) -> None:
    """Reset the connection. The service does not get the request."""
    exchange.reset()


def _reset_after(exchange: proxy.Exchange) -> None:
    """Let the service execute the request, and reset the connection."""
    exchange.forward()
    exchange.reset()


def _time_out(exchange: proxy.Exchange) -> None:
    """Let the service execute the request, but send no response."""
    exchange.forward()
    exchange.wait_for_disconnect(timeouts.LONGEST_HOLD)


def _hang(exchange: proxy.Exchange) -> None:
    """Let the service execute the request after the client's timeout."""
    time.sleep(timeouts.HANG)
    exchange.pass_through()


def _broken_json(exchange: proxy.Exchange) -> None:
    """Send only the first half of the body of the response."""
    status, headers, body = exchange.forward()
    half = body[:len(body) // 2]
    exchange.reply(proxy.Response(status, [
        (name, str(len(half)) if body and name.lower() == 'content-length'
         else value) for name, value in headers], half))


def _status(code: int, retry_after: bool = False
            ) -> Callable[[proxy.Exchange], None]:
    """Return a fault in which the response has this HTTP code.

    The service does not get the request.

    :param retry_after: True if the response has the header Retry-After, with
        one second.
    """
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
    """Return a fault in which a load balancer responds instead of the service.

    The service does not get the request.

    :param name: a key of fake_faults.FOREIGN, which has the responses.
    """
    response = fake_faults.FOREIGN[name]
    body = response.text.encode()

    def fault(exchange: proxy.Exchange) -> None:
        exchange.reply(proxy.Response(response.code, [
            *response.headers.items(), ('Content-Length', str(len(body))),
            ('Date', exchange.date_time_string())], body))
    return fault


def _date_off(exchange: proxy.Exchange) -> None:
    """Advance the Date header of a response.

    If the request is a POST request to Trove, its response is lost instead.
    Only after a lost response the plugin searches for the created object. In
    this search it compares the Date header with the times in Trove's bodies.
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
    """Return the value of a Date header, DATE_AHEAD seconds later."""
    return email.utils.formatdate(
        email.utils.parsedate_to_datetime(date).timestamp()
        + timeouts.DATE_AHEAD, usegmt=True)


#: The faults by their names in the fault matrix.
FAULTS: dict[str, proxy.Fault] = {
    # For the duration `once`, the connection is reset. For the duration
    # `whole deadline`, cases.Injector closes the port instead.
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

#: The names of the faults of requests to a bank in Swift. "time-out" and
#: "hanging" are left out. With them an operation would take too long, because
#: it has no deadline for all its requests to the bank together. "Date off" is
#: left out too, because no operation reads the Date header of the bank's
#: responses.
BANK_FAULTS = [kind for kind in FAULTS
               if kind not in ('time-out', 'hanging', 'Date off')]
