# SPDX-License-Identifier: Apache-2.0

"""Preflight checks of restores, and of the test restores of verifications."""

import dataclasses
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from karbor_trove.bank import record
from karbor_trove import errors
from karbor_trove import karbor_types
from karbor_trove import polling
from karbor_trove.preflight import compatibility
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove import timeouts
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models


@dataclasses.dataclass(frozen=True)
class RestoreCandidate:
    """One instance that a restore is going to create."""

    request: models.InstanceRequest
    #: The size of the backup in GB when it was created. None if it was not
    #: recorded.
    recorded_size: Optional[float] = None


def build_candidates(
        sections: Mapping[str, karbor_types.BankSection],
        build_request: Callable[[str, record.BackupRecord],
                                models.InstanceRequest]
        ) -> Tuple[preflight_problems.Problems, List[RestoreCandidate]]:
    """Read the records of all instances of a restore, and build the requests.

    :param sections: the sections of the checkpoint, by the id of the original
        instance.
    :param build_request: gets such an id and the record.
    :returns: the problems, an empty list for an instance that has none, and
        the candidates without problems.
    :raises errors.BankError: a record could not be read.
    """
    problems: preflight_problems.Problems = {}
    candidates: List[RestoreCandidate] = []
    for original_id, section in sections.items():
        problems[original_id] = []
        try:
            backup_record = record.read_backup(section, original_id)
            candidates.append(RestoreCandidate(
                build_request(original_id, backup_record),
                backup_record.backup_size))
        except errors.Rejected as error:
            problems[original_id] = str(error).split('\n')
    return problems, candidates


def check_restore(candidates: Sequence[RestoreCandidate],
                  client: trove_client.TroveClient, project_id: str,
                  poller: polling.Poller
                  ) -> Tuple[preflight_problems.Problems, List[str]]:
    """Check whether all instances of a restore can be created.

    :param candidates: all instances of the restore. Quotas are checked for
        all of them together.
    :returns: the problems, and what could not be checked, one sentence each.
    :raises errors.KarborTroveError: Trove did not respond as expected.
    """
    catalog = trove_catalog.Catalog(client, project_id)
    requests = [candidate.request for candidate in candidates]

    def check() -> preflight_problems.Problems:
        backups = client.list_backups()
        problems = {
            candidate.request.original_id: [
                *compatibility.check_backup(candidate.request, backups,
                                            candidate.recorded_size),
                *compatibility.check_version(candidate.request, catalog),
                *compatibility.check_configuration(candidate.request, catalog)]
            for candidate in candidates}
        return preflight_problems.group_common(problems, [
            *compatibility.check_addresses(requests),
            *preflight_problems.check_quotas(catalog, {
                'instances': len(requests),
                'volumes': sum(request.volume_size or 0
                               for request in requests),
                'ram': sum(_get_ram(request, catalog)
                           for request in requests),
            }, 'restore')])

    problems = poller.wait_for(
        check, poller.deadline(timeouts.PREFLIGHT_RESTORE),
        'the preflight checks of the restore have no result')
    return problems, [] if catalog.get_quotas() is not None else [
        'quotas were not checked, because Trove does not return them']


def _get_ram(request: models.InstanceRequest,
             catalog: trove_catalog.Catalog) -> int:
    """Return the RAM of the requested flavor in MB. 0 if it is not known."""
    return max((catalog.list_flavors(str(request.datastore), version.id).get(
        str(request.flavor_id), 0) for version
        in compatibility.matching_versions(request, catalog)), default=0)
