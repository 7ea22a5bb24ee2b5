"""A cache in the memory of Swift's proxy, in place of a memcached.

Without a cache the proxy sends more requests before each request of a client:
it reads the account and the container, and checks the token with Keystone.
"""

import copy
import time
from typing import Any, Callable


class Cache:
    """The methods of swift.common.memcached that the sandbox's proxy calls."""

    def __init__(self) -> None:
        # Each value and its end, by key.
        self._values: dict[str, tuple[Any, float]] = {}

    def set(self, key: str, value: Any, time: float = 0, **_: Any) -> None:
        """Store a value.

        :param time: seconds. 0 stores the value without a limit.
        """
        # The caller may change the value later.
        self._values[key] = (copy.deepcopy(value),
                             _now() + (time or float('inf')))

    def get(self, key: str, **_: Any) -> Any:
        """Return a value. None if there is none."""
        value, end = self._values.get(key, (None, 0.0))
        return copy.deepcopy(value) if _now() < end else None

    def delete(self, key: str, **_: Any) -> None:
        """Remove a value. An absent value is no error."""
        self._values.pop(key, None)


def _now() -> float:
    return time.monotonic()


def filter_factory(*_: Any, **__: Any) -> Callable[[Any], Any]:
    """Return a filter of paste that adds one cache to all requests."""
    cache = Cache()

    def create_filter(application: Any) -> Any:
        def call(environ: dict[str, Any], start_response: Any) -> Any:
            environ['swift.cache'] = cache
            return application(environ, start_response)
        return call
    return create_filter
