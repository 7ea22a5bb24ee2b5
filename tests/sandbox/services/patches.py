"""What Trove needs to run in one process, and not to be waited for."""

from collections.abc import Callable
import functools
import threading
from typing import Any

from oslo_service import loopingcall
from trove.common import serializable_notification
from trove.common import utils
from trove.quota import quota

#: Seconds between two looks of Trove at what it waits for; its own are 3 s
#: and grow.
LOOK_INTERVAL = 0.2


def _quick_polling(retriever: Callable[[], Any],
                   condition: Callable[[Any], Any] = bool,
                   sleep_time: float = 0, time_out: float = 0,
                   initial_delay: float = 0) -> Any:
    def look() -> None:
        found = retriever()
        if condition(found):
            raise loopingcall.LoopingCallDone(found)

    return loopingcall.FixedIntervalWithTimeoutLoopingCall(look).start(
        interval=LOOK_INTERVAL, timeout=time_out)


def _one_at_a_time(owner: Any, *names: str) -> None:
    lock = threading.RLock()

    def locked(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            with lock:
                return method(*arguments, **named)
        return call

    for name in names:
        setattr(owner, name, locked(getattr(owner, name)))


def apply() -> None:
    """Mend Trove; once, before its services start."""
    utils.build_polling_task = _quick_polling

    # Requests of one tenant at the same instant count wrong otherwise, and
    # its first ones fail.
    _one_at_a_time(quota.DbQuotaDriver, 'reserve', 'commit', 'rollback',
                   'get_all_quota_usages_by_tenant')

    # oslo.messaging's fake transport hands the receiver the sender's own
    # dict, and the receiver takes a key out of it.
    notification = serializable_notification.SerializableNotification
    deserialize = notification.deserialize
    notification.deserialize = staticmethod(
        lambda context, serialized: deserialize(context, dict(serialized)))
