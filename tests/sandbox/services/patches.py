"""Patches of Trove that let it run in one process and poll faster."""

from collections.abc import Callable
import functools
import threading
from typing import Any

from oslo_service import loopingcall
from trove.common import serializable_notification
from trove.common import utils
from trove.conductor import manager as conductor
from trove.quota import quota

#: Seconds between two polls of Trove. Its own interval is 3 s and grows.
POLL_INTERVAL = 0.2


def _quick_polling(retriever: Callable[[], Any],
                   condition: Callable[[Any], Any] = bool,
                   sleep_time: float = 0, time_out: float = 0,
                   initial_delay: float = 0) -> Any:
    def poll() -> None:
        result = retriever()
        if condition(result):
            raise loopingcall.LoopingCallDone(result)

    return loopingcall.FixedIntervalWithTimeoutLoopingCall(poll).start(
        interval=POLL_INTERVAL, timeout=time_out)


def _serialize_calls(owner: Any, *names: str) -> None:
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
    """Patch Trove. Call it once, before Trove's services start."""
    utils.build_polling_task = _quick_polling

    # Otherwise simultaneous requests of one tenant are counted wrongly, and
    # the tenant's first ones fail.
    _serialize_calls(quota.DbQuotaDriver, 'reserve', 'commit', 'rollback',
                     'get_all_quota_usages_by_tenant')

    # Otherwise the second of an instance's first two reports is lost, if it
    # arrives while the first one is being noted.
    _serialize_calls(conductor.Manager, '_message_too_old')

    # oslo.messaging's fake transport passes the sender's own dict to the
    # receiver, and the receiver removes a key from it.
    notification = serializable_notification.SerializableNotification
    deserialize = notification.deserialize
    notification.deserialize = staticmethod(
        lambda context, serialized: deserialize(context, dict(serialized)))
