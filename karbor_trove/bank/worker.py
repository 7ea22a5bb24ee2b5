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

"""Which process works on something, and whether it still can."""

import os
import pathlib
import socket
from typing import Any, Dict, Optional

_PROC = pathlib.Path('/proc')


def current() -> Dict[str, Any]:
    """Name this process: where its id holds, its id and when it started."""
    return {**_where(), 'pid': os.getpid(), 'started': _started(os.getpid())}


def may_be_alive(named: Any) -> bool:
    """Tell whether a process may still be at work.

    :param named: what this() gave there; anything else counts as living.
    :returns: False only where it is known to be gone: it was on this machine,
        in the same container or in none, and its id is free or somebody
        else's now.
    """
    if not isinstance(named, dict) or any(
            named.get(key) != value for key, value in _where().items()):
        return True
    return named.get('started') == _started(named.get('pid'))


def _where() -> Dict[str, Any]:
    # A container may have its machine's name and ids of its own.
    try:
        namespace = os.readlink(_PROC / 'self' / 'ns' / 'pid')
    except OSError:
        namespace = None
    return {'host': socket.gethostname(), 'namespace': namespace}


def _started(pid: Any) -> Optional[str]:
    # The 22nd field, in ticks since the machine started [proc(5)]; the 2nd
    # is the command's name in parentheses and may hold anything.
    try:
        told = (_PROC / str(pid) / 'stat').read_text()
    except OSError:
        return None
    return told.rpartition(')')[2].split()[19]
