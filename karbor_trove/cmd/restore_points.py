# SPDX-License-Identifier: Apache-2.0

"""Restore points: checkpoints from which an instance may be restored."""

import dataclasses
from typing import Dict, Iterable, List, Optional, Tuple

from karbor.common import constants

from karbor_trove.bank import layout
from karbor_trove.bank import omissions
from karbor_trove.bank import record as backup_record
from karbor_trove.bank import storage
from karbor_trove.bank import verification_results
from karbor_trove.cmd import providers
from karbor_trove import errors
from karbor_trove import ids


@dataclasses.dataclass(frozen=True)
class RestorePoint:
    """What a bank stores about one instance in one checkpoint.

    There is no such object for a deleted checkpoint. If the bank shows that
    the instance cannot be restored from the checkpoint, `problem` says why.
    """

    checkpoint: providers.Checkpoint
    instance_id: str
    #: None if there is no record, or if the record cannot be read.
    record: Optional[backup_record.BackupRecord]
    #: Why the instance cannot be restored, as far as the bank shows this.
    #: Empty if the record has a backup and the checkpoint is available.
    problem: str
    #: The results of verifications. None if the results cannot be read.
    results: Optional[List[verification_results.VerificationResult]]
    #: Why the checkpoint left the instance out. None if the checkpoint did not
    #: leave the instance out.
    left_out_reason: Optional[str] = None

    @property
    def time(self) -> int:
        """Return when Karbor started the checkpoint: seconds since 1970.

        0 if this is not known.
        """
        return int((self.checkpoint.index or {}).get('timestamp') or 0)


class RestorePoints:
    """The restore points of all instances in all banks.

    There is one RestorePoint for each instance in each checkpoint. The
    constructor reads the banks. Later changes of the banks are not seen.
    """

    def __init__(self, all_providers: Iterable[providers.Provider],
                 project_id: Optional[str] = None) -> None:
        """Read each checkpoint that may have a backup, in all banks.

        The backup records and the results of verifications are read as well.

        :param project_id: the id of the project whose checkpoints are used.
            None for all projects.
        """
        self._project_id = project_id
        #: Whether a project has a checkpoint that is not deleted, by the id
        #: of the project.
        self.projects: Dict[str, bool] = {}
        self._points: Dict[Tuple[str, str], List[RestorePoint]] = {}
        #: The ids of corrupt checkpoints that may hold an instance, by the
        #: id of the instance.
        self.corrupt: Dict[str, List[str]] = {}
        #: What could not be read, one sentence each.
        self.problems: List[str] = []
        for provider in providers.list_one_per_bank(list(all_providers)):
            for checkpoint in provider.list_living_checkpoints():
                if checkpoint.index is None:
                    self._read_corrupt(checkpoint)
                else:
                    self._read(checkpoint,
                               str(checkpoint.index.get('project_id')))

    def list_by_instance(self,
                         project_id: str) -> Dict[str, List[RestorePoint]]:
        """Return the restore points of all instances in a project.

        :returns: the restore points of each instance, by the instance's id.
        """
        return {instance_id: points for (project, instance_id), points
                in self._points.items() if project == project_id}

    def _read(self, checkpoint: providers.Checkpoint,
              project_id: str) -> None:
        if self._project_id not in (None, project_id):
            return
        self.projects[project_id] = (
            not checkpoint.is_deleted or self.projects.get(project_id, False))
        # Karbor keeps the description of a deleted checkpoint. The resources
        # of such a checkpoint have no restore points. So these resources are
        # not read, and a corrupt resource graph cannot make the report fail.
        resources = ([] if checkpoint.is_deleted
                     else checkpoint.list_resources())
        for type_, resource_id in resources:
            if type_ == constants.DATABASE_RESOURCE_TYPE:
                self._points.setdefault((project_id, resource_id), []).append(
                    self._read_point(checkpoint, resource_id))

    def _read_corrupt(self, checkpoint: providers.Checkpoint) -> None:
        self.problems.append('checkpoint %s is not included: its index in the '
                             'bank is corrupt' % checkpoint.id)
        for instance_id in {
                key[len(layout.RESOURCE_DATA):].partition('/')[0]
                for key in storage.list_keys(checkpoint.section)
                if key.startswith(layout.RESOURCE_DATA)}:
            self.corrupt.setdefault(instance_id, []).append(checkpoint.id)

    def _read_point(self, checkpoint: providers.Checkpoint,
                    instance_id: str) -> RestorePoint:
        record = results = left_out_reason = None
        problem = ''
        try:
            section = checkpoint.get_resource_section(
                ids.check_uuid(instance_id, 'database instance'))
        except errors.Rejected as error:
            self._report(checkpoint, instance_id, error)
            return RestorePoint(checkpoint, instance_id, None, str(error), [])
        try:
            record = backup_record.read(section, instance_id)
            omission = (omissions.read(section, instance_id)
                        if record is None else None)
            if omission is not None:
                left_out_reason = omission.reason
                problem = 'it left the instance out: %s' % left_out_reason
        except errors.Rejected as error:
            problem = str(error)
            self._report(checkpoint, instance_id, error)
        if record is None or not record.backup_id:
            problem = problem or 'it holds no backup'
        if checkpoint.status != constants.CHECKPOINT_STATUS_AVAILABLE:
            problem = 'it is %s' % checkpoint.status
        try:
            results = verification_results.read_all(section)
        except errors.Rejected as error:
            self._report(checkpoint, instance_id, error)
        return RestorePoint(checkpoint, instance_id, record, problem, results,
                            left_out_reason)

    def _report(self, checkpoint: providers.Checkpoint, instance_id: str,
                error: errors.Rejected) -> None:
        self.problems.append('checkpoint %s, instance %s: %s'
                             % (checkpoint.id, instance_id, error))
