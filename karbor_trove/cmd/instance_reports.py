# SPDX-License-Identifier: Apache-2.0

"""Reports on single instances: restore point, verifications, recovery time."""

import dataclasses
import datetime
from typing import Callable, Dict, List, Mapping, Optional, Tuple

from karbor.common import constants

from karbor_trove.backups import chain
from karbor_trove.bank import verification_results
from karbor_trove.cmd import restore_points
from karbor_trove import times
from karbor_trove.trove import models


@dataclasses.dataclass(frozen=True)
class InstanceReport:
    """The report on one instance: its restore point and its verifications.

    If a field is None, the value is not known or does not exist.
    """

    #: The id of the project.
    project: str
    #: The id of the instance.
    instance: str
    name: Optional[str]
    #: Whether Trove has the instance.
    exists: Optional[bool]
    #: The id of the newest checkpoint that can be restored. None if no
    #: checkpoint can be restored. The next four fields describe the backup in
    #: this checkpoint.
    checkpoint: Optional[str] = None
    #: When the backup was created: UTC, without a zone.
    made: Optional[datetime.datetime] = None
    #: The time since the backup was created, by Trove's clock.
    age: Optional[datetime.timedelta] = None
    #: The chain length of the backup.
    chain: Optional[int] = None
    #: The size of the backup in Trove, in GB.
    size: Optional[float] = None
    #: How many checkpoints after the restore point left the instance out. If
    #: there is no restore point, all checkpoints count.
    left_out: int = 0
    #: When the last verification ended: UTC, without a zone.
    verified: Optional[datetime.datetime] = None
    #: The id of the checkpoint that was verified last.
    verified_checkpoint: Optional[str] = None
    #: The level of the last verification.
    level: Optional[str] = None
    #: "passed" or "failed".
    result: Optional[str] = None
    #: The recovery time that was measured last.
    recovery: Optional[datetime.timedelta] = None
    #: What an operator should know. Semicolons separate the sentences.
    note: Optional[str] = None
    #: The last result of each verification level.
    levels: Mapping[str, verification_results.VerificationResult] = (
        dataclasses.field(default_factory=dict))
    #: All restore points, the oldest first.
    assessments: Tuple['Assessment', ...] = ()

    @property
    def is_unprotected(self) -> bool:
        """Return True if the instance exists and no checkpoint can restore it.

        If it is not known whether the instance exists, the result is as if the
        instance existed.
        """
        return self.checkpoint is None and self.exists is not False


@dataclasses.dataclass(frozen=True)
class Assessment:
    """Whether an instance can be restored from one certain checkpoint."""

    point: restore_points.RestorePoint
    #: The backups that a restore needs, from the newest one to the root.
    #: Empty if the instance cannot be restored.
    chain: List[models.Backup]
    #: Why the instance cannot be restored. Empty if it can be restored.
    problem: str = ''

    @property
    def time(self) -> Optional[datetime.datetime]:
        """Return when the backup was created: UTC, without a zone.

        If this time is not known, return when Karbor started the checkpoint.
        None if neither time is known.
        """
        return (self.chain[0].created if self.chain else None
                ) or self.point.checkpoint.created

    @property
    def parent_id(self) -> Optional[str]:
        """Return the id of the backup's parent.

        None if the backup is a full backup, or if the instance cannot be
        restored.
        """
        return self.chain[1].id if len(self.chain) > 1 else None


def build_report(report: InstanceReport,
                 points: List[restore_points.RestorePoint],
                 backups: chain.Backups, now: Optional[datetime.datetime],
                 corrupt_ids: List[str],
                 find_lost: Callable[[restore_points.RestorePoint,
                                      List[models.Backup]], Optional[str]]
                 ) -> InstanceReport:
    """Return the complete report on an instance.

    :param report: a report that has only the fields `project`, `instance`,
        `name` and `exists`. The complete report has the same values in these
        fields.
    :param points: one object for each checkpoint of the instance. The
        checkpoints of all banks have to be included.
    :param backups: at least all backups in the instance's project, as Trove
        lists them. The caller has to request this list after it has read the
        banks. Otherwise the list may lack the backup of a new checkpoint.
    :param now: Trove's time. None if Trove returned no time.
    :param corrupt_ids: the ids of the checkpoints that cannot be read and may
        hold the instance.
    :param find_lost: a function that searches Swift for the objects of a
        chain. It is called with one item of `points` and with the chain of
        this item's backup. It returns the id of a backup whose object is
        missing. If no object is missing, it returns None.
    """
    notes = [] if report.exists else [
        'deleted in Trove' if report.exists is False
        else 'it is not known whether Trove still has it']
    assessments = [_assess(point, backups) for point in points]
    best = None
    for assessment in sorted(
            (assessment for assessment in assessments if assessment.chain),
            key=_get_time_key, reverse=True):
        lost_id = find_lost(assessment.point, assessment.chain)
        if lost_id is None:
            best = assessment
            break
        assessments[assessments.index(assessment)] = Assessment(
            assessment.point, [], 'the object of backup %s is missing in '
            'Swift, so the backup is not used as a parent' % lost_id)
    failed = [assessment for assessment in assessments
              if assessment.problem
              and (best is None or assessment.point.time >= best.point.time)]
    if failed:
        newest = max(failed, key=lambda assessment: assessment.point.time)
        notes.append('checkpoint %s cannot be restored: %s' % (
            newest.point.checkpoint.id, newest.problem))
    if best:
        failed_ids = chain.list_failed_children(backups, best.chain[0].id)
        notes += ['backup %s is not used as a parent, because its child %s '
                  'has failed' % (best.chain[0].id, ', '.join(failed_ids))
                  ] if failed_ids else []
    notes += ['checkpoint %s cannot be read' % checkpoint_id
              for checkpoint_id in corrupt_ids]
    if not points and not corrupt_ids:
        notes.append('no checkpoint covers it')
    verifications = _summarize_verifications(points)
    notes += verifications.notes
    report = dataclasses.replace(
        report, note='; '.join(notes) or None, levels=verifications.levels,
        recovery=verifications.recovery_time, left_out=sum(
            point.left_out_reason is not None for point in points
            if best is None or point.time >= best.point.time),
        assessments=tuple(sorted(assessments, key=lambda assessment: (
            assessment.time or datetime.datetime.min))))
    if best:
        backup = best.chain[0]
        report = dataclasses.replace(
            report, checkpoint=best.point.checkpoint.id, made=backup.created,
            age=now - backup.created if now and backup.created else None,
            chain=len(best.chain), size=backup.size)
    if verifications.last:
        last = verifications.last
        report = dataclasses.replace(
            report, verified=get_verification_time(last), level=last.level,
            verified_checkpoint=verifications.checkpoint_id,
            result=describe_result(last))
    return report


def get_verification_time(result: verification_results.VerificationResult
                          ) -> datetime.datetime:
    """Return when a verification ended: UTC, without a zone."""
    return times.parse_utc(result.verified_at)


def describe_result(result: verification_results.VerificationResult) -> str:
    """Return the result of a verification: "passed" or "failed"."""
    return 'passed' if result.passed else 'failed'


def _assess(point: restore_points.RestorePoint,
            backups: chain.Backups) -> Assessment:
    """Check whether an instance can be restored from one checkpoint.

    :param point: what the bank stores about the instance in this checkpoint.
    :param backups: the backups in Trove. The list has to be requested after
        `point` was read.
    """
    if point.problem or point.record is None:
        return Assessment(point, [], point.problem)
    backup_id = str(point.record.backup_id)
    links = chain.list_chain(backups, backup_id)
    if links:
        return Assessment(point, links)
    # The checkpoint may have been deleted since its record was read.
    checkpoint = point.checkpoint.provider.find_checkpoint(
        point.checkpoint.id)
    if checkpoint and (
            checkpoint.status != constants.CHECKPOINT_STATUS_AVAILABLE):
        problem = 'it is %s' % (checkpoint.status or 'corrupt')
    elif backup_id not in backups:
        problem = 'Trove has no backup %s' % backup_id
    elif not backups[backup_id].is_complete:
        problem = 'backup %s is %s' % (backup_id, backups[backup_id].status)
    else:
        problem = str(chain.find_chain_problem(backups.get, backup_id))
    return Assessment(point, [], problem)


def _get_time_key(assessment: Assessment
                  ) -> Tuple[bool, Optional[datetime.datetime], int]:
    # Trove's times are whole seconds. Of two backups of the same second, the
    # one with the longer chain is the child and therefore newer.
    created = assessment.chain[0].created
    return created is not None, created, len(assessment.chain)


@dataclasses.dataclass(frozen=True)
class _Verifications:
    """The last results of an instance's verifications, at all levels."""

    #: The last result at any level. None if no result is known.
    last: Optional[verification_results.VerificationResult] = None
    #: The id of the checkpoint that was verified last.
    checkpoint_id: Optional[str] = None
    #: The last result of each level.
    levels: Mapping[str, verification_results.VerificationResult] = (
        dataclasses.field(default_factory=dict))
    #: The recovery time that was measured last. None if it was never measured.
    recovery_time: Optional[datetime.timedelta] = None
    #: What failed or cannot be read, one sentence each.
    notes: Tuple[str, ...] = ()


def _summarize_verifications(
        points: List[restore_points.RestorePoint]) -> _Verifications:
    """Find the last result of each level in an instance's verifications.

    For each level, only the last result counts. It does not matter which
    checkpoint of the instance was verified. So a failure is reported until a
    later verification at the same level passes.

    :param points: one object for each checkpoint of the instance.
    :returns: the last results, the recovery time that was measured last, and a
        note on each failure. If the results in one checkpoint cannot be read,
        no results are returned, and the only note says that they could not be
        read.
    """
    results = []
    for point in points:
        if point.results is None:
            return _Verifications(
                notes=('its verifications cannot be read',))
        results += [(result, point.checkpoint.id) for result in point.results]
    if not results:
        return _Verifications()
    results.sort(key=lambda item: item[0].verified_at, reverse=True)
    levels: Dict[str, verification_results.VerificationResult] = {}
    notes = []
    for result, checkpoint_id in results:
        if result.level in levels:
            continue
        levels[result.level] = result
        if not result.passed:
            notes.append(
                'verification of level %s failed for checkpoint %s: %s'
                % (result.level, checkpoint_id,
                   result.reason.partition('\n')[0]))
    recovery_time = next(
        (datetime.timedelta(seconds=result.recovery_seconds)
         for result, _ in results if result.recovery_seconds is not None),
        None)
    return _Verifications(*results[0], levels, recovery_time, tuple(notes))
