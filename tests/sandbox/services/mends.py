"""What Trove needs to run in one process, and not to be waited for."""

from collections.abc import Callable
from typing import Any

from oslo_service import loopingcall
from trove.common import serializable_notification
from trove.common import utils

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


def apply() -> None:
    """Mend Trove; once, before its services start."""
    utils.build_polling_task = _quick_polling

    # oslo.messaging's fake transport hands the receiver the sender's own
    # dict, and the receiver takes a key out of it.
    notification = serializable_notification.SerializableNotification
    deserialize = notification.deserialize
    notification.deserialize = staticmethod(
        lambda context, serialized: deserialize(context, dict(serialized)))
