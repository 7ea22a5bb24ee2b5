# SPDX-License-Identifier: Apache-2.0

"""Fixed time limits: numbers are seconds, the others are timedeltas.

The operator can set the limits of options.py instead.
"""

import datetime

# HTTP: one request. Neither Karbor nor the client libraries set a timeout.
# Without one, a Trove that hangs would block an operation forever.

#: To connect.
HTTP_CONNECT = 5.0
#: Longest silence while a response is read.
HTTP_READ = 25.0
#: The same, for a client with a deadline. Its first call may need four
#: requests: some to Keystone and, if Trove rejects the service token, two to
#: Trove.
HTTP_READ_WITH_DEADLINE = 10.0
#: Longest pause between two checks during an outage, without the jitter.
LONGEST_POLL_INTERVAL = 60.0

# Listing: what Trove or Swift has to return, outages included.

#: A listing of the protectable plugin. Karbor's API waits 60 seconds for its
#: protection service [rpc_response_timeout of oslo.messaging].
LISTING = 45.0
#: The instances of the project, in which the cleanup searches for a temporary
#: instance.
LIST_INSTANCES = 30.0
#: The databases or the users of one instance.
LIST_ACCOUNTS = 30.0
#: The configuration group of one instance.
READ_CONFIGURATION = 30.0
#: The manifest of one backup, from Swift.
READ_MANIFEST = 30.0
#: How long the answer to "does this backup have children?" is trusted. A
#: deletion that is sent later checks again, because Trove deletes the
#: children together with the backup.
CHILDREN_CHECK_VALID = 1.0
#: The search for the object that a request with a lost response created.
LOST_RESPONSE = 30.0
#: Trove may still carry out a request that is younger than this, even if its
#: response was lost. An older one is settled.
REQUEST_IN_FLIGHT = datetime.timedelta(minutes=10)
#: How far two clocks may differ: those of two hosts of Trove's API, or Trove's
#: and that of this machine.
CLOCK_TOLERANCE = datetime.timedelta(minutes=5)

#: A backup whose checkpoint was deleted longer ago than this is deleted even
#: if Swift is unavailable. Its object is deleted when Swift responds again.
SWIFT_OUTAGE = datetime.timedelta(days=1)

# Operations: longer tasks, outages included.

#: Keystone has to return the endpoint of Trove.
FIND_TROVE = 60.0
#: Trove has to return what the preflight of a restore or of a test restore
#: needs.
PREFLIGHT_RESTORE = 60.0
#: After an outage of this length a deletion is deferred, and a command fails.
OUTAGE = 60.0
#: What an operation may wait for Trove because of deferred deletions and
#: temporary instances of earlier operations.
SWEEP = 30.0
#: The same for deferred deletions, with the time that the bank takes to change
#: the journal.
SWEEP_WITH_BANK = 60.0
#: What the requests of a test restore may take in addition to
#: restore_timeout and delete_timeout.
VERIFICATION_SLACK = 600.0
#: How long an instance with the status SHUTDOWN may take to disappear. After
#: that its server is lost, and it is deleted.
SHUTDOWN = 300.0
#: Karbor's database has to save the record of a restore or a verification.
SAVE_RECORD = 60.0
#: A restore that is younger than this may still run. It searches for a lost
#: response for a minute or two only. The rest allows for clocks that differ.
RESTORE_MAY_RUN = datetime.timedelta(hours=1)

# Banks: files.

#: A temporary file that is older than this belongs to a killed process.
TEMPORARY_FILE = 3600.0
