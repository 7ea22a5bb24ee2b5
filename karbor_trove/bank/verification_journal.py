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

"""That an instance is made for a test restore, until it is gone.

One object for each verification in the bank's root,
`/karbor-trove/<instance>/rehearsals/<verification>`. It is there before the
instance is asked for, so that the instance of a verification that was killed
is found.
"""

import dataclasses
import datetime
from typing import Any, ContextManager, Dict, List, Optional, Tuple

from karbor_trove.bank import documents
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.bank import worker
from karbor_trove import errors
from karbor_trove.trove import lost_responses

VERSION = 1


@dataclasses.dataclass(frozen=True)
class TemporaryInstanceEntry:
    """One test restore; None: not known."""

    verification_id: str
    #: Where the instance is made.
    project_id: Optional[str]
    #: Who makes it; see worker.py.
    worker: Any
    #: When its verification has ended for sure: ISO, UTC by our clock.
    until: str
    #: Of the instance; nothing else has it.
    name: Optional[str] = None
    #: Trove's time before it was asked for, ISO; None: it did not tell.
    not_before: Optional[str] = None
    #: Of the instance that was made; None until that is known.
    instance_id: Optional[str] = None
    #: Why the instance may still be there although the verification has
    #: ended; None: nobody has said that it has.
    left: Optional[str] = None

    def is_abandoned(self, now: datetime.datetime) -> bool:
        """Tell whether nobody sees to the instance any more.

        :param now: UTC by our clock.
        """
        return (self.left is not None or not worker.may_be_alive(self.worker)
                or datetime.datetime.fromisoformat(self.until) <= now)

    def cannot_exist(self, trove_now: Optional[datetime.datetime],
                     now: datetime.datetime) -> bool:
        """Tell whether an instance that is not found will not come either.

        :param trove_now: Trove's time; None: nobody can tell, and ours has
            to do.
        """
        return lost_responses.is_settled(
            self.not_before, trove_now) or (
                lost_responses.is_settled(self.until, now))


class VerificationJournal:
    """The notes of one instance in one bank.

    What reads or writes raises errors.BankFailed where the bank fails.
    """

    def __init__(self, bank: Any, instance_id: str) -> None:
        """Open them; nothing is read or written yet.

        :param bank: Karbor's Bank, its root.
        :param instance_id: of the original.
        """
        self.instance_id = instance_id
        self._where = layout.VERIFICATION_JOURNAL % instance_id
        self._section = bank.get_sub_section(self._where)

    def write(self, note: TemporaryInstanceEntry) -> None:
        """Write a note, in the place of an earlier one."""
        documents.write(self._section, note.verification_id,
                        dict(dataclasses.asdict(note), version=VERSION))

    def delete(self, note: TemporaryInstanceEntry) -> None:
        """Forget a note: there is no instance, and none will come."""
        documents.delete(self._section, note.verification_id)

    def list_entries(self) -> List[TemporaryInstanceEntry]:
        """Read all notes that can be read; others are logged."""
        return self.read_all()[0]

    def read_all(self) -> Tuple[List[TemporaryInstanceEntry], Dict[str, errors.Rejected]]:
        """Read all notes; those that cannot be read with the reason.

        By their verifications, which their places tell.
        """
        return documents.read_all(self._section, self._parsed)

    def _parsed(self, name: str) -> Optional[TemporaryInstanceEntry]:
        kept = documents.read(self._section, name, self._where + name, 'until',
                              VERSION)
        return None if kept is None else TemporaryInstanceEntry(**kept)


class TemporaryInstanceIntent:
    """One note while its verification lives; see asking.Intent.

    Once it is written, a bank that fails is borne: the name is enough to find
    the instance by, which has to be deleted whatever happens.
    """

    def __init__(self, notes: VerificationJournal, note: TemporaryInstanceEntry) -> None:
        """Make it; nothing is written yet."""
        self._notes = notes
        self._note = note
        self._written = False

    def write(self, name: str, not_before: Optional[str]) -> None:
        """Note what is about to be asked for."""
        self._note = dataclasses.replace(self._note, name=name,
                                         not_before=not_before)
        self._notes.write(self._note)
        self._written = True

    def mark_created(self, instance_id: str) -> None:
        """Note the instance; it has to go."""
        self._change(instance_id=instance_id)

    def mark_abandoned(self, reason: str) -> None:
        """Note that it is left to the next verification, and why.

        Nothing was written: there is nothing to leave.
        """
        if self._written:
            self._change(left=reason)

    def delete(self) -> None:
        """Forget it: there is no instance, and none will come."""
        self._written = False
        with self._borne():
            self._notes.delete(self._note)

    def _change(self, **changed: Any) -> None:
        self._note = dataclasses.replace(self._note, **changed)
        with self._borne():
            self._notes.write(self._note)

    def _borne(self) -> ContextManager[None]:
        return storage.log_bank_errors('The note of verification %s of instance %s was '
                                       'not changed' % (self._note.verification_id,
                                                        self._notes.instance_id))
