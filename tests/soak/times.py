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
    'karbor_trove.limits.READ_TIMEOUT': 5.0,
    'karbor_trove.limits.HASTY_TIMEOUT': 5.0,
    'karbor_trove.operation.CONNECT': 12.0,
    'karbor_trove.operations.restore.PREFLIGHT': 12.0,
    'karbor_trove.asking.LOOK_FOR': 12.0,
    'karbor_trove.removal.AWAY': 12.0,
    'karbor_trove.removal.SWEEP': 12.0,
    'karbor_trove.ledger.LANDS_WITHIN': 30.0,
}

#: Seconds after which an operation is stuck: all of its deadlines, and a
#: machine that has more to do than it can.
STUCK = 420.0
