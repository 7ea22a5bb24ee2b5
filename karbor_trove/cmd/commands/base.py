# SPDX-License-Identifier: Apache-2.0

"""The base class of the commands, the table cells, and the configuration."""

import abc
import argparse
import datetime
from typing import Any, Dict, Iterable, List, Optional, Sequence, Union

from cliff import columns
from oslo_config import cfg

from karbor_trove.cmd import providers
from karbor_trove import errors

#: The values of a row, by the names of the columns. If a row lacks a column,
#: the cell is empty.
Row = Dict[str, Any]
#: The project name with which oslo.config finds the configuration of Karbor.
_KARBOR = 'karbor'
_UNITS = (('d', 86400), ('h', 3600), ('min', 60), ('s', 1))


class Action(abc.ABC):
    """Base class of the classes that carry out a command.

    Each subclass carries out one command in its method list_rows().
    """

    #: Whether the command does nothing if one bank is empty or unreadable.
    NEEDS_ALL_BANKS = False

    def __init__(self) -> None:
        """Create the action. Nothing is read yet."""
        #: What could not be read or done, one sentence each.
        self.problems: List[str] = []

    @abc.abstractmethod
    def list_rows(self, parsed_args: argparse.Namespace,
                  all_providers: List[providers.Provider]) -> Iterable[Row]:
        """Carry out the command, and return the rows of its output.

        Each subclass defines this method. If a part of the work fails, the
        method adds a sentence to `problems` and continues. If no part of the
        work is possible, the method raises an exception.

        :param parsed_args: the arguments of the command.
        :param all_providers: the providers whose banks can be read.
        """

    def run(self, parsed_args: argparse.Namespace,
            config_files: Sequence[str]) -> Iterable[Row]:
        """Read Karbor's configuration, carry out the command, return the rows.

        :param config_files: the paths of Karbor's configuration files. If
            empty, Karbor's default files are read.
        :raises errors.Rejected: the configuration or a provider file is
            missing or wrong, or no bank can be read. Or the command needs all
            banks, and a bank is empty or unreadable. In all these cases
            nothing was done. list_rows() may raise the same exception for
            other reasons.
        """
        find_config_files(config_files)
        read_configuration(config_files)
        all_providers = providers.load_providers(self.problems)
        if self.problems and self.NEEDS_ALL_BANKS:
            message = '; '.join(self.problems)
            self.problems.clear()
            raise errors.Rejected('nothing is searched or deleted: ' + message)
        return self.list_rows(parsed_args, all_providers)


def find_config_files(config_files: Sequence[str]) -> List[str]:
    """Return the paths of the files of Karbor's own configuration.

    :param config_files: the paths that the operator has named with
        --config-file. If empty, the files that Karbor finds by default are
        returned.
    :returns: the paths. Empty if Karbor has only a directory of configuration
        files.
    :raises errors.Rejected: there is neither a configuration file nor a
        directory of configuration files.
    """
    found = list(config_files) or cfg.find_config_files(project=_KARBOR)
    if not (found or cfg.find_config_dirs(project=_KARBOR)):
        raise errors.Rejected(
            'no configuration of Karbor was found: karbor.conf is not in '
            '~/.karbor, ~, /etc/karbor or /etc. The configuration files '
            'of Karbor that were read: none. Use --config-file to name '
            'one')
    return found


def read_configuration(config_files: Sequence[str]) -> None:
    """Read Karbor's own configuration into cfg.CONF.

    :param config_files: the paths of the files. If empty, the files that
        Karbor finds by default are read.
    """
    cfg.CONF([word for path in config_files
              for word in ('--config-file', path)], project=_KARBOR)


# The oldest cliff that is supported has no generic classes.
class Size(columns.FormattableColumn):  # type: ignore[type-arg]
    """A cell with a size in GB.

    In a table, the cell has the unit. In all other formats, the cell is a
    number.
    """

    _value: float

    def human_readable(self) -> str:
        """Return the size with its unit, such as "1.5 GB"."""
        return '%g GB' % self._value

    def machine_readable(self) -> float:
        """Return the size in GB."""
        return self._value


class Duration(columns.FormattableColumn):  # type: ignore[type-arg]
    """A cell with a duration.

    In a table, the cell has units. In all other formats, the cell is the
    number of seconds.
    """

    _value: datetime.timedelta

    def human_readable(self) -> str:
        """Return the duration in one or two units, such as "3 d 4 h"."""
        seconds = self._value.total_seconds()
        for number, (unit, length) in enumerate(_UNITS[:-1]):
            if seconds >= length:
                next_unit, next_length = _UNITS[number + 1]
                rest = seconds % length // next_length
                return '%d %s' % (seconds // length, unit) + (
                    ' %d %s' % (rest, next_unit) if rest else '')
        return '%g s' % self.machine_readable()

    def machine_readable(self) -> Union[int, float]:
        """Return the duration in seconds, rounded to one decimal place."""
        seconds = round(self._value.total_seconds(), 1)
        return int(seconds) if seconds.is_integer() else seconds


def build_size(size: Optional[float]) -> Optional[Size]:
    """Return a cell with a size.

    :param size: the size in GB. If this is None, the result is None, which is
        an empty cell.
    """
    return None if size is None else Size(size)
