# SPDX-License-Identifier: Apache-2.0

"""Status, worker and failure reasons of a resource in a checkpoint.

The section of the resource has one object for the status, one for the worker
and one for each kind of reason. Karbor's in-tree plugins also write the object
for the status. Only this package writes the other objects. Karbor's API has no
field for the reason of a failed protect or delete operation. So the bank holds
this reason.
"""

from typing import Optional

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove import karbor_types


def set_status(section: karbor_types.BankSection, status: str) -> None:
    """Write the resource status to the bank.

    :param section: the section of the resource in the checkpoint.
    :param status: one of Karbor's constants RESOURCE_STATUS_*.
    :raises errors.BankError: the status may be written nevertheless.
    """
    storage.write(section, layout.STATUS, status)


def mark_started(section: karbor_types.BankSection, status: str) -> None:
    """Write to the bank that this process starts an operation on a resource.

    The identity of this process is written first, and the status second.

    :param section: the section of the resource in the checkpoint.
    :param status: Karbor's status for the running operation.
    :raises errors.BankError: one of the two objects, or both, may be missing.
    """
    storage.write(section, layout.WORKER, worker_process.current())
    set_status(section, status)


def mark_failed(section: karbor_types.BankSection, status: str,
                reason: str) -> None:
    """Write to the bank that an operation on a resource failed, and why.

    The reason is written before the status. So an operator who sees the status
    also finds the reason. A bank error is only logged. If the reason cannot be
    written, the log message has the reason.

    :param section: the section of the resource in the checkpoint.
    :param status: Karbor's status for the failed operation.
    :param reason: the reason for the operator, in one or more lines, without
        passwords and tokens.
    """
    with storage.log_bank_errors('The failure reason was not written: %s'
                                 % reason):
        # Karbor's file-system bank writes a text in the locale of its process.
        # Every bank writes a list as JSON in ASCII.
        storage.write(section, layout.FAILURE_REASON, reason.split('\n'))
    with storage.log_bank_errors('The status "%s" was not written' % status):
        set_status(section, status)


def read_failure_reason(section: karbor_types.BankSection) -> Optional[str]:
    """Return the failure reason that mark_failed() wrote last.

    The bank holds the reason as a list of lines, and this function joins the
    lines. If the bank holds any other value, the value is returned unchanged.

    :param section: the section of the resource in the checkpoint.
    :returns: the reason. None if the bank holds no reason.
    :raises errors.BankError: the reason could not be read.
    """
    return _read_lines(section, layout.FAILURE_REASON)


def write_long_reason(section: karbor_types.BankSection,
                      reason: str) -> None:
    """Write the full text of a reason that is too long for Karbor's record.

    Karbor's record of a restore or a verification holds only a shortened
    reason. The caller has already logged the full text. So a bank error is
    only logged.

    :param section: the section of the resource in the checkpoint.
    :param reason: the full text, in one or more lines, without passwords and
        tokens. The text names the restore or the verification.
    """
    with storage.log_bank_errors('The long reason was not written'):
        storage.write(section, layout.LONG_REASON, reason.split('\n'))


def read_long_reason(section: karbor_types.BankSection) -> Optional[str]:
    """Return the full text that write_long_reason() wrote last.

    The bank holds the text as a list of lines, and this function joins the
    lines. If the bank holds any other value, the value is returned unchanged.

    :param section: the section of the resource in the checkpoint.
    :returns: the text. None if the bank holds no text.
    :raises errors.BankError: the text could not be read.
    """
    return _read_lines(section, layout.LONG_REASON)


def _read_lines(section: karbor_types.BankSection,
                key: str) -> Optional[str]:
    lines = storage.read(section, key)
    return '\n'.join(lines) if isinstance(lines, list) else lines
