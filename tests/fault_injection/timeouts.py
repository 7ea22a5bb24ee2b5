"""The times of the real world, and how they are shortened here.

What counts is their order: a request that hangs is answered after nobody
waits for it any more, and while what came of it is still looked for.
"""

#: Seconds. 30 in the real world: longer than READ_TIMEOUT.
HANG = 2.4

#: Of the provider file.
OPTIONS = {
    'poll_interval': 0.1,
    'ready_timeout': 4.0,
    'backup_timeout': 5.0,
    'restore_timeout': 5.0,
    'delete_timeout': 5.0,
}

#: Of the plugin's own modules.
CONSTANTS = {
    'karbor_trove.timeouts.HTTP_READ': 2.0,
    'karbor_trove.timeouts.HTTP_READ_WITH_DEADLINE': 2.0,
    'karbor_trove.timeouts.FIND_TROVE': 3.0,
    'karbor_trove.timeouts.PREFLIGHT_RESTORE': 3.0,
    'karbor_trove.timeouts.PREFLIGHT_VERIFY': 3.0,
    'karbor_trove.timeouts.LIST_ACCOUNTS': 1.0,
    'karbor_trove.timeouts.READ_MANIFEST': 1.0,
    'karbor_trove.timeouts.LIST_INSTANCES': 3.0,
    'karbor_trove.timeouts.LOST_RESPONSE': 3.0,
    'karbor_trove.timeouts.OUTAGE': 4.0,
    'karbor_trove.timeouts.SWEEP': 4.0,
}

#: What an operation may take: the longest of the deadlines, one request, and
#: what a busy machine needs for all that is not waiting.
LONGEST = 5.0 + 2.0 + 4.0

#: With two lists of accounts, twice, and one of objects, and a request each.
LONGEST_WITH_RECORDING = LONGEST + 5 * (1.0 + 2.0)

#: A test restore makes a real database.
OF_TEST_RESTORES = {'restore_timeout': 10.0}

#: Its deadlines come one after another.
LONGEST_TEST_RESTORE = 3.0 + 4.0 + 10.0 + 2 * (1.0 + 2.0) + 5.0 + 2.0 + 4.0

#: An answer that never comes: who waits for it so long waits for ever.
NEVER = 2 * LONGEST_TEST_RESTORE

#: Where Karbor is killed: what it asked for lands within that time, or never.
OF_KILLS = {
    **CONSTANTS,
    'karbor_trove.timeouts.REQUEST_IN_FLIGHT': 30.0,
}
