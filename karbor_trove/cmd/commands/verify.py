# SPDX-License-Identifier: Apache-2.0

"""`verify`: verification of the checkpoints whose test restore is oldest."""

import argparse
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from karbor.common import constants

from karbor_trove.cmd.commands import base
from karbor_trove.cmd import operator_client
from karbor_trove.cmd import progress
from karbor_trove.cmd import providers
from karbor_trove.cmd import restore_points
from karbor_trove import errors
from karbor_trove import timeouts
from karbor_trove import times

_LEVEL = 'restore'


class _Candidate(NamedTuple):
    """A checkpoint that can be verified at level "restore"."""

    checkpoint: providers.Checkpoint
    #: The provider whose options the verification uses.
    provider: providers.Provider
    #: When the databases passed their last verifications at level restore, in
    #: UTC and in ISO format. If the times differ, this is the earliest one.
    #: None if a database has no such verification, or has failed the last one.
    passed_at: Optional[str]
    #: When the last verification of any of the databases at level restore
    #: ended, in UTC and in ISO format. None if no database has such a
    #: verification.
    tried_at: Optional[str]

    @property
    def order(self) -> Tuple[str, str, int]:
        """Return the sort key. The candidate with the lowest key is first.

        Only verifications at level "restore" count. The order is:

        1. Checkpoints that were never verified. The newest checkpoint is
           first.
        2. Checkpoints of which only some databases were verified, or of which
           a database failed its last verification. The checkpoint whose last
           verification is oldest is first.
        3. Checkpoints whose databases all passed their last verifications. The
           checkpoint with the oldest of these verifications is first.
        """
        index = self.checkpoint.index or {}
        return (self.passed_at or '', self.tried_at or '',
                -int(index.get('timestamp') or 0))


class CheckpointVerification(base.Action):
    """Carries out the command "verify".

    The command chooses the checkpoints whose last test restore is oldest, and
    verifies them.
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
        candidates = self._list_candidates(usable)
        chosen = sorted(candidates, key=lambda candidate: candidate.order)[
            :parsed_args.oldest_unverified]
        for candidate in progress.track(chosen, 'Verifying checkpoints',
                                        is_slow=True):
            yield self._verify(operator, candidate)

    def _list_candidates(self, usable: List[providers.Provider]
                         ) -> List[_Candidate]:
        candidates: Dict[str, _Candidate] = {}
        for provider in usable:
            points = restore_points.RestorePoints([provider])
            self.problems += points.problems
            by_checkpoint: Dict[str, List[restore_points.RestorePoint]] = {}
            for project_id in points.projects:
                points_by_instance = points.list_by_instance(project_id)
                for of_instance in points_by_instance.values():
                    for point in of_instance:
                        if not point.problem:
                            by_checkpoint.setdefault(
                                point.checkpoint.id, []).append(point)
            for id_, of_checkpoint in by_checkpoint.items():
                candidate = _build_candidate(provider, of_checkpoint)
                index = candidate.checkpoint.index or {}
                # If several providers use one bank, the provider that created
                # the checkpoint has precedence.
                if id_ not in candidates or (
                        index.get('provider_id') == provider.id):
                    candidates[id_] = candidate
        return list(candidates.values())

    def _verify(self, operator: operator_client.OperatorClient,
                candidate: _Candidate) -> base.Row:
        """Verify a checkpoint, wait for the end, and return the row.

        A failure is added to `problems`, and no exception is raised.
        """
        checkpoint, provider = candidate.checkpoint, candidate.provider
        project_id = str((checkpoint.index or {}).get('project_id'))
        row: base.Row = {
            'project': project_id, 'checkpoint': checkpoint.id,
            'passed_before': times.add_zone(candidate.passed_at)}
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
        else:
            has_passed = verification.status == (
                constants.VERIFICATION_STATUS_SUCCESS)
            reason = verification.reason
        if not has_passed:
            self.problems.append('checkpoint %s of project %s was not '
                                 'verified: %s' % (checkpoint.id, project_id,
                                                   reason))
        return {**row, 'result': 'passed' if has_passed else 'failed',
                'reason': reason}


def _build_candidate(provider: providers.Provider,
                     points: List[restore_points.RestorePoint]
                     ) -> _Candidate:
    passed, tried = [], []
    for point in points:
        result = next((result for result in point.results or ()
                       if result.level == _LEVEL), None)
        passed.append(result.verified_at if result and result.passed else '')
        tried.append(result.verified_at if result else '')
    return _Candidate(points[0].checkpoint, provider, min(passed) or None,
                      max(tried) or None)
