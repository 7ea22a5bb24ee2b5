"""Launcher of Keystone: python -m tests.sandbox.services.keystone FILE.

It runs on sqlite.

Settings: directory, host, port, region, admin_password. Optional:
token_seconds, how long a token is valid (default: one day).
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
    return launch.write_config(directory / 'keystone.conf', {
        'DEFAULT': {'public_endpoint': url, 'use_stderr': 'true'},
        'database': {'connection': f'sqlite:///{directory}/keystone.sqlite'},
        'fernet_tokens': {'key_repository': directory / 'keys'},
        'fernet_receipts': {'key_repository': directory / 'keys'},
        'credential': {'key_repository': directory / 'keys'},
        # The minimum of bcrypt. The passwords here protect nothing.
        'identity': {'password_hash_rounds': 4},
        'token': {'expiration': token_seconds},
        'oslo_messaging_notifications': {'driver': 'noop'},
    })


def _manage(config: str, *command: str) -> None:
    """Run a keystone-manage command in a fork.

    The commands leave Keystone's registries in a state that the application
    refuses. A fork does not import Keystone again, which takes 4 s.
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
