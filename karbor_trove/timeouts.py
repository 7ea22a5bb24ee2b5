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

"""..."""

import datetime

# Seconds in which Trove has to list each.
LIST_ACCOUNTS = 30.0
# Seconds to connect, and seconds that an answer may be silent. Neither
# Karbor nor the clients set any: a Trove that hangs would hang us for ever.
HTTP_CONNECT = 5.0
HTTP_READ = 25.0
# Where there is a deadline: a first call may be four requests, to Keystone
# and, with a service token refused, twice to Trove.
HTTP_READ_WITH_DEADLINE = 10.0
# A request that nobody heard of again may still be carried out.
REQUEST_IN_FLIGHT = datetime.timedelta(minutes=10)
# Seconds in which Trove has to tell what it offers.
PREFLIGHT_VERIFY = 60.0
# Seconds in which Swift has to tell what a backup is.
READ_MANIFEST = 30.0
# Seconds for which a look at what hangs on a backup is believed.
CHILDREN_CHECK_VALID = 1.0
# Seconds after which a Trove or a Swift that is away is not waited for, and
# seconds that an operation may spend on what others left.
OUTAGE = 60.0
SWEEP = 30.0
# Seconds in which what came of a request is looked for.
LOST_RESPONSE = 30.0
# Seconds. Karbor's API gives its protection service 60 to answer
# [rpc_response_timeout of oslo.messaging].
LISTING = 45.0
# Seconds in which Keystone has to tell the way to Trove.
FIND_TROVE = 60.0
# Seconds between two looks at a Trove that does not answer, give or take.
LONGEST_POLL_INTERVAL = 60.0
# Seconds in which Trove has to list its instances.
LIST_INSTANCES = 30.0
# Seconds that all requests of a test restore may take beyond their deadlines.
VERIFICATION_SLACK = 600.0
# Seconds in which Trove has to tell what it offers.
PREFLIGHT_RESTORE = 60.0
# A restore looks for its answer for a minute or two; this bears clocks that
# differ.
RESTORE_MAY_RUN = datetime.timedelta(hours=1)
