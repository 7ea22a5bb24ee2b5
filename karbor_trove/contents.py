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

"""What is in Swift of a backup: as it was when it was made, and as it is.

One object for each backup in the bank's root,
`/karbor-trove/<instance>/contents/<backup>`, and not in a checkpoint: others
may hang on a backup whose checkpoint was deleted.
"""

import dataclasses
from typing import Any, Iterator, Optional, Tuple

from karbor_trove import ledger
from karbor_trove import objects
from karbor_trove import versioned

VERSION = 1


@dataclasses.dataclass(frozen=True)
class Part:
    """An object in Swift."""

    #: "container/name", below the account.
    name: str
    #: Without quotes.
    etag: str
    bytes: int


@dataclasses.dataclass(frozen=True)
class Contents:
    """The object of a backup, and its segments."""

    #: Of all segments together [slo.py of Swift], where there are any.
    whole: Part
    #: None in it: the bytes are in the object itself.
    segments: Tuple[Part, ...] = ()


class Kept:
    """What the bank keeps of the backups of one instance.

    What reads or writes raises errors.BankFailed where the bank fails.
    """

    def __init__(self, bank: Any, instance_id: str) -> None:
        """Open it; nothing is read or written yet.

        :param bank: Karbor's Bank, its root.
        """
        self._where = '%s%s/contents/' % (ledger.ROOT, instance_id)
        self._section = bank.get_sub_section(self._where)

    def write(self, backup_id: str, contents: Contents) -> None:
        """Write what a backup has, in the place of an earlier look."""
        objects.put(self._section, backup_id,
                    dict(dataclasses.asdict(contents), version=VERSION))

    def read(self, backup_id: str) -> Optional[Contents]:
        """Read what a backup had; None where nothing was written.

        :raises errors.Torn: it cannot be read.
        :raises errors.Refused: it was written by a later version.
        """
        kept = versioned.read(self._section, backup_id,
                              self._where + backup_id, 'whole', VERSION)
        if kept is None:
            return None
        return Contents(Part(**kept['whole']),
                        tuple(Part(**part) for part in kept['segments']))

    def remove(self, backup_id: str) -> None:
        """Forget it: the backup is gone; nothing there is no failure."""
        objects.drop(self._section, backup_id)


def differences(was: Part, now: Optional[Part]) -> Iterator[str]:
    """Say what is wrong with an object: nothing, or one sentence.

    :param was: as it has to be.
    :param now: as it is; None: it is gone.
    """
    if now is None:
        yield '%s is missing' % was.name
    elif now.bytes != was.bytes:
        yield '%s has %d bytes instead of %d' % (was.name, now.bytes,
                                                 was.bytes)
    elif now.etag != was.etag:
        yield '%s has other bytes: its etag is %s instead of %s' % (
            was.name, now.etag, was.etag)
