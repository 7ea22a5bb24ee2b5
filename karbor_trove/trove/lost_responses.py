# SPDX-License-Identifier: Apache-2.0

"""Search for the object that a request with a lost response has created.

Trove may carry out a request although its response is lost. If the request
were sent again, Trove would create a second object. So the plugins do not send
the request again. They search for the created object by its name and by
Trove's time.
"""

import datetime
from typing import Callable, Optional, TypeVar

from oslo_log import log as logging

from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models

LOG = logging.getLogger(__name__)

Created = TypeVar('Created', models.Backup, models.ConfigurationGroup,
                  models.Instance)


def is_settled(time_before_request: Optional[str],
               now: Optional[datetime.datetime]) -> bool:
    """Return True if a request is too old to still create anything.

    A request is too old 15 minutes after it was sent. Trove may need 10
    minutes of this time. The clocks of the hosts that returned
    `time_before_request` and `now` may differ by 5 minutes.

    :param time_before_request: Trove's time before the request, in ISO format.
        None if this time is not known.
    :param now: Trove's time now. None if this time is not known.
    :returns: False if `time_before_request` or `now` is None.
    """
    return (now is not None and time_before_request is not None
            and now - times.parse_utc(time_before_request)
            >= timeouts.REQUEST_IN_FLIGHT + timeouts.CLOCK_TOLERANCE)


def format_trove_time(client: trove_client.TroveClient) -> Optional[str]:
    """Return the time in Trove's last response, as text in ISO format.

    Call this function before a request that creates an object. The creation
    time that Trove records for the object is normally later than the returned
    time. If the clocks of Trove's hosts differ, it may be up to 5 minutes
    earlier.

    :returns: the time. None if Trove has not returned its time yet.
    """
    time = client.last_response_time
    return time.isoformat() if time else None


def wait_for_created_object(find: Callable[[], Optional[Created]],
                            lost: errors.Unreachable,
                            poller: polling.Poller) -> Created:
    """Search for the object that a request with a lost response created.

    If `lost` has a Retry-After, the function first waits for that time, but
    not longer than 30 s. The search then takes up to 30 s.

    :param find: returns the object. None if Trove does not have the object
        yet.
    :param lost: the error of the request. Each error that is listed below also
        has the text of `lost`.
    :returns: the object.
    :raises errors.Rejected: several objects match the request, or Trove
        rejected the search.
    :raises errors.BankError: find() reads the bank, and the bank failed.
    :raises errors.Unreachable: no object was found. The object may exist, or
        Trove may still create it.
    """
    LOG.warning('No response, searching for the created object: %s', lost)
    poller.clock.sleep(min(lost.retry_after or 0.0, timeouts.LOST_RESPONSE))
    was_searched = False

    def search() -> Optional[Created]:
        nonlocal was_searched
        created = find()
        was_searched = True
        return created

    try:
        return poller.wait_for(
            search, poller.deadline(timeouts.LOST_RESPONSE),
            'the created object was not found')
    except errors.Rejected as error:
        raise errors.Rejected('%s (%s)' % (error, lost)) from error
    except errors.BankError as error:
        raise errors.BankError('%s (%s)' % (error, lost)) from error
    except errors.DeadlineExceeded as error:
        raise errors.Unreachable('%s (%s). %s' % (
            error, lost, 'It may still be created' if was_searched else
            'It may exist, because no search succeeded')) from lost
