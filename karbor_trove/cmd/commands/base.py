# SPDX-License-Identifier: Apache-2.0

"""Base class of the commands that list something."""

import abc
import argparse
import datetime
from typing import Any, Dict, Iterable, List, Sequence, TextIO, Tuple, Union

from cliff import columns
from cliff.formatters import table
from cliff import lister
from oslo_config import cfg

from karbor_trove.cmd import providers
from karbor_trove.cmd import terminal
from karbor_trove import errors

#: The values of a row by the names of their columns. A column that is
#: missing in a row is empty there.
Row = Dict[str, Any]
_UNITS = (('d', 86400), ('h', 3600), ('min', 60), ('s', 1))


class Lister(lister.Lister):
    """A command that lists rows, all of them or as many as it can."""

    #: The names of the columns, in order.
    COLUMNS: Sequence[str]
    #: Whether the command does nothing if one bank is empty or unreadable.
    NEEDS_ALL_BANKS = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Create the command, see cliff.command.Command."""
        super().__init__(*args, **kwargs)
        #: What could not be read or done, a sentence each.
        self.problems: List[str] = []

    @abc.abstractmethod
    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> Iterable[Row]:
        """Run the command and return its rows.

        If something cannot be read or done, add a sentence to `problems` and
        continue. If nothing can, raise an exception.
        """

    def take_action(self, parsed_args: argparse.Namespace
                    ) -> Tuple[Sequence[str], Iterable[Any]]:
        """Return the names of the columns and the values of each row."""
        all_providers = providers.load(self.problems)
        if self.problems and self.NEEDS_ALL_BANKS:
            message = '; '.join(self.problems)
            self.problems.clear()
            raise errors.Rejected('nothing is searched or deleted: ' + message)
        rows = self.list_rows(parsed_args, all_providers)
        return self.COLUMNS, [tuple(map(row.get, self.COLUMNS))
                              for row in rows]

    def produce_output(self, parsed_args: argparse.Namespace,
                       column_names: Sequence[str], data: Iterable[Any]
                       ) -> int:
        """Write the rows in the chosen format.

        The formats json and yaml escape control characters themselves.

        :raises karbor_trove.cmd.terminal.ClosedPipe: the program that reads
            the output has ended.
        """
        if parsed_args.formatter in ('table', 'value', 'csv'):
            data = [tuple(map(terminal.escape, row)) for row in data]
        if parsed_args.formatter == 'table':
            self.formatter = TableFormatter()
        try:
            return super().produce_output(parsed_args, column_names, data)
        except BrokenPipeError as error:
            raise terminal.ClosedPipe from error

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Read Karbor's configuration and run the command.

        :returns: 0. 1 if there are problems.
        """
        cfg.CONF([word for path in self.app.options.config_file or ()
                  for word in ('--config-file', path)], project='karbor')
        try:
            super().run(parsed_args)
        finally:
            for problem in dict.fromkeys(self.problems):
                self.app.LOG.error(problem)
        return 1 if self.problems else 0


class TableFormatter(table.TableFormatter):
    """A table with titles for the columns and with empty cells for None."""

    def emit_list(self, column_names: Sequence[str],
                  data: Iterable[Sequence[Any]], stdout: TextIO,
                  parsed_args: argparse.Namespace) -> None:
        """Write the table."""
        super().emit_list(
            [name.replace('_', ' ').capitalize() for name in column_names],
            [['' if value is None else value for value in row]
             for row in data], stdout, parsed_args)


# The oldest cliff that is supported has no generic classes.
class Duration(columns.FormattableColumn):  # type: ignore[type-arg]
    """A timedelta that is words in a table and seconds in other formats."""

    _value: datetime.timedelta

    def human_readable(self) -> str:
        """Return one or two units, such as "3 d 4 h"."""
        seconds = self._value.total_seconds()
        for number, (unit, length) in enumerate(_UNITS[:-1]):
            if seconds >= length:
                next_unit, next_length = _UNITS[number + 1]
                rest = seconds % length // next_length
                return '%d %s' % (seconds // length, unit) + (
                    ' %d %s' % (rest, next_unit) if rest else '')
        return '%g s' % self.machine_readable()

    def machine_readable(self) -> Union[int, float]:
        """Return seconds, rounded to one decimal place."""
        seconds = round(self._value.total_seconds(), 1)
        return int(seconds) if seconds.is_integer() else seconds
