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
from typing import Any, Optional

from karbor_trove.bank import documents
from karbor_trove.bank import layout
from karbor_trove.bank import storage
from karbor_trove.trove import models

VERSION = 1


class ManifestStore:
    """What the bank keeps of the backups of one instance.

    What reads or writes raises errors.BankFailed where the bank fails.
    """

    def __init__(self, bank: Any, instance_id: str) -> None:
        """Open it; nothing is read or written yet.

        :param bank: Karbor's Bank, its root.
        """
        self._where = layout.MANIFESTS % instance_id
        self._section = bank.get_sub_section(self._where)

    def write(self, backup_id: str, contents: models.BackupManifest) -> None:
        """Write what a backup has, in the place of an earlier look."""
        storage.write(self._section, backup_id,
                      dict(dataclasses.asdict(contents), version=VERSION))

    def read(self, backup_id: str) -> Optional[models.BackupManifest]:
        """Read what a backup had; None where nothing was written.

        :raises errors.Torn: it cannot be read.
        :raises errors.Refused: it was written by a later version.
        """
        kept = documents.read(self._section, backup_id,
                              self._where + backup_id, 'whole', VERSION)
        if kept is None:
            return None
        return models.BackupManifest(
            models.ObjectInfo(
                **kept['whole']),
            tuple(
                models.ObjectInfo(
                    **part) for part in kept['segments']))

    def delete(self, backup_id: str) -> None:
        """Forget it: the backup is gone; nothing there is no failure."""
        storage.delete(self._section, backup_id)
