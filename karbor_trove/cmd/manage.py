# SPDX-License-Identifier: Apache-2.0

"""The application karbor-trove-manage: entry point, global options, messages.
"""

import argparse
from importlib import metadata
import io
import logging
import os
import sys
from typing import Any, Dict, List, Optional, Sequence
import warnings

from cliff import app
from cliff import commandmanager

from karbor_trove.cmd import terminal

_NAME = 'karbor-trove-manage'
# As a shell reports the signals SIGINT and SIGPIPE.
_INTERRUPTED = 130
_CLOSED_PIPE = 141


class ManageApp(app.App):
    """The application of an operator of Karbor."""

    NAME = _NAME
    LOG = logging.getLogger(_NAME)

    def __init__(self) -> None:
        """Create the application with the commands of all subjects."""
        # The modules import Karbor. main() has to silence Karbor's warnings
        # before that.
        from karbor_trove.cmd.commands import checkpoints
        from karbor_trove.cmd.commands import deferred
        from karbor_trove.cmd.commands import orphans
        from karbor_trove.cmd.commands import report
        from karbor_trove.cmd.commands import unconfirmed_restores

        # Commands of other packages are found in this entry point group.
        manager = commandmanager.CommandManager('karbor_trove.manage')
        for subject in (checkpoints, deferred, orphans, report,
                        unconfirmed_restores):
            for name, command in subject.COMMANDS.items():
                manager.add_command(name, command)
        super().__init__(
            description='Show and repair what the database plugins of Karbor '
                        'left in its banks and in Trove.',
            version=metadata.version('karbor-trove'),
            command_manager=manager, deferred_help=True)

    def build_option_parser(self, description: Optional[str],
                            version: Optional[str],
                            argparse_kwargs: Optional[Dict[str, Any]] = None
                            ) -> argparse.ArgumentParser:
        """Return the parser of the options that all commands have.

        cliff accepts them before and after the name of the command.
        """
        parser = super().build_option_parser(description, version,
                                             argparse_kwargs)
        parser.add_argument(
            '--config-file', action='append', metavar='FILE',
            help='Karbor\'s own configuration. Can be repeated. The default '
                 'is where Karbor finds it: /etc/karbor/karbor.conf')
        # cliff accepts it only after the command. Releases before cliff
        # accepted it before the command as well.
        parser.add_argument('--format', help=argparse.SUPPRESS)
        return parser

    def configure_logging(self) -> None:
        """Print the messages of the command, or all with --debug or -v.

        Karbor and its libraries log warnings on which an operator cannot act
        and tracebacks of errors that the command reports itself. The log file
        gets all messages in any case.
        """
        if self.options.debug:
            self.options.verbose_level = self.DEFAULT_VERBOSE_LEVEL + 1
        root = logging.getLogger()
        for handler in list(root.handlers):
            # oslo.log adds a handler that prints everything when Karbor is
            # imported.
            if type(handler) is logging.StreamHandler:
                root.removeHandler(handler)
        super().configure_logging()
        console = root.handlers[-1]
        if self.options.verbose_level > self.DEFAULT_VERBOSE_LEVEL:
            console.setFormatter(
                logging.Formatter(self.LOG_FILE_MESSAGE_FORMAT))
        else:
            console.setFormatter(_OneLineFormatter('%(name)s: %(message)s'))
            console.addFilter(logging.Filter(_NAME))

    def initialize_app(self, argv: List[str]) -> None:
        """Check that there is a command. Without one cliff starts a shell.

        :param argv: the arguments without the options that all commands have.
        """
        if not argv and not self.options.deferred_help:
            self.parser.error('the name of a command is missing, see --help')
        if self.options.format and argv and argv[0] != 'help':
            argv += ['--format', self.options.format]


class _OneLineFormatter(logging.Formatter):
    """Writes each message as one line, without a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.message = record.getMessage()
        return str(terminal.escape(' '.join(
            self.formatMessage(record).split())))


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command.

    :param argv: the arguments. None means those of the process.
    :returns: 0, or 1 if something failed or the output is incomplete. Wrong
        usage ends the process with 2, or returns 2.
    """
    # Karbor's libraries warn when they are imported. An operator cannot act
    # on these warnings.
    warnings.simplefilter('ignore')
    for stream in sys.stdout, sys.stderr:
        # A character that the terminal cannot show is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    try:
        code = ManageApp().run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (BrokenPipeError, terminal.ClosedPipe):
        _discard_output()
        return _CLOSED_PIPE
    except OSError as error:
        _discard_output()
        print('%s: the output could not be written: %s' % (_NAME, error),
              file=sys.stderr)
        return 1


def _discard_output() -> None:
    # Python writes the rest of the buffer when the process ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
