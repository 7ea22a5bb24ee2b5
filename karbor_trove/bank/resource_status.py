# SPDX-License-Identifier: Apache-2.0

"""Status, worker and failure reasons of a resource in a checkpoint.

Karbor's in-tree plugins write the status under the same name. Only this
package writes the other objects. The reason of a failed protect or delete
operation is in the bank, because Karbor's API has no place for it.
"""

from typing import Optional

from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker_process
from karbor_trove import karbor_types


def set_status(section: karbor_types.BankSection, status: str) -> None:
    """Write the resource status.

    :param status: one of Karbor's constants RESOURCE_STATUS_*.
    :raises errors.BankError: the status may be written nevertheless.
    """
    storage.write(section, layout.STATUS, status)


def mark_started(section: karbor_types.BankSection, status: str) -> None:
    """Write that this process starts an operation on the resource.

    :param status: Karbor's status for the running operation.
    :raises errors.BankError: the identity of the process or the status may be
        missing.
    """
    storage.write(section, layout.WORKER, worker_process.current())
    set_status(section, status)


def mark_failed(section: karbor_types.BankSection, status: str,
                reason: str) -> None:
    """Write that an operation failed, and why.

    The reason is written before the status, so a reader of the status also
    finds the reason. A bank error is only logged. If the reason cannot be
    written, the log has the reason too.

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
    """Return why the last failed operation failed.

    None if no operation has failed. A reason that is not a list of lines is
    returned as it is stored.

    :raises errors.BankError: the reason could not be read.
    """
    return _read_lines(section, layout.FAILURE_REASON)


def write_long_reason(section: karbor_types.BankSection,
                      reason: str) -> None:
    """Write the full text of a reason that is shortened in Karbor's record.

    A bank error is only logged, because the caller has already logged the full
    text.

    :param reason: the full text, in one or more lines, without passwords and
        tokens. The text names the restore or verification.
    """
    with storage.log_bank_errors('The long reason was not written'):
        storage.write(section, layout.LONG_REASON, reason.split('\n'))


def read_long_reason(section: karbor_types.BankSection) -> Optional[str]:
    """Return the full text of the last reason that was shortened.

    None if no reason was shortened. See read_failure_reason().
    """
    return _read_lines(section, layout.LONG_REASON)


def _read_lines(section: karbor_types.BankSection,
                key: str) -> Optional[str]:
    lines = storage.read(section, key)
    return '\n'.join(lines) if isinstance(lines, list) else lines
