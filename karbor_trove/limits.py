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


"""How long one request may take."""

from typing import Optional, Tuple

from karbor_trove import errors
from karbor_trove import waiting

# Seconds to connect, and seconds that an answer may be silent. Neither
# Karbor nor the clients set any: a Trove that hangs would hang us for ever.
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 25.0
# Where there is a deadline: a first call may be four requests, to Keystone
# and, with a service token refused, twice to Trove.
HASTY_TIMEOUT = 10.0


def of_request(deadline: Optional[waiting.Deadline],
               doing: str) -> Tuple[float, float]:
    """Tell how long one request may take: to connect, and to be answered.

    :param deadline: see trove.Gateway.
    :param doing: what is being done, for the message of an error.
    :raises errors.TookTooLong: the deadline is over.
    """
    if deadline is None:
        return CONNECT_TIMEOUT, READ_TIMEOUT
    left = deadline.left
    if not left:
        raise errors.TookTooLong('%s: given up after %g s'
                                 % (doing, deadline.seconds))
    return min(CONNECT_TIMEOUT, left), min(HASTY_TIMEOUT, left)
