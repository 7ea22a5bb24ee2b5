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

"""What an incremental backup is going to hang on, noted before it is made."""

import dataclasses

from karbor_trove import asking
from karbor_trove import chain
from karbor_trove import errors
from karbor_trove import ledger as ledgers
from karbor_trove import trove


def made(gateway: trove.Gateway, ledger: ledgers.Ledger,
         entry: ledgers.Entry, backups: chain.Backups,
         longest: int) -> ledgers.Entry:
    """Write an intent that names its parent; a full backup names none.

    :param entry: the intent as it would be of a full backup; nothing is
        written yet.
    :param backups: as the gateway has just listed them.
    :param longest: how many backups a chain may have, the full one counted.
    :returns: what was written.
    """
    ours = {str(known.backup_id): known for known in ledger.entries()
            if known.complete and not known.deleted}
    parent_id = chain.next_parent(backups, list(ours), longest)
    claimed = dataclasses.replace(entry, parent_id=parent_id,
                                  not_before=asking.moment(gateway))
    ledger.write(claimed)
    if parent_id is None:
        return claimed
    # Who deletes writes so before the look at our claim: one of both sees the
    # other. Without an entry the parent has gone already.
    known = ledger.read(ours[parent_id].checkpoint_id)
    if known is None or known.deleted:
        claimed = dataclasses.replace(claimed, parent_id=None)
        ledger.write(claimed)
    return claimed


def check(backup_id: str, backups: chain.Backups) -> None:
    """See that a complete backup still has all that it hangs on.

    :param backups: as they are now.
    :raises errors.Failed: it has not.
    """
    if chain.chain_of(backups, backup_id) is None:
        raise errors.Failed('backup %s hangs on one that was deleted '
                            'meanwhile' % backup_id)
