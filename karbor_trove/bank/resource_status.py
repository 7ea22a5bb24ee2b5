# SPDX-License-Identifier: Apache-2.0

"""Status of a resource in a checkpoint, its worker and its reasons.

The status has the name that Karbor's in-tree plugins use. The others are our
own. Karbor's API has no place for the reason of a failed protect or delete.
"""

from typing import Optional

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove import karbor_types


def set_status(section: karbor_types.BankSection, status: str) -> None:
    """Write the resource status.

    :param status: one of Karbor's constants.
    """
    storage.write(section, layout.STATUS, status)


def mark_started(section: karbor_types.BankSection, status: str) -> None:
    """Write that this process starts an operation on the resource.

    :param status: Karbor's status for the running operation.
    """
    storage.write(section, layout.WORKER, worker_process.current())
    set_status(section, status)


def mark_failed(section: karbor_types.BankSection, status: str,
                reason: str) -> None:
    """Write that an operation failed, and why.

    The reason is written first, so a reader of the status finds it too. Bank
    errors are logged together with the reason, and do not hide it.

    :param status: Karbor's status for the failed operation.
    :param reason: for the operator, one or more lines. It holds no secrets.
    """
    with storage.log_bank_errors('The failure reason was not written: %s'
                                 % reason):
        # Every bank writes a list as ASCII, and a text in its own locale.
        storage.write(section, layout.FAILURE_REASON, reason.split('\n'))
    with storage.log_bank_errors('The status "%s" was not written' % status):
        set_status(section, status)


def find_left_out_reason(section: karbor_types.BankSection) -> Optional[str]:
    """Return why an available checkpoint has no backup of an instance.

    :returns: None if it has a backup, or if the reason is not known.
    """
    return (None if storage.read(section, layout.BACKUP_RECORD) is not None
            else read_failure_reason(section))


def read_failure_reason(section: karbor_types.BankSection) -> Optional[str]:
    """Return why the last failed operation failed, or None if none failed.

    A corrupt reason is returned as it is.
    """
    return _read_lines(section, layout.FAILURE_REASON)


def write_long_reason(section: karbor_types.BankSection,
                      reason: str) -> None:
    """Write a reason that Karbor's record has only in part.

    Bank errors are logged. The log has the reason as well.

    :param reason: as of mark_failed(). It names the restore or verification.
    """
    with storage.log_bank_errors('The long reason was not written'):
        storage.write(section, layout.LONG_REASON, reason.split('\n'))


def read_long_reason(section: karbor_types.BankSection) -> Optional[str]:
    """Return the last reason that a record has only in part, or None."""
    return _read_lines(section, layout.LONG_REASON)


def _read_lines(section: karbor_types.BankSection,
                key: str) -> Optional[str]:
    lines = storage.read(section, key)
    return '\n'.join(lines) if isinstance(lines, list) else lines
