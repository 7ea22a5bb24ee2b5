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

"""That an instance was asked for and no answer was seen yet.

One object for each restore in the bank's root,
`/karbor-trove/<instance>/restores/<restore>`. What is left of one tells that a
restore was interrupted, and how the instance is called that may have come of
it.
"""

import dataclasses
from typing import Any, List, Optional

from karbor_trove.bank import documents
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker

VERSION = 1


@dataclasses.dataclass(frozen=True)
class RestoreEntry:
    """What is about to be asked; None: nobody knows."""

    #: The original, and the restore of Karbor's that makes a new one.
    instance_id: str
    restore_id: str
    #: Of the new instance.
    name: Optional[str] = None
    #: Trove's time before it is asked, ISO; None: it did not tell.
    not_before: Optional[str] = None
    #: Where the new instance is made.
    project_id: Optional[str] = None
    #: Who asks; see worker.py.
    worker: Any = None


class RestoreJournal:
    """The notes of one instance in one bank.

    What reads or writes raises errors.BankFailed where the bank fails.
    """

    def __init__(self, bank: Any, instance_id: str) -> None:
        """Open them; nothing is read or written yet.

        :param bank: Karbor's Bank, its root.
        """
        self.instance_id = instance_id
        self._where = layout.RESTORE_JOURNAL % instance_id
        self._section = bank.get_sub_section(self._where)

    def write(self, note: RestoreEntry) -> None:
        """Note what is about to be asked."""
        kept = dict(dataclasses.asdict(note), version=VERSION)
        # Its place tells them.
        del kept['instance_id'], kept['restore_id']
        storage.write(self._section, note.restore_id, kept)

    def list_restore_ids(self) -> List[str]:
        """Name the restores that a note is left of."""
        return storage.list_keys(self._section)

    def read(self, restore_id: str) -> Optional[RestoreEntry]:
        """Read one note; None where there is none.

        :raises errors.Torn: it cannot be read.
        :raises errors.Refused: it was written by a later version.
        """
        kept = documents.read(self._section, restore_id,
                              self._where + restore_id, 'name', VERSION)
        if kept is None:
            return None
        # Earlier releases knew neither project nor process.
        return RestoreEntry(self.instance_id, restore_id, kept['name'],
                            kept.get('not_before'), kept.get('project_id'),
                            kept.get('worker'))

    def delete(self, restore_id: str) -> None:
        """Forget one: Karbor's own record, or the user, knows the outcome."""
        storage.delete(self._section, restore_id)


class RestoreIntent:
    """One note while its restore lives; see asking.Intent."""

    def __init__(self, bank: Any, instance_id: str, restore_id: str,
                 project_id: Optional[str]) -> None:
        """Make it; nothing is written yet.

        :param bank: Karbor's Bank, its root.
        :param instance_id: of the original.
        :param project_id: where the new instance is made.
        """
        self._notes = RestoreJournal(bank, instance_id)
        self._note = RestoreEntry(instance_id, restore_id, project_id=project_id,
                                  worker=worker.current())

    def write(self, name: str, not_before: Optional[str]) -> None:
        """Note what is about to be asked for."""
        self._notes.write(dataclasses.replace(self._note, name=name,
                                              not_before=not_before))

    def mark_created(self, instance_id: str) -> None:
        """Go on: Karbor's own record does not know the instance yet."""

    def delete(self) -> None:
        """Forget it: the record knows it now, or nothing comes of it.

        What is left where the bank fails is resolved by an operator's sweep.
        """
        with storage.log_bank_errors('The note of restore %s of instance %s is left' % (
                self._note.restore_id, self._note.instance_id)):
            self._notes.delete(self._note.restore_id)
