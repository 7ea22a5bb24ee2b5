# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""What was verified of one instance in one checkpoint, as the bank keeps it.

One object for each level, `verified-<level>` in the resource's section: two
verifications of different levels may run at once, and none reads before it
writes.
"""

import dataclasses
from typing import Any, List, Optional

from karbor_trove.bank import documents
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove import errors

VERSION = 1
#: From the quickest to the one that leaves least to chance.
LEVELS = ('backup', 'data', 'restore')


@dataclasses.dataclass(frozen=True)
class VerificationResult:
    """The last verification of a level; it was the one that ended last."""

    level: str
    #: When it ended: ISO, UTC by our clock, whole seconds.
    at: str
    passed: bool
    #: What it found, a line each; why, where it did not pass.
    reason: str
    #: Seconds from the request for the test instance until its database was
    #: up, when that was measured last; None: it never was.
    recovery_seconds: Optional[float] = None


def write(section: Any, result: VerificationResult) -> None:
    """Write a result, in the place of the earlier one of its level."""
    storage.write(section, layout.VERIFICATION_RESULT % result.level,
                  dict(dataclasses.asdict(result), version=VERSION))


def read_all(section: Any) -> List[VerificationResult]:
    """Read the results of all levels, the newest first.

    :raises errors.Torn: one cannot be read.
    :raises errors.Refused: one was written by a later version.
    """
    found = []
    for level in LEVELS:
        kept = documents.read(section, layout.VERIFICATION_RESULT % level, layout.VERIFICATION_RESULT % level, 'passed',
                              VERSION)
        if kept is not None:
            found.append(VerificationResult(**kept))
    return sorted(found, key=lambda result: result.at, reverse=True)


def read_recovery_seconds(section: Any, level: str) -> Optional[float]:
    """Give what a level measured last; None: nothing that can be read."""
    try:
        return next((result.recovery_seconds for result in read_all(section)
                     if result.level == level), None)
    except errors.Rejected:
        return None


def delete(section: Any) -> None:
    """Remove all results: the checkpoint has nothing to verify any more."""
    for level in LEVELS:
        storage.delete(section, layout.VERIFICATION_RESULT % level)
