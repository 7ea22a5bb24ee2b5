# SPDX-License-Identifier: Apache-2.0

"""Base class of the command line applications of this package."""

import argparse
from importlib import metadata
import io
import logging
import os
import sys
from typing import Any, Dict, List, Optional, Sequence, Type
import warnings

from cliff import app
from cliff import command
from cliff import commandmanager

from karbor_trove.cmd import declarations
from karbor_trove.cmd import interrupts
from karbor_trove.cmd import terminal

# The exit statuses that a shell reports for the signals SIGINT and SIGPIPE.
_INTERRUPTED = 130
_CLOSED_PIPE = 141


class Application(app.App):
    """Base class of karbor-trove-manage and karbor-trove-status.

    This class handles the options that all commands have, the messages and the
    exit statuses. A subclass sets NAME, DESCRIPTION and COMMANDS.
    """

    #: The first sentence of the help.
    DESCRIPTION: str
    #: The declarations of the commands, by the names of the commands.
    COMMANDS: Dict[str, Type[declarations.RowLister]]
    #: The exit status if something failed or the output is incomplete.
    FAILURE_STATUS = 1
    #: The exit status of wrong usage.
    USAGE_STATUS = 2

    def __init__(self) -> None:
        """Create the application with its commands."""
        # cliff finds commands of other packages in this entry point group.
        manager = commandmanager.CommandManager(
            self.NAME.replace('karbor-trove-', 'karbor_trove.'))
        for name, declaration in self.COMMANDS.items():
            manager.add_command(name, declaration)
        super().__init__(
            description=self.DESCRIPTION,
            version=metadata.version('karbor-trove'),
            command_manager=manager, deferred_help=True)

    def build_option_parser(self, description: Optional[str],
                            version: Optional[str],
                            argparse_kwargs: Optional[Dict[str, Any]] = None
                            ) -> argparse.ArgumentParser:
        """Return the parser of the options that all commands have.

        cliff accepts these options before and after the name of the command.
        The parameters are those of the method in cliff.app.App.
        """
        parser = super().build_option_parser(description, version,
                                             argparse_kwargs)
        parser.add_argument(
            '--config-file', action='append', metavar='FILE',
            help='Karbor\'s own configuration. Can be repeated. The default '
                 'is where Karbor finds it: /etc/karbor/karbor.conf')
        # cliff accepts this option only after the name of the command. Earlier
        # releases of karbor-trove did not use cliff, and accepted the option
        # before the name as well. So the option is added here.
        parser.add_argument('-f', '--format', help=argparse.SUPPRESS)
        return parser

    def configure_logging(self) -> None:
        """Set up the log on standard error and in the file of --log-file.

        Standard error gets the messages of the command itself. The messages of
        Karbor and its libraries are shown only with --debug or -v. An operator
        cannot act on their warnings, and the command itself reports their
        errors. The file of --log-file gets all messages.
        """
        if self.options.debug:
            self.options.verbose_level = self.DEFAULT_VERBOSE_LEVEL + 1
        root = logging.getLogger()
        for handler in list(root.handlers):
            # If there is no handler when oslo.log is imported, oslo.log adds a
            # handler that prints everything.
            if type(handler) is logging.StreamHandler:
                root.removeHandler(handler)
        # With the value True, Python would print a traceback for each message
        # if the log file is on a full disk.
        logging.raiseExceptions = False
        earlier = list(root.handlers)
        super().configure_logging()
        for handler in root.handlers:
            if handler in earlier:
                continue
            handler.setFormatter(
                _EscapingFormatter(self.LOG_FILE_MESSAGE_FORMAT))
            if isinstance(handler, logging.FileHandler):
                stream: Any = handler.stream
                stream.reconfigure(errors='backslashreplace')
        console = root.handlers[-1]
        if self.options.verbose_level <= self.DEFAULT_VERBOSE_LEVEL:
            console.setFormatter(_OneLineFormatter('%(name)s: %(message)s'))
            console.addFilter(logging.Filter(self.NAME))

    def initialize_app(self, argv: List[str]) -> None:
        """Check the name of the command, and insert --format into `argv`.

        A missing name is an error. Without this check, cliff would start a
        shell.

        cliff accepts abbreviated names, such as "orph li" for "orphans list".
        An abbreviation may be a typing error. So an abbreviated name is an
        error if the command deletes or changes something.

        cliff accepts the option --format only after the name. If the operator
        has written --format before the name, this method inserts the option
        into `argv` after the name.

        :param argv: the words of the command line. The options that all
            commands have are already removed.
        :raises SystemExit: the name is missing, or must not be abbreviated.
            The message is already printed.
        """
        if not argv and not self.options.deferred_help:
            self.parser.error('the name of a command is missing, see --help')
        try:
            found, name, arguments = self.command_manager.find_command(argv)
        except ValueError:  # cliff suggests other names.
            return
        if not issubclass(found, declarations.RowLister):
            return
        if found.IS_CHANGE and name not in dict(self.command_manager):
            self.parser.error(
                'the name of a command that deletes or changes something '
                'cannot be abbreviated: "%s"' % name)
        if self.options.format:
            # The option must precede the arguments of the command, because ids
            # may follow after "--".
            start = len(argv) - len(arguments)
            argv[start:start] = ['--format', self.options.format]

    def clean_up(self, cmd: command.Command, result: int,
                 err: Optional[BaseException]) -> None:
        """Discard buffered output that cannot be written.

        cliff calls this method at the end of a command. If the command failed
        with an OSError, cliff has already printed the error. Without this
        method, Python would try to write the buffered output when the process
        ends, and would print the error again.

        :param err: the exception of the command. None if there was none.
        """
        if isinstance(err, OSError):
            try:
                sys.stdout.flush()
            except OSError:
                _discard_output()


class _EscapingFormatter(logging.Formatter):
    """A log formatter that writes each message as one line.

    If the message has a traceback, the traceback follows in indented lines. An
    exception can contain a text that a user has chosen. Without the
    indentation, such a text could look like a line of the log.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a message, and the lines of its traceback."""
        # Another handler may have stored the traceback in the record. The base
        # class would use the stored traceback, which is not escaped.
        record.exc_text = None
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line of a message. Control characters are escaped."""
        return str(terminal.escape(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:
        """Return a traceback in indented lines. Each line is escaped.

        :param ei: the value of sys.exc_info().
        """
        return '\n'.join('  %s' % terminal.escape(line) for line
                         in super().formatException(ei).split('\n'))


class _OneLineFormatter(logging.Formatter):
    """A log formatter that writes one line for a message, and no traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a message as one line. Line feeds become spaces."""
        record.message = record.getMessage()
        return str(terminal.escape(' '.join(
            self.formatMessage(record).split())))


@interrupts.exit_on_sigterm()
def run(application_class: Type[Application],
        argv: Optional[Sequence[str]]) -> int:
    """Run one command of an application.

    :param argv: the words of the command line, without the name of the
        program. None for the words with which this process was started.
    :returns: the exit status of the command. There are three special cases:

        * 130 after Ctrl-C.
        * 141 if the program that reads the output has ended.
        * FAILURE_STATUS if the output cannot be written.

    :raises SystemExit: argparse ended the command, or the process has received
        SIGTERM. The exit status in the exception is USAGE_STATUS if the usage
        is wrong, and 143 after SIGTERM.
    """
    # Karbor's libraries warn when they are imported. An operator cannot act
    # on these warnings.
    warnings.simplefilter('ignore')
    for stream in sys.stdout, sys.stderr:
        # A character that the terminal cannot show is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')
    if isinstance(sys.stdout, io.TextIOWrapper):
        # argparse ignores an error of its own write. If the stream has a
        # buffer, flush() below raises the error of a full disk.
        sys.stdout.reconfigure(write_through=False)
    try:
        try:
            return application_class().run(
                list(sys.argv[1:] if argv is None else argv))
        except SystemExit as error:
            # argparse has printed the message.
            if error.code == 2:
                error.code = application_class.USAGE_STATUS
            raise
        finally:
            # Without this flush(), Python flushes the output when the process
            # ends, and prints a traceback if that fails.
            if sys.stdout and not sys.stdout.closed:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (BrokenPipeError, terminal.ClosedPipe):
        _discard_output()
        return _CLOSED_PIPE
    except OSError as error:
        _discard_output()
        print('%s: the output could not be written: %s'
              % (application_class.NAME, error), file=sys.stderr)
        return application_class.FAILURE_STATUS


def _discard_output() -> None:
    # Python writes the rest of the buffer when the process ends. A write to
    # the null device does not fail.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
