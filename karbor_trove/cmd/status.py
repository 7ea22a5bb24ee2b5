# SPDX-License-Identifier: Apache-2.0

"""The application karbor-trove-status."""

import argparse
import logging
import textwrap
from typing import Any, Iterable, List, Optional, Sequence, TextIO, Tuple
from typing import TYPE_CHECKING

from cliff import columns
from cliff.formatters import table
from oslo_upgradecheck import upgradecheck
import prettytable

from karbor_trove.cmd import application
from karbor_trove.cmd import declarations
from karbor_trove.cmd import terminal

if TYPE_CHECKING:
    from karbor_trove.cmd.checks import findings

#: The exit code of OpenStack's upgrade checks for an unexpected error.
ERROR = 255
# The width of a block, the same as in the upgrade checks of other services.
_WIDTH = 60


class BlockFormatter(table.TableFormatter):
    """A table format that writes each row as a block of lines.

    The upgrade checks of other OpenStack services write the same blocks.
    """

    def emit_list(self, column_names: Sequence[str],
                  data: Iterable[Sequence[Any]], stdout: TextIO,
                  parsed_args: argparse.Namespace) -> None:
        """Write a block to `stdout` for each row in `data`."""
        blocks = prettytable.PrettyTable(['Upgrade Check Results'])
        blocks.hrules = prettytable.ALL
        blocks.align = 'l'
        for row in data:
            lines: List[str] = []
            for name, value in zip(column_names, row):
                if isinstance(value, columns.FormattableColumn):
                    value = value.human_readable()
                if value is not None:
                    lines += self._wrap(name, str(value))
            blocks.add_row(['\n'.join(lines)])
        stdout.write(blocks.get_string() + '\n')

    def _wrap(self, name: str, value: str) -> List[str]:
        title = name.capitalize() + ':'
        if name == 'write':
            # Lines can be copied only if they are neither wrapped nor
            # indented.
            return [title, *value.split('\n')] if value else [
                title + ' nothing, delete the line']
        if name == 'file':
            return ['%s %s' % (title, value)]
        return textwrap.wrap('%s %s' % (title, value), _WIDTH,
                             subsequent_indent='  ')


class Lines(columns.FormattableColumn):  # type: ignore[type-arg]
    """A cell that has several lines of a configuration file."""

    _value: str

    def human_readable(self) -> str:
        """Return the lines with their control characters escaped."""
        return '\n'.join(str(terminal.escape(line))
                         for line in self._value.split('\n'))

    machine_readable = human_readable


class CheckUpgrade(declarations.RowLister):
    """Check whether Karbor uses the database plugins, and whether they work.

    A finding has a file, the number of a line, and the text to write instead
    of this line. The exit code is 2 if there is a failure. The exit code is 1
    if there is a warning, but no failure. The command writes an object to the
    bank of each enabled provider, and deletes the object again. A bank in
    Swift also gets a lease, which Swift deletes later. The command changes
    nothing else.
    """

    COLUMNS = ('check', 'result', 'finding', 'details', 'file', 'line',
               'write')
    TABLE = BlockFormatter
    app: 'StatusApp'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser of the command's arguments."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--offline', action='store_true',
            help='Check only what needs no network: the provider files, what '
                 'is in force, and the versions')
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run all checks, and print the findings.

        :returns: the exit status. It is the highest code of all findings: 0
            for success, 1 for a warning, 2 for a failure.
        """
        self.check_columns(parsed_args)
        self._code = upgradecheck.Code.SUCCESS
        super().run(parsed_args)
        self.app.code = int(self._code)
        return self.app.code

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> Tuple[Sequence[str], Iterable[Any]]:
        """Run all checks, and return the findings.

        :returns: the names of the columns, and one row for each finding.
        """
        from karbor_trove.cmd.commands import upgrade_check

        rows = []
        for name, finding in upgrade_check.check(
                self.app.options.config_file or (), parsed_args.offline):
            self._code = max(self._code, finding.kind.code)
            rows.append(_build_row(name, finding))
        return self.COLUMNS, rows


def _build_row(name: str, finding: 'findings.Finding') -> Tuple[Any, ...]:
    place = finding.place
    return (name, str(upgradecheck.UPGRADE_CHECK_MSG_MAP[finding.kind.code]),
            finding.kind.label, finding.details, place and place.file,
            place and place.line,
            None if finding.write is None else Lines(finding.write))


class StatusApp(application.Application):
    """The application karbor-trove-status, which checks an installation."""

    NAME = 'karbor-trove-status'
    LOG = logging.getLogger(NAME)
    DESCRIPTION = 'Check an installation of the database plugins of Karbor.'
    COMMANDS = {'upgrade check': CheckUpgrade}
    # The exit codes 1 and 2 are those of findings, so errors have another one.
    FAILURE_STATUS = USAGE_STATUS = ERROR

    #: The highest code of the findings. None if the check was not completed.
    code: Optional[int] = None

    def run(self, argv: List[str]) -> int:
        """Run a command, and return the exit status.

        The exit statuses 1 and 2 mean that there is a warning or a failure. If
        the check was not completed, cliff may return 1 or 2 too. In that case
        this method returns 255.
        """
        result = int(super().run(argv))
        if self.code is None and result in (1, 2):
            return ERROR
        return result


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command of karbor-trove-status.

    :param argv: the words of the command line, without the name of the
        program. None for the words with which this process was started.
    :returns: the exit status. 0 if all findings are successes. 1 if there is a
        warning, but no failure. 2 if there is a failure. 255 if the check was
        not completed. 130 after Ctrl-C. 141 if the program that reads the
        output has ended.
    :raises SystemExit: argparse ended the command, or the process has received
        SIGTERM. The exit status in the exception is 255 if the usage is wrong,
        and 143 after SIGTERM.
    """
    return application.run(StatusApp, argv)
