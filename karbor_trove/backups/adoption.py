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

"""..."""

from typing import Collection, Iterable, Optional

from karbor_trove.bank import backup_journal
from karbor_trove import errors
from karbor_trove.trove import models


def find_created_backup(backups: Iterable[models.Backup],
                        entry: backup_journal.BackupEntry,
                        entries: Collection[backup_journal.BackupEntry]) -> Optional[models.Backup]:
    """Find what came of a request whose answer is lost.

    :param backups: Trove's, of the project.
    :param entries: all of the instance; what one of them knows is not it.
    :returns: None: nothing, so far.
    :raises errors.Refused: it cannot be told from others; it names them.
        errors.Ambiguous, where that will not change.
    """
    # Somebody else may have found it for the same checkpoint meanwhile.
    known = {other.backup_id for other in entries
             if other.checkpoint_id != entry.checkpoint_id}
    found = [backup for backup in backups
             if entry.matches(backup) and backup.id not in known]
    # Where all of them are deleted it does not matter whose it is.
    rivals = ['checkpoint %s' % other.checkpoint_id for other in entries
              if other.checkpoint_id != entry.checkpoint_id
              and other.backup_id is None
              and not (entry.deleted and other.deleted)
              and any(map(other.matches, found))]
    if len(found) > 1 or rivals or found and entry.ambiguous:
        # One of several backups may be a user's, for ever; of several
        # requests of ours all may be deleted one day.
        kind = (errors.Rejected if len(found) == 1 and not entry.ambiguous
                else errors.Ambiguous)
        raise kind('several may be meant, so none is touched: %s' % ', '.join(
            ['backup %s' % one.id for one in found] + rivals))
    return found[0] if found else None
