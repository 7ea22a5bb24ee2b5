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


"""karbor-trove-manage: what an operator can look at, and mend."""

import argparse
import logging
import sys
from typing import Any, Dict, List, Optional, Sequence

from karbor import exception
from oslo_config import cfg

from karbor_trove.cmd import banks
from karbor_trove.cmd import checkpoints
from karbor_trove.cmd import tables
from karbor_trove import errors

_NAME = 'karbor-trove-manage'
_RESET = ('checkpoint', 'was', 'status', 'kept')
_SHOWN = ('checkpoint', 'status', 'type', 'resource', 'resource_status',
          'worker', 'record', 'ledger', 'parent', 'note')


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Carry out one command.

    :param arguments: None: the process's own.
    :returns: 0, or 1 where it was refused or failed; wrong usage exits
        with 2.
    """
    given = _parser().parse_args(arguments)
    # Karbor's services write into the log files of its configuration; what
    # this has to say is for who typed it.
    logging.basicConfig(
        level=logging.DEBUG if given.debug else logging.CRITICAL)
    try:
        cfg.CONF([word for path in given.config_file or ()
                  for word in ('--config-file', path)], project='karbor')
        rows = given.run(given, banks.load())
    except (errors.TroveError, exception.KarborException, cfg.Error,
            OSError) as error:
        if given.debug:
            logging.exception('the command failed')
        print('%s: %s' % (_NAME, ' '.join(str(error).split())),
              file=sys.stderr)
        return 1
    print(tables.printed(given.columns, rows, given.format))
    return 0


def _show(given: argparse.Namespace,
          loaded: List[banks.Provider]) -> List[Dict[str, Any]]:
    return checkpoints.show(banks.find(loaded, given.id))


def _reset(given: argparse.Namespace,
           loaded: List[banks.Provider]) -> List[Dict[str, Any]]:
    return [checkpoints.reset(banks.find(loaded, given.id), given.force)]


def _common(**default: Any) -> argparse.ArgumentParser:
    """Make what may stand before the command, and after it."""
    parser = argparse.ArgumentParser(add_help=False, **default)
    parser.add_argument(
        '--config-file', action='append', metavar='FILE',
        help='Karbor\'s own configuration; may be given several times. By '
             'default where Karbor looks for it, /etc/karbor/karbor.conf')
    parser.add_argument('--format', choices=tables.FORMATS)
    parser.add_argument('--debug', action='store_true',
                        help='show what goes on, on stderr')
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_NAME, parents=[_common()],
        description='Looks at, and mends, what the Trove plugins of Karbor '
                    'have left in its banks and in Trove.')
    parser.set_defaults(format='table')
    # Else the defaults would replace what stands before the command.
    after = [_common(argument_default=argparse.SUPPRESS)]
    subjects = parser.add_subparsers(dest='subject', required=True)

    def commands(subject: str, about: str) -> Any:
        return subjects.add_parser(subject, help=about).add_subparsers(
            dest='command', required=True)

    def command(subject: Any, name: str, run: Any, columns: Sequence[str],
                about: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = subject.add_parser(
            name, parents=after, help=about, description=about)
        made.set_defaults(run=run, columns=columns)
        return made

    checkpoint = commands('checkpoint', 'one checkpoint in a bank')
    shown = command(checkpoint, 'show', _show, _SHOWN,
                    'Tell what the bank knows of a checkpoint.')
    shown.add_argument('id')
    mended = command(
        checkpoint, 'reset', _reset, _RESET,
        'Make a checkpoint that a crash left protecting, deleting or '
        'error-deleting "error", so that it can be deleted.')
    mended.add_argument('id')
    mended.add_argument('--force', action='store_true',
                        help='I know that no Karbor works on it any more')
    return parser
