# SPDX-License-Identifier: Apache-2.0

"""Declarations of the commands: descriptions, columns and options.

The classes in commands/ carry out the commands. These classes need Karbor, and
are imported only when a command runs. So the help needs neither Karbor nor
Karbor's configuration.
"""

import argparse
import contextlib
import importlib
import os
import re
import sys
from typing import Any, Iterable, Iterator, Sequence, TextIO, Tuple, Type
from typing import TYPE_CHECKING

from cliff.formatters import table
from cliff import lister

from karbor_trove.cmd import prometheus
from karbor_trove.cmd import terminal
from karbor_trove import errors

if TYPE_CHECKING:
    from karbor_trove.cmd.commands import base
    from karbor_trove.cmd.commands import report


# The maximum number of characters in a line of a table with default columns.
_TABLE_WIDTH = 100


class TableFormatter(table.TableFormatter):
    """A table with readable titles, and with "yes" and "no" for booleans.

    For example, the column "size_gb" has the title "Size". If a value is None,
    its cell is empty.
    """

    #: The unit in the name of a column. The title does not have the unit,
    #: because each cell has it.
    _UNIT = re.compile('_(gb|seconds)$')
    _WORDS = {None: '', True: 'yes', False: 'no'}

    def emit_list(self, column_names: Sequence[str],
                  data: Iterable[Sequence[Any]], stdout: TextIO,
                  parsed_args: argparse.Namespace) -> None:
        """Write the rows in `data` as a table to `stdout`."""
        super().emit_list(
            [self._UNIT.sub('', name).replace('_', ' ').capitalize()
             for name in column_names],
            [[self._WORDS[value] if value is None or isinstance(value, bool)
              else value for value in row] for row in data],
            stdout, parsed_args)


class RowLister(lister.Lister):
    """Base class of all commands. The output of a command is a list of rows.

    The operator chooses the columns and the format, such as table or json.
    """

    #: The names of the columns, in order.
    COLUMNS: Sequence[str]
    #: The columns of a table if the operator chooses no columns. Empty if the
    #: table then has all columns.
    TABLE_COLUMNS: Sequence[str] = ()
    #: Whether the command deletes or changes something. If so, the name and
    #: the options of the command cannot be abbreviated.
    IS_CHANGE = False
    #: The class that writes the format "table".
    TABLE: Type[table.TableFormatter] = TableFormatter

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser of the command's arguments."""
        parser = super().get_parser(prog_name)
        parser.allow_abbrev = not self.IS_CHANGE
        return parser

    def check_columns(self, parsed_args: argparse.Namespace) -> None:
        """Check the columns that the operator has chosen with the option -c.

        :raises errors.Rejected: the command does not have such a column.
        """
        # cliff checks the columns after the action, and ignores an unknown
        # column if another column is known [DisplayCommandBase in 4.17]. This
        # check accepts capital letters, and spaces instead of underscores, as
        # cliff 4.17 does. cliff 3.4 does not accept them.
        unknown = [name for name in parsed_args.columns
                   if name.lower().strip().replace(' ', '_')
                   not in self.COLUMNS]
        if unknown:
            raise errors.Rejected(
                'nothing is done: there is no column %s. The columns are %s'
                % (' or '.join('"%s"' % name for name in unknown),
                   ', '.join(self.COLUMNS)))

    def produce_output(self, parsed_args: argparse.Namespace,
                       column_names: Sequence[str], data: Iterable[Any]
                       ) -> int:
        """Write the rows in the format that the operator has chosen.

        In the formats table, value and csv, this method escapes the control
        characters. The other formats escape them in their own way.

        :raises karbor_trove.cmd.terminal.ClosedPipe: the program that reads
            the output has ended.
        """
        if parsed_args.formatter in ('table', 'value', 'csv'):
            data = [tuple(map(terminal.escape, row)) for row in data]
        if parsed_args.formatter == 'table':
            self.formatter = self.TABLE()
            if self.TABLE_COLUMNS and not parsed_args.columns:
                self._choose_table_columns(parsed_args)
        try:
            return super().produce_output(parsed_args, column_names, data)
        except BrokenPipeError as error:
            raise terminal.ClosedPipe from error

    def _choose_table_columns(self, parsed_args: argparse.Namespace) -> None:
        """Choose the default columns of a table, and limit its width.

        If the operator has chosen a width, this width stays. On a terminal,
        cliff fits the table to the terminal, and this method sets no limit.
        """
        parsed_args.columns = list(self.TABLE_COLUMNS)
        # On a terminal, cliff fits the table to the terminal.
        if not (parsed_args.max_width or parsed_args.fit_width
                or sys.stdout.isatty()):
            parsed_args.max_width = _TABLE_WIDTH


class Lister(RowLister):
    """Base class of the commands of karbor-trove-manage.

    If a part of the work fails, the command does the rest. At the end, the
    command prints what has failed.
    """

    #: The name of a module in commands/, and the name of the class in this
    #: module that carries out the command.
    ACTION: Tuple[str, str]

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Read Karbor's configuration, and run the command.

        If a part of the work fails, print a message about this part.

        :returns: the exit status. 0 if everything succeeded, or else 1.
        :raises errors.Rejected: the operator has chosen a column that does not
            exist. Nothing was done.
        """
        self.check_columns(parsed_args)
        module, name = self.ACTION
        self._action: 'base.Action' = getattr(importlib.import_module(
            'karbor_trove.cmd.commands.' + module), name)()
        try:
            super().run(parsed_args)
        finally:
            for problem in dict.fromkeys(self._action.problems):
                self.app.LOG.error(problem)
        return 1 if self._action.problems else 0

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> Tuple[Sequence[str], Iterable[Any]]:
        """Carry out the command, and return its output.

        :returns: the names of the columns, and the values of each row in the
            same order.
        """
        rows = self._action.run(parsed_args,
                                self.app.options.config_file or ())
        return self.COLUMNS, [tuple(map(row.get, self.COLUMNS))
                              for row in rows]


class ListCheckpoints(Lister):
    """List the checkpoints in the banks, the oldest first.

    Deleted checkpoints are listed only with "--status deleted". With "--status
    deleted" or "--status protecting", the command reads every checkpoint that
    the banks ever had. This takes longer. Otherwise the command reads the
    checkpoints that Karbor lists or that have a backup.
    """

    COLUMNS = ('checkpoint', 'project', 'status', 'created', 'may_run',
               'provider', 'plan', 'databases', 'instances')
    TABLE_COLUMNS = 'checkpoint', 'status', 'created', 'may_run'
    ACTION = 'checkpoints', 'CheckpointListing'
    #: Karbor's statuses, and "corrupt". The commands show "corrupt" if the
    #: index of a checkpoint is corrupt.
    STATUSES = ('available', 'copying', 'corrupt', 'deleted', 'deleting',
                'error', 'error-deleting', 'finished', 'protecting',
                'wait_copying')

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('--project', metavar='ID',
                            help='Only of this project')
        parser.add_argument('--instance', metavar='ID',
                            help='Only those that have this instance')
        parser.add_argument(
            '--status', choices=self.STATUSES, metavar='STATUS',
            help='Only those with this status: %s. The default is all but '
                 '"deleted"' % ', '.join(self.STATUSES))
        return parser


class _CheckpointCommand(Lister):

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('id', metavar='CHECKPOINT_ID')
        return parser


class ShowCheckpoint(_CheckpointCommand):
    """Show what the bank stores about each resource of a checkpoint."""

    COLUMNS = ('checkpoint', 'project', 'status', 'created', 'may_run',
               'type', 'resource', 'resource_status', 'worker', 'record',
               'size_gb', 'journal', 'parent', 'requested', 'note', 'reason',
               'long_reason')
    ACTION = 'checkpoints', 'CheckpointResources'


class ResetCheckpoint(_CheckpointCommand):
    """Set the status of an interrupted checkpoint to "error".

    Afterwards the checkpoint can be deleted. The previous status has to be
    "protecting", "deleting" or "error-deleting". The operation on the
    checkpoint has to have ended. With --force, the command does not check
    this.

    With --force, a deleted checkpoint can be reset too, if Karbor still lists
    the checkpoint. The bank keeps a copy of the previous index.json, which has
    the previous status.
    """

    COLUMNS = ('checkpoint', 'was', 'status', 'backup_copy')
    ACTION = 'checkpoints', 'CheckpointReset'
    IS_CHANGE = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--force', action='store_true',
            help='Skip the check that the worker process has ended')
        return parser


class AcceptCheckpoint(_CheckpointCommand):
    """Set the status of a failed checkpoint to "available".

    Afterwards the checkpoint can be restored. Each backup of the checkpoint
    has to be complete in Trove. The previous status has to be "error" or
    "protecting". The protect operation of the checkpoint has to have ended.
    """

    COLUMNS = ('checkpoint', 'status', 'instance', 'backup', 'outcome')
    ACTION = 'acceptance', 'CheckpointAcceptance'
    IS_CHANGE = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--without', action='append', default=[], metavar='INSTANCE_ID',
            help='Leave out this database instance, which needs no complete '
                 'backup. Can be repeated')
        return parser


class ListDeferred(Lister):
    """List deferred deletions, and requests whose result is not known.

    A deletion is deferred if a backup could not be deleted together with its
    checkpoint. The requests are those for backups, for restored instances, for
    temporary instances of verifications and for configuration groups.
    """

    COLUMNS = ('what', 'project', 'instance', 'checkpoint', 'backup',
               'restore', 'since', 'why')
    ACTION = 'deferred', 'DeferredListing'


class SweepDeferred(Lister):
    """Try all deferred deletions again.

    A deletion is deferred if a backup could not be deleted together with its
    checkpoint. If a verification has ended and left a temporary instance, the
    command deletes this instance. If a restore has created no instance, the
    command deletes the journal entry of the restore.
    """

    COLUMNS = ('project', 'instance', 'checkpoint', 'backup', 'restore',
               'outcome')
    ACTION = 'deferred', 'DeferredSweep'
    IS_CHANGE = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('--instance', metavar='ID',
                            help='Only of this original instance')
        parser.add_argument('--project', metavar='ID',
                            help='Only of this project')
        parser.add_argument(
            '--force', action='store_true',
            help='Skip the check that the verification has ended')
        return parser


class ReleaseDeferred(Lister):
    """Delete chosen backups whose deletion is deferred.

    A deletion is deferred if a backup could not be deleted together with its
    checkpoint. If later checkpoints left an instance out, "deferred sweep"
    keeps the last complete backup of the instance. This command deletes such a
    backup too.
    """

    COLUMNS = ('project', 'instance', 'checkpoint', 'backup', 'outcome')
    ACTION = 'deferred', 'DeferredRelease'
    IS_CHANGE = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('ids', nargs='+', metavar='BACKUP_ID')
        _add_yes(parser)
        return parser


class DismissRestores(Lister):
    """Delete the journal entries of unconfirmed restores.

    A restore is unconfirmed if it is not known what the restore has created in
    Trove. The command deletes no instance and no configuration group.
    """

    COLUMNS = ('project', 'instance', 'restore', 'name', 'since')
    ACTION = 'unconfirmed_restores', 'RestoreDismissal'
    IS_CHANGE = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('ids', nargs='+', metavar='RESTORE_ID')
        parser.add_argument(
            '--force', action='store_true',
            help='Skip the check that the worker process has ended')
        return parser


class ListOrphans(Lister):
    """List the backups that Karbor created and that belong to no checkpoint.

    The command compares the backups of all projects with the banks of all
    providers.
    """

    COLUMNS = ('project', 'instance', 'backup', 'name', 'status', 'created',
               'size_gb', 'reason')
    ACTION = 'orphans', 'OrphanListing'


class DeleteOrphans(Lister):
    """Delete backups that Karbor created and that belong to no checkpoint.

    The command does not delete a backup that has children. If a deletion
    fails, "deferred sweep" tries the deletion again.
    """

    COLUMNS = ('project', 'instance', 'backup', 'name', 'outcome')
    ACTION = 'orphans', 'OrphanDeletion'
    IS_CHANGE = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'ids', nargs='*', metavar='BACKUP_ID',
            help='The default is all orphans that Karbor has created for '
                 'certain')
        _add_yes(parser)
        parser.add_argument(
            '--orphans', type=int, metavar='NUMBER',
            help='The number of orphans that Karbor has created for certain '
                 'or whose ids you pass. Required if these are more than half '
                 'of all backups of Karbor, because then a bank is probably '
                 'missing')
        return parser


class ShowReport(Lister):
    """Show from which checkpoint each database instance can be restored.

    A row has the newest checkpoint that can be restored, the last verification
    and the recovery time of one instance. Instances without a checkpoint are
    listed, too. A table has only some of the columns. Use -c for the others.
    """

    COLUMNS = ('project', 'instance', 'name', 'exists', 'checkpoint', 'made',
               'age_seconds', 'chain', 'size_gb', 'left_out', 'verified',
               'verified_checkpoint', 'level', 'result', 'backup_verified',
               'backup_result', 'data_verified', 'data_result',
               'restore_verified', 'restore_result', 'recovery_seconds',
               'note')
    TABLE_COLUMNS = ('name', 'age_seconds', 'level', 'result',
                     'recovery_seconds', 'note')
    ACTION = 'report', 'ReportListing'
    _action: 'report.ReportListing'

    @property
    def formatter_namespace(self) -> str:
        """Return the entry point group of the output formats of the report.

        This group has the formats of cliff, and the format prometheus.
        """
        return 'karbor_trove.report_formatter'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument('--project', metavar='ID',
                            help='Only of this project')
        parser.add_argument(
            '--output', metavar='FILE',
            help='Write to this file instead of to standard output. A reader '
                 'of the file sees the previous content or the whole new one')
        parser.add_argument(
            '--html', metavar='FILE',
            help='Write a page with a timeline of each database to this file, '
                 'in addition to the other output')
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Check the paths of --output and --html, and run the command.

        :raises errors.Rejected: a path is a directory, or the directory of a
            path does not exist, or both paths are the same file. Nothing was
            read.
        """
        paths = [path for path in (parsed_args.output, parsed_args.html)
                 if path is not None]
        for path in paths:
            if os.path.isdir(path) or not os.path.isdir(
                    os.path.dirname(path) or '.'):
                raise errors.Rejected(
                    'nothing is read: "%s" is a directory, or is in a '
                    'directory that does not exist' % path)
        if len(set(map(os.path.realpath, paths))) < len(paths):
            raise errors.Rejected('nothing is read: --output and --html name '
                                  'the same file')
        return super().run(parsed_args)

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> Tuple[Sequence[str], Iterable[Any]]:
        """Create the report, and return its columns and its rows.

        If the format is prometheus, return metrics instead of rows. The
        columns are then the fields of a metric.
        """
        columns_and_rows = super().take_action(parsed_args)
        if parsed_args.formatter != prometheus.FORMAT:
            return columns_and_rows
        # Metrics do not have the columns of the report. So the operator can
        # neither choose columns nor sort by a column.
        parsed_args.columns = parsed_args.sort_columns = []
        return prometheus.Metric._fields, self._action.build_metrics()

    def produce_output(self, parsed_args: argparse.Namespace,
                       column_names: Sequence[str], data: Iterable[Any]
                       ) -> int:
        """Write the report to standard output or to the file of --output.

        With --html, write the HTML page to the file of this option as well.
        """
        if parsed_args.html is not None:
            with _replace_file(parsed_args.html) as file:
                file.write(self._action.build_page())
        if parsed_args.output is None:
            return super().produce_output(parsed_args, column_names, data)
        with _replace_file(parsed_args.output) as file:
            self.app.stdout = file
            return super().produce_output(parsed_args, column_names, data)


class VerifyCheckpoints(Lister):
    """Verify the databases that wait longest for a test restore.

    A test restore is a verification at level "restore". Databases without a
    test restore come first. Then comes the database whose last test restore is
    oldest, no matter whether it passed. The command verifies the newest
    checkpoint of each database through Karbor's API. If several of the
    databases are in one checkpoint, this checkpoint is verified once.

    The command waits for the end of each verification before it starts the
    next one. It uses the credentials in the variables OS_* or in clouds.yaml.
    """

    COLUMNS = ('project', 'checkpoint', 'passed_before', 'verification',
               'result', 'reason')
    ACTION = 'verify', 'CheckpointVerification'
    IS_CHANGE = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--oldest-unverified', type=_parse_count, required=True,
            metavar='N', help='How many checkpoints to verify, at least 1')
        return parser


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--yes', action='store_true',
        help='Delete. Without it only show what would be deleted')


def _parse_count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(
            '"%s" is not allowed: an integer greater than or equal to 1'
            % text)
    return int(text)


@contextlib.contextmanager
def _replace_file(path: str) -> Iterator[TextIO]:
    """Replace the file at a path with what a `with` block writes.

    The block gets a temporary text file and writes to it. At the end of the
    block, the temporary file replaces the file at `path`. If the block raises
    an exception, the file at `path` stays as it is.
    """
    # The node exporter of Prometheus has a user of its own, and has to read
    # the file. Only the owner may read a file of the module tempfile. So that
    # module is not used. The node exporter ignores the temporary file, because
    # the name of the file does not end in ".prom".
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
