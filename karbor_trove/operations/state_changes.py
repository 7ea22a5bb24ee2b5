# SPDX-License-Identifier: Apache-2.0

"""Changes of state of one operation: log lines and notifications."""

from typing import Any, Dict, Sequence

from oslo_log import log as logging

from karbor_trove import karbor_types
from karbor_trove.operations import notifications
from karbor_trove import polling

LOG = logging.getLogger(__name__)


class StateChanges:
    """Reports the changes of state of one operation on one instance.

    Each change is one line in the log. The start, the end and a failure are
    also sent as notifications. The name of a notification is
    "karbor_trove.OPERATION.PHASE". The phase is "start", "end" or "error".
    """

    def __init__(self, notifier: notifications.Notifier, clock: polling.Clock,
                 operation: str, action: str, keys: Sequence[str],
                 context: karbor_types.RequestContext,
                 checkpoint: karbor_types.Checkpoint,
                 resource: karbor_types.Resource) -> None:
        """Create the object. Nothing is logged or sent yet.

        :param notifier: sends the notifications.
        :param clock: measures the seconds of the operation.
        :param operation: the operation in the names of the notifications, such
            as "protect".
        :param action: the beginning of the log lines, such as "Protecting".
        :param keys: the keys that only this operation adds to the payload of
            its notifications. Their values are None until set() is called.
        """
        self._notifier = notifier
        self._clock = clock
        self._operation = operation
        self._action = action
        self._context = context
        self._start_time = clock.now()
        self._has_failed = False
        self._payload: Dict[str, Any] = {
            'request_id': context.request_id,
            'project_id': checkpoint.project_id,
            'checkpoint_id': checkpoint.id,
            'instance_id': resource.id,
            'instance_name': resource.name,
            'backup_id': None,
            **dict.fromkeys(keys)}

    def set(self, **values: Any) -> None:
        """Set values in the payload of the later notifications.

        A value for the key "backup_id" also appears in the later log lines.

        :param values: the values, by their key in the payload.
        """
        self._payload.update(values)

    def start(self) -> None:
        """Report that the operation has started."""
        self.log('has started')
        self._send('start')

    def log(self, predicate: str) -> None:
        """Log a change of state.

        :param predicate: what has changed. For example, with "has started" the
            log line begins with "Protecting instance ID in checkpoint ID has
            started". The ids of the backup and of the user's request follow.
        """
        LOG.info('%s instance %s in checkpoint %s %s, backup %s, request %s',
                 self._action, self._payload['instance_id'],
                 self._payload['checkpoint_id'], predicate,
                 self._payload['backup_id'] or 'unknown',
                 self._payload['request_id'])

    def end(self) -> None:
        """Report that the operation on this instance has succeeded.

        If a failure was reported before, this method does nothing. For
        example, the checkpoint left the instance out, and a restore has
        reported this as a failure without an exception.
        """
        if self._has_failed:
            return
        seconds = self._read_seconds()
        self.log('has ended after %s s' % seconds)
        self._send('end', seconds=seconds)

    def fail(self, reason: str) -> None:
        """Report that the operation on this instance has failed.

        :param reason: the failure reason, for the operator. It holds no
            secrets.
        """
        LOG.error('%s instance %s in checkpoint %s failed, backup %s, request '
                  '%s: %s', self._action, self._payload['instance_id'],
                  self._payload['checkpoint_id'],
                  self._payload['backup_id'] or 'unknown',
                  self._payload['request_id'], reason)
        self.send_error(reason)

    def send_error(self, reason: str) -> None:
        """Send the notification about a failure. The caller logs the failure.

        :param reason: see fail().
        """
        self._has_failed = True
        self._send('error', seconds=self._read_seconds(), reason=reason)

    def _read_seconds(self) -> float:
        return round(self._clock.now() - self._start_time, 1)

    def _send(self, phase: str, **values: Any) -> None:
        self._notifier.send(
            self._context, 'karbor_trove.%s.%s' % (self._operation, phase),
            {**self._payload, **values}, is_error=phase == 'error')
