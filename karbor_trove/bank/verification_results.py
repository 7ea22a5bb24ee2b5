# SPDX-License-Identifier: Apache-2.0

"""Last result of each verification level, for one instance of a checkpoint.

Two verifications of different levels may run at the same time. Each level has
an object of its own in the bank. So a verification can write its result
without reading the results of other levels.
"""

import dataclasses
from typing import List, Optional

from karbor_trove.bank import document_store
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors
from karbor_trove import karbor_types

VERSION = 1
#: The verification levels, from the quickest to the most thorough one.
LEVELS = ('backup', 'data', 'restore')


@dataclasses.dataclass(frozen=True)
class VerificationResult(document_store.StoredEntry):
    """The result of the last verification of an instance at one level."""

    STORED_KEYS = {'verified_at': 'at'}

    level: str
    #: When the verification ended, in ISO format: the time of the machine of
    #: the worker, in UTC, in whole seconds.
    verified_at: str
    passed: bool
    #: What the verification found, or why it failed. One or more lines.
    reason: str
    #: The recovery time in seconds, from the last verification that measured
    #: it. None if no verification at this level measured the recovery time.
    recovery_seconds: Optional[float] = None


def write(section: karbor_types.BankSection,
          result: VerificationResult) -> None:
    """Write a result, and replace the earlier result of the same level.

    :param section: the section of the instance in the checkpoint.
    :raises errors.BankError: the result may be written nevertheless.
    """
    _store(section).write_document(
        layout.VERIFICATION_RESULT % result.level, result.to_document())


def read_all(section: karbor_types.BankSection) -> List[VerificationResult]:
    """Return the last result of each verification level, the newest first.

    A level without a verification has no result.

    :param section: the section of the instance in the checkpoint.
    :raises errors.CorruptObject: a result is corrupt.
    :raises errors.Rejected: a later release wrote a result.
    :raises errors.BankError: the results could not be read.
    """
    store = _store(section)
    # Karbor's file-system bank logs an ERROR for a read of an absent object.
    listed = storage.list_keys(section)
    results = [store.read(key) for key in (
        layout.VERIFICATION_RESULT % level for level in LEVELS)
        if key in listed]
    return sorted((result for result in results if result is not None),
                  key=lambda result: result.verified_at, reverse=True)


def read_recovery_seconds(section: karbor_types.BankSection,
                          level: str) -> Optional[float]:
    """Return the recovery time in the last result of a level.

    If a verification does not measure the recovery time, its result has the
    recovery time of the earlier result.

    :param section: the section of the instance in the checkpoint.
    :param level: a verification level, such as "restore".
    :returns: the recovery time in seconds. None if no verification at this
        level has measured the time, or if the result of any level is corrupt
        or from a later release.
    :raises errors.BankError: the results could not be read.
    """
    try:
        return next((result.recovery_seconds for result in read_all(section)
                     if result.level == level), None)
    except errors.Rejected:
        return None


def delete(section: karbor_types.BankSection) -> None:
    """Delete the results of all levels. An absent result is no error.

    :param section: the section of the instance in the checkpoint.
    :raises errors.BankError: some of the results may be deleted.
    """
    storage.delete_optional(section, [layout.VERIFICATION_RESULT % level
                                      for level in LEVELS])


def _store(section: karbor_types.BankSection
           ) -> document_store.DocumentStore[VerificationResult]:
    return document_store.DocumentStore(
        section, '', VERSION, 'passed',
        lambda _, document: VerificationResult.from_document(document))
