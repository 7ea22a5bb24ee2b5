# SPDX-License-Identifier: Apache-2.0

"""Status, worker and failure reasons of a resource in a checkpoint.

The object of the status has the name that Karbor's in-tree plugins use. The
other objects are our own. Karbor's API has no place for the reason of a failed
protect or delete operation.
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

    The reason is written before the status, so a reader of the status also
    finds the reason. A bank error is logged together with the reason, so the
    error does not hide the reason.

    :param status: Karbor's status for the failed operation.
    :param reason: the reason for the operator, in one or more lines. The
        reason holds no secrets.
    """
    with storage.log_bank_errors('The failure reason was not written: %s'
                                 % reason):
        # Every bank writes a list as ASCII, and a text in its own locale.
        storage.write(section, layout.FAILURE_REASON, reason.split('\n'))
    with storage.log_bank_errors('The status "%s" was not written' % status):
        set_status(section, status)


def read_failure_reason(section: karbor_types.BankSection) -> Optional[str]:
    """Return why the last failed operation failed.

    None if no operation has failed. A corrupt reason is returned as it is
    stored.
    """
    return _read_lines(section, layout.FAILURE_REASON)


def write_long_reason(section: karbor_types.BankSection,
                      reason: str) -> None:
    """Write the full text of a reason that is shortened in Karbor's record.

    A bank error is only logged, because the caller has logged the full text
    already.

    :param reason: the full text, which names the restore or verification. It
        has the form that mark_failed() describes.
    """
    with storage.log_bank_errors('The long reason was not written'):
        storage.write(section, layout.LONG_REASON, reason.split('\n'))


def read_long_reason(section: karbor_types.BankSection) -> Optional[str]:
    """Return the full text of the last shortened reason, or None."""
    return _read_lines(section, layout.LONG_REASON)


def _read_lines(section: karbor_types.BankSection,
                key: str) -> Optional[str]:
    lines = storage.read(section, key)
    return '\n'.join(lines) if isinstance(lines, list) else lines
