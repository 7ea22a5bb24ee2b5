# SPDX-License-Identifier: Apache-2.0

"""Preflight checks of verifications at level `restore`."""

import dataclasses
from typing import Callable, Iterator, List, Mapping, Sequence, Tuple

from karbor_trove.bank import record
from karbor_trove import karbor_types
from karbor_trove import options
from karbor_trove.parameters import parsing
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import restore
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models


def build_request(backup_record: record.BackupRecord, checkpoint_id: str,
                  verification_id: str, settings: options.Settings
                  ) -> models.InstanceRequest:
    """Return the request for the temporary instance of a test restore.

    The request has the recorded values of the original instance, except for
    the operator's options. The temporary instance is not public and does not
    get the address of the original instance.

    :raises errors.Rejected: see parsing.parse_restore().
    """
    request = parsing.parse_restore({}, backup_record.instance,
                                    backup_record.backup_id, checkpoint_id)
    return dataclasses.replace(
        request,
        name=models.temporary_instance_name(verification_id,
                                            request.original_id),
        flavor_id=settings.verify_flavor_id or request.flavor_id,
        net_id=settings.verify_net_id or request.net_id,
        is_public=None,
        allowed_cidrs=())


def check_verify(sections: Mapping[str, karbor_types.BankSection],
                 checkpoint_id: str, verification_id: str,
                 connect: Callable[[], trove_client.TroveClient],
                 project_id: str, settings: options.Settings,
                 poller: polling.Poller
                 ) -> Tuple[preflight_problems.Problems, List[str]]:
    """Check whether the test restores of a checkpoint can succeed.

    :param sections: see restore.build_candidates().
    :returns: see restore.check_restore().
    :raises errors.KarborTroveError: Trove or the bank did not respond as
        expected.
    """
    problems, candidates = restore.build_candidates(
        sections, lambda _, backup_record: build_request(
            backup_record, checkpoint_id, verification_id, settings))
    # The limit of the operator comes first. It needs no request to Trove.
    problems = preflight_problems.group_common(
        problems, _check_volumes(candidates, settings))
    if problems:
        return problems, []
    problems, unchecked = restore.check_restore(candidates, connect(),
                                                project_id, poller)
    return ({original_id: [_adapt_advice(sentence) for sentence in sentences]
             for original_id, sentences in problems.items()},
            ['restore: %s' % sentence for sentence in unchecked])


def _check_volumes(candidates: Sequence[restore.RestoreCandidate],
                   settings: options.Settings) -> Iterator[str]:
    limit = settings.verify_max_volumes
    need = sum(candidate.request.volume_size or 0 for candidate in candidates)
    if limit is not None and need > limit:
        yield ('the test restores of this verification need %d GB of volumes '
               'together, and verify_max_volumes in the provider file is %d'
               % (need, limit))


def _adapt_advice(sentence: str) -> str:
    """Replace the advice for a restore with that for a verification."""
    # Users cannot pass parameters to a verification. The operator can set
    # options in the provider file.
    return sentence.replace(
        'pass restore_flavor_id',
        'the provider file may set verify_flavor_id').replace(
            ': pass ', ': a restore has to pass ')
