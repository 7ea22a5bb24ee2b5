# SPDX-License-Identifier: Apache-2.0

"""Fixed time limits: numbers are seconds, all other values are timedeltas.

The limits that an operator can set are in options.py.
"""

import datetime

# HTTP: one request. Neither Karbor nor the client libraries set a timeout.
# Without a timeout, a Trove that hangs would block an operation forever.

#: The longest time to connect.
HTTP_CONNECT = 5.0
#: Longest silence while a response is read.
HTTP_READ = 25.0
#: Longest silence while a client with a deadline reads a response. This limit
#: is shorter, because the first call of such a client may need four requests:
#: some to Keystone and, if Trove rejects the service token, two to Trove.
HTTP_READ_WITH_DEADLINE = 10.0
#: The first pause of a wait, unless poll_interval is shorter.
FIRST_POLL_PAUSE = 1.0
#: The first part of a wait, in which no pause is longer than poll_interval.
FREQUENT_POLLS = 600.0
#: Longest pause between two polls, also during an outage, without the jitter.
LONGEST_POLL_INTERVAL = 60.0

# Listing: how long Trove or Swift may take to return something, outages
# included.

#: A listing of the protectable plugin. Karbor's API waits 60 seconds for its
#: protection service [rpc_response_timeout of oslo.messaging].
LISTING = 45.0
#: The instances of the project. The cleanup of earlier verifications searches
#: this list for a temporary instance.
LIST_INSTANCES = 30.0
#: The databases or the users of one instance.
LIST_ACCOUNTS = 30.0
#: The configuration group of one instance.
READ_CONFIGURATION = 30.0
#: The manifest of one backup, from Swift.
READ_MANIFEST = 30.0
#: How long a protect operation trusts that an instance is ready. If the
#: instance is no longer ready when the backup is requested, Trove rejects the
#: request.
INSTANCE_VALID = 30.0
#: The greatest age of a list of backups with which a verification checks
#: chains, or from which a protect operation chooses a parent.
BACKUPS_VALID = 30.0
#: How long the answer to "does this backup have children?" is trusted. Before
#: a later request to delete the backup, the answer is checked again, because
#: Trove deletes the children together with the backup.
CHILDREN_CHECK_VALID = 1.0
#: The search for the object that a request with a lost response created.
LOST_RESPONSE = 30.0
#: Trove may still carry out a request that is younger than this, even if the
#: response was lost. The request is settled after this time and
#: CLOCK_TOLERANCE together.
REQUEST_IN_FLIGHT = datetime.timedelta(minutes=10)
#: How far two clocks may differ: the clocks of two hosts of Trove's API, or
#: Trove's clock and the clock of this machine.
CLOCK_TOLERANCE = datetime.timedelta(minutes=5)

#: How long the deletion of a backup waits for Swift, from the deletion of the
#: checkpoint on. If Swift is unavailable for longer, the backup is deleted in
#: Trove. The object of the backup is deleted when Swift responds again.
SWIFT_OUTAGE = datetime.timedelta(days=1)

# Operations: how long a longer task may take, outages included.

#: Keystone returns the endpoint of Trove.
FIND_TROVE = 60.0
#: Trove returns everything that the preflight of a restore or of a test
#: restore needs.
PREFLIGHT_RESTORE = 60.0
#: After an outage of this length, the deletion of a backup is deferred, and a
#: command of karbor-trove-manage fails.
OUTAGE = 60.0
#: How long an operation may wait for Trove because of deferred deletions and
#: temporary instances of earlier operations.
SWEEP = 30.0
#: How long an operation may try deferred deletions, including the time that
#: the bank takes to change the journal.
SWEEP_WITH_BANK = 60.0
#: How long the requests of a test restore may take, in addition to
#: restore_timeout and delete_timeout.
VERIFICATION_SLACK = 600.0
#: How long an instance with the status SHUTDOWN may take to disappear. After
#: that time the server counts as lost, and the instance is deleted.
SHUTDOWN = 300.0
#: The pause after Trove has refused to delete an instance. The pause ends
#: earlier if the status of the instance changes. The pause doubles with each
#: refused request.
DELETION_RETRY = 10.0
#: Karbor's database saves the record of a restore or a verification.
SAVE_RECORD = 60.0
#: A restore whose request is younger than this may still search for its
#: instance after a lost response. The search takes only a minute or two. The
#: rest of the hour allows for clocks that differ.
RESTORE_MAY_RUN = datetime.timedelta(hours=1)

#: A protection service that has sent no heartbeat for so long has ended. An
#: operation has ended if it started longer ago than this and has written
#: nothing to the bank since its start.
WORKER_SILENT = datetime.timedelta(minutes=10)

# Banks: files.

#: A temporary file that is older than this belongs to a killed process.
TEMPORARY_FILE = 3600.0
