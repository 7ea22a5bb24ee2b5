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

"""May the test restores of a verification be made, and would they work?"""

import dataclasses
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping
from typing import Sequence

from karbor_trove.bank import record
from karbor_trove import errors
from karbor_trove import options
from karbor_trove.parameters import parsing
from karbor_trove import polling
from karbor_trove.preflight import problems as preflight_problems
from karbor_trove.preflight import restore
from karbor_trove import timeouts
from karbor_trove.trove import catalog as trove_catalog
from karbor_trove.trove import client
from karbor_trove.trove import models


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What was found out before anything is created, for a whole flow."""

    #: A sentence for each, by the original's id.
    problems: preflight_problems.Problems = dataclasses.field(
        default_factory=dict)
    #: What could not be found out, a line each.
    unchecked: Sequence[str] = ()
    #: What earlier verifications left, by the original's id.
    remaining: Dict[str, List[str]] = dataclasses.field(default_factory=dict)


def check_verify(sections: Mapping[str, Any], checkpoint_id: str,
                 verification_id: str, connect: Callable[[], client.TroveClient],
                 project_id: str, settings: options.Settings,
                 clock: polling.Clock) -> Preparation:
    """Find what stands in the way of test restores.

    :param sections: of the checkpoint in the bank, by the original's id: all
        that are restored together.
    :raises errors.TroveError: Trove or the bank could not be asked.
    """
    problems: preflight_problems.Problems = {}
    kept: Dict[str, record.BackupRecord] = {}
    requests: Dict[str, models.InstanceRequest] = {}
    for one, section in sections.items():
        try:
            kept[one] = record.read_backup(section, one)
            requests[one] = parsing.build_temporary_instance_request(
                kept[one].instance, kept[one].backup_id, checkpoint_id,
                verification_id, settings.verify_flavor_id,
                settings.verify_net_id)
        except errors.Rejected as error:
            problems[one] = str(error).split('\n')
    if problems:
        return Preparation(problems)
    too_much = list(_check_volumes(requests.values(), settings))
    if too_much:
        return Preparation({original: too_much for original in requests})
    gateway = connect()
    catalog = trove_catalog.Catalog(gateway, project_id)

    def ask() -> preflight_problems.Problems:
        backups = gateway.list_backups()
        return restore.check_restore(
            [restore.RestoreCandidate(one, backups, kept[original].backup_size)
             for original, one in requests.items()], catalog)

    problems = polling.wait_for(
        ask,
        polling.Deadline(
            timeouts.PREFLIGHT_VERIFY,
            clock),
        settings.poll_interval,
        'what the test restore needs could not be found out')
    return Preparation(
        {original: [_of_verification(one) for one in sentences]
         for original, sentences in problems.items()},
        () if catalog.get_quotas() is not None else (
            'restore: quotas were not checked before: Trove does not tell '
            'them',))


def _check_volumes(requests: Iterable[models.InstanceRequest],
                   settings: options.Settings) -> Iterator[str]:
    limit = settings.verify_max_volumes
    needed = sum(one.volume_size or 0 for one in requests)
    if limit is not None and needed > limit:
        yield ('the test restores of this verification need volumes of %d GB '
               'together, and verify_max_volumes of the provider file is %d'
               % (needed, limit))


def _of_verification(sentence: str) -> str:
    # Nobody can pass anything to a verification, but the provider file can.
    return sentence.replace(
        'pass restore_flavor_id',
        'the provider file may set verify_flavor_id').replace(
            ': pass ', ': a restore has to pass ')
