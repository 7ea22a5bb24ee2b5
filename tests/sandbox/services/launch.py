"""What every service's launcher does: read settings, log, end on SIGTERM."""

import datetime
import importlib
import json
import os
import pathlib
import signal
import sys
from typing import Any


def settings() -> dict[str, Any]:
    """The JSON object in the file that the command line names.

    Taken off the command line: the services read theirs from there as well.
    """
    read: dict[str, Any] = json.loads(pathlib.Path(sys.argv.pop()).read_text())
    return read


def write_config(path: pathlib.Path, sections: dict[str, Any]) -> str:
    """Write an oslo.config or paste file; return its path.

    :param sections: name -> {option: value}; a list repeats its option.
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
    """Shorten times that nobody but a test wants to be others.

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
    """Leave at once: nothing that a service here keeps outlives its sandbox.

    A handler that raises or sets an event would wait for the server's loop.
    """
    def leave(*_: object) -> None:
        sys.stderr.flush()
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    # Ctrl-C reaches the whole terminal; only the sandbox acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
