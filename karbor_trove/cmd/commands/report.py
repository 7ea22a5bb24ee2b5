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

"""What each database instance can be restored from, and how sure that is."""

import argparse
import datetime
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional
from typing import Sequence, Tuple

from karbor.common import constants

from karbor_trove.backups import chain
from karbor_trove.bank import verification_results
from karbor_trove.cmd import clients
from karbor_trove.cmd.commands import base
from karbor_trove.cmd import files
from karbor_trove.cmd import prometheus
from karbor_trove.cmd import providers
from karbor_trove.cmd import restore_points
from karbor_trove import errors
from karbor_trove import polling
from karbor_trove import timeouts
from karbor_trove.trove import models

Row = Dict[str, Any]
COLUMNS = ('project', 'instance', 'name', 'checkpoint', 'made', 'age',
           'chain', 'size', 'verified', 'verified_checkpoint', 'level',
           'result', 'recovery', 'note')
#: What Trove has, and its time then.
_Backups = Tuple[chain.Backups, Optional[datetime.datetime]]
_Instances = Dict[str, models.Instance]


class Report:
    """One look at all banks and at Trove."""

    def __init__(self, loaded: List[providers.Provider], cloud: clients.Cloud,
                 project: Optional[str] = None) -> None:
        """Look: at the banks first, then at one project after another.

        :param project: of this one only; None: of each that a bank knows a
            checkpoint of.
        :raises errors.TroveError: Trove is away.
        """
        self._cloud = cloud
        self._interval = loaded[0].settings.poll_interval
        # One for all: who comes later looks once.
        self._away = polling.Deadline(timeouts.OUTAGE, polling.SYSTEM_CLOCK)
        self._holdings = restore_points.Holdings(loaded, project)
        self._complaints = list(self._holdings.complaints)
        everywhere = self._everywhere() if project is None else None
        self.rows = [
            row for one in ([project] if project else
                            sorted(self._holdings.projects))
            for row in self._of_project(one, everywhere)]

    @property
    def complaint(self) -> Optional[str]:
        """Tell what could not be looked at; None: all could."""
        return '; '.join(self._complaints) or None

    def _look(self, look: Callable[[], Any]) -> Any:
        return polling.wait_for(look, self._away, self._interval,
                                'Trove is away')

    def _everywhere(self) -> Optional[_Backups]:
        """List the backups of all projects; None: only each can be asked."""
        try:
            gateway = self._cloud.gateway()
            backups = self._look(lambda: gateway.list_backups(all_projects=True))
        except errors.Rejected:
            return None
        return backups, gateway.now

    def _of_project(self, project: str,
                    everywhere: Optional[_Backups]) -> Iterator[Row]:
        backups = everywhere
        instances: Optional[_Instances] = None
        try:
            gateway = self._cloud.gateway(project)
            if backups is None:
                backups = self._look(gateway.list_backups), gateway.now
            instances = {
                instance.id: instance for instance in self._look(
                    gateway.list_instances) if not instance.is_being_deleted
                and not instance.is_temporary}
        except errors.KarborTroveError as error:
            # A project that has deleted checkpoints only may be gone itself.
            if (self._holdings.projects.get(project, True)
                    or not isinstance(error, errors.Rejected)):
                self._complaints.append('project %s: %s' % (project, error))
        if backups is None:
            return
        held = self._holdings.held.get(project, {})
        names = {**{id_: _name(of) for id_, of in held.items()},
                 **{id_: instance.name
                    for id_, instance in (instances or {}).items()}}
        for id_, name in sorted(names.items(),
                                key=lambda item: (item[1] or '', item[0])):
            exists = None if instances is None else id_ in instances
            yield {'project': project, 'instance': id_, 'name': name,
                   'exists': exists,
                   **standing(held.get(id_, []), *backups,
                              self._holdings.torn.get(id_, []),
                              exists)}


def _name(held: List[restore_points.Held]) -> Optional[str]:
    names = [one.record.instance.name
             for one in sorted(held, key=lambda one: one.time, reverse=True)
             if one.record and one.record.instance.name]
    return names[0] if names else None


def standing(held: List[restore_points.Held], backups: chain.Backups,
             now: Optional[datetime.datetime], torn: List[str],
             exists: Optional[bool]) -> Row:
    """Tell what an instance can be restored from, and what was verified.

    :param held: all that the banks hold of it.
    :param backups: Trove's, of its project at least.
    :param now: Trove's time; None: it did not tell.
    :param torn: checkpoints that may hold it, and cannot be read.
    :param exists: whether Trove has it; None: nobody knows.
    """
    problems = {one.checkpoint.id: _problem(one, backups) for one in held}
    notes = [] if exists else [
        'deleted in Trove' if exists is False
        else 'nobody knows whether Trove still has it']
    good = [one for one in held if problems[one.checkpoint.id] is None]
    row: Row = {}
    since = 0
    if good:
        best = max(good, key=lambda one: _newness(one, backups))
        since = best.time
        row = _point(best, backups, now)
    bad = [one for one in held
           if problems[one.checkpoint.id] and one.time >= since]
    if bad:
        newest = max(bad, key=lambda one: one.time)
        notes.append('checkpoint %s cannot be restored: %s' % (
            newest.checkpoint.id, problems[newest.checkpoint.id]))
    notes.extend('checkpoint %s cannot be read' % one for one in torn)
    if not held and not torn:
        notes.append('no checkpoint covers it')
    row.update(_proof(held, notes))
    return {**row, 'note': '; '.join(notes) or None}


def _problem(
        one: restore_points.Held,
        backups: chain.Backups) -> Optional[str]:
    """Say why nothing can be restored from a checkpoint; None: it can."""
    if one.problem or one.record is None:
        return one.problem
    id_ = str(one.record.backup_id)
    if chain.list_chain(backups, id_):
        return None
    # It may have been deleted between the two looks.
    now = one.checkpoint.provider.checkpoint(one.checkpoint.id)
    if now and now.status != constants.CHECKPOINT_STATUS_AVAILABLE:
        return 'it is %s' % (now.status or 'torn')
    if id_ not in backups:
        return 'backup %s is gone' % id_
    if not backups[id_].is_complete:
        return 'backup %s is %s' % (id_, backups[id_].status)
    return 'what backup %s hangs on is gone or not complete' % id_


def _newness(one: restore_points.Held,
             backups: chain.Backups) -> Tuple[Any, ...]:
    backup = backups[str(one.record and one.record.backup_id)]
    # Of two of the same second, the one that hangs on the other is newer.
    return (backup.created is not None, backup.created,
            len(chain.list_chain(backups, backup.id)))


def _point(one: restore_points.Held, backups: chain.Backups,
           now: Optional[datetime.datetime]) -> Row:
    backup = backups[str(one.record and one.record.backup_id)]
    return {'checkpoint': one.checkpoint.id, 'made': backup.created,
            'age': now - backup.created if now and backup.created else None,
            'chain': len(chain.list_chain(backups, backup.id)),
            'size': backup.size}


def _proof(held: List[restore_points.Held], notes: List[str]) -> Row:
    """Tell what was verified last, over all checkpoints of an instance.

    A failure must not be hidden by an earlier success of another checkpoint,
    nor by a success of another level.

    :param notes: gets what failed.
    """
    if any(one.results is None for one in held):
        notes.append('what was verified of it cannot be read')
        return {}
    # The newest first.
    found = sorted(((result, one.checkpoint.id) for one in held
                    for result in one.results or ()), reverse=True,
                   key=lambda item: item[0].verified_at)
    levels: Dict[str, verification_results.VerificationResult] = {}
    for result, id_ in found:
        if result.level not in levels:
            levels[result.level] = result
            if not result.passed:
                notes.append('verification of level %s failed for checkpoint '
                             '%s: %s' % (result.level, id_,
                                         result.reason.partition('\n')[0]))
    if not found:
        return {}
    last, id_ = found[0]
    measured = [result.recovery_seconds for result, _ in found
                if result.recovery_seconds is not None]
    return {'verified': restore_points.moment(last), 'verified_checkpoint': id_,
            'level': last.level, 'levels': levels,
            'result': 'passed' if last.passed else 'failed',
            'recovery': datetime.timedelta(
                seconds=measured[0]) if measured else None}


class ShowReport(base.Lister):
    """Show from what each database instance can be restored.

    Each row has the newest restore point of an instance, the last
    verification and the measured recovery time. Instances that no checkpoint
    covers have a row, too.
    """

    COLUMNS = COLUMNS

    @property
    def formatter_namespace(self) -> str:
        """Return the entry points of cliff's formatters and of our own."""
        return 'karbor_trove.report_formatter'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('--project', metavar='ID',
                            help='Only of this project')
        parser.add_argument(
            '--output', metavar='FILE',
            help='Write to this file instead of to standard output. Readers '
                 'of the file see the previous content or the whole new one')
        return parser

    def list_rows(self, parsed_args: argparse.Namespace,
                  loaded: List[providers.Provider]) -> List[Row]:
        report = Report(loaded, clients.Cloud(), parsed_args.project)
        self.problems += [report.complaint] if report.complaint else []
        return report.rows

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> Tuple[Sequence[str], Iterable[Any]]:
        rows = self.list_rows(parsed_args, providers.load())
        if parsed_args.formatter == prometheus.FORMAT:
            parsed_args.columns = parsed_args.sort_columns = []
            return ('name', 'description', 'samples'), (
                prometheus.build_metrics(rows, complete=not self.problems))
        return COLUMNS, [tuple(_cell(row.get(name)) for name in COLUMNS)
                         for row in rows]

    def produce_output(self, parsed_args: argparse.Namespace,
                       column_names: Sequence[str], data: Iterable[Any]
                       ) -> int:
        """Print the report, or replace the content of a file with it."""
        if parsed_args.output is None:
            return super().produce_output(parsed_args, column_names, data)
        with files.replaced(parsed_args.output) as self.app.stdout:
            return super().produce_output(parsed_args, column_names, data)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return base.Duration(value)
    return value


COMMANDS = {'report': ShowReport}
