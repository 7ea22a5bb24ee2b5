"""Cache in the memory of Swift's proxy server, instead of memcached.

Without a cache, the proxy server sends several requests of its own for each
request of a client: it reads the account and the container, and it checks the
token with Keystone.
"""

import copy
import time
from typing import Any, Callable


class Cache:
    """The cache, with the methods of swift.common.memcached.

    It has only the methods that the filters in the sandbox call.
    """

    def __init__(self) -> None:
        # By key: the value, and the monotonic time at which it expires.
        self._values: dict[str, tuple[Any, float]] = {}

    def set(self, key: str, value: Any, time: float = 0, **_: Any) -> None:
        """Store a value.

        :param time: seconds until the value expires. With 0 it never expires.
        """
        # The caller may change the value later.
        self._values[key] = (copy.deepcopy(value),
                             _now() + (time or float('inf')))

    def get(self, key: str, **_: Any) -> Any:
        """Return a value. None if it does not exist or has expired."""
        value, end = self._values.get(key, (None, 0.0))
        return copy.deepcopy(value) if _now() < end else None

    def delete(self, key: str, **_: Any) -> None:
        """Remove a value. Do nothing if it does not exist."""
        self._values.pop(key, None)


def _now() -> float:
    return time.monotonic()


def filter_factory(*_: Any, **__: Any) -> Callable[[Any], Any]:
    """Return a filter of paste that gives all requests the same cache."""
    cache = Cache()

    def create_filter(application: Any) -> Any:
        def call(environ: dict[str, Any], start_response: Any) -> Any:
            environ['swift.cache'] = cache
            return application(environ, start_response)
        return call
    return create_filter
