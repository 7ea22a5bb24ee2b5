"""Launcher of Keystone: python -m tests.sandbox.services.keystone FILE.

The database is SQLite.

Settings: directory, host, port and region (see launch.py), and admin_password,
the password of the user "admin". Optional: token_seconds, how long a token is
valid (default: one day).
"""

import multiprocessing
import os
import pathlib
from typing import Any

from cryptography import fernet
from keystone.cmd import cli
from keystone.server import wsgi
from werkzeug import serving

from tests.sandbox.services import launch


def _configure(directory: pathlib.Path, url: str, token_seconds: int
               ) -> str:
    """Write keystone.conf and return its path."""
    return launch.write_config(directory / 'keystone.conf', {
        'DEFAULT': {'public_endpoint': url, 'use_stderr': 'true'},
        'database': {'connection': f'sqlite:///{directory}/keystone.sqlite'},
        'fernet_tokens': {'key_repository': directory / 'keys'},
        'fernet_receipts': {'key_repository': directory / 'keys'},
        'credential': {'key_repository': directory / 'keys'},
        # The smallest value for bcrypt, so that hashing is fast. The passwords
        # of a sandbox need no protection.
        'identity': {'password_hash_rounds': 4},
        'token': {'expiration': token_seconds},
        'oslo_messaging_notifications': {'driver': 'noop'},
    })


def _manage(config: str, *command: str) -> None:
    """Run a command of keystone-manage in a forked process.

    In the launcher's process, the command would change global objects of
    Keystone. Then Keystone's WSGI application would not start. A process that
    is not forked would have to import Keystone again, which takes 4 s.

    :raises SystemExit: the command failed.
    """
    child = multiprocessing.get_context('fork').Process(
        target=cli.main,
        args=(['keystone-manage', '--config-file', config, *command], None))
    child.start()
    child.join()
    if child.exitcode:
        raise SystemExit(f'keystone-manage {command[0]} failed')


def main() -> None:
    settings: dict[str, Any] = launch.settings()
    directory = pathlib.Path(settings['directory'])
    directory.mkdir(parents=True, exist_ok=True)
    host, port = settings['host'], settings['port']
    url = f'http://{host}:{port}'
    config = _configure(directory, url,
                        settings.get('token_seconds', 86400))
    keys = directory / 'keys'
    if not keys.exists():
        keys.mkdir(mode=0o700)
        for name in '01':
            (keys / name).write_bytes(fernet.Fernet.generate_key())
        _manage(config, 'db_sync')
        _manage(config, 'bootstrap',
                '--bootstrap-password', settings['admin_password'],
                '--bootstrap-region-id', settings['region'],
                *(f'--bootstrap-{interface}-url={url}/v3'
                  for interface in ('public', 'internal', 'admin')))
    os.environ['OS_KEYSTONE_CONFIG_FILES'] = config
    application = wsgi.initialize_public_application()
    launch.end_on_sigterm()
    serving.run_simple(host, port, application, threaded=True)


if __name__ == '__main__':
    main()
