# SPDX-License-Identifier: Apache-2.0

"""Identity of the worker process, and whether it may still run."""

import os
import pathlib
import socket
from typing import Dict, Optional, Union

from oslo_config import cfg

_PROC = pathlib.Path('/proc')
#: What current() returns.
Identity = Dict[str, Union[str, int, None]]


def current() -> Identity:
    """Return the identity of this process.

    The identity has the host, the PID namespace, the process id and the start
    time of the process. The process id is unique in its PID namespace only.
    The identity also has the option "host" of karbor.conf, which is the name
    of the service in Karbor's database. A value that cannot be found out is
    None.
    """
    return {**_namespace(), 'pid': os.getpid(),
            'started': _start_time(os.getpid()),
            'service_host': getattr(cfg.CONF, 'host', None)}


def may_be_alive(identity: object) -> bool:
    """Return False if a process is known to have ended.

    Only the end of a process of this host and this PID namespace can be known.
    Such a process has ended if its process id is free, or if another process
    has this id now.

    :param identity: what current() returned in that process. For any other
        value the result is True.
    """
    if not isinstance(identity, dict) or find_other_host(identity):
        return True
    return identity.get('started') == _start_time(identity.get('pid'))


def find_other_host(identity: object) -> Optional[str]:
    """Return the host of a process, if the process runs on another host.

    A process in another PID namespace counts as a process on another host.

    :param identity: what current() returned in that process.
    :returns: the option "host" in the karbor.conf of the process. If the
        identity lacks this option, as with earlier releases, the result is the
        name of the machine. None if the process is of this host and this PID
        namespace, or if the value is not an identity.
    """
    if not isinstance(identity, dict) or all(
            identity.get(key) == value for key, value in _namespace().items()):
        return None
    return str(identity.get('service_host') or identity.get('host'))


def describe(identity: object) -> str:
    """Return a phrase for a process, such as "process 4711 on controller-1".

    :param identity: what current() returned in that process. Any other value
        is described as an unknown process.
    """
    if not isinstance(identity, dict):
        return 'an unknown process'
    return 'process %s on %s' % (identity.get('pid'), identity.get('host'))


def _namespace() -> Identity:
    # A container may have the same name as its host, but process ids of its
    # own. So the name of the host is not enough.
    try:
        namespace = os.readlink(_PROC / 'self' / 'ns' / 'pid')
    except OSError:
        namespace = None
    return {'host': socket.gethostname(), 'namespace': namespace}


def _start_time(pid: object) -> Optional[str]:
    """Return the start time of a process, in ticks since the machine booted.

    None if there is no such process.
    """
    try:
        stat = (_PROC / str(pid) / 'stat').read_text()
    except OSError:
        return None
    # The start time is field 22 [proc(5)]. Field 2 is the name of the command
    # in parentheses, and may hold any character.
    return stat.rpartition(')')[2].split()[19]
