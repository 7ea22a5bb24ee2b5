# SPDX-License-Identifier: Apache-2.0

"""Notifications about operations, sent with Karbor's own notifier."""

import collections
import threading
from typing import Any, Deque, Mapping, NamedTuple

from karbor import context as karbor_context
from karbor import rpc
from karbor import utils
from oslo_config import cfg
from oslo_log import log as logging

from karbor_trove import karbor_types

LOG = logging.getLogger(__name__)

#: The name of the threads that send notifications.
THREAD_NAME = 'karbor-trove-notifications'
#: The first part of the publisher id, which is "protection.HOST".
_SERVICE = 'protection'


class _Notification(NamedTuple):
    context: karbor_types.RequestContext
    event_type: str
    payload: Mapping[str, Any]
    is_error: bool


class Notifier:
    """Sends the notifications of one flow, one after the other.

    A separate thread sends the notifications, so that the operations do not
    wait. If the message broker is unavailable, the sending thread may be
    blocked without a time limit [messaging.py in oslo.messaging 14.6].
    """

    def __init__(self) -> None:
        """Create the notifier. Nothing is connected yet."""
        self._lock = threading.Lock()
        self._unsent: Deque[_Notification] = collections.deque()
        self._is_sending = False

    def send(self, context: karbor_types.RequestContext, event_type: str,
             payload: Mapping[str, Any], is_error: bool = False) -> None:
        """Pass a notification to the thread that sends notifications.

        This method does not wait and raises no exception. If karbor.conf does
        not enable notifications, nothing is sent. A failure to send the
        notification is only logged.

        :param context: the context of the user's request.
        :param event_type: the name of the notification, such as
            "karbor_trove.protect.start".
        :param payload: JSON values by key. The keys "instance_id" and
            "checkpoint_id" are required. The caller must not change the
            mapping after the call.
        :param is_error: True for the priority ERROR, False for INFO.
        """
        notification = _Notification(context, event_type, payload, is_error)
        try:
            if not _is_enabled():
                return
            with self._lock:
                self._unsent.append(notification)
                if not self._is_sending:
                    threading.Thread(target=self._send_all, name=THREAD_NAME,
                                     daemon=True).start()
                    self._is_sending = True
        except Exception as error:  # Notifications must not fail operations.
            _log_failure(notification, error)

    def _send_all(self) -> None:
        while True:
            with self._lock:
                if not self._unsent:
                    self._is_sending = False
                    return
                notification = self._unsent.popleft()
            try:
                _send(notification)
            except Exception as error:  # Each driver has its own errors.
                _log_failure(notification, error)


def _is_enabled() -> bool:
    # notifications_enabled() reads options that Karbor's rpc.init() registers.
    return bool(rpc.initialized() and utils.notifications_enabled(cfg.CONF))


def _send(notification: _Notification) -> None:
    notifier = rpc.get_notifier(_SERVICE)
    context = notification.context
    # Karbor sends the whole context [RequestContextSerializer in rpc.py,
    # 1.6.0]. So pass a context without the user's token and catalog.
    public_context = karbor_context.RequestContext(
        user_id=context.user_id, project_id=context.project_id,
        request_id=context.request_id, is_admin=False, overwrite=False)
    (notifier.error if notification.is_error else notifier.info)(
        public_context, notification.event_type, dict(notification.payload))


def _log_failure(notification: _Notification, error: Exception) -> None:
    LOG.warning('Notification %s of instance %s in checkpoint %s was not '
                'sent: %s', notification.event_type,
                notification.payload['instance_id'],
                notification.payload['checkpoint_id'], error)
