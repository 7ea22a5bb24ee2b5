"""Common parts of the launchers of the services.

A launcher is a module that runs one service. The last argument on its command
line is a file with its settings in JSON. These settings have the same meaning
for all launchers:

"directory"
    the directory for the files of the service
"host", "port"
    the address and the port on which the service listens
"region"
    the region in the service catalog
"keystone_url"
    the URL of Keystone, with /v3
"service_user", "service_password", "service_project"
    the user with whom the service authenticates, the user's password, and the
    user's project
"domain"
    the name of the domain of this user and of this project
"""

import datetime
import importlib
import json
import os
import pathlib
import signal
import sys
from typing import Any


def settings() -> dict[str, Any]:
    """Return the settings in the file that the command line names.

    This function removes the name of the file from sys.argv, because the
    services parse the other arguments.
    """
    read: dict[str, Any] = json.loads(pathlib.Path(sys.argv.pop()).read_text())
    return read


def write_config(path: pathlib.Path, sections: dict[str, Any]) -> str:
    """Write a file of oslo.config or paste, and return its path.

    :param sections: the sections as {name: {option: value}}. If a value is a
        list, the option is repeated.
    """
    lines = []
    for section, options in sections.items():
        lines.append(f'[{section}]')
        for option, value in options.items():
            values = value if isinstance(value, list) else [value]
            lines.extend(f'{option} = {item}' for item in values)
    path.write_text('\n'.join([*lines, '']))
    return str(path)


def set_constants(constants: dict[str, float]) -> None:
    """Change time limits in modules, for which there are no options.

    :param constants: "package.module.NAME" -> seconds. The constant is a
        number or a timedelta, and keeps its type.
    """
    for path, seconds in constants.items():
        module, _, name = path.rpartition('.')
        owner = importlib.import_module(module)
        value: Any = seconds
        if isinstance(getattr(owner, name), datetime.timedelta):
            value = datetime.timedelta(seconds=seconds)
        setattr(owner, name, value)


def end_on_sigterm() -> None:
    """Let SIGTERM end this process at once, and ignore Ctrl-C.

    The process need not clean up, because the sandbox removes the files. If
    the handler raised an exception or set an event, the process would end only
    when the server's loop continues.
    """
    def leave(*_: object) -> None:
        sys.stderr.flush()
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    # Ctrl-C sends SIGINT to all processes of the terminal. Only the process of
    # the sandbox handles this signal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
