# SPDX-License-Identifier: Apache-2.0

"""Identity of a worker process, and functions that read such an identity.

A worker process is a process that runs operations. The bank holds the identity
of a worker process. So other processes can find out whether the worker process
may still run.
"""

import os
import pathlib
import socket
from typing import Dict, Optional, Union

from oslo_config import cfg

_PROC = pathlib.Path('/proc')
#: What current() returns.
Identity = Dict[str, Union[str, int, None]]


def current() -> Identity:
    """Return the identity of this process, for the bank.

    The identity is a dictionary with these keys:

    * host: the name of this machine.
    * namespace: the PID namespace of this process.
    * pid: the process id, which is unique only in its PID namespace.
    * started: the start time of this process.
    * service_host: the option "host" of karbor.conf. Karbor's database uses
      this option as the name of the service.

    A value that cannot be found out is None.
    """
    return {**_namespace(), 'pid': os.getpid(),
            'started': _start_time(os.getpid()),
            'service_host': getattr(cfg.CONF, 'host', None)}


def may_be_alive(identity: object) -> bool:
    """Return True unless a process is known to have ended.

    If the process is of another host or of another PID namespace, the result
    is True, because this function cannot check the process. Otherwise the
    result is False in two cases: no process has this process id, or the
    process with this id has another start time. If the identity has no start
    time because the machine has no /proc, the result is True.

    :param identity: the value that current() returned in the process. If the
        value is not an identity, the result is True.
    """
    if not isinstance(identity, dict) or find_other_host(identity):
        return True
    return identity.get('started') == _start_time(identity.get('pid'))


def find_other_host(identity: object) -> Optional[str]:
    """Return the host of a process that does not run on this host.

    A process in another PID namespace counts as a process on another host. An
    example is a process in another container on this machine.

    :param identity: the value that current() returned in the process.
    :returns: the option "host" in the karbor.conf of the process. If the
        identity is of an earlier release and lacks this option, the result is
        the name of its machine. The result is None if the process is of this
        host and of this PID namespace, or if the value is not an identity.
    """
    if not isinstance(identity, dict) or all(
            identity.get(key) == value for key, value in _namespace().items()):
        return None
    return str(identity.get('service_host') or identity.get('host'))


def describe(identity: object) -> str:
    """Return a phrase for a process, such as "process 4711 on controller-1".

    :param identity: the value that current() returned in the process. If the
        value is not an identity, the result is "an unknown process".
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

    :param pid: the process id.
    :returns: the number of ticks as text. None if there is no such process.
    """
    try:
        stat = (_PROC / str(pid) / 'stat').read_text()
    except OSError:
        return None
    # The start time is field 22 [proc(5)]. Field 2 is the name of the command
    # in parentheses, and may hold any character.
    return stat.rpartition(')')[2].split()[19]
