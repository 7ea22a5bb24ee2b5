# SPDX-License-Identifier: Apache-2.0

"""Identity of the worker process, and whether it may still run."""

import os
import pathlib
import socket
from typing import Dict, Optional, Union

_PROC = pathlib.Path('/proc')
Identity = Dict[str, Union[str, int, None]]


def current() -> Identity:
    """Return the identity of this process.

    It has the host and the PID namespace, in which the process id is unique,
    the process id, and the start time of the process.
    """
    return {**_namespace(), 'pid': os.getpid(),
            'started': _start_time(os.getpid())}


def may_be_alive(identity: object) -> bool:
    """Return False if a process is known to have ended.

    That is known only of a process of this host and PID namespace. It has
    ended if its id is free, or if another process has it now.

    :param identity: what current() returned in that process. For anything
        else the result is True.
    """
    if not isinstance(identity, dict) or any(
            identity.get(key) != value for key, value in _namespace().items()):
        return True
    return identity.get('started') == _start_time(identity.get('pid'))


def describe(identity: object) -> str:
    """Return a phrase for a process, such as "process 4711 on controller-1".

    :param identity: the result of current() in that process. Any other value
        is an unknown process.
    """
    if not isinstance(identity, dict):
        return 'an unknown process'
    return 'process %s on %s' % (identity.get('pid'), identity.get('host'))


def _namespace() -> Identity:
    # A container may have the name of its host, and process ids of its own.
    try:
        namespace = os.readlink(_PROC / 'self' / 'ns' / 'pid')
    except OSError:
        namespace = None
    return {'host': socket.gethostname(), 'namespace': namespace}


def _start_time(pid: object) -> Optional[str]:
    try:
        stat = (_PROC / str(pid) / 'stat').read_text()
    except OSError:
        return None
    # Field 22, in ticks since the boot of the machine [proc(5)]. Field 2 is
    # the name of the command in parentheses and may hold any character.
    return stat.rpartition(')')[2].split()[19]
