"""Patches of Trove, so that all its services can run in one process.

With the patches Trove also polls more often.
"""

from collections.abc import Callable
import functools
import threading
from typing import Any

from oslo_service import loopingcall
from trove.common import serializable_notification
from trove.common import utils
from trove.conductor import manager as conductor
from trove.quota import quota

#: Seconds between two polls. Without the patch, the intervals begin at 1 to
#: 5 s and grow up to 30 s [common/utils.py, 26.0].
POLL_INTERVAL = 0.2


def _quick_polling(retriever: Callable[[], Any],
                   condition: Callable[[Any], Any] = bool,
                   sleep_time: float = 0, time_out: float = 0,
                   initial_delay: float = 0) -> Any:
    """Start polling, in place of trove.common.utils.build_polling_task().

    :returns: the event that has the result.
    """
    def poll() -> None:
        result = retriever()
        if condition(result):
            raise loopingcall.LoopingCallDone(result)

    return loopingcall.FixedIntervalWithTimeoutLoopingCall(poll).start(
        interval=POLL_INTERVAL, timeout=time_out)


def _serialize_calls(owner: Any, *names: str) -> None:
    """Let only one thread at a time run any of the methods of a class.

    :param owner: the class.
    :param names: the names of the methods.
    """
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

    # Without this patch, Trove counts simultaneous requests of one tenant
    # wrongly, and the first requests of a tenant fail.
    _serialize_calls(quota.DbQuotaDriver, 'reserve', 'commit', 'rollback',
                     'get_all_quota_usages_by_tenant')

    # Otherwise Trove loses the second of the first two reports of an instance
    # if it arrives while Trove stores the first one.
    _serialize_calls(conductor.Manager, '_message_too_old')

    # The fake transport of oslo.messaging does not copy a message, and the
    # receiver removes a key from the dict that the sender still uses. With
    # this patch, the receiver gets a copy.
    notification = serializable_notification.SerializableNotification
    deserialize = notification.deserialize
    notification.deserialize = staticmethod(
        lambda context, serialized: deserialize(context, dict(serialized)))
