"""Functions that the launchers of all services use."""

import datetime
import importlib
import json
import os
import pathlib
import signal
import sys
from typing import Any


def settings() -> dict[str, Any]:
    """Return the JSON object in the file that the command line names.

    The file is removed from the command line, since the services parse it.
    """
    read: dict[str, Any] = json.loads(pathlib.Path(sys.argv.pop()).read_text())
    return read


def write_config(path: pathlib.Path, sections: dict[str, Any]) -> str:
    """Write an oslo.config or paste file and return its path.

    :param sections: name -> {option: value}. For a list the option is
        repeated.
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
    """Change times that are no options, for tests.

    :param constants: "package.module.NAME" -> seconds.
    """
    for path, seconds in constants.items():
        module, _, name = path.rpartition('.')
        owner = importlib.import_module(module)
        value: Any = seconds
        if isinstance(getattr(owner, name), datetime.timedelta):
            value = datetime.timedelta(seconds=seconds)
        setattr(owner, name, value)


def end_on_sigterm() -> None:
    """End the process at once on SIGTERM.

    No cleanup is needed, since the sandbox removes the files. A handler that
    raises or sets an event would have to wait for the server's loop.
    """
    def leave(*_: object) -> None:
        sys.stderr.flush()
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    # Ctrl-C reaches all processes of the terminal. Only the sandbox handles
    # it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
