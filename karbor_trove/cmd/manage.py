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

"""The application karbor-trove-manage: global options, messages, entry point.
"""

import argparse
import logging
import sys
from typing import Any, Dict, List, Optional, Sequence
import warnings

from cliff import app
from cliff import commandmanager
import pbr.version

NAME = 'karbor-trove-manage'


class _OneLineFormatter(logging.Formatter):
    """Prints each message on one line. Only a traceback has several."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return ' '.join(super().formatMessage(record).split())


class ManageApp(app.App):
    """The command line of an operator of Karbor."""

    NAME = NAME
    LOG = logging.getLogger(NAME)
    CONSOLE_MESSAGE_FORMAT = NAME + ': %(message)s'

    def __init__(self) -> None:
        """Create the application with the commands of all subjects."""
        # The subjects import Karbor. main() silences its warnings before.
        from karbor_trove.cmd.commands import checkpoints
        from karbor_trove.cmd.commands import deferred
        from karbor_trove.cmd.commands import orphans
        from karbor_trove.cmd.commands import report
        from karbor_trove.cmd.commands import unconfirmed_restores

        manager = commandmanager.CommandManager('karbor_trove.manage')
        for subject in (checkpoints, deferred, orphans, report,
                        unconfirmed_restores):
            for name, command in subject.COMMANDS.items():
                manager.add_command(name, command)
        version = pbr.version.VersionInfo('karbor-trove')
        super().__init__(
            description='Show and repair what the database plugins of Karbor '
                        'left in its banks and in Trove.',
            version=version.version_string(), command_manager=manager,
            deferred_help=True)

    def build_option_parser(self, description: Optional[str],
                            version: Optional[str],
                            argparse_kwargs: Optional[Dict[str, Any]] = None
                            ) -> argparse.ArgumentParser:
        """Return the parser of the global options.

        It finds them before and after the name of the command.
        """
        parser = super().build_option_parser(description, version,
                                             argparse_kwargs)
        parser.add_argument(
            '--config-file', action='append', metavar='FILE',
            help='Karbor\'s own configuration. Can be repeated. The default '
                 'is where Karbor finds it: /etc/karbor/karbor.conf')
        # Releases before cliff accepted it before the command, too.
        parser.add_argument('--format', help=argparse.SUPPRESS)
        return parser

    def configure_logging(self) -> None:
        """Print the messages of this command, or all with -v or --debug.

        Karbor and its libraries log what an operator cannot act on, and
        tracebacks of errors that this command reports itself. A log file
        gets all messages.
        """
        if self.options.debug:
            self.options.verbose_level = 2
        root = logging.getLogger()
        for handler in list(root.handlers):
            # oslo.log adds one when Karbor is imported. It prints everything.
            if type(handler) is logging.StreamHandler:
                root.removeHandler(handler)
        super().configure_logging()
        console = root.handlers[-1]
        console.setFormatter(_OneLineFormatter(self.CONSOLE_MESSAGE_FORMAT))
        if self.options.verbose_level <= self.DEFAULT_VERBOSE_LEVEL:
            console.addFilter(logging.Filter(NAME))

    def initialize_app(self, argv: List[str]) -> None:
        """Check that there is a command.

        cliff would start a shell without one.
        """
        if not argv and not self.options.deferred_help:
            self.parser.error('no command, see --help')
        if self.options.format and argv[0] != 'help':
            argv += ['--format', self.options.format]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command.

    :param argv: the arguments. None means those of the process.
    :returns: 0, or 1 if the command failed or its result is incomplete.
        Wrong usage exits with 2.
    """
    # Karbor's libraries warn when they are imported. An operator cannot act
    # on these warnings.
    warnings.simplefilter('ignore')
    return ManageApp().run(list(sys.argv[1:] if argv is None else argv))
