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

import datetime
from typing import Callable, Optional, TypeVar

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import client
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)

Created = TypeVar('Created', models.Backup, models.Instance)


def is_settled(not_before: Optional[str],
               now: Optional[datetime.datetime]) -> bool:
    """Tell whether a request is so old that nothing can come of it any more.

    :param not_before: Trove's time before it was asked, ISO; None: unknown.
    :param now: Trove's time; None: nobody can tell.
    """
    return (now is not None and not_before is not None
            and now - datetime.datetime.fromisoformat(not_before)
            >= timeouts.REQUEST_IN_FLIGHT)


def trove_time(gateway: client.TroveClient) -> Optional[str]:
    """Tell from when on something may be ours: Trove's last time, ISO."""
    return gateway.now.isoformat() if gateway.now else None


def recover(find: Callable[[], Optional[Created]], lost: errors.Unreachable,
            poller: polling.Poller) -> Created:
    LOG.warning('No answer, looking for what came of it: %s', lost)
    poller.clock.sleep(min(lost.retry_after or 0.0, timeouts.LOST_RESPONSE))
    try:
        return poller.wait_for(
            find, poller.deadline(timeouts.LOST_RESPONSE),
            'nothing came of it')
    except errors.Rejected as error:
        raise errors.Rejected('%s (%s)' % (error, lost)) from error
    except errors.BankError as error:
        raise errors.BankError('%s; %s' % (lost, error)) from error
    except errors.DeadlineExceeded as error:
        raise errors.Unreachable('%s; %s' % (lost, error)) from lost
