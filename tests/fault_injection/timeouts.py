"""Shortened time limits for the fault injection, in seconds.

The values do not matter. It matters which limit is the shorter one. For
example, a service executes a hanging request after the client's timeout, but
before the operation stops searching for the object that the request created.
"""

#: How long the fault "hanging" holds a request back. Longer than HTTP_READ.
HANG = 2.4

#: How far the fault "Date off" advances the Date header. This is shorter than
#: the time in which later operations have to delete what is left.
DATE_AHEAD = 10.0

#: The largest difference between the clocks of Trove and of the plugin that
#: the invariants allow.
CLOCK_TOLERANCE = 300.0

#: Options of the plugin in the provider file.
OPTIONS = {
    'poll_interval': 0.1,
    'ready_timeout': 4.0,
    'backup_timeout': 5.0,
    'restore_timeout': 5.0,
    'delete_timeout': 5.0,
}

#: The constants of the plugin that are shortened.
CONSTANTS = {
    'karbor_trove.timeouts.HTTP_READ': 2.0,
    'karbor_trove.timeouts.HTTP_READ_WITH_DEADLINE': 2.0,
    'karbor_trove.timeouts.FIND_TROVE': 3.0,
    'karbor_trove.timeouts.PREFLIGHT_RESTORE': 3.0,
    'karbor_trove.timeouts.LIST_ACCOUNTS': 1.0,
    'karbor_trove.timeouts.READ_MANIFEST': 1.0,
    'karbor_trove.timeouts.LIST_INSTANCES': 3.0,
    'karbor_trove.timeouts.LOST_RESPONSE': 3.0,
    'karbor_trove.timeouts.OUTAGE': 4.0,
    'karbor_trove.timeouts.SWEEP': 4.0,
}

#: The maximum duration of an operation. It is the sum of the longest deadline
#: (5 s), of one request (2 s), and of the time that a busy machine needs for
#: everything else (4 s).
LONGEST = 5.0 + 2.0 + 4.0

#: The maximum duration of a protect operation that records a baseline for test
#: restores. The baseline adds four lists of accounts and one manifest. Each of
#: them takes its deadline (1 s) and one request (2 s) at most.
LONGEST_WITH_RECORDING = LONGEST + 5 * (1.0 + 2.0)

#: Further options for test restores. A test restore takes longer, because it
#: starts a real database.
OF_TEST_RESTORES = {'restore_timeout': 10.0}

#: The maximum duration of a test restore. Its deadlines follow one another, so
#: they are added.
LONGEST_TEST_RESTORE = 3.0 + 4.0 + 10.0 + 2 * (1.0 + 2.0) + 5.0 + 2.0 + 4.0

#: The maximum time for which a request or a response is held back. It is
#: longer than any operation. After this time, a request is forwarded to its
#: service.
LONGEST_HOLD = 2 * LONGEST_TEST_RESTORE

#: The constants for the tests that kill Karbor. With them, a request is
#: settled 30 s after it was sent.
OF_KILLS = {
    **CONSTANTS,
    'karbor_trove.timeouts.REQUEST_IN_FLIGHT': 30.0,
    'karbor_trove.timeouts.CLOCK_TOLERANCE': 0.0,
}
