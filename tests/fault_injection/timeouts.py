"""Shortened timeouts for the fault injection.

Only their order matters. A hanging request is executed after the client's
timeout, while the operation still searches for what the request created.
"""

#: Seconds. 30 in production: longer than HTTP_READ.
HANG = 2.4

#: How far the Date header is ahead of the times in Trove's bodies. Shorter
#: than the time in which later operations delete what is left.
DATE_AHEAD = 10.0

#: Largest difference of two clocks that the invariants allow for.
CLOCK_TOLERANCE = 300.0

#: Options of the provider file.
OPTIONS = {
    'poll_interval': 0.1,
    'ready_timeout': 4.0,
    'backup_timeout': 5.0,
    'restore_timeout': 5.0,
    'delete_timeout': 5.0,
}

#: Constants of the plugin.
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

#: Maximum duration of an operation: the longest deadline, one request, and
#: the time that a busy machine needs for everything else.
LONGEST = 5.0 + 2.0 + 4.0

#: The baseline adds four lists of accounts and one of objects, with one
#: request each.
LONGEST_WITH_RECORDING = LONGEST + 5 * (1.0 + 2.0)

#: A test restore creates a real database.
OF_TEST_RESTORES = {'restore_timeout': 10.0}

#: The deadlines of a test restore follow one another.
LONGEST_TEST_RESTORE = 3.0 + 4.0 + 10.0 + 2 * (1.0 + 2.0) + 5.0 + 2.0 + 4.0

#: How long a response that never comes is held back: longer than any wait.
NEVER = 2 * LONGEST_TEST_RESTORE

#: For tests that kill Karbor: its requests are executed within this time.
OF_KILLS = {
    **CONSTANTS,
    'karbor_trove.timeouts.REQUEST_IN_FLIGHT': 30.0,
    'karbor_trove.timeouts.CLOCK_TOLERANCE': 0.0,
}
