# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Requests that make something: made once, also when the answer is lost.

Trove may carry out a request although no answer comes back, and has no key
that would let us repeat it. So what came of it is looked for instead, by name
and by Trove's own time.
"""

import dataclasses
from typing import Callable, Optional, Protocol, TypeVar

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import ledger as ledgers
from karbor_trove import objects
from karbor_trove import trove
from karbor_trove import values
from karbor_trove import waiting

LOG = logging.getLogger(__name__)

# Seconds in which what came of a request is looked for.
LOOK_FOR = 30.0

Made = TypeVar('Made', values.Backup, values.Instance)


class Intent(Protocol):
    """Where the bank keeps that an instance is asked for."""

    def write(self, name: str, not_before: Optional[str]) -> None:
        """Note what is about to be asked; Trove's time, ISO, if it told."""

    def made(self, instance_id: str) -> None:
        """Note that there is an instance now, which nobody else knows yet."""

    def remove(self) -> None:
        """Forget it: Trove made nothing."""


def moment(gateway: trove.Gateway) -> Optional[str]:
    """Tell from when on something may be ours: Trove's last time, ISO."""
    return gateway.now.isoformat() if gateway.now else None


def backup(gateway: trove.Gateway, ledger: ledgers.Ledger,
           entry: ledgers.Entry, request: values.BackupRequest,
           interval: float, clock: waiting.Clock) -> values.Backup:
    """Ask for a backup, and find it when the answer is lost.

    :param entry: the intent, in the ledger already; it leaves the ledger
        when Trove refuses.
    :param interval: seconds between two looks.
    :raises errors.Unreachable: nothing was found; it may still come.
    :raises errors.Refused: Trove refused, or several may be the one.
    :raises errors.BankFailed: what came of it could not be told.
    """
    def find() -> Optional[values.Backup]:
        try:
            return ledgers.came_of(gateway.backups(), entry,
                                   ledger.entries())
        except errors.Ambiguous:
            ledger.write(dataclasses.replace(entry, ambiguous=True))
            raise

    try:
        return gateway.create_backup(request)
    except errors.Unreachable as lost:
        return _found(find, lost, interval, clock)
    except errors.TroveError:
        with objects.borne('The request of checkpoint %s, which Trove '
                           'refused, is left' % entry.checkpoint_id):
            ledger.remove(entry)
        raise


def instance(gateway: trove.Gateway, intent: Intent,
             request: values.InstanceRequest, interval: float,
             clock: waiting.Clock) -> values.Instance:
    """Ask for an instance, and find it when the answer is lost.

    :param intent: stays where nobody knows what came of the request.
    :raises errors.Unreachable: nothing was found; it may still come.
    :raises errors.Refused: Trove refused, or several may be the one.
    :raises errors.BankFailed: it could not be noted, so none was asked for.
    """
    # An instance's time is told by a look at it only, so who is there
    # already is asked for first.
    before = {one.id for one in waiting.wait_for(
        gateway.instances, waiting.Deadline(LOOK_FOR, clock), interval,
        'Trove is away')}
    intent.write(request.name, moment(gateway))

    def find() -> Optional[values.Instance]:
        found = [one for one in gateway.instances()
                 if one.name == request.name and one.id not in before]
        if len(found) > 1:
            raise errors.Refused(
                'several instances may have come of the request, none of '
                'which is touched: %s' % ', '.join(one.id for one in found))
        return found[0] if found else None

    try:
        made = gateway.create_instance(request)
    except errors.Unreachable as lost:
        made = _found(find, lost, interval, clock)
    except errors.TroveError:
        intent.remove()
        raise
    intent.made(made.id)
    return made


def _found(find: Callable[[], Optional[Made]], lost: errors.Unreachable,
           interval: float, clock: waiting.Clock) -> Made:
    LOG.warning('No answer, looking for what came of it: %s', lost)
    clock.sleep(min(lost.retry_after or 0.0, LOOK_FOR))
    try:
        return waiting.wait_for(find, waiting.Deadline(LOOK_FOR, clock),
                                interval, 'nothing came of it')
    except errors.Refused as error:
        raise errors.Refused('%s (%s)' % (error, lost)) from error
    except errors.BankFailed as error:
        raise errors.BankFailed('%s; %s' % (lost, error)) from error
    except errors.TookTooLong as error:
        raise errors.Unreachable('%s; %s' % (lost, error)) from lost
