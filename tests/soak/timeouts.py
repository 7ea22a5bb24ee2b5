"""Timeouts of the soak test: shorter than in production, in the same order."""

#: Options of the provider file. An instance that is being backed up is not
#: ready for another backup, so ready_timeout is long.
OPTIONS = {
    'poll_interval': 0.5,
    'ready_timeout': 120.0,
    'backup_timeout': 90.0,
    'restore_timeout': 90.0,
    'delete_timeout': 30.0,
    'full_backup_every': 5,
}

#: Delay of a hanging request in seconds, longer than HTTP_READ.
HANG = 6.0

#: Constants of the plugin, set in Karbor's process.
CONSTANTS = {
    'karbor_trove.timeouts.HTTP_READ': 5.0,
    'karbor_trove.timeouts.HTTP_READ_WITH_DEADLINE': 5.0,
    'karbor_trove.timeouts.FIND_TROVE': 12.0,
    'karbor_trove.timeouts.PREFLIGHT_RESTORE': 12.0,
    'karbor_trove.timeouts.LOST_RESPONSE': 12.0,
    'karbor_trove.timeouts.OUTAGE': 12.0,
    'karbor_trove.timeouts.SWEEP': 12.0,
    'karbor_trove.timeouts.REQUEST_IN_FLIGHT': 30.0,
    'karbor_trove.timeouts.CLOCK_TOLERANCE': 0.0,
}

#: Seconds after which an operation counts as stuck: all its deadlines, and
#: the time that a busy machine needs for everything else.
STUCK = 420.0
