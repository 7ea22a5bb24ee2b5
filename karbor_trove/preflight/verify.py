# SPDX-License-Identifier: Apache-2.0

"""Preflight checks of verifications at level `restore`."""

import dataclasses
from typing import Callable, Dict, Iterable, Iterator, Mapping, Sequence

from karbor_trove.bank import record
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import options
from karbor_trove.parameters import parsing
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import restore
from karbor_trove import timeouts
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models


@dataclasses.dataclass(frozen=True)
class Preparation:
    """The results of the preflight checks of a verification."""

    #: By the id of the original instance.
    problems: preflight_problems.Problems = dataclasses.field(
        default_factory=dict)
    #: What could not be checked, one sentence each.
    unchecked: Sequence[str] = ()


def check_verify(sections: Mapping[str, karbor_types.BankSection],
                 checkpoint_id: str, verification_id: str,
                 connect: Callable[[], trove_client.TroveClient],
                 project_id: str, settings: options.Settings,
                 poller: polling.Poller) -> Preparation:
    """Check whether the test restores of a checkpoint can succeed.

    :param sections: the sections of all instances of the checkpoint, by the
        id of the instance. Quotas are checked for all of them together.
    :raises errors.KarborTroveError: Trove or the bank did not respond as
        expected.
    """
    problems: preflight_problems.Problems = {}
    records: Dict[str, record.BackupRecord] = {}
    requests: Dict[str, models.InstanceRequest] = {}
    for instance_id, section in sections.items():
        try:
            backup_record = record.read_backup(section, instance_id)
            requests[instance_id] = parsing.build_temporary_instance_request(
                backup_record.instance, backup_record.backup_id,
                checkpoint_id, verification_id, settings.verify_flavor_id,
                settings.verify_net_id)
            records[instance_id] = backup_record
        except errors.Rejected as error:
            problems[instance_id] = str(error).split('\n')
    # The limit of the operator comes first. It needs no request to Trove.
    problems = problems or preflight_problems.group_common(
        {instance_id: [] for instance_id in requests},
        _check_volumes(requests.values(), settings))
    if problems:
        return Preparation(problems)
    client = connect()
    catalog = trove_catalog.Catalog(client, project_id)

    def check() -> preflight_problems.Problems:
        backups = client.list_backups()
        return restore.check_restore(
            [restore.RestoreCandidate(request, backups,
                                      records[instance_id].backup_size)
             for instance_id, request in requests.items()], catalog)

    problems = poller.wait_for(
        check, poller.deadline(timeouts.PREFLIGHT_VERIFY),
        'the test restores could not be checked before they start')
    return Preparation(
        {instance_id: [_adapt_advice(sentence) for sentence in sentences]
         for instance_id, sentences in problems.items()},
        () if catalog.get_quotas() is not None else (
            'restore: quotas were not checked, because Trove does not show '
            'them',))


def _check_volumes(requests: Iterable[models.InstanceRequest],
                   settings: options.Settings) -> Iterator[str]:
    limit = settings.verify_max_volumes
    need = sum(request.volume_size or 0 for request in requests)
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
