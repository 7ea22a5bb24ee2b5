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

"""What can be typed, and what becomes of it."""

import argparse
import logging
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from karbor import exception
from oslo_config import cfg

from karbor_trove.cmd import checkpoints
from karbor_trove.cmd import clients
from karbor_trove.cmd import deferred
from karbor_trove.cmd import formatting
from karbor_trove.cmd import orphans
from karbor_trove.cmd import prometheus
from karbor_trove.cmd import providers
from karbor_trove.cmd import report
from karbor_trove.cmd import unconfirmed_restores
from karbor_trove import errors

_NAME = 'karbor-trove-manage'
#: Rows, and why something could not be done; None: everything was.
Outcome = Tuple[List[Dict[str, Any]], Optional[str]]


def carry_out(arguments: Optional[Sequence[str]] = None) -> int:
    """Carry out one command; see manage.main()."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.format == prometheus.FORMAT and given.run is not _report:
        parser.error('--format %s is of report only' % given.format)
    # Karbor's services log into the files of its configuration; what this
    # has to say is for who typed it.
    if given.debug:
        logging.basicConfig(level=logging.DEBUG)
    else:
        logging.disable(logging.CRITICAL)
    try:
        cfg.CONF([word for path in given.config_file or ()
                  for word in ('--config-file', path)], project='karbor')
        rows, complaint = given.run(given, providers.load())
    except (errors.KarborTroveError, exception.KarborException, cfg.Error,
            OSError) as error:
        logging.exception('the command failed')
        return _complain(error)
    print(prometheus.printed(rows, complete=complaint is None)
          if given.format == prometheus.FORMAT
          else formatting.printed(given.columns, rows, given.format))
    return _complain(complaint) if complaint else 0


def _complain(about: object) -> int:
    print('%s: %s' % (_NAME, ' '.join(str(about).split())), file=sys.stderr)
    return 1


def _list_deferred(given: argparse.Namespace,
                   loaded: List[providers.Provider]) -> Outcome:
    return deferred.waiting_rows(loaded), None


def _sweep(given: argparse.Namespace,
           loaded: List[providers.Provider]) -> Outcome:
    return deferred.sweep(loaded, clients.Cloud(), given.instance,
                          given.project, given.force)


def _dismiss(given: argparse.Namespace,
             loaded: List[providers.Provider]) -> Outcome:
    return unconfirmed_restores.dismiss(loaded, given.ids, given.force), None


def _list_orphans(given: argparse.Namespace,
                  loaded: List[providers.Provider]) -> Outcome:
    search = orphans.Search(loaded, clients.Cloud())
    return [one.row for one in search.orphans.values()], search.complaint


def _delete_orphans(given: argparse.Namespace,
                    loaded: List[providers.Provider]) -> Outcome:
    cloud = clients.Cloud()
    return orphans.delete(orphans.Search(loaded, cloud), cloud, given.ids,
                          given.yes)


def _report(given: argparse.Namespace,
            loaded: List[providers.Provider]) -> Outcome:
    found = report.Report(loaded, clients.Cloud(), given.project)
    return found.rows, found.complaint


def _show(given: argparse.Namespace,
          loaded: List[providers.Provider]) -> Outcome:
    return checkpoints.show(providers.find(loaded, given.id)), None


def _reset(given: argparse.Namespace,
           loaded: List[providers.Provider]) -> Outcome:
    return [checkpoints.reset(providers.find(loaded, given.id),
                              given.force)], None


def _common(**default: Any) -> argparse.ArgumentParser:
    """Make what may stand before the command, and after it."""
    parser = argparse.ArgumentParser(add_help=False, **default)
    parser.add_argument(
        '--config-file', action='append', metavar='FILE',
        help='Karbor\'s own configuration; may be given several times. By '
             'default where Karbor looks for it, /etc/karbor/karbor.conf')
    parser.add_argument('--format',
                        choices=(*formatting.FORMATS, prometheus.FORMAT),
                        help='the last one for report only')
    parser.add_argument('--debug', action='store_true',
                        help='show what goes on, on stderr')
    return parser


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_NAME, parents=[_common()],
        description='Looks at, and mends, what the database plugins of '
                    'Karbor have left in its banks and in Trove.')
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

    told = command(
        subjects, 'report', _report, report.COLUMNS,
        'Tell what each database instance can be restored from.')
    told.add_argument('--project', metavar='ID', help='of this one only')

    waits = commands('deferred', 'what waits to be deleted')
    command(waits, 'list', _list_deferred, deferred.COLUMNS,
            'Tell what waits, since when and why: backups of deleted '
            'checkpoints, requests and restores without an answer.')
    swept = command(waits, 'sweep', _sweep, deferred.SWEPT,
                    'Delete what can go now, and forget restores that nothing '
                    'came of.')
    swept.add_argument('--instance', metavar='ID', help='of this one only')
    swept.add_argument('--project', metavar='ID', help='of this one only')
    swept.add_argument('--force', action='store_true',
                       help='I know that no verification is at work any more')
    dismissed = command(
        waits, 'dismiss', _dismiss, unconfirmed_restores.DISMISSED,
        'Forget restores without an answer; no instance is touched.')
    dismissed.add_argument('ids', nargs='+', metavar='RESTORE_ID')
    dismissed.add_argument('--force', action='store_true',
                           help='I know that no Karbor works on them any more')

    lost = commands('orphans', 'Karbor\'s backups that no checkpoint knows')
    command(lost, 'list', _list_orphans, orphans.COLUMNS,
            'Tell which backups no checkpoint of any provider knows.')
    deleted = command(lost, 'delete', _delete_orphans, orphans.DELETED,
                      'Delete backups that no checkpoint knows.')
    deleted.add_argument('ids', nargs='*', metavar='ID',
                         help='by default all that are Karbor\'s for certain')
    deleted.add_argument('--yes', action='store_true',
                         help='without it nothing is deleted')

    checkpoint = commands('checkpoint', 'one checkpoint in a bank')
    shown = command(checkpoint, 'show', _show, checkpoints.COLUMNS,
                    'Tell what the bank knows of a checkpoint.')
    shown.add_argument('id', metavar='ID')
    mended = command(
        checkpoint, 'reset', _reset, checkpoints.RESET,
        'Make a checkpoint that a crash left protecting, deleting or '
        'error-deleting "error", so that it can be deleted.')
    mended.add_argument('id', metavar='ID')
    mended.add_argument('--force', action='store_true',
                        help='I know that no Karbor works on it any more')
    return parser
