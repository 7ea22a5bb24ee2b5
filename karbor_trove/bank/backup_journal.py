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

"""What the bank knows of one instance, over all its checkpoints.

One object for each checkpoint in the bank's root,
`/karbor-trove/<instance>/backups/<checkpoint>`: no two operations write the
same one, and what is left of a deleted checkpoint has a place. It comes before
the backup, which Trove may make although its answer is lost, and goes after
it.
"""

import dataclasses
import datetime
from typing import Any, Dict, List, Optional, Tuple

from karbor_trove.bank import documents
from karbor_trove.bank import layout
from karbor_trove import errors
from karbor_trove import timeouts
from karbor_trove.trove import lost_responses
from karbor_trove.trove import models

VERSION = 1


@dataclasses.dataclass(frozen=True)
class BackupEntry:
    """One backup that was asked for, or is going to be."""

    instance_id: str
    checkpoint_id: str
    project_id: Optional[str] = None
    backup_name: Optional[str] = None
    description: Optional[str] = None
    #: Trove's time before it was asked, ISO; None: it did not tell.
    not_before: Optional[str] = None
    #: None: a full backup.
    parent_id: Optional[str] = None
    #: None until the backup is known: an intent.
    backup_id: Optional[str] = None
    #: Where its object is, a URL; None: not known yet.
    location: Optional[str] = None
    #: Whether it was seen complete; until then it claims its parent.
    complete: bool = False
    #: When the checkpoint was deleted, ISO, UTC by our clock; None: it lives.
    deleted: Optional[str] = None
    #: Why the backup is still there although the checkpoint was deleted.
    reason: Optional[str] = None
    #: Whether several backups fitted once: then none is ever taken for it.
    ambiguous: bool = False

    @property
    def reserved_parent_id(self) -> Optional[str]:
        """Tell the backup that must not go while this one is being made."""
        return None if self.complete or self.deleted else self.parent_id

    def is_visible_to(self, project_id: Optional[str]) -> bool:
        """Tell whether the backup would be in a project's list; None: of all.

        Karbor lets administrators of other projects delete and verify
        [manager.py in services/protection, 1.6.0]. Trove lists the token's
        project only: nothing is known of what is not in there.
        """
        # With dashes or without them, by who wrote it.
        return project_id is None or self.project_id is None or (
            project_id.replace('-', '') == self.project_id.replace('-', ''))

    def matches(self, backup: models.Backup) -> bool:
        """Tell whether a backup may be the one that was asked for."""
        if self.not_before is None or backup.created is None:
            return False
        asked = datetime.datetime.fromisoformat(self.not_before)
        return (backup.instance_id == self.instance_id
                and backup.name == self.backup_name
                and backup.description == self.description
                and asked <= backup.created < asked + timeouts.REQUEST_IN_FLIGHT)

    def is_settled(
            self, now: Optional[datetime.datetime]) -> bool:
        """Tell whether the request is so old that no backup can come of it.

        :param now: Trove's time; None: nobody can tell.
        """
        return lost_responses.is_settled(self.not_before, now)


class BackupJournal:
    """The entries of one instance in one bank.

    What reads or writes raises errors.BankFailed where the bank fails.
    """

    def __init__(self, bank: Any, instance_id: str) -> None:
        """Open it; nothing is read or written yet.

        :param bank: Karbor's Bank, its root.
        """
        self.bank = bank
        self.instance_id = instance_id
        self._where = layout.BACKUP_JOURNAL % instance_id
        self._section = bank.get_sub_section(self._where)

    def write(self, entry: BackupEntry) -> None:
        """Write the entry, in the place of an earlier one."""
        documents.write(self._section, entry.checkpoint_id,
                        dict(dataclasses.asdict(entry), version=VERSION))

    def read(self, checkpoint_id: str) -> Optional[BackupEntry]:
        """Read one entry; None where there is none.

        :raises errors.Torn: it cannot be read.
        :raises errors.Refused: it was written by a later version.
        """
        return self._parsed(checkpoint_id)

    def list_entries(self) -> List[BackupEntry]:
        """Read all entries that can be read; others are logged."""
        return self.read_all()[0]

    def read_all(self) -> Tuple[List[BackupEntry], Dict[str, errors.Rejected]]:
        """Read all entries; those that cannot be read with the reason.

        By their checkpoints, which their places tell.
        """
        return documents.read_all(self._section, self._parsed)

    def delete(self, entry: BackupEntry) -> None:
        """Forget the entry; none there is no failure."""
        documents.delete(self._section, entry.checkpoint_id)

    def _parsed(self, name: str) -> Optional[BackupEntry]:
        kept = documents.read(self._section, name, self._where + name,
                              'checkpoint_id', VERSION)
        return None if kept is None else BackupEntry(**kept)
