# SPDX-License-Identifier: Apache-2.0

"""`verify`: verification of the databases whose test restore is oldest."""

import argparse
import dataclasses
import random
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional
from typing import Set, Tuple

from karbor.common import constants

from karbor_trove.bank import verification_results
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import operator_client
from karbor_trove.cmd import progress
from karbor_trove.cmd import providers
from karbor_trove.cmd import restore_points
from karbor_trove import errors
from karbor_trove import timeouts
from karbor_trove import times

_LEVEL = 'restore'
#: The id of a project, and the id of a database instance of this project.
_DatabaseKey = Tuple[str, str]


class _Checkpoint(NamedTuple):
    """A checkpoint, and the provider that can verify it."""

    #: The provider whose options a verification uses.
    provider: providers.Provider
    #: What the bank stores about each database of the checkpoint.
    points: List[restore_points.RestorePoint]

    @property
    def id(self) -> str:
        """Return the id of the checkpoint."""
        return self.points[0].checkpoint.id

    @property
    def project_id(self) -> str:
        """Return the id of the checkpoint's project."""
        return str((self.points[0].checkpoint.index or {}).get('project_id'))

    def list_restorable(self) -> List[_DatabaseKey]:
        """Return the databases that a verification restores."""
        return [(self.project_id, point.instance_id) for point in self.points
                if not point.problem]


@dataclasses.dataclass
class _Database:
    """The test restores of one database, over all its checkpoints.

    A test restore is a verification at level "restore". The times are in UTC
    and in ISO format.
    """

    #: The newest checkpoint that can be verified. None if there is none.
    newest: Optional[_Checkpoint] = None
    #: When the last test restore ended, no matter whether it passed. "" if the
    #: bank has no result of a test restore.
    tested_at: str = ''
    #: When the last test restore that passed ended. "" if the bank has no such
    #: result.
    passed_at: str = ''


class _Candidate(NamedTuple):
    """A checkpoint that the command may verify."""

    checkpoint: _Checkpoint
    #: When the databases of the checkpoint last passed a test restore, in UTC
    #: and in ISO format. If the times differ, this is the earliest one. None
    #: if the bank has no such result of one of the databases.
    passed_at: Optional[str]


class CheckpointVerification(base.Action):
    """Carries out the command "verify".

    The command chooses the databases whose last test restore is oldest, and
    verifies the newest checkpoint of each of them.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]
                  ) -> Iterator[base.Row]:
        usable = [provider for provider in all_providers
                  if provider.is_enabled
                  and provider.settings.verify_level == _LEVEL]
        if not usable:
            raise errors.Rejected(
                'nothing is verified: no enabled provider has "verify_level = '
                'restore" in its provider file')
        operator = operator_client.OperatorClient()
        candidates = _list_candidates(
            _read_databases(self._list_checkpoints(usable)))
        queue = iter(candidates)
        for _ in progress.track(
                range(min(parsed_args.oldest_unverified, len(candidates))),
                'Verifying checkpoints', is_slow=True):
            yield from self._verify_next(operator, queue)

    def _list_checkpoints(self, usable: List[providers.Provider]
                          ) -> List[_Checkpoint]:
        checkpoints: Dict[str, _Checkpoint] = {}
        for provider in usable:
            points = restore_points.RestorePoints([provider])
            self.problems += points.problems
            by_checkpoint: Dict[str, List[restore_points.RestorePoint]] = {}
            for project_id in points.projects:
                points_by_instance = points.list_by_instance(project_id)
                for of_instance in points_by_instance.values():
                    for point in of_instance:
                        by_checkpoint.setdefault(
                            point.checkpoint.id, []).append(point)
            for id_, of_checkpoint in by_checkpoint.items():
                index = of_checkpoint[0].checkpoint.index or {}
                # If several providers use one bank, the provider that created
                # the checkpoint has precedence.
                if id_ not in checkpoints or (
                        index.get('provider_id') == provider.id):
                    checkpoints[id_] = _Checkpoint(provider, of_checkpoint)
        return list(checkpoints.values())

    def _verify_next(self, operator: operator_client.OperatorClient,
                     queue: Iterator[_Candidate]) -> Iterator[base.Row]:
        """Verify the next checkpoint of the queue, and yield its row.

        If Keystone or Karbor refuses the verification, the method continues
        with the checkpoint after it. So a project in which the operator has no
        role does not keep other projects from being verified.
        """
        for candidate in queue:
            row, is_refused = self._verify(operator, candidate)
            yield row
            if not is_refused:
                return

    def _verify(self, operator: operator_client.OperatorClient,
                candidate: _Candidate) -> Tuple[base.Row, bool]:
        """Verify a checkpoint, and wait for the end.

        A failure is added to `problems`, and no exception is raised.

        :returns: the row, and whether the verification was refused. A refused
            verification was not started.
        """
        checkpoint = candidate.checkpoint
        provider, project_id = checkpoint.provider, checkpoint.project_id
        row: base.Row = {
            'project': project_id, 'checkpoint': checkpoint.id,
            'passed_before': times.add_zone(candidate.passed_at)}
        is_refused = False
        try:
            verification_id = operator.start_verification(
                project_id, provider.id, checkpoint.id)
            row['verification'] = verification_id
            settings = provider.settings
            verification = provider.poller.wait_for(
                lambda: operator.find_ended_verification(
                    project_id, verification_id),
                provider.poller.deadline(
                    settings.ready_timeout + settings.restore_timeout
                    + settings.delete_timeout + timeouts.VERIFICATION_SLACK),
                'verification %s has not ended. Look at the log of the '
                'protection service' % verification_id)
        except errors.KarborTroveError as error:
            has_passed, reason = False, str(error)
            is_refused = 'verification' not in row and isinstance(
                error, (errors.NotFound, errors.Rejected))
        else:
            has_passed = verification.status == (
                constants.VERIFICATION_STATUS_SUCCESS)
            reason = verification.reason
        if not has_passed:
            self.problems.append('checkpoint %s of project %s was not '
                                 'verified: %s' % (checkpoint.id, project_id,
                                                   reason))
        return {**row, 'result': 'passed' if has_passed else 'failed',
                'reason': reason}, is_refused


def _read_databases(checkpoints: Iterable[_Checkpoint]
                    ) -> Dict[_DatabaseKey, _Database]:
    """Return the test restores of each database of the checkpoints."""
    databases: Dict[_DatabaseKey, _Database] = {}
    # The newest checkpoint is last.
    for checkpoint in sorted(
            checkpoints, key=lambda checkpoint: checkpoint.points[0].time):
        results = [_find_result(point) for point in checkpoint.points]
        last = max(result.verified_at if result else '' for result in results)
        for point, result in zip(checkpoint.points, results):
            database = databases.setdefault(
                (checkpoint.project_id, point.instance_id), _Database())
            tested_at = result.verified_at if result else ''
            if not point.problem:
                database.newest = checkpoint
                # If a preflight check finds a problem of one database, no
                # database of the checkpoint is tested, and only this one has
                # a result. The attempt counts for the others too. Otherwise
                # the checkpoints of this plan would be chosen every time.
                tested_at = last
            database.tested_at = max(database.tested_at, tested_at)
            if result and result.passed:
                database.passed_at = max(database.passed_at,
                                         result.verified_at)
    return databases


def _find_result(point: restore_points.RestorePoint
                 ) -> Optional[verification_results.VerificationResult]:
    return next((result for result in point.results or ()
                 if result.level == _LEVEL), None)


def _list_candidates(databases: Dict[_DatabaseKey, _Database]
                     ) -> List[_Candidate]:
    """Return the newest checkpoint of each database, in order.

    The order is:

    1. Databases without a result of a test restore, in random order.
    2. The other databases. The database whose last test restore is oldest is
       first, no matter whether the test restore passed. If the databases that
       failed were first, they could keep the others from being tested.

    If a checkpoint has several databases, it is in the list once, at the place
    of its first database.
    """
    # The result is deleted with its checkpoint. If the order were the same
    # every time, and checkpoints were deleted early, the same databases would
    # always be first.
    keys = random.sample(list(databases), len(databases))
    candidates = []
    included: Set[_DatabaseKey] = set()
    for key in sorted(keys, key=lambda key: databases[key].tested_at):
        checkpoint = databases[key].newest
        if checkpoint is not None and key not in included:
            of_checkpoint = checkpoint.list_restorable()
            included.update(of_checkpoint)
            candidates.append(_Candidate(checkpoint, min(
                databases[key].passed_at for key in of_checkpoint) or None))
    return candidates
