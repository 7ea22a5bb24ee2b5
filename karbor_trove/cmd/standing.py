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


"""How one database instance stands: what is held of it, and what Trove has."""

import datetime
from typing import Any, Dict, List, Optional, Tuple

from karbor.common import constants

from karbor_trove import chain
from karbor_trove.cmd import holdings
from karbor_trove import verified

Row = Dict[str, Any]


def standing(held: List[holdings.Held], backups: chain.Backups,
             now: Optional[datetime.datetime], torn: List[str],
             exists: Optional[bool]) -> Row:
    """Tell what an instance can be restored from, and what was verified.

    :param held: all that the banks hold of it.
    :param backups: Trove's, of its project at least.
    :param now: Trove's time; None: it did not tell.
    :param torn: checkpoints that may hold it, and cannot be read.
    :param exists: whether Trove has it; None: nobody knows.
    """
    problems = {one.checkpoint.id: _problem(one, backups) for one in held}
    notes = [] if exists else [
        'deleted in Trove' if exists is False
        else 'nobody knows whether Trove still has it']
    good = [one for one in held if problems[one.checkpoint.id] is None]
    row: Row = {}
    since = 0
    if good:
        best = max(good, key=lambda one: _newness(one, backups))
        since = best.time
        row = _point(best, backups, now)
    bad = [one for one in held
           if problems[one.checkpoint.id] and one.time >= since]
    if bad:
        newest = max(bad, key=lambda one: one.time)
        notes.append('checkpoint %s cannot be restored: %s' % (
            newest.checkpoint.id, problems[newest.checkpoint.id]))
    notes.extend('checkpoint %s cannot be read' % one for one in torn)
    if not held and not torn:
        notes.append('no checkpoint covers it')
    row.update(_proof(held, notes))
    return {**row, 'note': '; '.join(notes) or None}


def _problem(one: holdings.Held, backups: chain.Backups) -> Optional[str]:
    """Say why nothing can be restored from a checkpoint; None: it can."""
    if one.problem or one.record is None:
        return one.problem
    id_ = str(one.record.backup_id)
    if chain.chain_of(backups, id_):
        return None
    # It may have been deleted between the two looks.
    now = one.checkpoint.provider.checkpoint(one.checkpoint.id)
    if now and now.status != constants.CHECKPOINT_STATUS_AVAILABLE:
        return 'it is %s' % (now.status or 'torn')
    if id_ not in backups:
        return 'backup %s is gone' % id_
    if not backups[id_].is_complete:
        return 'backup %s is %s' % (id_, backups[id_].status)
    return 'what backup %s hangs on is gone or not complete' % id_


def _newness(one: holdings.Held, backups: chain.Backups) -> Tuple[Any, ...]:
    backup = backups[str(one.record and one.record.backup_id)]
    # Of two of the same second, the one that hangs on the other is newer.
    return (backup.created is not None, backup.created,
            len(chain.chain_of(backups, backup.id) or ()))


def _point(one: holdings.Held, backups: chain.Backups,
           now: Optional[datetime.datetime]) -> Row:
    backup = backups[str(one.record and one.record.backup_id)]
    return {'checkpoint': one.checkpoint.id, 'made': backup.created,
            'age': now - backup.created if now and backup.created else None,
            'chain': len(chain.chain_of(backups, backup.id) or ()),
            'size': backup.size}


def _proof(held: List[holdings.Held], notes: List[str]) -> Row:
    """Tell what was verified last, over all checkpoints of an instance.

    A failure must not be hidden by an earlier success of another checkpoint,
    nor by a success of another level.

    :param notes: gets what failed.
    """
    if any(one.results is None for one in held):
        notes.append('what was verified of it cannot be read')
        return {}
    # The newest first.
    found = sorted(((result, one.checkpoint.id) for one in held
                    for result in one.results or ()), reverse=True,
                   key=lambda item: item[0].at)
    levels: Dict[str, verified.Result] = {}
    for result, id_ in found:
        if result.level not in levels:
            levels[result.level] = result
            if not result.passed:
                notes.append('verification of level %s failed for checkpoint '
                             '%s: %s' % (result.level, id_,
                                         result.reason.partition('\n')[0]))
    if not found:
        return {}
    last, id_ = found[0]
    measured = [result.recovery_seconds for result, _ in found
                if result.recovery_seconds is not None]
    return {'verified': moment(last), 'verified_checkpoint': id_,
            'level': last.level, 'levels': levels,
            'result': 'passed' if last.passed else 'failed',
            'recovery': datetime.timedelta(
                seconds=measured[0]) if measured else None}


def moment(result: verified.Result) -> datetime.datetime:
    """Tell when a verification ended: UTC, without a zone."""
    return datetime.datetime.fromisoformat(result.at).replace(tzinfo=None)
