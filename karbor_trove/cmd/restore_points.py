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

"""What the banks hold of each database instance, to restore it from."""

import dataclasses
import datetime
from typing import Dict, Iterable, List, Optional, Tuple

from karbor.common import constants

from karbor_trove.bank import layout
from karbor_trove.bank import record
from karbor_trove.bank import storage
from karbor_trove.bank import verification_results
from karbor_trove.cmd import providers
from karbor_trove import errors


@dataclasses.dataclass(frozen=True)
class Held:
    """One instance in one checkpoint that was not deleted."""

    checkpoint: providers.Checkpoint
    instance_id: str
    #: None: there is none, or it cannot be read.
    record: Optional[record.BackupRecord]
    #: Why nothing can be restored from it, as far as the bank knows; None:
    #: the record has a backup.
    problem: Optional[str]
    #: None: they cannot be read.
    results: Optional[Tuple[verification_results.VerificationResult, ...]]

    @property
    def time(self) -> int:
        """Tell when Karbor began the checkpoint, in seconds since 1970."""
        index = self.checkpoint.index or {}
        return int(index.get('timestamp') or 0)


class Holdings:
    """All banks together, as they are when this is made."""

    def __init__(self, loaded: Iterable[providers.Provider],
                 project: Optional[str] = None) -> None:
        """Read every checkpoint, its records and what was verified of it.

        :param project: of this one only.
        """
        self._project = project
        #: Project -> whether it has a checkpoint that was not deleted.
        self.projects: Dict[str, bool] = {}
        #: Project -> instance -> what is held of it.
        self.held: Dict[str, Dict[str, List[Held]]] = {}
        #: Instance -> checkpoints that may hold it and cannot be read.
        self.torn: Dict[str, List[str]] = {}
        self.complaints: List[str] = []
        seen = set()
        for provider in loaded:
            for found in provider.checkpoints():
                # Two providers may have one bank.
                if found.id not in seen:
                    seen.add(found.id)
                    self._read(found)

    def _read(self, found: providers.Checkpoint) -> None:
        if found.index is None:
            self._read_torn(found)
            return
        project = str(found.index.get('project_id'))
        if self._project not in (None, project):
            return
        lives = found.status != constants.CHECKPOINT_STATUS_DELETED
        self.projects[project] = lives or self.projects.get(project, False)
        for type_, id_ in found.resources if lives else ():
            if type_ == constants.DATABASE_RESOURCE_TYPE:
                self.held.setdefault(project, {}).setdefault(id_, []).append(
                    self._held(found, id_))

    def _read_torn(self, found: providers.Checkpoint) -> None:
        self.complaints.append(
            'checkpoint %s is left out: its index in the bank is torn'
            % found.id)
        for name in storage.list_keys(found.section):
            if name.startswith(layout.RESOURCE_DATA):
                torn = self.torn.setdefault(
                    name[len(layout.RESOURCE_DATA):].partition('/')[0], [])
                torn.extend([] if found.id in torn else [found.id])

    def _held(self, found: providers.Checkpoint, id_: str) -> Held:
        section = found.section_of(id_)
        kept = problem = results = None
        try:
            kept = record.read(section)
        except errors.Rejected as error:
            problem = self._complain(found, id_, error)
        if kept is None or not kept.backup_id:
            problem = problem or 'it holds no backup'
        if found.status != constants.CHECKPOINT_STATUS_AVAILABLE:
            problem = 'it is %s' % found.status
        try:
            results = tuple(verification_results.read_all(section))
        except errors.Rejected as error:
            self._complain(found, id_, error)
        return Held(found, id_, kept, problem, results)

    def _complain(self, found: providers.Checkpoint, id_: str,
                  error: errors.Rejected) -> str:
        self.complaints.append('checkpoint %s, instance %s: %s'
                               % (found.id, id_, error))
        return str(error)


def moment(result: verification_results.VerificationResult) -> datetime.datetime:
    """Tell when a verification ended: UTC, without a zone."""
    return datetime.datetime.fromisoformat(result.verified_at).replace(tzinfo=None)
