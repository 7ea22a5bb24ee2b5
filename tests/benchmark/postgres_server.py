"""PostgreSQL for Karbor's database: python -m ... DIRECTORY PORT.

Runs in the sandbox's environment "services" until SIGTERM.
"""

import pathlib
import signal
import sys
import threading

from tests.sandbox.services import postgres
from tests.sandbox.services import postgres_binaries


def main() -> None:
    programs = postgres_binaries.Programs(pathlib.Path(sys.argv[1]))
    server = postgres.Server(programs, programs.home / 'karbor', '127.0.0.1',
                             int(sys.argv[2]))
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        server.create()
        server.start({'max_connections': 200})
        print('ready', flush=True)
        ended.wait()
    finally:
        programs.end()


if __name__ == '__main__':
    main()
