"""The times of the soak: shorter than those of the real world, in order."""

#: Of the provider file. A database is busy while others back it up.
OPTIONS = {
    'poll_interval': 0.5,
    'ready_timeout': 120.0,
    'backup_timeout': 90.0,
    'restore_timeout': 90.0,
    'delete_timeout': 30.0,
    'full_backup_every': 5,
}

#: Seconds that a request hangs: longer than anybody waits for an answer.
HANG = 6.0

#: Of the plugin's own modules, in Karbor's process.
CONSTANTS = {
    'karbor_trove.timeouts.HTTP_READ': 5.0,
    'karbor_trove.timeouts.HTTP_READ_WITH_DEADLINE': 5.0,
    'karbor_trove.timeouts.FIND_TROVE': 12.0,
    'karbor_trove.timeouts.PREFLIGHT_RESTORE': 12.0,
    'karbor_trove.timeouts.LOST_RESPONSE': 12.0,
    'karbor_trove.timeouts.OUTAGE': 12.0,
    'karbor_trove.timeouts.SWEEP': 12.0,
    'karbor_trove.timeouts.REQUEST_IN_FLIGHT': 30.0,
}

#: Seconds after which an operation is stuck: all of its deadlines, and a
#: machine that has more to do than it can.
STUCK = 420.0
