# SPDX-License-Identifier: Apache-2.0

"""`report`: the checkpoints from which each instance can be restored."""

import argparse
import datetime
import functools
from typing import Callable, Dict, List, NamedTuple, Optional, TypeVar

from karbor_trove.backups import chain
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import instance_reports
from karbor_trove.cmd import metrics
from karbor_trove.cmd import progress
from karbor_trove.cmd import prometheus
from karbor_trove.cmd import providers
from karbor_trove.cmd import report_page
from karbor_trove.cmd import restore_points
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove import times
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import swift

T = TypeVar('T')


class _BackupList(NamedTuple):
    """The backups in Trove, of one project or of all projects."""

    backups: chain.Backups
    #: Trove's time when Trove listed the backups. None if Trove returned no
    #: time.
    time: Optional[datetime.datetime]


class Report:
    """The report on the instances of all projects, or of one project.

    The report is built when the object is created.
    """

    def __init__(self, all_providers: List[providers.Provider],
                 project_clients: clients.ProjectClients,
                 project_id: Optional[str] = None) -> None:
        """Build the report: read the banks first, and then Trove.

        Trove is read for one project after another. If a project cannot be
        read, the reason is added to `problems`.

        :param project_id: the id of the only project in the report. None to
            report on each project that has a checkpoint in one of the banks.
        :raises errors.KarborTroveError: a bank is unavailable. Or Trove is
            unavailable, so the backups of all projects cannot be listed.
        """
        self._clients = project_clients
        self._poller = all_providers[0].poller
        self._trove_is_unavailable = False
        self._swift_is_unavailable = False
        # Whether Swift lacks the object of a backup, by the backup's id.
        self._is_lost: Dict[str, bool] = {}
        self._project_id = project_id
        self._points = restore_points.RestorePoints(all_providers, project_id)
        #: What could not be read, one sentence each.
        self.problems = list(self._points.problems)
        self.instances: List[instance_reports.InstanceReport] = []
        if project_id is None:
            backups = self._list_all_backups()
            for id_ in progress.track(sorted(self._points.projects),
                                      'Reading the instances of projects',
                                      is_slow=True):
                self._report_project(id_, backups)
        else:
            self._report_project(project_id, None)

    def _wait_for(self, request: Callable[[], T]) -> T:
        """Return the result of a request, and wait for Trove if necessary.

        During an outage of Trove, the request is repeated for up to 60 s.
        After a longer outage, later requests are sent only once.

        :param request: a function that sends a request to Trove.
        :raises errors.DeadlineExceeded: Trove was unavailable for 60 s.
        """
        if self._trove_is_unavailable:
            return request()
        try:
            return self._poller.wait_for(
                request, self._poller.deadline(timeouts.OUTAGE),
                'Trove is unavailable')
        except errors.DeadlineExceeded:
            self._trove_is_unavailable = True
            raise

    def _list_all_backups(self) -> Optional[_BackupList]:
        """Return the backups of all projects.

        None if Karbor's user is not allowed to list these backups. In that
        case the backups of each project have to be listed.
        """
        try:
            client = self._clients.get()
            backups = self._wait_for(
                lambda: client.list_backups(all_projects=True))
        except errors.Rejected as error:
            # If no project has a checkpoint, no other message says why the
            # report is empty.
            if not any(self._points.projects.values()):
                self.problems.append(str(error))
            return None
        return _BackupList(backups, client.last_response_time)

    def _report_project(self, project_id: str,
                        backups: Optional[_BackupList]) -> None:
        """Add a report on each instance of a project to `instances`.

        :param backups: the backups of all projects. None if this method has to
            list the backups of this project.
        """
        instances: Optional[Dict[str, models.Instance]] = None
        client: Optional[trove_client.TroveClient] = None
        try:
            client = self._clients.get(project_id)
            if backups is None:
                backups = _BackupList(self._wait_for(client.list_backups),
                                      client.last_response_time)
            instances = {
                instance.id: instance
                for instance in self._wait_for(client.list_instances)
                if not instance.is_temporary}
        except errors.KarborTroveError as error:
            # A project of which all checkpoints are deleted may be deleted
            # itself. In that case Keystone gives no token for the project.
            if not (isinstance(error, errors.Rejected) and client is None
                    and self._may_be_deleted(project_id)):
                self.problems.append('project %s: %s' % (project_id, error))
        if backups is None:
            return
        points = self._points.list_by_instance(project_id)
        names = {id_: _find_name(of_instance)
                 for id_, of_instance in points.items()}
        names.update((id_, instance.name)
                     for id_, instance in (instances or {}).items())
        for id_, name in progress.track(
                sorted(names.items(),
                       key=lambda item: (item[1] or '', item[0])),
                'Checking the restore points of instances'):
            self.instances.append(instance_reports.build_report(
                instance_reports.InstanceReport(
                    project_id, id_, name,
                    None if instances is None else id_ in instances),
                points.get(id_, []), *backups,
                self._points.corrupt.get(id_, []),
                functools.partial(self._find_lost, project_id)))

    def _find_lost(self, project_id: str, point: restore_points.RestorePoint,
                   links: List[models.Backup]) -> Optional[str]:
        """Search a chain for a backup whose object is missing in Swift.

        Objects that Karbor's user cannot read are not checked.

        :param point: the restore point to which the chain belongs.
        :param links: the backups of the chain.
        :returns: the id of the backup. None if no object is missing.
        """
        for backup in links:
            if backup.id not in self._is_lost:
                self._is_lost[backup.id] = self._lacks_object(
                    project_id, point.checkpoint.provider, backup)
            if self._is_lost[backup.id]:
                return backup.id
        return None

    def _lacks_object(self, project_id: str, provider: providers.Provider,
                      backup: models.Backup) -> bool:
        if self._swift_is_unavailable or not swift.is_in_swift(
                backup.location):
            return False
        try:
            client = self._clients.get(project_id, provider.settings.swift)
            swift.get_manifest(client, str(backup.location))
        except errors.NotFound:
            return True
        except errors.Rejected:
            return False
        except errors.KarborTroveError as error:
            # After one failed request, no further request is sent to Swift.
            # Each further request could wait for Swift again.
            self._swift_is_unavailable = True
            self.problems.append(
                'the objects of the backups were not checked: %s' % error)
        return False

    def _may_be_deleted(self, project_id: str) -> bool:
        """Return True if a project may have been deleted in Keystone.

        The result is True if all checkpoints of the project are deleted. But
        if the operator has chosen the project, the result is always False.

        Keystone gives no token for a deleted project. So if the result is
        True, a missing token is not reported as a problem.
        """
        return self._project_id is None and not self._points.projects.get(
            project_id, True)


def _find_name(points: List[restore_points.RestorePoint]) -> Optional[str]:
    """Return the newest recorded name of an instance.

    :param points: one object for each checkpoint of the instance. Each
        checkpoint may have recorded a name.
    :returns: the name. None if no checkpoint has recorded a name.
    """
    return next((point.record.instance.name for point in sorted(
        points, key=lambda point: point.time, reverse=True)
        if point.record and point.record.instance.name), None)


class ReportListing(base.Action):
    """Carries out the command "report".

    The command shows from which checkpoint each instance can be restored.
    """

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        report = Report(all_providers, clients.ProjectClients(),
                        parsed_args.project)
        self.problems += report.problems
        self._instances = report.instances
        return list(map(_build_row, report.instances))

    def build_metrics(self) -> List[prometheus.Metric]:
        """Return the report as metrics for Prometheus.

        Call list_rows() first, because that method creates the report.
        """
        return metrics.build_metrics(self._instances,
                                     is_complete=not self.problems)

    def build_page(self) -> str:
        """Return the report as a page in HTML.

        Call list_rows() first, because that method creates the report.
        """
        return report_page.build_page(
            self._instances, self.problems,
            polling.SYSTEM_CLOCK.utc())


def _build_row(report: instance_reports.InstanceReport) -> base.Row:
    """Return the report on one instance as a row of the output."""
    row = {**vars(report),
           'made': _format_time(report.made),
           'verified': _format_time(report.verified),
           'age_seconds': _build_duration(report.age),
           'size_gb': base.build_size(report.size),
           'recovery_seconds': _build_duration(report.recovery)}
    for level, result in report.levels.items():
        row[level + '_verified'] = _format_time(
            instance_reports.get_verification_time(result))
        row[level + '_result'] = instance_reports.describe_result(result)
    return row


def _build_duration(time: Optional[datetime.timedelta]
                    ) -> Optional[base.Duration]:
    return None if time is None else base.Duration(time)


def _format_time(time: Optional[datetime.datetime]) -> Optional[str]:
    return None if time is None else times.format_utc(time)
