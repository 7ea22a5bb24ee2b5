# SPDX-License-Identifier: Apache-2.0

"""`report`: from what each database instance can be restored."""

import argparse
import contextlib
import datetime
import functools
import os
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple
from typing import Optional, Sequence, TextIO, Tuple, TypeVar

from karbor_trove.backups import chain
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import instance_reports
from karbor_trove.cmd import progress
from karbor_trove.cmd import prometheus
from karbor_trove.cmd import providers
from karbor_trove.cmd import restore_points
from karbor_trove import errors
from karbor_trove import timeouts
from karbor_trove.trove import client as trove_client
from karbor_trove.trove import models
from karbor_trove.trove import swift

T = TypeVar('T')


class _BackupList(NamedTuple):
    """The backups in Trove, of one project or of all."""

    backups: chain.Backups
    #: Trove's time when it listed them. None if Trove returned no time.
    time: Optional[datetime.datetime]


class Report:
    """The report on all instances at the time of creation."""

    def __init__(self, all_providers: List[providers.Provider],
                 project_clients: clients.ProjectClients,
                 project_id: Optional[str] = None) -> None:
        """Read the banks, then Trove, one project after another.

        :param project_id: only of this project. None for each project of
            which a bank has a checkpoint.
        :raises errors.KarborTroveError: a bank or Trove is unavailable.
        """
        self._clients = project_clients
        self._poller = all_providers[0].poller
        self._trove_is_unavailable = False
        self._swift_is_unavailable = False
        # Whether Swift lacks the object of a backup, by its id.
        self._is_lost: Dict[str, bool] = {}
        self._project_id = project_id
        self._points = restore_points.RestorePoints(all_providers, project_id)
        #: What could not be read, a sentence each.
        self.problems = list(self._points.problems)
        self.instances: List[instance_reports.InstanceReport] = []
        if project_id is None:
            backups = self._list_all_backups()
            for id_ in progress.track(sorted(self._points.projects),
                                      'Reading the instances of projects'):
                self._report_project(id_, backups)
        else:
            self._report_project(project_id, None)

    def _wait_for(self, request: Callable[[], T]) -> T:
        """Send a request and wait for Trove, but only once in a report."""
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

        None if Karbor's user is not allowed to list them.
        """
        try:
            client = self._clients.get()
            backups = self._wait_for(
                lambda: client.list_backups(all_projects=True))
        except errors.Rejected as error:
            # Without a project the report would be empty without a reason.
            if not any(self._points.projects.values()):
                self.problems.append(str(error))
            return None
        return _BackupList(backups, client.now)

    def _report_project(self, project_id: str,
                        backups: Optional[_BackupList]) -> None:
        """Add the reports on the instances of a project.

        :param backups: None to list the backups of this project here.
        """
        instances: Optional[Dict[str, models.Instance]] = None
        client: Optional[trove_client.TroveClient] = None
        try:
            client = self._clients.get(project_id)
            if backups is None:
                backups = _BackupList(self._wait_for(client.list_backups),
                                      client.now)
            instances = {
                instance.id: instance
                for instance in self._wait_for(client.list_instances)
                if not instance.is_temporary}
        except errors.KarborTroveError as error:
            # A project of which all checkpoints are deleted may be deleted
            # itself. Then Keystone gives no token for it.
            if not (isinstance(error, errors.Rejected) and client is None
                    and self._may_be_deleted(project_id)):
                self.problems.append('project %s: %s' % (project_id, error))
        if backups is None:
            return
        points = self._points.by_instance(project_id)
        names = {id_: _find_name(of_instance)
                 for id_, of_instance in points.items()}
        names.update((id_, instance.name)
                     for id_, instance in (instances or {}).items())
        for id_, name in sorted(names.items(),
                                key=lambda item: (item[1] or '', item[0])):
            self.instances.append(instance_reports.build_report(
                instance_reports.InstanceReport(
                    project_id, id_, name,
                    None if instances is None else id_ in instances),
                points.get(id_, []), *backups,
                self._points.corrupt.get(id_, []),
                functools.partial(self._find_lost, project_id)))

    def _find_lost(self, project_id: str, point: restore_points.RestorePoint,
                   links: List[models.Backup]) -> Optional[str]:
        """Return the id of a backup whose object Swift lacks, or None.

        Objects that Karbor's user cannot read are not checked.

        :param links: the chain of the restore point.
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
            # One request is enough, or else each backup would wait for it.
            self._swift_is_unavailable = True
            self.problems.append(
                'the objects of the backups were not checked: %s' % error)
        return False

    def _may_be_deleted(self, project_id: str) -> bool:
        """Return True if Keystone may not have a project any more.

        The project that the operator has chosen has to exist.
        """
        return self._project_id is None and not self._points.projects.get(
            project_id, True)


def _find_name(points: List[restore_points.RestorePoint]) -> Optional[str]:
    """Return the newest recorded name. None if none is recorded."""
    return next((point.record.instance.name for point in sorted(
        points, key=lambda point: point.time, reverse=True)
        if point.record and point.record.instance.name), None)


class ShowReport(base.Lister):
    """Show from what each database instance can be restored.

    Each row has the newest checkpoint that can be restored, the last
    verification and the recovery time. Instances that no checkpoint covers
    are listed, too.
    """

    COLUMNS = ('project', 'instance', 'name', 'checkpoint', 'made', 'age',
               'chain', 'size', 'verified', 'verified_checkpoint', 'level',
               'result', 'recovery', 'note')

    @property
    def formatter_namespace(self) -> str:
        """Return the entry points of cliff's formats and of prometheus."""
        return 'karbor_trove.report_formatter'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('--project', metavar='ID',
                            help='Only of this project')
        parser.add_argument(
            '--output', metavar='FILE',
            help='Write to this file instead of to standard output. A reader '
                 'of the file sees the previous content or the whole new one')
        return parser

    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> List[base.Row]:
        report = Report(all_providers, clients.ProjectClients(),
                        parsed_args.project)
        self.problems += report.problems
        self._instances = report.instances
        return [{name: _to_cell(getattr(instance, name))
                 for name in self.COLUMNS} for instance in report.instances]

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> Tuple[Sequence[str], Iterable[Any]]:
        """Return the rows, or the metrics if the format is prometheus."""
        columns_and_rows = super().take_action(parsed_args)
        if parsed_args.formatter != prometheus.FORMAT:
            return columns_and_rows
        # Metrics have no columns that could be chosen or sorted by.
        parsed_args.columns = parsed_args.sort_columns = []
        return prometheus.Metric._fields, prometheus.build_metrics(
            self._instances, is_complete=not self.problems)

    def produce_output(self, parsed_args: argparse.Namespace,
                       column_names: Sequence[str], data: Iterable[Any]
                       ) -> int:
        """Write the report to standard output or to a file."""
        if parsed_args.output is None:
            return super().produce_output(parsed_args, column_names, data)
        with _replace_file(parsed_args.output) as file:
            self.app.stdout = file
            return super().produce_output(parsed_args, column_names, data)


COMMANDS = {'report': ShowReport}


def _to_cell(value: object) -> object:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return base.Duration(value)
    return value


@contextlib.contextmanager
def _replace_file(path: str) -> Iterator[TextIO]:
    """Yield a text file that replaces the one at a path when it is complete.

    If an exception is raised, the file at the path stays as it is.
    """
    # Not of the module tempfile: only the owner may read its files. The node
    # exporter of Prometheus has a user of its own. It ignores files whose
    # names do not end in ".prom".
    temporary_path = '%s.%d.tmp' % (path, os.getpid())
    try:
        # A character that UTF-8 does not have is no reason to fail.
        with open(temporary_path, 'w', encoding='utf-8',
                  errors='backslashreplace') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary_path, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary_path)
        raise
