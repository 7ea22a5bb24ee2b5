# SPDX-License-Identifier: Apache-2.0

"""The application karbor-trove-manage."""

import logging
from typing import Optional, Sequence

from karbor_trove.cmd import application
from karbor_trove.cmd import declarations


class ManageApp(application.Application):
    """The application karbor-trove-manage.

    It shows and repairs what the plugins left in the banks and in Trove.
    """

    NAME = 'karbor-trove-manage'
    LOG = logging.getLogger(NAME)
    DESCRIPTION = ('Show and repair what the database plugins of Karbor left '
                   'in its banks and in Trove.')
    # declarations.py has the options and the columns of each command. A class
    # in commands/ carries out the command.
    COMMANDS = {
        'checkpoint accept': declarations.AcceptCheckpoint,
        'checkpoint list': declarations.ListCheckpoints,
        'checkpoint reset': declarations.ResetCheckpoint,
        'checkpoint show': declarations.ShowCheckpoint,
        'deferred dismiss': declarations.DismissRestores,
        'deferred list': declarations.ListDeferred,
        'deferred release': declarations.ReleaseDeferred,
        'deferred sweep': declarations.SweepDeferred,
        'orphans delete': declarations.DeleteOrphans,
        'orphans list': declarations.ListOrphans,
        'report': declarations.ShowReport,
        'verify': declarations.VerifyCheckpoints,
    }


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command of karbor-trove-manage.

    :param argv: the words of the command line, without the name of the
        program. None for the words with which this process was started.
    :returns: the exit status. 0 if everything succeeded. 1 if something failed
        or the output is incomplete. 2 if the usage is wrong. 130 after Ctrl-C.
        141 if the program that reads the output has ended.
    :raises SystemExit: argparse ended the command, or the process has received
        SIGTERM. The exit status in the exception is 2 if the usage is wrong,
        and 143 after SIGTERM.
    """
    return application.run(ManageApp, argv)
